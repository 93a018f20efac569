/* streams - several constant loads at once, each counted for itself.
 *
 *	streams PORT SECONDS RATE QUERIES [RATE QUERIES]...
 *
 * Asks 127.0.0.1 the queries of each file (t/query_file.h) RATE times a second, whether
 * answers come or not, from a socket of its own; then waits for what is still missing.
 * Prints one line of JSON: for each, how many were sent and answered, and their latency. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <time.h>

#include "shm/clock.h"
#include "t/query_file.h"

enum {
	STREAMS_MAX = 8,
	BATCH = 64,
	IDS = 65536,
	RESPONSE_ROOM = 4096,
	BUCKETS = 100000, /* of 10 us */
	BUCKET_NS = 10000,
	REST_NS = 1000000000,
};

struct stream {
	int fd;
	struct query_file file;
	uint64_t rate, sent, answered;
	uint64_t asked_ns[IDS]; /* by id; 0: answered, or not asked */
	uint32_t latency[BUCKETS + 1];
};

static struct stream streams[STREAMS_MAX];

static void
open_stream(struct stream *stream, uint16_t port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int len = 4 << 20;

	stream->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (stream->fd < 0 ||
	    connect(stream->fd, (struct sockaddr *)&address, sizeof address) != 0)
		query_file_die("socket", "not to be had");
	setsockopt(stream->fd, SOL_SOCKET, SO_RCVBUF, &len, sizeof len);
}

/* Send what is due by now, a batch at most.  returns whether that was a whole one. */
static bool
send_due(struct stream *stream, uint64_t start_ns, uint64_t now_ns)
{
	static uint8_t packets[BATCH][QUERY_ROOM];
	struct mmsghdr messages[BATCH] = { 0 };
	struct iovec spans[BATCH];
	uint64_t due = (now_ns - start_ns) / 1000 * stream->rate / 1000000;
	unsigned count = 0;

	for (; count < BATCH && stream->sent + count < due; count++) {
		uint64_t number = stream->sent + count;
		uint16_t id = (uint16_t)number;

		spans[count].iov_base = packets[count];
		spans[count].iov_len =
			query_file_put(&stream->file, number, packets[count]);
		wire_put_u16(packets[count], id);
		messages[count].msg_hdr.msg_iov = &spans[count];
		messages[count].msg_hdr.msg_iovlen = 1;
		stream->asked_ns[id] = now_ns;
	}
	/* what the kernel does not take is lost, as what the server does not */
	if (count > 0)
		sendmmsg(stream->fd, messages, count, 0);
	stream->sent += count;
	return count == BATCH;
}

static void
take_answers(struct stream *stream, uint64_t now_ns)
{
	uint8_t octets[RESPONSE_ROOM];

	while (recv(stream->fd, octets, sizeof octets, 0) >= 2) {
		uint16_t id = wire_get_u16(octets);
		uint64_t taken = now_ns - stream->asked_ns[id];

		if (stream->asked_ns[id] == 0)
			continue;
		stream->asked_ns[id] = 0;
		stream->answered++;
		taken /= BUCKET_NS;
		stream->latency[taken < BUCKETS ? taken : BUCKETS]++;
	}
}

static void
run(unsigned count, uint64_t seconds)
{
	uint64_t start_ns = clock_now_ns(), end_ns = start_ns + seconds * 1000000000;
	uint64_t now_ns = start_ns;

	for (; now_ns < end_ns + REST_NS; now_ns = clock_now_ns()) {
		bool is_behind = false;

		for (unsigned i = 0; i < count; i++) {
			if (now_ns < end_ns)
				is_behind |= send_due(&streams[i], start_ns, now_ns);
			take_answers(&streams[i], clock_now_ns());
		}
		if (!is_behind)
			nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
	}
}

/* In microseconds. */
static uint64_t
percentile(const struct stream *stream, double share)
{
	uint64_t seen = 0;

	for (unsigned i = 0; i <= BUCKETS; i++) {
		seen += stream->latency[i];
		if ((double)seen >= share * (double)stream->answered)
			return (uint64_t)(i + 1) * BUCKET_NS / 1000;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	unsigned count = (unsigned)(argc - 3) / 2;

	if (argc < 5 || argc % 2 == 0 || count > STREAMS_MAX)
		query_file_die("usage", "streams PORT SECONDS RATE QUERIES...");
	for (unsigned i = 0; i < count; i++) {
		streams[i].rate = strtoull(argv[3 + 2 * i], NULL, 10);
		query_file_load(&streams[i].file, argv[4 + 2 * i]);
		open_stream(&streams[i], (uint16_t)atoi(argv[1]));
	}
	run(count, strtoull(argv[2], NULL, 10));
	printf("[");
	for (unsigned i = 0; i < count; i++)
		printf("%s{\"sent\":%" PRIu64 ",\"answered\":%" PRIu64
		       ",\"p50_us\":%" PRIu64 ",\"p99_us\":%" PRIu64 "}",
		       i ? "," : "", streams[i].sent, streams[i].answered,
		       percentile(&streams[i], 0.5), percentile(&streams[i], 0.99));
	printf("]\n");
	return 0;
}
