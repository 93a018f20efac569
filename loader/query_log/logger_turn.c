/* From the rings to the target. */
#include <stdlib.h>
#include <string.h>

#include "loader/query_log/logger.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	RECORDS_PER_RING = 256, /* before the next ring has its turn */
	STALLED_MS = 1000, /* a target that takes nothing for so long has failed */
};

int
logger_open(struct logger *logger, const struct heritage *heritage)
{
	struct region *region = heritage->region;

	logger->heritage = heritage;
	logger->settings = heritage->settings;
	logger->log = &region->query_log;
	logger->ring_count = region->worker_count;
	logger->reopen_seq = atomic_load(&logger->log->reopen_seq);
	region_query_log_set_error(logger->log, "");
	logger->rings = calloc(region->worker_count, sizeof *logger->rings);
	logger->target = log_target_new(heritage->settings);
	if (!logger->rings || !logger->target)
		return ERR_NOMEM;
	if (heritage->settings->redis.enable) {
		logger->ids = zone_ids_new(heritage);
		if (!logger->ids)
			return ERR_NOMEM;
	}
	for (unsigned i = 0; i < region->worker_count; i++)
		ring_open_reader(&logger->rings[i], &region->slots[i].query_ring,
				 heritage->query_rings + (size_t)i * QUERY_RING_LEN,
				 QUERY_RING_LEN);
	return ERR_OK;
}

uint64_t
logger_waiting(const struct logger *logger)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < logger->ring_count; i++)
		sum += ring_waiting(logger->rings[i].ends);
	return sum;
}

/* ---- records ---- */

/* What is told of a query beside its record; then the client is hidden there. */
static void
complete(struct logger *logger, struct query_record *record, struct query_facts *facts)
{
	const struct settings *settings = logger->settings;
	query_places_find(&logger->places, record->client, facts);
	facts->has_client = settings->query_log.client != LOG_CLIENT_NONE;
	facts->sample = settings->query_log.sample;
	if (logger->ids && record->zone_len > 0)
		facts->domain_id = zone_ids_find(logger->ids,
						 record->question + record->question_len -
							 4 - record->zone_len,
						 record->zone_len);
	query_places_hide(settings, record);
}

static enum log_add
add_record(struct logger *logger, const struct query_record *stored)
{
	static struct query_line line; /* large */
	union {
		struct query_record record;
		uint8_t octets[QUERY_RECORD_MAX];
	} copy;
	struct query_facts facts = { .has_client = false };

	/* nobody writes there as long as the ring is as it should be */
	memcpy(copy.octets, stored,
	       stored->record_len < sizeof copy ? stored->record_len : sizeof copy);
	if (copy.record.record_len > sizeof copy || !query_record_is_sound(&copy.record))
		return LOG_ADD_NEVER;
	complete(logger, &copy.record, &facts);
	if (logger->target->calls->wants_line)
		query_line_make(&copy.record, &facts, &line);
	return logger->target->calls->add(logger->target, &copy.record, &line);
}

/* returns whether the target has room for more. */
static bool
take_from(struct logger *logger, struct ring *ring)
{
	for (unsigned i = 0; i < RECORDS_PER_RING; i++) {
		bool is_damaged = false;
		uint64_t before = ring->at;
		const struct query_record *record =
			ring_next(ring, sizeof *record, &is_damaged);

		logger->lost += is_damaged;
		if (!record)
			return true;
		switch (add_record(logger, record)) {
		case LOG_ADD_DONE:
			logger->added++;
			break;
		case LOG_ADD_NEVER:
			logger->lost++;
			break;
		case LOG_ADD_FULL:
			ring->at = before;
			return false;
		}
	}
	return true;
}

/* Until the target is full, or the rings are empty. */
static void
take_all(struct logger *logger)
{
	bool has_room = true;
	uint64_t before;

	do {
		before = logger->added + logger->lost;
		for (unsigned i = 0; i < logger->ring_count && has_room; i++) {
			has_room = take_from(logger, &logger->rings[logger->next_ring]);
			logger->next_ring = (logger->next_ring + 1) % logger->ring_count;
		}
	} while (has_room && logger->added + logger->lost > before);
	logger->is_behind = !has_room;
	if (logger->ids)
		zone_ids_rest(logger->ids);
}

/* ---- the target ---- */

static void
tell_trouble(struct logger *logger)
{
	const char *why = logger->target->why;

	if (!why[0])
		why = "it takes nothing: its reader is stalled, or too slow";
	region_query_log_set_error(logger->log, why);
	if (logger->has_told)
		return;
	logger->has_told = true;
	region_query_log_add(logger->log, QUERY_LOG_failures, 1);
	log_warnx(
		"query log: %s; what finds no room in the rings meanwhile is not logged",
		why);
}

static void
note_waiting(struct logger *logger)
{
	uint64_t now_ms = clock_now_ms();

	if (logger->waiting_since_ms == 0)
		logger->waiting_since_ms = now_ms;
	if (logger->target->why[0] || now_ms - logger->waiting_since_ms >= STALLED_MS)
		tell_trouble(logger);
}

static void
note_done(struct logger *logger)
{
	for (unsigned i = 0; i < logger->ring_count; i++)
		ring_release(&logger->rings[i]);
	region_query_log_add(logger->log, QUERY_LOG_written, logger->added);
	region_query_log_add(logger->log, QUERY_LOG_lost, logger->lost);
	region_query_log_add(logger->log, QUERY_LOG_opened,
			     logger->target->opened_count - logger->opened_count);
	logger->opened_count = logger->target->opened_count;
	logger->added = logger->lost = 0;
	logger->waiting_since_ms = 0;
	if (!logger->has_told)
		return;
	logger->has_told = false;
	region_query_log_set_error(logger->log, "");
	log_info("query log: the target takes what is written again");
}

static void
take_back(struct logger *logger)
{
	for (unsigned i = 0; i < logger->ring_count; i++)
		ring_rewind(&logger->rings[i]);
	logger->added = logger->lost = 0;
	logger->waiting_since_ms = 0;
}

enum log_flush
logger_turn(struct logger *logger)
{
	enum log_flush result;

	if (logger->waiting_since_ms == 0)
		take_all(logger);
	logger->has_moved = logger->added + logger->lost > 0;
	result = logger->target->calls->flush(logger->target);
	if (result == LOG_FLUSH_DONE)
		note_done(logger);
	else
		note_waiting(logger);
	if (result == LOG_FLUSH_LOST)
		take_back(logger);
	return result;
}
