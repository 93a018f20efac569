/* steady - a constant load that checks every answer.
 *
 *	steady PORT RATE SECONDS [SOCKETS]
 *
 * Asks 127.0.0.1 RATE times a second, whether answers come or not, until SECONDS are
 * over or SIGTERM comes; then waits for what is still missing.  Prints one line of JSON.
 *
 * It knows the zones steady.test and other.test as t/lib/SteadyZone.pm writes them: every
 * record of a state of the data carries that state's number, in different names, types
 * and zones.  An answer whose records do not agree is wrong: it was made from two states. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/wire.h"
#include "t/message_check.h"

enum {
	SOCKETS_MAX = 256,
	IDS = 65536,
	QUERY_MAX = 300,
	TICK_US = 1000,
	LOST_AFTER_MS = 3000,
	SHOWN_MAX = 5, /* wrong answers that are described */
	LATENCY_BUCKETS = 4000, /* of 100 us */
};

enum record_type {
	TYPE_A = 1,
	TYPE_CNAME = 5,
	TYPE_SOA = 6,
	TYPE_MX = 15,
	TYPE_TXT = 16
};

/* What is asked for, in turn, and what the answer must look like. */
static const struct shape {
	const char *name;
	uint16_t type;
	uint8_t rcode, answers, authority, additional;
} shapes[] = {
	{ "gen.steady.test", TYPE_TXT, 0, 4, 0, 0 },
	{ "mx.steady.test", TYPE_MX, 0, 1, 0, 1 },
	{ "alias.steady.test", TYPE_A, 0, 2, 0, 0 },
	{ "cross.steady.test", TYPE_A, 0, 2, 0, 0 },
	{ "nowhere.steady.test", TYPE_A, 3, 0, 1, 0 },
	{ "x.wild.steady.test", TYPE_TXT, 0, 1, 0, 0 },
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

struct pending {
	uint64_t sent_ns;
	uint8_t shape;
	bool waits;
};

struct asker {
	int fd;
	uint32_t asked;
	struct pending *pending; /* IDS, by ID */
};

static struct asker askers[SOCKETS_MAX];
static unsigned asker_count = 32;
static uint8_t templates[SHAPES][QUERY_MAX];
static unsigned template_len[SHAPES];
static uint64_t sent, answered, wrong, lost, late, states_seen;
static uint32_t state_min = UINT32_MAX, state_max;
static uint64_t latency[LATENCY_BUCKETS], latency_max_ns;
static volatile sig_atomic_t stopping;

static void
die(const char *what)
{
	perror(what);
	exit(1);
}

/* ---- questions ---- */

static void
make_templates(void)
{
	static const uint8_t header[12] = { [5] = 1, [11] = 1 };
	static const uint8_t opt[11] = { 0, 0, 41, 1232 >> 8, 1232 & 255 };

	for (unsigned i = 0; i < SHAPES; i++) {
		uint8_t *at = templates[i];
		size_t len = dname_from_text(shapes[i].name, at + 12);

		memcpy(at, header, sizeof header);
		wire_put_u16(at + 12 + len, shapes[i].type);
		wire_put_u16(at + 14 + len, 1);
		memcpy(at + 16 + len, opt, sizeof opt);
		template_len[i] = 16 + (unsigned)len + (unsigned)sizeof opt;
	}
}

static void
open_askers(uint16_t port)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int room = 4 << 20;

	for (unsigned i = 0; i < asker_count; i++) {
		struct asker *asker = &askers[i];

		asker->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		asker->pending = calloc(IDS, sizeof *asker->pending);
		if (asker->fd < 0 || !asker->pending)
			die("socket");
		(void)setsockopt(asker->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
		if (connect(asker->fd, (struct sockaddr *)&to, sizeof to) != 0)
			die("connect");
	}
}

static void
ask(struct asker *asker, uint64_t now_ns)
{
	uint16_t id = (uint16_t)asker->asked++;
	unsigned shape = (unsigned)(sent % SHAPES);
	struct pending *pending = &asker->pending[id];

	if (pending->waits)
		lost++; /* for as long as it takes to use up all IDs */
	*pending = (struct pending){ now_ns, (uint8_t)shape, true };
	wire_put_u16(templates[shape], id);
	if (send(asker->fd, templates[shape], template_len[shape], 0) < 0 &&
	    errno != ECONNREFUSED)
		die("send");
	sent++;
}

/* ---- answers ---- */

/* The number in "v123" or "g=123", as far as the digits go. */
static uint32_t
digits(const uint8_t *at, unsigned len)
{
	uint32_t number = 0;

	for (unsigned i = 0; i < len && at[i] >= '0' && at[i] <= '9'; i++)
		number = number * 10 + (uint32_t)(at[i] - '0');
	return number;
}

/* The number of the state that a record was made for; 0 for records without one. */
static uint32_t
record_state(struct message_reader *m, unsigned type, const uint8_t *rdata, unsigned len)
{
	switch (type) {
	case TYPE_A:
		return (uint32_t)rdata[1] << 16 | (uint32_t)rdata[2] << 8 | rdata[3];
	case TYPE_CNAME:
		return digits(rdata + 2, rdata[0] - 1u);
	case TYPE_TXT:
		return digits(rdata + 3, rdata[0] - 2u);
	case TYPE_MX:
		return wire_get_u16(rdata);
	case TYPE_SOA:
		m->at = (size_t)(rdata - m->octets);
		message_skip_name(m);
		message_skip_name(m);
		return wire_get_u32(m->octets + m->at);
	default:
		(void)len;
		return 0;
	}
}

/* Whether all records of the message carry one state's number. */
static const char *
check_states(const uint8_t *message, size_t len, uint32_t *state)
{
	struct message_reader m = { message, len, 12, NULL };
	unsigned records = message_u16(message + 6) + message_u16(message + 8) +
			   message_u16(message + 10) - 1; /* but for OPT */

	message_skip_name(&m);
	m.at += 4;
	*state = 0;
	for (unsigned i = 0; i < records; i++) {
		unsigned type, rdata_len;
		const uint8_t *rdata;
		uint32_t here;

		message_skip_name(&m);
		type = wire_get_u16(message + m.at);
		rdata_len = wire_get_u16(message + m.at + 8);
		rdata = message + m.at + 10;
		here = record_state(&m, type, rdata, rdata_len);
		m.at = (size_t)(rdata - message) + rdata_len;
		if (here == 0)
			return "a record without a state";
		if (*state != 0 && here != *state)
			return "records of two states";
		*state = here;
	}
	return NULL;
}

static const char *
check(const uint8_t *message, size_t len, const struct shape *shape, uint32_t *state)
{
	const uint8_t *query = templates[shape - shapes];
	const char *reason;

	wire_put_u16(templates[shape - shapes], wire_get_u16(message));
	reason = message_check(message, len, query, template_len[shape - shapes]);
	if (reason)
		return reason;
	if ((message[3] & 15) != shape->rcode)
		return "another rcode";
	if (wire_get_u16(message + 6) != shape->answers ||
	    wire_get_u16(message + 8) != shape->authority ||
	    wire_get_u16(message + 10) != shape->additional + 1)
		return "another number of records";
	return check_states(message, len, state);
}

static void
note_latency(uint64_t ns)
{
	uint64_t bucket = ns / 100000;

	latency[bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1]++;
	if (ns > latency_max_ns)
		latency_max_ns = ns;
}

static void
take(struct asker *asker, const uint8_t *message, size_t len, uint64_t now_ns)
{
	struct pending *pending;
	const char *reason;
	uint32_t state = 0;

	if (len < 2)
		return;
	pending = &asker->pending[wire_get_u16(message)];
	if (!pending->waits) {
		late++;
		return;
	}
	pending->waits = false;
	answered++;
	note_latency(now_ns - pending->sent_ns);
	reason = check(message, len, &shapes[pending->shape], &state);
	if (reason) {
		if (wrong++ < SHOWN_MAX)
			fprintf(stderr, "steady: %s: %s, rcode %d, state %u\n",
				shapes[pending->shape].name, reason,
				len > 3 ? message[3] & 15 : -1, state);
		return;
	}
	states_seen += state > state_max;
	state_min = state < state_min ? state : state_min;
	state_max = state > state_max ? state : state_max;
}

static void
receive_all(void)
{
	static uint8_t message[65536];
	uint64_t now_ns = clock_now_ns();

	for (unsigned i = 0; i < asker_count; i++) {
		ssize_t len;

		while ((len = recv(askers[i].fd, message, sizeof message, 0)) >= 0)
			take(&askers[i], message, (size_t)len, now_ns);
		if (errno != EAGAIN && errno != ECONNREFUSED)
			die("recv");
	}
}

/* ---- the run ---- */

static uint64_t
waiting_count(void)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < asker_count; i++)
		for (unsigned id = 0; id < IDS; id++)
			count += askers[i].pending[id].waits;
	return count;
}

static void
run(uint64_t rate, uint64_t seconds)
{
	uint64_t start_ns = clock_now_ns(),
		 end_ns = start_ns + seconds * UINT64_C(1000000000);
	uint64_t now_ns = start_ns;

	while (!stopping && now_ns < end_ns) {
		struct timespec tick = { .tv_nsec = TICK_US * 1000 };
		uint64_t due = (now_ns - start_ns) * rate / UINT64_C(1000000000);

		for (unsigned burst = 0; sent < due; burst++) {
			ask(&askers[sent / SHAPES % asker_count], clock_now_ns());
			if (burst % 64 == 63)
				receive_all();
		}
		receive_all();
		nanosleep(&tick, NULL);
		now_ns = clock_now_ns();
	}
}

static void
wait_for_rest(void)
{
	uint64_t end_ns = clock_now_ns() + LOST_AFTER_MS * UINT64_C(1000000);

	while (answered + lost < sent && clock_now_ns() < end_ns) {
		struct timespec tick = { .tv_nsec = 5 * TICK_US * 1000 };

		nanosleep(&tick, NULL);
		receive_all();
	}
}

/* The latency in ms that `share` of the answers did not exceed. */
static double
percentile(double share)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		count += latency[i];
		if ((double)count >= share * (double)answered)
			return (i + 1) / 10.0;
	}
	return LATENCY_BUCKETS / 10.0;
}

static void
stop(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

int
main(int argc, char **argv)
{
	uint64_t start_ns, spent_ns;

	if (argc < 4) {
		fprintf(stderr, "usage: steady PORT RATE SECONDS [SOCKETS]\n");
		return 2;
	}
	if (argc > 4)
		asker_count = (unsigned)strtoul(argv[4], NULL, 10);
	if (asker_count == 0 || asker_count > SOCKETS_MAX) {
		fprintf(stderr, "steady: 1 to %d sockets\n", SOCKETS_MAX);
		return 2;
	}
	signal(SIGTERM, stop);
	signal(SIGINT, stop);
	make_templates();
	open_askers((uint16_t)strtoul(argv[1], NULL, 10));
	start_ns = clock_now_ns();
	run(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
	spent_ns = clock_now_ns() - start_ns;
	wait_for_rest();
	lost += waiting_count();
	printf("{\"sent\":%llu,\"answered\":%llu,\"lost\":%llu,\"late\":%llu,\"wrong\":%"
	       "llu,"
	       "\"qps\":%.0f,\"state_min\":%u,\"state_max\":%u,\"states_seen\":%llu,"
	       "\"p50_ms\":%.1f,\"p99_ms\":%.1f,\"p999_ms\":%.1f,\"max_ms\":%.1f}\n",
	       (unsigned long long)sent, (unsigned long long)answered,
	       (unsigned long long)lost, (unsigned long long)late,
	       (unsigned long long)wrong, (double)sent * 1e9 / (double)spent_ns,
	       state_min, state_max, (unsigned long long)states_seen, percentile(0.5),
	       percentile(0.99), percentile(0.999), (double)latency_max_ns / 1e6);
	return wrong > 0;
}
