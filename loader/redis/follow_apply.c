/* Serving a change set: read as one, planned zone by zone, weighed by the shrink guard
 * part by part, committed in one transaction with the cursor. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_state.h"
#include "loader/zone/apex_node.h"
#include "loader/zone/zone_sort.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	TRIES_MAX = 32,
	LOG_LINES = 20, /* about values that cannot be used, in LOG_S seconds */
	LOG_S = 10,
	HELD_PULLED_MAX =
		64, /* zones of a held set that is weighed anew at each change */
};

/* ---- one plan into the store ---- */

static int
set_error(struct follow *f, const struct change_zone *zone, const char *error)
{
	struct node apex;
	int rc = live_zone(f->live, zone->origin, zone->origin_len, &apex);

	if (rc != ERR_OK || apex_has_error(&apex, error))
		return rc;
	return live_set_error(f->live, zone->origin, zone->origin_len,
			      error[0] ? error : NULL);
}

static int
break_zone(struct follow *f, const struct change_zone *zone, const struct plan *plan)
{
	const char *name = plan->listed_as;
	struct zone_source source = { .kind = SOURCE_REDIS,
				      .paths = &name,
				      .path_count = 1 };

	return live_break_zone(f->live, zone->origin, zone->origin_len, &source,
			       plan->error);
}

/* The records of the apex: all that was read of it, if it changes, and the SOA. */
static int
make_apex(const struct change_zone *zone, const struct plan *plan,
	  struct zone_records **out)
{
	const char *name = plan->listed_as;
	struct redis_change change = { .ms = plan->change.ms, .seq = plan->change.seq };
	struct zone_records *apex = zone_records_new(zone->origin, zone->origin_len);
	struct redis_facts *redis;
	uint32_t serial = plan->facts.serial;
	int rc;

	if (!apex)
		return ERR_NOMEM;
	*out = apex;
	redis = arena_take_items(apex->arena, 1, sizeof *redis);
	if (!redis)
		return ERR_NOMEM;
	*redis = (struct redis_facts){ .config_hash = plan->redis.config_hash,
				       .change_ms = change.ms,
				       .change_seq = change.seq,
				       .flags = plan->redis.flags };
	if (plan->config_is_new)
		redis->config_hash = plan->config.hash;
	apex->redis = redis;
	if (plan->config.fault[0] != '\0')
		apex->error = plan->config.fault;
	apex->loaded_at_s = clock_wall_s();
	rc = zone_records_add_path(apex, name);
	for (size_t i = 0; rc >= 0 && i < plan->apex_count; i++)
		rc = zone_records_add(apex,
				      &plan->records->records[plan->apex_first + i]);
	if (rc >= 0)
		rc = redis_zone_add_soa(
			apex, &plan->config.config,
			redis_zone_serial(&plan->config.config, &change, &serial, false));
	return rc >= 0 ? zone_sort(apex) : rc;
}

static int
apply_edit(struct follow *f, const struct change_zone *zone, struct plan *plan)
{
	struct zone_records *apex = NULL;
	struct live_edit edit;
	int rc = live_edit_begin(f->live, zone->origin, zone->origin_len, &edit);

	for (size_t i = 0; rc == ERR_OK && i < plan->owner_count; i++) {
		const struct plan_owner *owner = &plan->owners[i];
		const struct zone_record *first = plan->records->records + owner->first;

		rc = owner->is_drop ? live_drop_owner(&edit, owner->name, owner->len)
				    : live_put_owner(&edit, plan->records, first);
	}
	if (rc == ERR_OK)
		rc = make_apex(zone, plan, &apex);
	if (rc == ERR_OK)
		rc = live_edit_end(&edit, apex,
				   plan->has_apex ? LIVE_APEX_ALL : LIVE_APEX_SOA);
	zone_records_free(apex);
	return rc;
}

/* Values that cannot be used, into the log; not more than a person can read. */
static void
log_bad(struct follow *f, const struct plan *plan)
{
	int64_t now_s = clock_wall_s();

	for (size_t i = 0; plan->records && i < plan->records->count; i++) {
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		if (!zone_record_mark(&plan->records->records[i], &mark, &type, &bytes,
				      &len) ||
		    mark != ZONE_MARK_BAD)
			continue;
		if (now_s >= f->log_since_s + LOG_S) {
			f->log_since_s = now_s;
			f->log_count = 0;
		}
		if (f->log_count++ < LOG_LINES)
			log_warnx("%.*s", (int)len, (const char *)bytes);
		else if (f->log_count == LOG_LINES + 1)
			log_warnx("more values cannot be used: see `martletctl errors`");
	}
}

int
follow_plan_apply(struct follow *f, const struct change_zone *zone, struct plan *plan)
{
	switch (plan->action) {
	case PLAN_NOTHING:
		return ERR_OK;
	case PLAN_EDIT:
		log_bad(f, plan);
		return apply_edit(f, zone, plan);
	case PLAN_PUT:
		log_bad(f, plan);
		return live_put_zone(f->live, plan->records);
	case PLAN_DROP:
		return live_drop_zone(f->live, zone->origin, zone->origin_len);
	case PLAN_ERROR:
		return set_error(f, zone, plan->error);
	case PLAN_BREAK:
		return break_zone(f, zone, plan);
	}
	return ERR_OK;
}

/* ---- the list of zones ---- */

struct names {
	struct key_table known; /* origins that are listed */
	struct key_table *gone; /* origins that are served and not listed */
};

/* A zone that is served from a file and listed, too, is a conflict; it is an error of the
 * zone's as long as it lasts. */
static int
visit_gone(void *context, const struct node *apex)
{
	struct names *names = context;
	uint32_t number;

	if ((!apex_is_from_redis(apex) && !apex_has_error(apex, FOLLOW_CONFLICT_TEXT)) ||
	    key_table_find(&names->known, 0, node_owner(apex), apex->head.owner_len,
			   &number) == ERR_OK)
		return 0;
	return key_table_add(names->gone, 0, node_owner(apex), apex->head.owner_len,
			     &number);
}

/* Is there more to a zone that is listed than what is served?  A conflict is counted. */
static bool
is_fresh(struct follow *f, const uint8_t *origin, size_t len)
{
	struct node apex;

	if (live_zone(f->live, origin, len, &apex) != ERR_OK)
		return true;
	if (apex_is_from_redis(&apex))
		return false;
	f->conflicts++;
	return apex_has_error(&apex, "");
}

static void
show_conflicts(struct follow *f)
{
	if (f->conflicts == 0)
		region_source_set_text(f->board, SOURCE_TEXT_CONFLICT, "%s", "");
	else
		region_source_set_text(
			f->board, SOURCE_TEXT_CONFLICT,
			"%zu zone%s in zone files and in Redis, too; the files "
			"are served: see `martletctl errors`",
			f->conflicts, f->conflicts == 1 ? " is" : "s are");
}

int
follow_list_compare(struct follow *f, const struct redis_text *list, size_t count,
		    struct key_table *gone, struct key_table *fresh)
{
	struct names names = { .gone = gone };
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	uint32_t number;
	int rc = ERR_OK;

	f->conflicts = 0;
	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		size_t len = redis_zone_origin(list[i], origin, &reason);

		if (len == 0)
			continue;
		rc = key_table_add(&names.known, 0, origin, len, &number);
		if (rc == ERR_OK && is_fresh(f, origin, len))
			rc = key_table_add(fresh, 0, list[i].bytes, list[i].len, &number);
	}
	if (rc == ERR_OK)
		rc = live_walk_zones(f->live, visit_gone, &names);
	key_table_fini(&names.known);
	show_conflicts(f);
	return rc;
}

/* The list of zones was read: what it adds and lacks joins the set, to be read with it;
 * what it lacks is one part, so that it is weighed together.
 * *grew: there is such a zone. */
static int
take_list(struct follow *f, const struct group *group, bool *grew)
{
	struct key_table gone = { .count = 0 }, fresh = { .count = 0 };
	size_t before = f->set.count;
	int rc = follow_list_compare(f, group->list, group->list_count, &gone, &fresh);
	uint32_t first = CHANGE_NONE;
	char text[DNAME_TEXT_MAX];

	for (uint32_t i = 0; rc == ERR_OK && i < fresh.count; i++) {
		struct redis_text name;

		name.bytes = key_table_key(&fresh, i, &name.len);
		rc = change_set_add_zone(&f->set, name);
	}
	for (uint32_t i = 0; rc == ERR_OK && i < gone.count; i++) {
		size_t len;
		const void *origin = key_table_key(&gone, i, &len);
		size_t text_len = dname_to_text(origin, text);
		struct redis_text name = { text, text_len };
		uint32_t zone;

		rc = change_set_add_zone(&f->set, name);
		zone = change_set_find(&f->set, origin, len);
		if (first == CHANGE_NONE)
			first = zone;
		else if (zone != CHANGE_NONE)
			change_set_join(&f->set, first, zone);
	}
	key_table_fini(&gone);
	key_table_fini(&fresh);
	*grew = f->set.count > before;
	return rc;
}

/* ---- the shrink guard ---- */

struct part {
	uint64_t removed; /* net, over its zones */
	bool must_hold;
	bool is_held; /* with zones that are held and not in the set */
	bool is_partial; /* some zone was not read whole */
	bool is_deferred; /* of a comparison, to be served at its end */
	bool stays; /* is not served now */
};

/* What is being served. */
struct serving {
	struct follow *f;
	struct group group;
	struct plan *plans; /* by zone */
	struct part *parts; /* by the zone at the root of a part */
	enum change_cause cause;
	bool is_gap, is_accepted; /* is_accepted: not weighed, but exactly what is held */
	bool has_changed; /* it is not what was held */
	bool defers_all, defers_shrinking; /* what differs is told, not served */
	bool is_committed;
	bool again; /* more has to be read first */
	size_t planned; /* how many `plans` there are */
};

static struct part *
part_of(const struct serving *s, uint32_t zone)
{
	return &s->parts[change_set_part(&s->f->set, zone)];
}

static uint64_t
shrinks_by(const struct plan *plan)
{
	return plan->served > plan->offered ? plan->served - plan->offered : 0;
}

static int
plan_all(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < f->set.count; i++) {
		int rc = follow_plan_zone(f, &s->group, i, &s->plans[i]);

		if (rc != ERR_OK)
			return rc;
		if (s->plans[i].needs_whole) {
			f->set.zones[i].is_whole = true;
			s->again = true;
		}
	}
	return ERR_OK;
}

/* The other zones of a held set that is not too large join what was read: then the whole
 * is weighed again.  returns whether all of it is in the set, in one part. */
static bool
pull_held(struct serving *s, uint32_t zone, const struct held_set *held)
{
	struct change_set *set = &s->f->set;
	bool is_inside = true;

	if (held->zone_count > HELD_PULLED_MAX)
		return false;
	for (uint32_t i = 0; i < held->zone_count; i++) {
		const struct held_zone *other = &held->zones[i];
		uint32_t number = change_set_find(set, other->name, other->name_len);
		char text[DNAME_TEXT_MAX];
		struct redis_text name = { text, 0 };

		if (number == CHANGE_NONE) {
			name.len = dname_to_text(other->name, text);
			if (change_set_add_zone(set, name) != ERR_OK)
				return false;
			number = change_set_find(set, other->name, other->name_len);
			is_inside = false;
		}
		if (number != CHANGE_NONE)
			change_set_join(set, zone, number);
	}
	s->again = s->again || !is_inside;
	return is_inside;
}

static void
join_held(struct serving *s, size_t count)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < count; i++) {
		const struct change_zone *zone = &f->set.zones[i];
		const struct held_set *held =
			held_find_zone(&f->held, zone->origin, zone->origin_len);

		if (!held)
			continue;
		if (!f->set.zones[i].is_whole) {
			/* what was held of its other names must not stay behind when it is
			 * served again */
			f->set.zones[i].is_whole = true;
			s->again = true;
		} else if (!pull_held(s, i, held) && !s->again) {
			part_of(s, i)->is_held = true;
		}
	}
}

static void
weigh(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = part_of(s, i);

		part->removed += shrinks_by(&s->plans[i]);
		part->must_hold = part->must_hold || s->plans[i].must_hold;
		part->is_partial = part->is_partial || !f->set.zones[i].is_whole;
	}
}

static bool
changes(const struct serving *s, uint32_t zone)
{
	return s->plans[zone].action != PLAN_NOTHING;
}

/* A comparison: what differs is served at its end, when all of it is known. */
static void
defer(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = part_of(s, i);

		part->is_deferred =
			part->is_deferred ||
			(s->defers_all ? changes(s, i)
				       : f->set.entry_count == 0 &&
						 (part->removed > 0 || part->must_hold));
	}
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct redis_text name;

		if (!part_of(s, i)->is_deferred || !changes(s, i))
			continue;
		name.bytes =
			key_table_key(&f->set.texts, f->set.zones[i].text, &name.len);
		dirty_zones_mark(&f->round.differing, name, 0);
		f->round.missing += shrinks_by(&s->plans[i]);
	}
}

/* Which parts stay?  Those must have been read whole, to be known exactly. */
static void
decide(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_ms = clock_now_ms(), sum = 0;

	for (uint32_t i = 0; s->is_gap && i < f->set.count; i++)
		sum += s->parts[i].removed; /* it has one cause, it counts as one */
	if (s->is_gap && sum < f->round.missing)
		sum = f->round.missing;
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = &s->parts[i];
		uint64_t removed = s->is_gap ? sum : sum + part->removed;

		if (change_set_part(&f->set, i) != i || s->is_accepted)
			continue;
		if (part->is_deferred) {
			part->stays = true;
			continue;
		}
		/* of a large set that is held, what has grown back is free */
		part->stays = part->must_hold || (part->is_held && part->removed > 0);
		if (!part->stays && part->removed > 0)
			part->stays = !shrink_guard_admits(&f->guard, now_ms, removed,
							   f->served, s->is_gap);
		if (!part->stays && !s->is_gap)
			sum += part->removed;
		s->again = s->again || (part->stays && part->is_partial);
	}
	for (uint32_t i = 0; s->again && i < f->set.count; i++)
		if (part_of(s, i)->stays)
			f->set.zones[i].is_whole = true;
}

/* ---- holding ---- */

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

/* Hold the part whose root is `root`; CHANGE_NONE: all parts that stay, as one. */
static int
hold_part(struct serving *s, uint32_t root)
{
	struct follow *f = s->f;
	struct change_id last = { 0 };
	struct held_zone *zones = arena_take_items(f->arena, f->set.count, sizeof *zones);
	size_t count = 0;
	uint64_t id;
	int rc;

	if (!zones)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct change_id change = s->plans[i].change;

		if (root == CHANGE_NONE ? !part_of(s, i)->stays
					: change_set_part(&f->set, i) != root)
			continue;
		zones[count++] = held_zone_of(s, i);
		if (change_id_compare(change, last) > 0)
			last = change;
	}
	if (is_held_already(f, zones, count))
		return ERR_OK;
	rc = held_add(&f->held, zones, count, (int64_t)(follow_now_us() / 1000), last.ms,
		      last.seq, &id);
	if (rc != ERR_OK)
		return rc;
	f->held_changed = true;
	region_source_add(f->board, SOURCE_redis_held_sets, 1);
	follow_hold_tell(f, id);
	return ERR_OK;
}

/* What is served now is held no more. */
static void
release(struct serving *s, uint32_t zone)
{
	struct follow *f = s->f;
	const struct change_zone *at = &f->set.zones[zone];

	if (f->held.count == 0 || !held_find_zone(&f->held, at->origin, at->origin_len))
		return;
	held_release(&f->held, at->origin, at->origin_len);
	f->held_changed = true;
}

/* ---- the transaction ---- */

static int
put_notes(struct follow *f)
{
	const struct follow_cursor_note note = { .ms = f->place.cursor.ms,
						 .seq = f->place.cursor.seq,
						 .added = f->place.added,
						 .was_seen = f->place.was_seen,
						 .is_in_gap = f->round.is_strict ||
							      f->round.wants_strict };
	int rc = live_note(f->live, FOLLOW_CURSOR_NOTE, &note, sizeof note);

	return rc == ERR_OK && f->held_changed ? follow_hold_note(f) : rc;
}

/* Is what was read what is held under the id that is being accepted? */
static bool
is_as_held(struct serving *s)
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

int
follow_save_place(struct follow *f)
{
	int rc = live_begin(f->live);

	if (rc == ERR_OK)
		rc = put_notes(f);
	if (rc == ERR_OK)
		rc = live_note(f->live, FOLLOW_SERVER_NOTE, &f->known, sizeof f->known);
	if (rc == ERR_OK)
		rc = live_commit(f->live);
	else
		live_abort(f->live);
	if (rc == ERR_OK)
		f->held_changed = false;
	else
		follow_store_failed(f, rc);
	return rc;
}

static int
apply_all(struct serving *s)
{
	struct follow *f = s->f;
	bool holds_all = false;
	int rc = ERR_OK;

	for (uint32_t i = 0; rc == ERR_OK && i < f->set.count; i++) {
		bool is_root = change_set_part(&f->set, i) == i;

		if (part_of(s, i)->is_deferred)
			continue;
		if (!part_of(s, i)->stays) {
			rc = follow_plan_apply(f, &f->set.zones[i], &s->plans[i]);
			release(s, i);
		} else if (s->is_gap) {
			holds_all = true; /* what a gap has hidden has one cause */
		} else if (is_root) {
			rc = hold_part(s, i);
		}
	}
	return rc == ERR_OK && holds_all ? hold_part(s, CHANGE_NONE) : rc;
}

/* Is there anything to be written?  A zone that has grown back is. */
static bool
changes_something(const struct serving *s)
{
	const struct follow *f = s->f;

	if (f->set.entry_count > 0 || f->held_changed || f->held.count > 0)
		return true;
	for (uint32_t i = 0; i < f->set.count; i++)
		if (!part_of(s, i)->is_deferred &&
		    (changes(s, i) || part_of(s, i)->stays))
			return true;
	return false;
}

/* The place behind what was read. */
static void
step_on(struct follow *f, const struct group *group, struct stream_place *before)
{
	*before = f->place;
	if (f->set.entry_count > 0)
		f->place.cursor = f->set.last;
	f->place.was_seen = f->place.was_seen || group->facts.exists;
	if (group->facts.tells_added && group->behind != SIZE_MAX)
		f->place.added = group->facts.added - group->behind;
	else if (f->set.entry_count > 0)
		f->place.added = 0;
}

static int
commit(struct serving *s)
{
	struct follow *f = s->f;
	struct stream_place before;
	int rc;

	step_on(f, &s->group, &before);
	if (!changes_something(s))
		return ERR_OK;
	rc = live_begin(f->live);
	if (rc == ERR_OK)
		rc = apply_all(s);
	if (rc == ERR_OK)
		rc = put_notes(f);
	if (rc == ERR_OK) {
		rc = live_commit(f->live);
	} else {
		live_abort(f->live);
	}
	if (rc == ERR_OK) {
		f->held_changed = false;
		s->is_committed = true;
		return ERR_OK;
	}
	f->place = before;
	follow_store_failed(f, rc);
	return rc;
}

/* ---- what is told of it ---- */

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
		if (part_of(s, entry->zone)->stays)
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

	if (plan->action == PLAN_NOTHING || part_of(s, zone)->stays)
		return;
	if (s->cause == CHANGE_EVENT)
		change.written_us = (int64_t)at->since_us;
	cut_zone_name(at, &change);
	region_source_note_change(f->board, &change);
	if (s->cause == CHANGE_DIGEST)
		region_source_add(f->board, SOURCE_redis_digest_misses, 1);
}

static void
tell_all(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_us = follow_now_us(), records = 0;
	char cursor[CHANGE_ID_TEXT_MAX];

	for (uint32_t i = 0; i < f->set.count; i++)
		if (!part_of(s, i)->stays)
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

/* The figures that the next set is weighed by. */
static void
count_all(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_ms = clock_now_ms();

	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct plan *plan = &s->plans[i];

		if (part_of(s, i)->stays)
			continue;
		f->served += plan->offered - plan->served;
		if (!s->is_accepted)
			shrink_guard_note(&f->guard, now_ms, shrinks_by(plan));
		if (plan->action == PLAN_DROP)
			f->served_redis_zones--;
		else if (plan->action == PLAN_PUT && !plan->is_served)
			f->served_redis_zones++;
	}
	if (f->set.has_list) {
		f->list_offset =
			(int64_t)s->group.listed_count - (int64_t)f->served_redis_zones;
		f->list_is_known = true;
	}
	follow_show_totals(f);
	if (live_overlay(f->live))
		region_source_set(f->board, SOURCE_overlay_records,
				  overlay_count(live_overlay(f->live)));
}

/* What was read whole needs no other reading. */
static void
forget_marks(struct follow *f)
{
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct redis_text name;

		if (!f->set.zones[i].is_whole || f->dirty.waiting == 0)
			continue;
		name.bytes =
			key_table_key(&f->set.texts, f->set.zones[i].text, &name.len);
		dirty_zones_drop(&f->dirty, name);
	}
	region_source_set(f->board, SOURCE_redis_waiting, f->dirty.waiting);
}

/* ---- all together ---- */

static void
fini_plans(struct serving *s, size_t count)
{
	for (size_t i = 0; s->plans && i < count; i++)
		follow_plan_fini(&s->plans[i]);
	free(s->plans);
	free(s->parts);
	s->plans = NULL;
	s->parts = NULL;
}

/* Read and weigh once. */
static int
prepare(struct serving *s)
{
	struct follow *f = s->f;
	size_t count;
	bool grew = false;
	int rc = follow_group_read(f, &s->group);

	if (rc == ERR_OK && f->set.has_list)
		rc = take_list(f, &s->group, &grew);
	s->again = grew;
	if (rc != ERR_OK || grew)
		return rc;
	count = s->planned = f->set.count;
	s->plans = calloc(count + 1, sizeof *s->plans);
	s->parts = calloc(count + 1, sizeof *s->parts);
	if (!s->plans || !s->parts)
		return ERR_NOMEM;
	rc = plan_all(s);
	if (rc != ERR_OK || s->again)
		return rc;
	if (f->held.count > 0)
		join_held(s, count);
	if (s->again)
		return ERR_OK;
	weigh(s);
	if (s->is_accepted && !is_as_held(s)) {
		s->is_accepted = false; /* hold what it has become */
		s->has_changed = true;
	}
	if (s->defers_all || s->defers_shrinking)
		defer(s);
	decide(s);
	return ERR_OK;
}

static int
renew_arena(struct follow *f)
{
	arena_free(f->arena);
	f->arena = arena_new();
	return f->arena ? ERR_OK : ERR_NOMEM;
}

static int
serve(struct serving *s)
{
	struct follow *f = s->f;
	int rc = ERR_BUSY;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		rc = renew_arena(f);
		if (rc == ERR_OK)
			rc = prepare(s);
		if (rc == ERR_OK && s->again) {
			fini_plans(s, s->planned);
			continue;
		}
		if (rc == ERR_OK)
			rc = commit(s);
		if (rc == ERR_OK) {
			tell_all(s);
			count_all(s);
			forget_marks(f);
		}
		fini_plans(s, s->planned);
		return rc;
	}
	return rc;
}

int
follow_compare_set(struct follow *f, bool all)
{
	struct serving s = { .f = f,
			     .cause = CHANGE_DIGEST,
			     .defers_all = all,
			     .defers_shrinking = !all };
	int rc;

	f->is_comparing = all;
	rc = serve(&s);
	f->is_comparing = false;
	if (rc == ERR_NOMEM || rc == ERR_DAMAGED)
		follow_store_failed(f, rc);
	return rc;
}

int
follow_serve_set(struct follow *f, enum change_cause cause, bool is_gap)
{
	struct serving s = { .f = f,
			     .cause = cause,
			     .is_gap = is_gap,
			     .is_accepted = cause == CHANGE_ACCEPT };
	int rc = serve(&s);

	if (rc == ERR_NOMEM || rc == ERR_DAMAGED)
		follow_store_failed(f, rc);
	return rc == ERR_OK && s.has_changed ? ERR_EXISTS : rc;
}
