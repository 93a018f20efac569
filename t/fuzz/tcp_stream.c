/* A TCP connection in pieces of any size, with a peer that reads when it likes: what
 * comes back is the responses to the messages that were sent, whole, in order and once.
 *
 * The first octet of the input is the limit of queries, 0 for none; then come orders:
 *
 *	0..127		send the next 1..128 octets of the input
 *	128..191	send a message, its length in the next two octets
 *	192..223	let the server work, 1..32 times
 *	224..239	read 1..16 times 4096 octets
 *	240..255	send no more
 *
 * The core is one of our own: it sends each message back, longer when it says so, and
 * does not answer some. */
#include "worker/tcp_stream.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/fuzz/target.h"

enum {
	SENT_MAX = 1 << 20,
	BACK_MAX = 8 << 20,
	SILENCE = 's', /* the octet behind the header */
	DOUBLE = 'd',
	TURNS_MAX = 100000,
};

static struct tcp_workspace workspace;
static struct tcp_stream stream;
static struct stats_block stats;
static struct zone_store empty; /* nothing is looked up in it */
static struct store_keeper keeper = { .store = &empty };
static struct answer_options options;
static struct stage_times times;
static struct stage_clock stage_clock = { .times = &times };
static struct serving serving = {
	.keeper = &keeper, .options = &options, .stats = &stats, .clock = &stage_clock
};
static uint8_t *sent, *wanted, *back;
static size_t sent_len, wanted_len, back_len;
static int peer;
static bool is_open; /* the server has not closed yet */

/* What is sent back for a message of `len` octets; 0 for nothing. */
static size_t
response_len(const uint8_t *message, size_t len)
{
	if (len > QUERY_HEADER_LEN && message[QUERY_HEADER_LEN] == SILENCE)
		return 0;
	if (len > QUERY_HEADER_LEN && message[QUERY_HEADER_LEN] == DOUBLE)
		return len * 2 < QUERY_MESSAGE_MAX ? len * 2 : QUERY_MESSAGE_MAX;
	return len;
}

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *with, struct stats_block *counts)
{
	(void)store;
	(void)with;
	(void)counts;
	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];

		q->response_len = (uint32_t)response_len(q->packet, q->received_len);
		if (q->response_len > q->received_len)
			memset(q->packet + q->received_len, 0x5a,
			       q->response_len - q->received_len);
	}
}

/* The responses that all that was sent must have, as far as the stream is one. */
static void
work_out_wanted(unsigned limit)
{
	size_t at = 0;

	wanted_len = 0;
	for (unsigned answered = 0; !limit || answered < limit; answered++) {
		size_t left = sent_len - at, len = 0, out;

		if (left >= 2)
			len = (size_t)sent[at] << 8 | sent[at + 1];
		if (len < QUERY_HEADER_LEN || left - 2 < len)
			return;
		out = response_len(sent + at + 2, len);
		if (out == 0)
			return;
		wanted[wanted_len++] = (uint8_t)(out >> 8);
		wanted[wanted_len++] = (uint8_t)out;
		memset(wanted + wanted_len, 0x5a, out);
		memcpy(wanted + wanted_len, sent + at + 2, len < out ? len : out);
		wanted_len += out;
		at += 2 + len;
	}
}

static void
peer_send(const uint8_t *octets, size_t len)
{
	ssize_t taken;

	if (len > SENT_MAX - sent_len)
		len = SENT_MAX - sent_len;
	taken = send(peer, octets, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (taken <= 0)
		return;
	memcpy(sent + sent_len, octets, (size_t)taken);
	sent_len += (size_t)taken;
}

static size_t
peer_read(size_t len)
{
	ssize_t got;

	if (len > BACK_MAX - back_len)
		len = BACK_MAX - back_len;
	got = recv(peer, back + back_len, len, MSG_DONTWAIT);
	if (got <= 0)
		return 0;
	back_len += (size_t)got;
	return (size_t)got;
}

static void
turn(unsigned limit)
{
	if (is_open)
		is_open = tcp_stream_turn(&stream, &workspace, limit) != 0;
}

/* returns how much of the input it took. */
static size_t
obey(const uint8_t *data, size_t len, unsigned limit)
{
	static uint8_t message[2 + QUERY_MESSAGE_MAX];
	size_t order = data[0], n = order + 1;

	if (order < 128) {
		n = n < len - 1 ? n : len - 1;
		peer_send(data + 1, n);
		return 1 + n;
	}
	if (order < 192 && len >= 3) {
		memset(message, (int)order, sizeof message);
		memcpy(message, data + 1, 2);
		peer_send(message, 2u + ((unsigned)data[1] << 8 | data[2]));
		return 3;
	}
	for (size_t i = order; order >= 192 && order < 224 && i >= 192; i--)
		turn(limit);
	for (size_t i = order; order >= 224 && order < 240 && i >= 224; i--)
		peer_read(4096);
	if (order >= 240)
		shutdown(peer, SHUT_WR);
	return 1;
}

static void
begin(void)
{
	int pair[2];

	if (!sent) {
		keeper.region = region_create(1);
		sent = malloc(SENT_MAX);
		wanted = malloc(BACK_MAX);
		back = malloc(BACK_MAX);
		tcp_workspace_init(&workspace, &serving);
	}
	if (!keeper.region || !sent || !wanted || !back ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		abort();
	peer = pair[1];
	sent_len = back_len = 0;
	is_open = true;
	tcp_stream_init(&stream, pair[0], QUERY_TCP);
}

/* Let it come to its end; then all that was wanted is there, and nothing else. */
static void
finish(unsigned limit)
{
	unsigned turns = 0;

	shutdown(peer, SHUT_WR);
	while (is_open && turns++ < TURNS_MAX) {
		turn(limit);
		while (peer_read(65536))
			;
	}
	while (peer_read(65536))
		;
	work_out_wanted(limit);
	if (is_open || back_len != wanted_len || memcmp(back, wanted, wanted_len) != 0)
		abort();
	close(stream.fd);
	close(peer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned limit;
	size_t at = 1;

	if (len == 0)
		return 0;
	limit = data[0];
	begin();
	while (at < len)
		at += obey(data + at, len - at, limit);
	finish(limit);
	return 0;
}
