/* What one zone's reading means for the store. */
#include "loader/redis/follow_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_edit.h"
#include "loader/redis/follow_served.h"
#include "loader/redis/follow_sign.h"
#include "shm/clock.h"
#include "shm/errcode.h"

/* A zone that changes in most of its names is made anew. */
enum { REPLACE_OWNERS = 1000 };

/* ---- plans that need no comparison ---- */

/* A zone that is not from Redis: only whether there is a conflict is told. */
static void
plan_foreign(const struct group_zone *from, struct plan *plan)
{
	if (from->is_listed == plan->has_conflict ||
	    (plan->has_old_error && !plan->has_conflict))
		return;
	plan->action = PLAN_ERROR;
	snprintf(plan->error, sizeof plan->error, "%s",
		 from->is_listed ? FOLLOW_CONFLICT_TEXT : "");
}

static void
plan_unlisted(const struct group *group, struct plan *plan)
{
	if (!plan->is_served)
		return;
	plan->action = PLAN_DROP;
	plan->offered = 0;
	plan->removed = plan->served;
	plan->digest = 0;
	plan->reason = HELD_UNLISTED;
	if (group->listed_count == 0) {
		plan->reason = HELD_EMPTY;
		plan->must_hold = true;
	}
}

/* Has something vanished that only vanishes by mistake? */
static bool
plan_loss(const struct group_zone *from, struct plan *plan)
{
	bool had_names = plan->redis.raw_digest != plan->redis.config_hash;
	bool had_config =
		plan->redis.config_hash != 0 && !(plan->redis.flags & REDIS_ZONE_ODD);

	if (!plan->is_served || plan->is_broken)
		return false;
	if (!from->has_key && had_names)
		plan->reason = HELD_KEY_GONE;
	else if (from->raw.config.state == REDIS_VALUE_MISSING && had_config)
		plan->reason = HELD_CONFIG_GONE;
	else
		return false;
	plan->must_hold = true;
	return true;
}

/* ---- whole zones ---- */

/* What the marks of a new zone keep of the old one is not lost. */
static uint64_t
count_kept(struct follow *f, const struct plan *plan, const struct zone_records *zone)
{
	uint64_t count = 0;

	for (size_t i = 0; plan->is_served && i < zone->count; i++) {
		const struct zone_record *record = &zone->records[i];
		const uint8_t *bytes;
		enum zone_mark mark;
		struct node node;
		uint16_t type;
		size_t len;

		if (zone_record_mark(record, &mark, &type, &bytes, &len) &&
		    mark == ZONE_MARK_BAD &&
		    follow_served_find(f, plan, record->owner, record->owner_len,
				       record->owner_len == zone->origin_len,
				       &node) == ERR_OK)
			count += follow_served_count(&node, type);
	}
	return count;
}

static int
make_records(struct follow *f, const struct change_zone *zone,
	     const struct group_zone *from, struct plan *plan)
{
	struct zone_messages messages = { .kept = NULL };
	uint32_t serial = plan->facts.serial;
	struct redis_zone_job job = {
		.raw = &from->raw,
		.origin = zone->origin,
		.origin_len = zone->origin_len,
		.config = &plan->config,
		.change = plan_change(plan),
		.old_serial = plan->is_served && !plan->is_broken ? &serial : NULL,
		.old_digest = plan->redis.raw_digest,
	};
	uint64_t records = 0;
	int rc;

	zone_records_free(plan->records);
	plan->records = NULL;
	plan->owner_count = 0;
	rc = redis_zone_read(f->reader, &job, &plan->records, &messages);
	zone_messages_fini(&messages);
	if (rc != ERR_OK)
		return rc;
	for (size_t i = 0; i < plan->records->count; i++)
		records += plan->records->records[i].type != ZONE_MARK_TYPE;
	plan->action = PLAN_PUT;
	plan->digest = redis_raw_digest(&from->raw);
	plan->offered = records + count_kept(f, plan, plan->records);
	plan->added = plan->offered > plan->served ? plan->offered - plan->served : 0;
	plan->removed = plan->served > plan->offered ? plan->served - plan->offered : 0;
	return ERR_OK;
}

static int
plan_put(struct follow *f, const struct change_zone *zone, const struct group_zone *from,
	 struct plan *plan)
{
	int rc = make_records(f, zone, from, plan);

	if (rc != ERR_OK || !plan->signs)
		return rc;
	rc = follow_sign_records(f, plan);
	/* it is left unsigned, unless that is refused: then what is served stays */
	if (rc == ERR_OK && !plan->signs && plan->action == PLAN_PUT)
		rc = make_records(f, zone, from, plan);
	return rc;
}

/* ---- one zone ---- */

/* Zones that can only be taken as a whole. */
static bool
needs_whole(const struct change_zone *zone, const struct plan *plan)
{
	bool was_flattened = plan->facts.flags & ZONE_FLATTENED;

	return !plan->is_served || plan->is_broken || zone->is_put_whole ||
	       plan->is_sign_due || (plan->redis.flags & REDIS_ZONE_ODD) ||
	       plan->config.config.cname_flattening != was_flattened;
}

/* The config, or the one that is served when it cannot be used. */
static int
read_config(struct follow *f, const struct change_zone *zone,
	    const struct group_zone *from, const struct zone_config *soa,
	    struct plan *plan)
{
	int rc = redis_zone_read_config(f->reader, from->raw.zone, &from->raw.config,
					zone->origin, zone->origin_len, &plan->config);

	if (rc == ERR_OK && plan->config.fault[0] != '\0' && plan->is_served &&
	    !plan->is_broken)
		plan->config.config = *soa;
	return rc;
}

static int
plan_listed(struct follow *f, const struct change_zone *zone,
	    const struct group_zone *from, const struct zone_config *soa,
	    struct plan *plan)
{
	const struct redis_raw *raw = &from->raw;
	int rc;

	if (raw->zone_value.state == REDIS_VALUE_BAD) {
		plan_set_error(plan, raw->zone_value.text.bytes,
			       raw->zone_value.text.len);
		return ERR_OK;
	}
	if (!plan->is_served && !from->has_key &&
	    raw->config.state == REDIS_VALUE_MISSING)
		return ERR_OK; /* nothing of it has been written yet */
	rc = read_config(f, zone, from, soa, plan);
	if (rc != ERR_OK)
		return rc;
	rc = follow_sign_plan(f, zone, from, plan);
	if (rc != ERR_OK || plan->action != PLAN_NOTHING || plan->was_tried)
		return rc;
	if ((plan_loss(from, plan) || needs_whole(zone, plan)) && !raw->is_whole) {
		plan->needs_whole = true;
		return ERR_OK;
	}
	if (plan->is_served && raw->is_whole && !plan->is_broken && !plan->is_sign_due &&
	    redis_raw_digest(raw) == plan->redis.raw_digest &&
	    plan->has_old_error == (plan->config.fault[0] != '\0')) {
		plan->digest = plan->redis.raw_digest;
		return ERR_OK;
	}
	if (needs_whole(zone, plan))
		return plan_put(f, zone, from, plan);
	rc = follow_edit_plan(f, zone, from, plan);
	if (rc == ERR_RANGE && !raw->is_whole) {
		plan->needs_whole = true;
		return ERR_OK;
	}
	if (rc == ERR_RANGE ||
	    (rc == ERR_OK && raw->is_whole && plan->owner_count > REPLACE_OWNERS &&
	     plan->owner_count > plan->facts.name_count / 2))
		rc = plan_put(f, zone, from, plan);
	return rc;
}

int
follow_plan_zone(struct follow *f, const struct group *group, uint32_t number,
		 struct plan *plan)
{
	const struct change_zone *zone = &f->set.zones[number];
	const struct group_zone *from = &group->zones[number];
	struct zone_config soa = { .ttl = 0 };
	int rc;

	*plan = (struct plan){ .action = PLAN_NOTHING,
			       .listed_as = from->raw.zone.bytes,
			       .change = zone->id };
	if (plan->change.ms == 0)
		plan->change.ms = (uint64_t)clock_wall_ms();
	rc = follow_served_read(f, zone, plan, &soa);
	if (rc != ERR_OK)
		return rc;
	if (plan->is_served && !plan->is_ours)
		plan_foreign(from, plan);
	else if (!from->is_listed)
		plan_unlisted(group, plan);
	else
		rc = plan_listed(f, zone, from, &soa, plan);
	return rc;
}

void
follow_plan_fini(struct plan *plan)
{
	zone_records_free(plan->records);
	free(plan->owners);
	plan->records = NULL;
	plan->owners = NULL;
}
