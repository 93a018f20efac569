/* What is told of a set that was served: the ring of changes, the times, the counters. */
#include "loader/redis/follow_tell.h"

#include <stdio.h>

#include "loader/redis/follow_hold.h"
#include "shm/clock.h"

static void
cut_zone_name(const struct change_zone *zone, struct source_change *change)
{
	char text[DNAME_TEXT_MAX];

	dname_to_text(zone->origin, text);
	snprintf(change->zone, sizeof change->zone, "%.*s", (int)sizeof change->zone - 1,
		 text);
}

/* When an entry was written, by our clock; 0: its id is no time. */
static int64_t
written_us(const struct follow *f, struct change_id id, uint64_t now_us)
{
	int64_t us;

	if (id.ms > UINT64_C(1) << 50)
		return 0;
	us = (int64_t)id.ms * 1000 - f->clock_ahead_us;
	if (us + INT64_C(86400000000) < (int64_t)now_us)
		return 0;
	return us < (int64_t)now_us ? us : (int64_t)now_us;
}

static void
tell_entry(struct serving *s, const struct change_ref *entry, uint64_t now_us)
{
	struct follow *f = s->f;
	struct source_change change = { .id_ms = entry->id.ms,
					.id_seq = entry->id.seq,
					.served_us = (int64_t)now_us,
					.cause = CHANGE_STREAM,
					.zone_count = entry->zone_count };
	struct plan *plan;

	change.written_us = written_us(f, entry->id, now_us);
	if (entry->zone != CHANGE_NONE) {
		if (serving_part(s, entry->zone)->stays)
			return;
		cut_zone_name(&f->set.zones[entry->zone], &change);
		plan = &s->plans[entry->zone];
		change.added = (uint32_t)plan->added;
		change.removed = (uint32_t)plan->removed;
		plan->added = plan->removed =
			0; /* of several entries, the first tells it */
	}
	region_source_note_change(f->board, &change);
}

static void
tell_zone(struct serving *s, uint32_t zone, uint64_t now_us)
{
	struct follow *f = s->f;
	const struct change_zone *at = &f->set.zones[zone];
	const struct plan *plan = &s->plans[zone];
	struct source_change change = { .id_ms = plan->change.ms,
					.served_us = (int64_t)now_us,
					.cause = (uint32_t)s->cause,
					.zone_count = 1,
					.added = (uint32_t)plan->added,
					.removed = (uint32_t)plan->removed };

	if (plan->action == PLAN_NOTHING || plan->action == PLAN_ASIDE ||
	    serving_part(s, zone)->stays)
		return;
	if (s->cause == CHANGE_EVENT)
		change.written_us = (int64_t)at->since_us;
	cut_zone_name(at, &change);
	region_source_note_change(f->board, &change);
	if (s->cause == CHANGE_DIGEST)
		region_source_add(f->board, SOURCE_redis_digest_misses, 1);
}

void
follow_tell_served(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_us = (uint64_t)clock_wall_us(), records = 0;
	char cursor[CHANGE_ID_TEXT_MAX];

	for (uint32_t i = 0; i < f->set.count; i++)
		if (!serving_part(s, i)->stays)
			records += s->plans[i].added + s->plans[i].removed;
	region_source_add(f->board, SOURCE_redis_records, records);
	region_source_add(f->board, SOURCE_redis_commits, s->is_committed);
	for (size_t i = 0; i < f->set.entry_count; i++)
		tell_entry(s, &f->set.entries[i], now_us);
	for (uint32_t i = 0; i < f->set.count; i++)
		if (f->set.zones[i].is_from_event)
			tell_zone(s, i, now_us);
	if (f->place.was_seen) {
		change_id_print(f->place.cursor, cursor);
		region_source_set_text(f->board, SOURCE_TEXT_CURSOR, "%s", cursor);
	}
	follow_hold_show(f);
}
