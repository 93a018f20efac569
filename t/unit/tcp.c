/* TCP connections over loopback, driven step by step with a clock of our own, and with a
 * core of our own that answers as the query says. */
#include "worker/tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "t/tap.h"

/* A query: header, then what to do, then (for LONG) the length of the response. */
enum {
	QUERY_LEN = 20,
	FRAME_LEN = 2 + QUERY_LEN,
	REPLY = 'r',
	SILENCE = 's',
	LONG = 'l'
};

static struct tcp_server server;
static struct zone_store empty; /* nothing is looked up in it */
static struct store_keeper keeper = { .store = &empty };
static struct answer_options options;
static struct stage_clock stage_clock;
static struct serving serving = { .keeper = &keeper,
				  .options = &options,
				  .clock = &stage_clock };
static struct region *region;
static int listener;
static struct sockaddr_in listening;
static uint64_t now_ms = 1000000;
static unsigned largest_batch, answered;

static const struct tcp_limits generous = {
	.clients = 1000, .per_client = 1000, .idle_ms = 10000, .queries = 0
};

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *with, struct stats_block *stats)
{
	(void)store;
	(void)with;
	(void)stats;
	answered += count;
	if (count > largest_batch)
		largest_batch = count;
	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];

		if (q->room != QUERY_MESSAGE_MAX || !(q->flags & QUERY_TCP))
			bail_out("a query without room or flag");
		q->response_len = q->received_len;
		q->packet[2] |= 0x80;
		if (q->received_len >= QUERY_LEN && q->packet[12] == SILENCE)
			q->response_len = 0;
		if (q->received_len >= QUERY_LEN && q->packet[12] == LONG) {
			q->response_len = (uint32_t)q->packet[13] << 8 | q->packet[14];
			if (q->response_len < QUERY_LEN)
				q->response_len = QUERY_LEN; /* asked for by rubbish */
			memset(q->packet + QUERY_LEN, q->packet[1],
			       q->response_len - QUERY_LEN);
		}
	}
}

static uint64_t
counted(enum stat_id which)
{
	return atomic_load(&serving.stats->value[which]);
}

static void
setup(const struct tcp_limits *limits)
{
	tcp_fini(&server);
	memset(region->slots, 0, 2 * sizeof region->slots[0]);
	if (tcp_init(&server, &serving, region, 0) != ERR_OK ||
	    tcp_add_listener(&server, listener) != ERR_OK)
		bail_out("no server");
	tcp_set_limits(&server, limits);
	largest_batch = answered = 0;
}

/* Let the server work until it has nothing to do; a little patience for loopback. */
static void
pump(void)
{
	struct pollfd ready = { .fd = server.epoll_fd, .events = POLLIN };
	struct timespec patience = { .tv_nsec = 200000 };

	for (unsigned i = 0; i < 100000 && ppoll(&ready, 1, &patience, NULL) == 1; i++)
		tcp_serve(&server, now_ms);
}

static void
pass(uint64_t ms)
{
	now_ms += ms;
	tcp_sweep(&server, now_ms);
}

static int
client_from(const char *source)
{
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	inet_pton(AF_INET, source, &from.sin_addr);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof from) != 0 ||
	    connect(fd, (struct sockaddr *)&listening, sizeof listening) != 0)
		bail_out("connect: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static int
new_client(void)
{
	int fd = client_from("127.0.0.1");

	pump();
	return fd;
}

static void
put(int fd, const void *octets, size_t len)
{
	if (send(fd, octets, len, MSG_NOSIGNAL) != (ssize_t)len)
		bail_out("send: %s", strerror(errno));
}

static void
make_query(uint8_t frame[FRAME_LEN], unsigned id, char what, unsigned response_len)
{
	memset(frame, 0, FRAME_LEN);
	frame[1] = QUERY_LEN;
	frame[2] = (uint8_t)(id >> 8);
	frame[3] = (uint8_t)id;
	frame[14] = (uint8_t)what;
	frame[15] = (uint8_t)(response_len >> 8);
	frame[16] = (uint8_t)response_len;
}

static void
ask(int fd, unsigned id, char what, unsigned response_len)
{
	uint8_t frame[FRAME_LEN];

	make_query(frame, id, what, response_len);
	put(fd, frame, sizeof frame);
}

/* Read exactly `len` octets while the server works.
 * returns those that came before the end or before nothing moves any more. */
static size_t
get(int fd, uint8_t *out, size_t len)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	size_t have = 0;

	while (have < len) {
		ssize_t n = recv(fd, out + have, len - have, MSG_DONTWAIT);

		if (n > 0) {
			have += (size_t)n;
			continue;
		}
		if (n == 0 || errno != EAGAIN)
			break;
		pump();
		if (poll(&ready, 1, 20) == 0)
			break;
	}
	return have;
}

/* The next response's length; 0 when none comes.  Checks its contents against *id. */
static size_t
response(int fd, unsigned *id)
{
	static uint8_t message[QUERY_MESSAGE_MAX];
	uint8_t prefix[2];
	size_t len;

	if (get(fd, prefix, 2) != 2)
		return 0;
	len = (size_t)prefix[0] << 8 | prefix[1];
	if (get(fd, message, len) != len)
		return 0;
	*id = (unsigned)message[0] << 8 | message[1];
	for (size_t i = QUERY_LEN; i < len; i++)
		if (message[i] != (uint8_t)*id)
			bail_out("response %u is mangled at %zu", *id, i);
	return len;
}

/* How many responses come, numbered from `first` on; stops at any other. */
static unsigned
responses(int fd, unsigned first, unsigned most)
{
	unsigned id, count = 0;

	while (count < most && response(fd, &id) != 0 && id == first + count)
		count++;
	return count;
}

enum end { END_NONE, END_CLOSED, END_RESET };

static enum end
end_of(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	uint8_t octet;
	ssize_t n;

	pump();
	if (poll(&ready, 1, 20) == 0)
		return END_NONE;
	n = recv(fd, &octet, 1, MSG_DONTWAIT);
	if (n == 0)
		return END_CLOSED;
	return n < 0 && errno != EAGAIN ? END_RESET : END_NONE;
}

static void
test_pipelining(void)
{
	uint8_t frames[100 * FRAME_LEN];
	int fd;

	setup(&generous);
	fd = new_client();
	for (unsigned i = 0; i < 100; i++)
		make_query(frames + i * FRAME_LEN, i, REPLY, 0);
	put(fd, frames, sizeof frames);
	is_int(responses(fd, 0, 100), 100,
	       "100 queries in one segment: 100 responses in order");
	is_int(largest_batch, ANSWER_BATCH, "answered in batches");
	is_int(answered, 100, "each once");
	is_int(counted(STAT_tcp_queries), 100, "tcp_queries");
	is_int(counted(STAT_tcp_responses), 100, "tcp_responses");
	is_int(counted(STAT_tcp_accepted), 1, "tcp_accepted");
	is_int(counted(STAT_tcp_open), 1, "tcp_open");
	is_int(counted(STAT_ipv6_queries), 0, "ipv6_queries");
	close(fd);
	pump();
	is_int(counted(STAT_tcp_open), 0, "closed with the peer");
	is_int(counted(STAT_tcp_closed_broken), 0, "which is nothing broken");
}

static void
test_splits(void)
{
	uint8_t frames[3 * FRAME_LEN];
	unsigned good = 0;
	int fd;

	setup(&generous);
	fd = new_client();
	for (unsigned i = 0; i < 3; i++)
		make_query(frames + i * FRAME_LEN, i, REPLY, 0);
	for (size_t i = 0; i < sizeof frames; i++) {
		put(fd, frames + i, 1);
		pump();
	}
	is_int(responses(fd, 0, 3), 3, "three queries, octet by octet");
	for (size_t at = 1; at < sizeof frames; at++) {
		put(fd, frames, at);
		pump();
		put(fd, frames + at, sizeof frames - at);
		good += responses(fd, 0, 3) == 3;
	}
	is_int(good, sizeof frames - 1, "split in two at every place, lengths too");
	close(fd);
}

static void
test_largest(void)
{
	static uint8_t frame[TCP_FRAME_MAX];
	unsigned id = 0;
	int fd;

	setup(&generous);
	fd = new_client();
	memset(frame, 0, sizeof frame);
	frame[0] = frame[1] = 0xff;
	for (unsigned round = 0; round < 3; round++) {
		size_t done = 0;

		while (done < sizeof frame) {
			ssize_t n =
				send(fd, frame + done, sizeof frame - done, MSG_NOSIGNAL);

			if (n > 0)
				done += (size_t)n;
			pump();
		}
		is_int(response(fd, &id), QUERY_MESSAGE_MAX, "a query of 65,535 octets");
	}
	ask(fd, 5, LONG, QUERY_MESSAGE_MAX);
	is_int(response(fd, &id), QUERY_MESSAGE_MAX, "a response of 65,535 octets");
	ask(fd, 6, REPLY, 0);
	is_int(response(fd, &id), QUERY_LEN, "a small one after it");
	close(fd);
}

static void
test_broken(void)
{
	static const uint8_t bad[][4] = { { 0, 0, 0, 0 },
					  { 0, 11, 1, 1 },
					  { 0, 1, 0, 0 } };
	int fd;

	setup(&generous);
	for (unsigned i = 0; i < 3; i++) {
		fd = new_client();
		ask(fd, 0, REPLY, 0);
		ask(fd, 1, LONG, 60000);
		put(fd, bad[i], sizeof bad[i]);
		ask(fd, 2, REPLY, 0);
		is_int(responses(fd, 0, 3), 2, "length %u: what came before is answered",
		       bad[i][1]);
		is_int(end_of(fd), END_CLOSED,
		       "then the connection is closed, not reset");
		close(fd);
		pump();
	}
	is_int(counted(STAT_tcp_closed_broken), 3, "tcp_closed_broken");
	fd = new_client();
	ask(fd, 0, REPLY, 0);
	ask(fd, 1, SILENCE, 0);
	ask(fd, 2, REPLY, 0);
	is_int(responses(fd, 0, 3), 1, "the core drops the second of three");
	is_int(end_of(fd), END_CLOSED, "no response, no further query");
	is_int(counted(STAT_tcp_closed_broken), 4, "tcp_closed_broken");
	is_int(counted(STAT_tcp_queries), 3 * 2 + 2, "tcp_queries: what was looked at");
	close(fd);
	pump();
	fd = new_client();
	put(fd, "\0\24half", 6);
	pump();
	close(fd);
	pump();
	is_int(counted(STAT_tcp_closed_broken), 5,
	       "an end within a message is broken too");
	is_int(counted(STAT_tcp_open), 0, "all are gone");
}

static void
test_half_close(void)
{
	int fd;

	setup(&generous);
	fd = new_client();
	for (unsigned i = 0; i < 100; i++)
		ask(fd, i, LONG, 20000);
	shutdown(fd, SHUT_WR);
	is_int(responses(fd, 0, 100), 100,
	       "a half-closed peer gets its outstanding answers");
	is_int(end_of(fd), END_CLOSED, "and then the end");
	is_int(counted(STAT_tcp_open), 0, "nothing is left");
	is_int(counted(STAT_tcp_closed_broken), 0, "nothing was broken");
	close(fd);
}

static void
test_reset(void)
{
	struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	setup(&generous);
	for (unsigned i = 0; i < 20; i++) {
		int fd = new_client();

		for (unsigned k = 0; k < i * 5; k++)
			ask(fd, k, i % 2 ? LONG : REPLY, 60000);
		if (i % 3 == 0)
			pump();
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
		close(fd);
		pump();
	}
	is_int(counted(STAT_tcp_open), 0, "20 resets in all phases leave nothing open");
}

/* Who asks and does not read is not read from, and costs a bounded amount of memory. */
static void
test_never_reading(void)
{
	unsigned sent = 0, before;
	uint8_t frame[FRAME_LEN];
	int fd;

	setup(&generous);
	fd = new_client();
	for (; sent < 200000; sent++) {
		make_query(frame, sent % 65536, LONG, 65535);
		if (send(fd, frame, sizeof frame, MSG_NOSIGNAL) != sizeof frame)
			break;
		if (sent % 64 == 0)
			pump();
	}
	ok(sent < 200000, "after %u queries without reading the peer is blocked", sent);
	is_int(counted(STAT_tcp_open), 1, "the connection stands");
	before = answered;
	ok(answered < counted(STAT_tcp_responses) + 2 * ANSWER_BATCH,
	   "%u answered, %u responses taken or kept", answered,
	   (unsigned)counted(STAT_tcp_responses));
	pump();
	is_int(answered, before, "and it costs no time");
	is_int(responses(fd, 0, 500), 500, "once it reads it gets all, in order");
	ok(answered < counted(STAT_tcp_responses) * 2 + 2 * ANSWER_BATCH,
	   "%u answered for %u responses", answered,
	   (unsigned)counted(STAT_tcp_responses));
	pass(9999);
	is_int(counted(STAT_tcp_open), 1, "not closed within the idle time");
	pass(1);
	is_int(counted(STAT_tcp_open), 0, "closed by the idle time");
	is_int(counted(STAT_tcp_closed_idle), 1, "tcp_closed_idle");
	close(fd);
}

static void
test_idle(void)
{
	uint8_t frame[FRAME_LEN];
	int quiet, busy, slow;
	unsigned id;

	setup(&generous);
	quiet = new_client();
	busy = new_client();
	slow = new_client();
	make_query(frame, 7, REPLY, 0);
	is_int(tcp_timeout_ms(&server, now_ms, 500), 500, "nothing is due soon");
	for (unsigned i = 0; i < 9; i++) {
		pass(1000);
		put(slow, frame + i, 1);
		ask(busy, i, REPLY, 0);
		if (response(busy, &id) == 0)
			bail_out("no response");
		pump();
	}
	is_int(counted(STAT_tcp_open), 3, "after 9 s of 10 all are open");
	pass(800);
	is_int(tcp_timeout_ms(&server, now_ms, 500), 200,
	       "the next one is due in 200 ms");
	pass(200);
	is_int(end_of(quiet), END_CLOSED, "who says nothing is closed after 10 s");
	ok(end_of(slow) != END_NONE, "and who dribbles octets");
	is_int(end_of(busy), END_NONE, "but not who asks");
	is_int(counted(STAT_tcp_closed_idle), 2, "tcp_closed_idle");
	pass(9000);
	is_int(counted(STAT_tcp_open), 0, "later that one too");
	close(quiet);
	close(busy);
	close(slow);
}

static void
test_slow_reader(void)
{
	static uint8_t octets[50000];
	int fd;

	setup(&generous);
	fd = new_client();
	for (unsigned i = 0; i < 200; i++)
		ask(fd, i, LONG, 65535);
	pump();
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 10; k++)
			get(fd, octets, sizeof octets);
		pump();
		pass(9000);
	}
	is_int(counted(STAT_tcp_open), 1, "who reads slowly, but reads, is kept");
	close(fd);
}

static void
test_clients(void)
{
	struct tcp_limits limits = generous;
	int fds[12];
	unsigned id;

	limits.clients = 10;
	setup(&limits);
	for (unsigned i = 0; i < 10; i++) {
		fds[i] = new_client();
		now_ms++;
	}
	is_int(counted(STAT_tcp_open), 10,
	       "tcp.clients is 10: one worker may have them all");
	ask(fds[0], 1, REPLY, 0);
	ok(response(fds[0], &id) != 0, "the first one asks");
	fds[10] = new_client();
	is_int(counted(STAT_tcp_open), 10, "one more: still 10");
	ok(end_of(fds[1]) != END_NONE, "the longest idle went");
	is_int(end_of(fds[0]), END_NONE, "not the oldest");
	is_int(counted(STAT_tcp_closed_full), 1, "tcp_closed_full");
	stats_set(&region->slots[1].stats, STAT_tcp_open, 4);
	pass(0);
	is_int(counted(STAT_tcp_open), 6, "the other worker has 4: this one keeps 6");
	stats_set(&region->slots[1].stats, STAT_tcp_open, 9);
	pass(0);
	is_int(counted(STAT_tcp_open), 5, "the other has 9: this one keeps its share, 5");
	fds[11] = new_client();
	is_int(counted(STAT_tcp_open), 5, "and exchanges an old one for a new one");
	is_int(end_of(fds[11]), END_NONE, "the new one stays");
	limits.clients = 3;
	tcp_set_limits(&server, &limits);
	pass(0);
	is_int(counted(STAT_tcp_open), 2, "a smaller limit takes effect at once");
	for (unsigned i = 0; i < 12; i++)
		close(fds[i]);
	pump();
	is_int(counted(STAT_tcp_open), 0, "all closed");
	ok(server.pool.spare_count <= limits.clients, "%u spare ones are kept",
	   server.pool.spare_count);
}

static void
test_per_client(void)
{
	struct tcp_limits limits = generous;
	int fds[6];

	limits.per_client = 3;
	setup(&limits);
	for (unsigned i = 0; i < 3; i++)
		fds[i] = new_client();
	fds[3] = new_client();
	is_int(counted(STAT_tcp_open), 3, "tcp.per_client is 3");
	ok(end_of(fds[3]) != END_NONE, "the fourth one is closed");
	is_int(counted(STAT_tcp_refused_client), 1, "tcp_refused_client");
	is_int(counted(STAT_tcp_accepted), 3, "tcp_accepted");
	fds[4] = client_from("127.0.0.2");
	pump();
	is_int(end_of(fds[4]), END_NONE, "another client is let in");
	close(fds[0]);
	pump();
	fds[5] = new_client();
	is_int(end_of(fds[5]), END_NONE, "and the first one again after closing one");
	for (unsigned i = 1; i < 6; i++)
		close(fds[i]);
	pump();
	for (unsigned row = 0; row < CLIENT_COUNT_ROWS; row++)
		for (unsigned i = 0; i < CLIENT_COUNT_CELLS; i++)
			if (atomic_load(&region->slots[0].clients.row[row][i]) != 0)
				bail_out("a client's count is left over");
}

static void
test_queries(void)
{
	struct tcp_limits limits = generous;
	int fd;

	limits.queries = 5;
	setup(&limits);
	fd = new_client();
	for (unsigned i = 0; i < 20; i++)
		ask(fd, i, LONG, 30000);
	is_int(responses(fd, 0, 20), 5, "tcp.queries is 5: five are answered");
	is_int(end_of(fd), END_CLOSED, "then it is closed, not reset");
	is_int(counted(STAT_tcp_closed_queries), 1, "tcp_closed_queries");
	is_int(counted(STAT_tcp_open), 1, "open until the peer closes");
	close(fd);
	pump();
	is_int(counted(STAT_tcp_open), 0, "then gone");
	fd = new_client();
	ask(fd, 0, REPLY, 0);
	ask(fd, 1, REPLY, 0);
	is_int(responses(fd, 0, 2), 2, "two queries");
	limits.queries = 1;
	tcp_set_limits(&server, &limits);
	ask(fd, 2, REPLY, 0);
	is_int(end_of(fd), END_CLOSED, "a lower limit ends it");
	pass(10000);
	is_int(counted(STAT_tcp_open), 0, "also when the peer does not close");
	is_int(counted(STAT_tcp_closed_idle), 0, "which is not counted twice");
	close(fd);
}

static void
test_drain(void)
{
	int quiet, half, waiting, late;

	setup(&generous);
	quiet = new_client();
	half = new_client();
	waiting = new_client();
	put(half, "\0", 1);
	for (unsigned i = 0; i < 20; i++)
		ask(waiting, i, LONG, 65535);
	pump();
	tcp_drain(&server, now_ms);
	late = client_from("127.0.0.1");
	pump();
	is_int(counted(STAT_tcp_accepted), 3, "nothing is accepted while draining");
	ask(quiet, 1, REPLY, 0);
	is_int(responses(quiet, 1, 1), 1, "a query on its way is answered");
	pass(499);
	is_int(counted(STAT_tcp_open), 3, "for half a second");
	pass(1);
	is_int(end_of(quiet), END_CLOSED, "then who has nothing under way is closed");
	is_int(counted(STAT_tcp_open), 2, "and nobody else");
	is_int(responses(waiting, 0, 20), 20, "waiting responses can still be read");
	pass(1000);
	is_int(counted(STAT_tcp_open), 1, "then that one is done too");
	ok(!tcp_is_drained(&server), "not drained yet");
	pass(3499);
	ok(!tcp_is_drained(&server), "half a query is waited for");
	pass(1);
	ok(tcp_is_drained(&server), "for 5 s");
	close(quiet);
	close(half);
	close(waiting);
	close(late);
}

static void
test_no_descriptors(void)
{
	struct rlimit was, low;
	int first, second, third;

	setup(&generous);
	first = new_client();
	second = client_from("127.0.0.1");
	third = client_from("127.0.0.1");
	getrlimit(RLIMIT_NOFILE, &was);
	low = was;
	low.rlim_cur = (rlim_t)third + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	pump();
	ok(end_of(first) != END_NONE,
	   "no descriptor for a second one: the longest idle goes");
	is_int(counted(STAT_tcp_open), 1, "one is open");
	setrlimit(RLIMIT_NOFILE, &was);
	pump();
	close(first);
	close(second);
	close(third);
	pump();
	is_int(counted(STAT_tcp_open), 0, "all are closed");
	first = client_from("127.0.0.1");
	low.rlim_cur = (rlim_t)first + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	pump();
	is_int(server.resume_ms != 0, 1, "none at all: accepting pauses");
	setrlimit(RLIMIT_NOFILE, &was);
	pass(100);
	second = new_client();
	/* valgrind accepts and closes the first one where the kernel leaves it waiting */
	ok(counted(STAT_tcp_open) >= 1, "and goes on");
	close(first);
	close(second);
	pump();
}

static void
test_inherited(void)
{
	int fd, on = 0, size = 0;
	socklen_t len = sizeof on;

	setup(&generous);
	fd = new_client();
	ok(getsockopt(server.newest->fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0 && on,
	   "accepted sockets have TCP_NODELAY");
	len = sizeof size;
	ok(getsockopt(server.newest->fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0 &&
		   size <= 256 * 1024,
	   "and a send buffer of %d octets", size);
	close(fd);
	pump();
}

/* Many short connections, and the memory that they leave behind. */
static void
test_connects(void)
{
	unsigned good = 0;
	int fd, lowest = dup(0);

	close(lowest);
	setup(&generous);
	for (unsigned i = 0; i < 2000; i++) {
		fd = client_from("127.0.0.1");
		if (i % 4 != 0) {
			ask(fd, i, REPLY, 0);
			tcp_serve(&server, now_ms);
			tcp_serve(&server, now_ms);
		}
		if (i % 4 != 1)
			shutdown(fd, SHUT_WR);
		if (i % 4 != 0)
			good += responses(fd, i, 1);
		close(fd);
	}
	pump();
	is_int(good, 1500, "1500 of 2000 connections ask one query");
	is_int(counted(STAT_tcp_open), 0, "none stays open");
	is_int(counted(STAT_tcp_accepted), 2000, "all were accepted");
	ok(server.pool.spare_count < 200, "%u streams were needed",
	   server.pool.spare_count);
	fd = dup(0);
	ok(fd <= lowest + 2, "no descriptor is lost");
	close(fd);
}

/* Streams of random octets, with some queries among them: whatever they mean, they end,
 * and nothing is left of them. */
static void
test_rubbish(unsigned seed)
{
	static uint8_t octets[100000];
	unsigned alive = 0;

	srand(seed);
	setup(&generous);
	for (unsigned round = 0; round < 200; round++) {
		int fd = new_client();
		size_t len = (size_t)rand() % (round % 2 ? 200 : sizeof octets);

		for (size_t i = 0; i < len; i++)
			octets[i] = (uint8_t)(rand() % 8 ? rand() : 0);
		if (rand() % 2)
			ask(fd, 1, REPLY, 0);
		for (size_t at = 0; at < len;) {
			size_t part = 1 + (size_t)rand() % (len - at);
			ssize_t n = send(fd, octets + at, part, MSG_NOSIGNAL);

			at += n > 0 ? (size_t)n : part;
			pump();
		}
		shutdown(fd, SHUT_WR);
		while (get(fd, octets, sizeof octets) == sizeof octets)
			;
		pump();
		alive += counted(STAT_tcp_open) != 0;
		close(fd);
		pump();
	}
	is_int(alive, 0, "200 streams of rubbish (seed %u) have ended", seed);
}

/* Random traffic: any splits, any sizes, any order of reading and writing. */
static void
test_storm(unsigned seed)
{
	enum { CLIENTS = 8, QUERIES = 400 };
	static uint8_t frames[CLIENTS][QUERIES * FRAME_LEN];
	size_t written[CLIENTS] = { 0 };
	unsigned read_ids[CLIENTS] = { 0 }, done = 0, wrong = 0;
	int fds[CLIENTS];

	srand(seed);
	setup(&generous);
	for (unsigned c = 0; c < CLIENTS; c++) {
		fds[c] = new_client();
		for (unsigned i = 0; i < QUERIES; i++) {
			unsigned len =
				QUERY_LEN + (unsigned)rand() % (rand() % 4 ? 300 : 60000);

			make_query(frames[c] + i * FRAME_LEN, i,
				   rand() % 2 ? LONG : REPLY, len);
		}
	}
	while (done < CLIENTS) {
		unsigned c = (unsigned)rand() % CLIENTS, id;
		size_t left = sizeof frames[c] - written[c];
		size_t len = left ? 1 + (size_t)rand() % (rand() % 3 ? 50 : left) : 0;
		ssize_t n = send(fds[c], frames[c] + written[c], len < left ? len : left,
				 MSG_NOSIGNAL);

		written[c] += n > 0 ? (size_t)n : 0;
		tcp_serve(&server, now_ms);
		if (rand() % 3 || read_ids[c] * FRAME_LEN + FRAME_LEN > written[c])
			continue;
		if (response(fds[c], &id) == 0 || id != read_ids[c]) {
			wrong++;
			break;
		}
		done += ++read_ids[c] == QUERIES;
	}
	is_int(wrong, 0, "random traffic of %u queries (seed %u) is answered in order",
	       CLIENTS * QUERIES, seed);
	for (unsigned c = 0; c < CLIENTS; c++)
		close(fds[c]);
	pump();
	is_int(counted(STAT_tcp_queries), CLIENTS * QUERIES, "and counted");
}

int
main(void)
{
	size_t size = sizeof *region + 2 * sizeof region->slots[0];
	socklen_t len = sizeof listening;

	region = aligned_alloc(128, (size + 127) / 128 * 128);
	if (!region)
		bail_out("no memory");
	memset(region, 0, size);
	region->worker_count = 2;
	keeper.region = region;
	keeper.slot = &region->slots[0];
	serving.stats = &region->slots[0].stats;
	stage_clock_init(&stage_clock, &region->slots[0].times);
	listening.sin_family = AF_INET;
	listening.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&listening, len) != 0 ||
	    listen(listener, 1000) != 0 ||
	    getsockname(listener, (struct sockaddr *)&listening, &len) != 0 ||
	    tcp_init(&server, &serving, region, 0) != ERR_OK)
		bail_out("no listening socket: %s", strerror(errno));

	test_pipelining();
	test_splits();
	test_largest();
	test_broken();
	test_half_close();
	test_reset();
	test_never_reading();
	test_idle();
	test_slow_reader();
	test_clients();
	test_per_client();
	test_queries();
	test_drain();
	test_no_descriptors();
	test_inherited();
	test_connects();
	test_rubbish(1);
	test_rubbish(22331); /* asks for answers shorter than its queries */
	test_rubbish((unsigned)getpid());
	test_storm(1);
	test_storm((unsigned)getpid());
	tcp_fini(&server);
	close(listener);
	free(region);
	return done_testing();
}
