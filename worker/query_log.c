/* From answered queries to records. */
#include "worker/query_log.h"

#include <stddef.h>
#include <string.h>
#include <sys/random.h>

#include "shm/clock.h"
#include "shm/node.h"
#include "shm/query_record.h"
#include "worker/answer.h"

_Static_assert(QUERY_RING_LEN >= 2 * ANSWER_BATCH * QUERY_RECORD_MAX,
	       "a batch fits, wherever the ring's end is");

void
query_log_init(struct query_log *log, const struct heritage *heritage, unsigned id)
{
	*log = (struct query_log){ .sample = 0 };
	ring_open_writer(&log->ring, &heritage->region->slots[id].query_ring,
			 heritage->query_rings + (size_t)id * QUERY_RING_LEN,
			 QUERY_RING_LEN);
	/* without it samples are as good, but can be foretold */
	(void)getrandom(&log->random.state, sizeof log->random.state, GRND_NONBLOCK);
}

/* How many are passed over until the next one: on average all but one of a sample, and
 * never by a pattern that clients could keep in step with. */
static uint32_t
draw_skip(struct query_log *log)
{
	uint64_t width = 2 * (uint64_t)log->sample - 1;

	return (uint32_t)random_below(&log->random, width);
}

void
query_log_follow(struct query_log *log, uint32_t sample)
{
	if (sample == log->sample)
		return;
	log->sample = sample;
	log->skip = sample > 1 ? draw_skip(log) : 0;
}

/* What all records of a batch have in common. */
struct batch_facts {
	uint64_t received_us;
	uint32_t took_ns;
};

static inline void
put_client(struct query_record *record, const struct query *q)
{
	const struct sockaddr_in6 *client = q->client;
	struct sockaddr_in in;

	memset(record->client, 0, sizeof record->client);
	record->port = 0;
	if (!client)
		return;
	record->port = client->sin6_port;
	if (client->sin6_family == AF_INET6) {
		memcpy(record->client, &client->sin6_addr, sizeof record->client);
		return;
	}
	memcpy(&in, client, sizeof in);
	record->client[10] = record->client[11] = 0xff;
	memcpy(record->client + 12, &in.sin_addr, sizeof in.sin_addr);
}

static void
put_subnet(struct query_record *record, const struct query *q)
{
	bool is_ipv6 = q->subnet.family == 2;

	record->flags |= QUERY_RECORD_ECS;
	record->subnet_len = q->subnet.source_len;
	record->scope_len = q->scope_len;
	memset(record->subnet, 0, sizeof record->subnet);
	memcpy(record->subnet + (is_ipv6 ? 0 : 12), q->subnet.address, is_ipv6 ? 16 : 4);
	if (!is_ipv6)
		record->subnet[10] = record->subnet[11] = 0xff;
}

/* Write a record at `at`, where there is room for the longest.  returns its length. */
static inline uint32_t
put_record(uint8_t *at, const struct query *q, const struct batch_facts *batch)
{
	struct query_record *record = (struct query_record *)(void *)at;
	unsigned question_len = (unsigned)q->question_end - QUERY_HEADER_LEN;
	uint32_t len = (uint32_t)(sizeof *record + question_len + RING_UNIT - 1) &
		       ~(uint32_t)(RING_UNIT - 1);

	record->record_len = len;
	record->question_len = (uint16_t)question_len;
	record->flags = (uint8_t)((q->flags & QUERY_TCP ? QUERY_RECORD_TCP : 0) |
				  (q->flags & QUERY_IPV6 ? QUERY_RECORD_IPV6 : 0) |
				  (q->flags & QUERY_BADVERS ? QUERY_RECORD_BADVERS : 0));
	record->zone_len = q->apex ? q->apex[offsetof(struct node_head, owner_len)] : 0;
	record->received_us = batch->received_us;
	record->took_ns = batch->took_ns;
	record->response_len = q->response_len;
	memcpy(record->header, q->packet, sizeof record->header);
	put_client(record, q);
	if (__builtin_expect((q->flags & (QUERY_ECS | QUERY_ECS_BAD)) == QUERY_ECS, 0))
		put_subnet(record, q);
	memcpy(record->question, q->packet + QUERY_HEADER_LEN, question_len);
	return len;
}

/* The next query to be logged, of those from `i` on; `count` or above: none. */
static inline unsigned
next_logged(struct query_log *log, unsigned i, unsigned count)
{
	unsigned at;

	if (log->sample == 1)
		return i;
	if (log->skip >= count - i) {
		log->skip -= count - i;
		return count;
	}
	at = i + log->skip;
	log->skip = draw_skip(log);
	return at;
}

void
query_log_write(struct query_log *log, const struct query *queries, unsigned count,
		uint64_t start_ns, uint64_t now_ns, struct stats_block *stats)
{
	struct batch_facts batch = { .took_ns = 0 };
	unsigned written = 0, dropped = 0;
	uint64_t room, took_ns = now_ns - start_ns;
	uint8_t *begin, *at;

	batch.took_ns = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX;
	batch.received_us = (uint64_t)clock_wall_us() - took_ns / 1000;
	begin = at = ring_room(&log->ring, (uint64_t)count * QUERY_RECORD_MAX, &room);
	for (unsigned i = 0; i < count && (i = next_logged(log, i, count)) < count; i++) {
		if (queries[i].response_len == 0)
			continue;
		if (__builtin_expect((uint64_t)(at - begin) + QUERY_RECORD_MAX > room,
				     0)) {
			dropped++;
			continue;
		}
		at += put_record(at, &queries[i], &batch);
		written++;
	}
	ring_publish(&log->ring, (uint64_t)(at - begin));
	stats_add(stats, STAT_query_log_records, written);
	if (dropped)
		stats_add(stats, STAT_query_log_dropped, dropped);
}
