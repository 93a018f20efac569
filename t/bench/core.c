/* core - what one answer costs without sockets: user instructions and ns a query.
 *
 *	core GENERATION QUERIES [ROUNDS [PER_MILLE]]
 *
 * GENERATION is a sealed generation's directory, QUERIES a file of "name type" lines
 * (a name that begins with "zz-" gets fresh letters every time).  Each query carries
 * EDNS.  PER_MILLE: so many of 1,000 names have a live change, and with each its apex;
 * the generation must not have an overlay, which is left there.  In the environment,
 * BENCH_WITH: limits and cookies, see t/bench/with_limits.h; BENCH_DNSSEC: the queries have
 * DO set.  Prints one line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/bench/live_share.h"
#include "t/bench/user_instructions.h"
#include "t/bench/with_limits.h"
#include "t/query_file.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum {
	PACKET_ROOM = 1232,
	DO_AT = 4, /* from a query's end */
};

static struct query_file file;
static uint8_t packets[ANSWER_BATCH][PACKET_ROOM];
static struct query queries[ANSWER_BATCH];
static struct stats_block stats;
static struct with_limits with;
static bool has_limits, is_dnssec;

static void
fill(unsigned slot, uint64_t which)
{
	queries[slot].received_len = query_file_put(&file, which, packets[slot]);
	packets[slot][2] = 1; /* RD, as stub resolvers send it */
	if (is_dnssec)
		packets[slot][queries[slot].received_len - DO_AT] |= 0x80;
	queries[slot].packet = packets[slot];
	queries[slot].room = PACKET_ROOM;
	queries[slot].flags = 0;
	if (has_limits)
		with_limits_fill(&with, slot, &queries[slot]);
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
		query_file_die("usage", "core GENERATION QUERIES [ROUNDS [PER_MILLE]]");
	is_dnssec = getenv("BENCH_DNSSEC") != NULL;
	has_limits = getenv("BENCH_WITH") != NULL;
	if (has_limits)
		with_limits_init(&with, getenv("BENCH_WITH"), &options);
	if (argc > 4)
		live_share_commit(argv[1], (unsigned)atoi(argv[4]));
	rc = zone_store_init(argv[1], &store);
	if (rc != ERR_OK)
		query_file_die(argv[1], errcode_text(rc));
	zone_store_renew(&store);
	query_file_load(&file, argv[2]);
	counter = user_instructions_open();
	for (unsigned long round = 0; round < rounds; round++) {
		uint64_t start;

		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			fill(i, round * ANSWER_BATCH + i);
		start = clock_now_ns();
		limiter_set_time(&with.limiter, start);
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_ENABLE, 0);
		answer_batch(queries, ANSWER_BATCH, &store, &options, &stats);
		if (counter >= 0)
			ioctl(counter, PERF_EVENT_IOC_DISABLE, 0);
		spent_ns += clock_now_ns() - start;
		for (unsigned i = 0; i < ANSWER_BATCH; i++)
			response_octets += queries[i].response_len;
	}
	if (counter < 0 ||
	    read(counter, &instructions, sizeof instructions) != sizeof instructions)
		fprintf(stderr, "core: instructions are not counted on this machine\n");
	printf("{\"queries\":%lu,\"instructions_per_query\":%.1f,\"ns_per_query\":%.1f,"
	       "\"octets_per_response\":%.1f,\"noerror\":%llu,\"nxdomain\":%llu,"
	       "\"refused\":%llu,"
	       "\"servfail\":%llu}\n",
	       rounds * ANSWER_BATCH,
	       (double)instructions / (double)(rounds * ANSWER_BATCH),
	       (double)spent_ns / (double)(rounds * ANSWER_BATCH),
	       (double)response_octets / (double)(rounds * ANSWER_BATCH),
	       (unsigned long long)stats.value[STAT_noerror],
	       (unsigned long long)stats.value[STAT_nxdomain],
	       (unsigned long long)stats.value[STAT_refused],
	       (unsigned long long)stats.value[STAT_servfail]);
	zone_store_fini(&store);
	return 0;
}
