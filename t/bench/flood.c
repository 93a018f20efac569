/* flood - as many queries as a server answers.
 *
 *	flood PORT QUERIES SECONDS [SOCKETS [WINDOW]]
 *
 * Asks 127.0.0.1 the queries of a file (t/query_file.h), in a closed loop: WINDOW (48)
 * unanswered ones on each of SOCKETS (4) sockets, whose ports differ so that a server's
 * sockets share them.  A query without an answer for 500 ms is lost.  Spins on one CPU;
 * prints one line of JSON. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "shm/clock.h"
#include "t/query_file.h"

enum {
	SOCKETS_MAX = 64,
	WINDOW_MAX = 4096,
	BATCH = 64,
	RESPONSE_ROOM = 4096,
	IDS = 65536,
	LOST_NS = 500000000,
	BUCKETS = 100000, /* of 1 us */
};

struct flood_socket {
	int fd;
	unsigned waiting;
	uint16_t next_id, oldest_id;
	uint64_t asked_ns[IDS]; /* by id; 0: answered, or not asked */
};

static struct flood_socket sockets[SOCKETS_MAX];
static struct query_file file;
static uint64_t next_query, sent, answered, lost, wrong;
static uint64_t rcodes[16], with_answer, octets;
static uint32_t latency[BUCKETS + 1];

static uint8_t out[BATCH][QUERY_ROOM], in[BATCH][RESPONSE_ROOM];
static struct iovec out_parts[BATCH], in_parts[BATCH];
static struct mmsghdr out_messages[BATCH], in_messages[BATCH];

static void
prepare_messages(void)
{
	for (unsigned i = 0; i < BATCH; i++) {
		out_parts[i].iov_base = out[i];
		in_parts[i] = (struct iovec){ in[i], RESPONSE_ROOM };
		out_messages[i].msg_hdr.msg_iov = &out_parts[i];
		in_messages[i].msg_hdr.msg_iov = &in_parts[i];
		out_messages[i].msg_hdr.msg_iovlen = in_messages[i].msg_hdr.msg_iovlen =
			1;
	}
}

static void
open_sockets(unsigned count, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int size = 4 << 20;

	for (unsigned i = 0; i < count; i++) {
		sockets[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (sockets[i].fd < 0 ||
		    connect(sockets[i].fd, (const struct sockaddr *)&address,
			    sizeof address) != 0)
			query_file_die("flood", "no socket");
		setsockopt(sockets[i].fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
}

static void
take_response(struct flood_socket *at, const uint8_t *message, unsigned len,
	      uint64_t now_ns)
{
	uint16_t id = len >= 12 ? wire_get_u16(message) : 0;
	uint64_t us;

	if (len < 12 || !(message[2] & 0x80) || at->asked_ns[id] == 0) {
		wrong++;
		return;
	}
	us = (now_ns - at->asked_ns[id]) / 1000;
	at->asked_ns[id] = 0;
	at->waiting--;
	answered++;
	octets += len;
	rcodes[message[3] & 15]++;
	with_answer += wire_get_u16(message + 6) > 0;
	latency[us < BUCKETS ? us : BUCKETS]++;
}

static void
receive(struct flood_socket *at)
{
	int count = recvmmsg(at->fd, in_messages, BATCH, MSG_DONTWAIT, NULL);
	uint64_t now_ns = count > 0 ? clock_now_ns() : 0;

	for (int i = 0; i < count; i++)
		take_response(at, in[i], in_messages[i].msg_len, now_ns);
}

/* Ids are used in turn, so the oldest query is the first without an answer; it must not
 * be met again. */
static void
give_up_lost(struct flood_socket *at, uint64_t now_ns)
{
	while (at->oldest_id != at->next_id) {
		uint64_t asked_ns = at->asked_ns[at->oldest_id];
		bool is_late = now_ns - asked_ns >= LOST_NS ||
			       (uint16_t)(at->next_id - at->oldest_id) > IDS / 2;

		if (asked_ns != 0 && !is_late)
			return;
		if (asked_ns != 0) {
			at->asked_ns[at->oldest_id] = 0;
			at->waiting--;
			lost++;
		}
		at->oldest_id++;
	}
}

static void
ask(struct flood_socket *at, unsigned window, uint64_t now_ns)
{
	unsigned count = window - at->waiting < BATCH ? window - at->waiting : BATCH;
	int done;

	for (unsigned i = 0; i < count; i++) {
		out_parts[i].iov_len = query_file_put(&file, next_query + i, out[i]);
		wire_put_u16(out[i], (uint16_t)(at->next_id + i));
	}
	done = count > 0 ? sendmmsg(at->fd, out_messages, count, 0) : 0;
	for (int i = 0; i < done; i++)
		at->asked_ns[at->next_id++] = now_ns;
	if (done > 0) {
		at->waiting += (unsigned)done;
		sent += (unsigned)done;
		next_query += (unsigned)done;
	}
}

static uint64_t
run(unsigned socket_count, unsigned window, double seconds)
{
	uint64_t start_ns = clock_now_ns(), now_ns = start_ns;
	uint64_t end_ns = start_ns + (uint64_t)(seconds * 1e9);

	while (now_ns < end_ns) {
		for (unsigned i = 0; i < socket_count; i++) {
			receive(&sockets[i]);
			ask(&sockets[i], window, now_ns);
			give_up_lost(&sockets[i], now_ns);
		}
		now_ns = clock_now_ns();
	}
	return now_ns - start_ns;
}

/* The time within which `share` of the answers came, in us. */
static unsigned
percentile(double share)
{
	uint64_t seen = 0;
	unsigned us = 0;

	while (us < BUCKETS && (double)(seen += latency[us]) < share * (double)answered)
		us++;
	return us;
}

int
main(int argc, char **argv)
{
	unsigned socket_count = argc > 4 ? (unsigned)atoi(argv[4]) : 4;
	unsigned window = argc > 5 ? (unsigned)atoi(argv[5]) : 48;
	uint64_t spent_ns;

	if (argc < 4 || socket_count < 1 || socket_count > SOCKETS_MAX || window < 1 ||
	    window > WINDOW_MAX)
		query_file_die("usage", "flood PORT QUERIES SECONDS [SOCKETS [WINDOW]]");
	query_file_load(&file, argv[2]);
	file.random_state ^= clock_now_ns() | 1;
	prepare_messages();
	open_sockets(socket_count, (uint16_t)atoi(argv[1]));
	spent_ns = run(socket_count, window, atof(argv[3]));
	printf("{\"seconds\":%.6f,\"sent\":%llu,\"answered\":%llu,\"lost\":%llu,"
	       "\"wrong\":%llu,"
	       "\"with_answer\":%llu,\"noerror\":%llu,\"nxdomain\":%llu,\"octets\":%llu,"
	       "\"p50_us\":%u,\"p99_us\":%u}\n",
	       (double)spent_ns / 1e9, (unsigned long long)sent,
	       (unsigned long long)answered, (unsigned long long)lost,
	       (unsigned long long)wrong, (unsigned long long)with_answer,
	       (unsigned long long)rcodes[0], (unsigned long long)rcodes[3],
	       (unsigned long long)octets, percentile(0.5), percentile(0.99));
	return 0;
}
