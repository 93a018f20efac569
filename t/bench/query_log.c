/* query_log - what the query log costs: in the worker, a query; in the logger, a record
 * written to a file as a line of JSON.
 *
 *	query_log [ROUNDS]
 *
 * Each round is a batch of 64 queries over IPv4 for names of 27 octets.  Prints a line of JSON. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/query_log/logger.h"
#include "shm/clock.h"
#include "shm/node.h"
#include "worker/answer.h"
#include "worker/query_log.h"

enum { BATCHES_PER_TURN = 64 };

static struct query queries[ANSWER_BATCH];
static uint8_t packets[ANSWER_BATCH][512];
static struct sockaddr_in6 clients[ANSWER_BATCH];
static struct stats_block stats;

/* Of the zone; what stands in it but for its head is not looked at. */
static struct node_head apex = { .owner_len = 13 };

static void
fill(unsigned i)
{
	static const uint8_t header[12] = { 0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0 };
	struct sockaddr_in client = { .sin_family = AF_INET, .sin_port = htons(4242) };
	struct query *q = &queries[i];
	int len;

	client.sin_addr.s_addr = htonl(0xc6336400u + i);
	memcpy(&clients[i], &client, sizeof client);
	memcpy(packets[i], header, sizeof header);
	len = snprintf((char *)packets[i] + 12, 64, "%chost-000%05u%cexample%ccom", 13, i,
		       7, 3);
	memcpy(packets[i] + 12 + len, "\0\0\1\0\1", 5);
	*q = (struct query){ .packet = packets[i],
			     .client = &clients[i],
			     .response_len = 96,
			     .apex = (const uint8_t *)&apex,
			     .question_end = (uint16_t)(12 + len + 5) };
}

static void
die(const char *what)
{
	fprintf(stderr, "query_log: %s\n", what);
	exit(1);
}

int
main(int argc, char **argv)
{
	static char target[] = "/dev/null", no_text[] = "";
	static struct settings settings;
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
	struct heritage heritage = { .settings = &settings };
	struct logger logger = { .opened_count = 0 };
	uint64_t worker_ns = 0, logger_ns = 0, count;
	struct query_log log;

	settings.query_log.target = target;
	settings.dns.identity = no_text;
	settings.query_log.sample = 1;
	heritage.region = region_create(1);
	heritage.query_rings = calloc(1, QUERY_RING_LEN);
	if (!heritage.region || !heritage.query_rings ||
	    logger_open(&logger, &heritage) != 0)
		die("no memory");
	query_log_init(&log, &heritage, 0);
	query_log_follow(&log, 1);
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		fill(i);
	for (unsigned long round = 0; round < rounds; round++) {
		uint64_t begun_ns = clock_now_ns(), now_ns;

		query_log_write(&log, queries, ANSWER_BATCH, begun_ns, begun_ns, &stats);
		now_ns = clock_now_ns();
		worker_ns += now_ns - begun_ns;
		if (round % BATCHES_PER_TURN + 1 < BATCHES_PER_TURN && round + 1 < rounds)
			continue;
		while (logger_waiting(&logger) > 0)
			logger_turn(&logger);
		logger_ns += clock_now_ns() - now_ns;
	}
	count = rounds * ANSWER_BATCH;
	if (region_query_log_get(logger.log, QUERY_LOG_written) != count)
		die("some are not written");
	printf("{\"queries\":%llu,\"worker_ns\":%.1f,\"logger_ns\":%.1f}\n",
	       (unsigned long long)count, (double)worker_ns / (double)count,
	       (double)logger_ns / (double)count);
	return 0;
}
