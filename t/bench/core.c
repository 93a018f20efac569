/* core - what one answer costs without sockets: user instructions and ns a query.
 *
 *	core GENERATION QUERIES [ROUNDS]
 *
 * GENERATION is a sealed generation's directory, QUERIES a file of "name type" lines
 * (a name that begins with "zz-" gets fresh letters every time).  Each query carries
 * EDNS.  Prints one line of JSON. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { PACKET_ROOM = 1232, QUERIES_MAX = 1 << 20, FRESH_AT = 16, FRESH_LEN = 12 };

struct stored_query {
	uint32_t at;
	uint16_t len;
	uint16_t fresh;
};

static struct stored_query *stored;
static unsigned stored_count;
static uint8_t *octets;
static uint8_t packets[ANSWER_BATCH][PACKET_ROOM];
static struct query queries[ANSWER_BATCH];
static struct stats_block stats;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "core: %s: %s\n", what, why);
	exit(1);
}

static unsigned
encode(uint8_t *out, const char *name, uint16_t type)
{
	static const uint8_t header[12] = { 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1 };
	static const uint8_t opt[11] = { 0, 0, 41, 1232 >> 8, 1232 & 255 };
	unsigned len = (unsigned)dname_from_text(name, out + 12);

	if (len == 0)
		die(name, "is no name");
	memcpy(out, header, sizeof header);
	wire_put_u16(out + 12 + len, type);
	wire_put_u16(out + 14 + len, 1);
	memcpy(out + 16 + len, opt, sizeof opt);
	return 16 + len + (unsigned)sizeof opt;
}

static void
load(const char *path)
{
	char name[1100], type_text[32];
	FILE *file = fopen(path, "r");
	uint32_t at = 0;

	if (!file)
		die(path, "cannot be read");
	stored = calloc(QUERIES_MAX, sizeof *stored);
	octets = malloc((size_t)QUERIES_MAX * 300);
	if (!stored || !octets)
		die(path, "not enough memory");
	while (stored_count < QUERIES_MAX && fscanf(file, "%1023s %31s", name, type_text) == 2) {
		uint16_t type;

		if (!rrtype_from_text(type_text, &type))
			die(type_text, "is no type");
		stored[stored_count] = (struct stored_query){
			.at = at,
			.len = (uint16_t)encode(octets + at, name, type),
			.fresh = strncmp(name, "zz-", 3) == 0,
		};
		at += stored[stored_count++].len;
	}
	fclose(file);
	if (stored_count == 0)
		die(path, "holds no queries");
}

static void
fill(unsigned slot, unsigned which)
{
	static uint64_t random_state = 88172645463325252u;
	const struct stored_query *from = &stored[which % stored_count];

	memcpy(packets[slot], octets + from->at, from->len);
	for (unsigned i = 0; from->fresh && i < FRESH_LEN; i++) {
		random_state ^= random_state << 13;
		random_state ^= random_state >> 7;
		random_state ^= random_state << 17;
		packets[slot][FRESH_AT + i] = (uint8_t)('a' + random_state % 26);
	}
	queries[slot].packet = packets[slot];
	queries[slot].received_len = from->len;
	queries[slot].room = PACKET_ROOM;
	queries[slot].flags = 0;
}

static int
open_counter(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof attr,
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.disabled = 1,
		.exclude_kernel = 1,
	};

	return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

int
main(int argc, char **argv)
{
	static struct answer_options options = { .udp_size = 1232 };
	unsigned long rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 20000;
	uint64_t spent_ns = 0, instructions = 0, response_octets = 0;
	struct zone_store store;
	int counter, rc;

	if (argc < 3)
		die("usage", "core GENERATION QUERIES [ROUNDS]");
	rc = generation_open(argv[1], GENERATION_POPULATE, &store.gen);
	if (rc != ERR_OK)
		die(argv[1], errcode_text(rc));
	load(argv[2]);
	counter = open_counter();
	for (unsigned long round = 0; round < rounds; round++) {
		uint64_t start;

		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			fill(i, (unsigned)(round * ANSWER_BATCH + i));
		start = clock_now_ns();
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
		answer_batch(queries, ANSWER_BATCH, &store, &options, &stats);
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
		spent_ns += clock_now_ns() - start;
		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			response_octets += queries[i].response_len;
	}
	if (counter < 0 || read(counter, &instructions, sizeof instructions) != sizeof instructions)
		fprintf(stderr, "core: instructions are not counted on this machine\n");
	printf("{\"queries\":%lu,\"instructions_per_query\":%.1f,\"ns_per_query\":%.1f,"
	       "\"octets_per_response\":%.1f,\"noerror\":%llu,\"nxdomain\":%llu,\"refused\":%llu,"
	       "\"servfail\":%llu}\n",
	       rounds * ANSWER_BATCH, (double)instructions / (double)(rounds * ANSWER_BATCH),
	       (double)spent_ns / (double)(rounds * ANSWER_BATCH),
	       (double)response_octets / (double)(rounds * ANSWER_BATCH),
	       (unsigned long long)stats.value[STAT_noerror],
	       (unsigned long long)stats.value[STAT_nxdomain],
	       (unsigned long long)stats.value[STAT_refused],
	       (unsigned long long)stats.value[STAT_servfail]);
	generation_close(&store.gen);
	return 0;
}
