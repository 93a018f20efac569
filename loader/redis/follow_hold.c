/* Holding what must not be served yet, and letting go of it. */
#include "loader/redis/follow_hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	TELL_S = 10,
	NOTE_AT_ONCE = 1000, /* zones */
	NOTE_EVERY_MS = 500,
	MARKED_MAX = 64,
};

/* ---- for people ---- */

static uint64_t
count_zones(const struct follow *f)
{
	uint64_t zones = 0;

	for (size_t i = 0; i < f->held.count; i++)
		zones += f->held.sets[i].zone_count;
	return zones;
}

void
follow_hold_show(struct follow *f)
{
	uint64_t zones = count_zones(f);

	region_source_set(f->board, SOURCE_redis_held, f->held.count);
	if (f->held.count == 0)
		region_source_set_text(f->board, SOURCE_TEXT_HELD, "%s", "");
	else
		region_source_set_text(
			f->board, SOURCE_TEXT_HELD,
			"changes to %" PRIu64 " zone%s are held: %s; see "
			"`martletctl held`",
			zones, zones == 1 ? "" : "s",
			held_reason_text(f->held.sets[f->held.count - 1].reason));
}

static uint64_t
lost_of(const struct held_zone *zone)
{
	return zone->served > zone->offered ? zone->served - zone->offered : 0;
}

/* "example.com. and others": the zone that loses most. */
static void
print_zones(const struct held_set *set, char *out, size_t room)
{
	const struct held_zone *most = &set->zones[0];
	char name[DNAME_TEXT_MAX];

	for (uint32_t i = 1; i < set->zone_count; i++)
		if (lost_of(&set->zones[i]) > lost_of(most))
			most = &set->zones[i];
	dname_to_text(most->name, name);
	snprintf(out, room, "%s%s", name, set->zone_count > 1 ? " and others" : "");
}

/* What the guard has weighed: the loss of the set, and what was lost before it. */
static void
log_loss(struct follow *f, const struct held_set *set, const char *zones)
{
	uint64_t lost = set->served > set->offered ? set->served - set->offered : 0;
	uint64_t lately = shrink_guard_lately(&f->guard, clock_now_ms());

	if (lately == 0)
		log_warnx("held as %" PRIu64 ": %" PRIu64 " of %" PRIu64
			  " records of %s would vanish; see `martletctl held`",
			  set->id, lost, set->served, zones);
	else
		log_warnx("held as %" PRIu64 ": %" PRIu64 " of %" PRIu64
			  " records of %s would vanish, after %" PRIu64
			  " of all zones within a minute; see `martletctl held`",
			  set->id, lost, set->served, zones, lately);
}

/* Into the log; a set that others join again and again only now and then. */
static void
tell_held(struct follow *f, uint64_t id, int64_t now_ms)
{
	const struct held_set *set = held_find(&f->held, id);
	char zones[DNAME_TEXT_MAX + 16];

	if (!set || set->zone_count == 0 ||
	    (set->since_ms != now_ms && now_ms / 1000 < f->held_told_s + TELL_S))
		return;
	f->held_told_s = now_ms / 1000;
	print_zones(set, zones, sizeof zones);
	if (set->reason == HELD_SHRINKS || set->reason == HELD_UNLISTED)
		log_loss(f, set, zones);
	else
		log_warnx("held as %" PRIu64 ": %s (%s, %" PRIu64 " of %" PRIu64
			  " records would stay); see `martletctl held`",
			  id, held_reason_text((enum held_reason)set->reason), zones,
			  set->offered, set->served);
}

/* ---- parts of a set ---- */

static bool
is_held_already(struct follow *f, const struct held_zone *zones, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct held_set *set =
			held_find_zone(&f->held, zones[i].name, zones[i].name_len);
		bool is_same = false;

		for (uint32_t k = 0; set && !is_same && k < set->zone_count; k++)
			is_same = set->zones[k].digest == zones[i].digest &&
				  set->zones[k].name_len == zones[i].name_len &&
				  memcmp(set->zones[k].name, zones[i].name,
					 zones[i].name_len) == 0;
		if (!is_same)
			return false;
	}
	return true;
}

static struct held_zone
held_zone_of(const struct serving *s, uint32_t zone)
{
	const struct plan *plan = &s->plans[zone];

	return (struct held_zone){ .digest = plan->digest,
				   .served = plan->served,
				   .offered = plan->offered,
				   .reason = (uint8_t)plan->reason,
				   .name = s->f->set.zones[zone].origin,
				   .name_len = s->f->set.zones[zone].origin_len };
}

int
follow_hold_part(struct serving *s, uint32_t root)
{
	struct follow *f = s->f;
	struct change_id last = { 0 };
	struct held_zone *zones = arena_take_items(f->arena, f->set.count, sizeof *zones);
	int64_t now_ms = clock_wall_ms();
	size_t count = 0;
	uint64_t id;
	int rc;

	if (!zones)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct change_id change = s->plans[i].change;

		if (root == CHANGE_NONE ? !serving_part(s, i)->stays
					: change_set_part(&f->set, i) != root)
			continue;
		zones[count++] = held_zone_of(s, i);
		if (change_id_compare(change, last) > 0)
			last = change;
	}
	if (is_held_already(f, zones, count))
		return ERR_OK;
	rc = held_add(&f->held, zones, count, now_ms, last.ms, last.seq, &id);
	if (rc != ERR_OK)
		return rc;
	f->held_changed = true;
	region_source_add(f->board, SOURCE_redis_held_sets, 1);
	tell_held(f, id, now_ms);
	return ERR_OK;
}

/* A note of many zones is not written anew for each that is free: a zone that is in it by
 * mistake is compared, and free again, after a restart. */
static bool
can_wait(const struct follow *f)
{
	return count_zones(f) > NOTE_AT_ONCE &&
	       clock_now_ms() < f->held_noted_ms + NOTE_EVERY_MS;
}

/* Without the one that has grown back the others may be few enough: look at them soon. */
static void
mark_others(struct follow *f, const struct held_set *set)
{
	for (uint32_t i = 0; set->zone_count <= MARKED_MAX && i < set->zone_count; i++) {
		char text[DNAME_TEXT_MAX];
		struct redis_text name = { text,
					   dname_to_text(set->zones[i].name, text) };

		dirty_zones_mark(&f->dirty, name, (uint64_t)clock_wall_us());
	}
}

void
follow_hold_release(struct serving *s, uint32_t zone)
{
	struct follow *f = s->f;
	const struct change_zone *at = &f->set.zones[zone];
	const struct held_set *set =
		f->held.count ? held_find_zone(&f->held, at->origin, at->origin_len)
			      : NULL;

	if (!set)
		return;
	if (!s->is_accepted && held_is_unlisted(&f->held, at->origin, at->origin_len))
		mark_others(f, set);
	held_release(&f->held, at->origin, at->origin_len);
	f->held_is_behind = true;
	if (s->is_accepted || !can_wait(f))
		f->held_changed = true;
}

bool
follow_hold_is_same(struct serving *s)
{
	struct follow *f = s->f;
	const struct held_set *set = held_find(&f->held, f->accepting);
	struct held_zone *zones =
		arena_take_items(f->arena, f->set.count + 1, sizeof *zones);

	if (!set || !zones)
		return false;
	for (uint32_t i = 0; i < f->set.count; i++)
		zones[i] = held_zone_of(s, i);
	held_sort(zones, f->set.count);
	return held_is_same(set, zones, f->set.count);
}
