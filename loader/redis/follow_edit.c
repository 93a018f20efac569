/* One zone compared name by name with what is served, by the hashes of the raw values;
 * only what differs is parsed. */
#include "loader/redis/follow_edit.h"

#include <string.h>

#include "loader/redis/follow_served.h"
#include "loader/zone/grow.h"
#include "shm/dns.h"
#include "shm/errcode.h"

/* ---- comparing names ---- */

static struct plan_owner *
add_owner(struct plan *plan, const uint8_t *name, size_t len)
{
	struct plan_owner *owner = grow_items(plan->owners, &plan->owner_room,
					      plan->owner_count + 1, sizeof *owner);

	if (!owner)
		return NULL;
	plan->owners = owner;
	owner = &plan->owners[plan->owner_count++];
	*owner = (struct plan_owner){ .len = (uint8_t)len };
	memcpy(owner->name, name, len);
	return owner;
}

/* Records at a name once the plan is served: those that are kept for bad ones, too. */
static uint64_t
count_offered(const struct zone_record *first, const struct zone_record *end,
	      const struct node *old)
{
	uint64_t count = 0;

	for (const struct zone_record *at = first; at < end; at++) {
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		if (!zone_record_mark(at, &mark, &type, &bytes, &len))
			count += at->type != TYPE_SOA;
		else if (mark == ZONE_MARK_BAD && old)
			count += follow_served_count(old, type);
	}
	return count;
}

static void
count_change(struct plan *plan, uint64_t before, uint64_t after)
{
	plan->offered = plan->offered + after - before;
	if (after > before)
		plan->added += after - before;
	else
		plan->removed += before - after;
}

/* A label that differs: parse it. */
static int
plan_label(struct follow *f, const struct group_zone *from, struct plan *plan,
	   const struct redis_label *label, bool is_apex, const struct node *old)
{
	struct zone_records *records = plan->records;
	size_t first = records->count;
	struct plan_owner *owner;
	int rc = redis_zone_read_label(f->reader, label, records);

	(void)from;
	if (rc != ERR_OK)
		return rc;
	count_change(plan, old ? follow_served_count(old, 0) : 0,
		     count_offered(records->records + first,
				   records->records + records->count, old));
	if (is_apex) {
		plan->has_apex = true;
		plan->apex_first = first;
		plan->apex_count = records->count - first;
		return ERR_OK;
	}
	owner = add_owner(plan, label->owner, label->owner_len);
	if (!owner)
		return ERR_NOMEM;
	owner->first = first;
	owner->count = records->count - first;
	owner->is_drop = owner->count == 0;
	return ERR_OK;
}

/* returns 0; ERR_RANGE when the zone has to be replaced. */
static int
compare_label(struct follow *f, const struct change_zone *zone,
	      const struct group_zone *from, struct plan *plan,
	      const struct redis_value *values, size_t count)
{
	uint8_t owner[DNAME_MAX + NAME_PAD];
	struct redis_label label = { .zone = from->raw.zone,
				     .values = values,
				     .count = count,
				     .owner = owner,
				     .change = plan_change(plan) };
	uint64_t hash = redis_values_hash(values, count), old_hash = 0;
	const char *reason;
	struct node node;
	bool is_apex;
	int rc;

	if (!redis_zone_label(values->label, zone->origin, zone->origin_len, owner,
			      &label.owner_len, &reason) ||
	    label.owner_len == 0)
		return ERR_RANGE;
	is_apex = label.owner_len == zone->origin_len;
	rc = follow_served_find(f, plan, owner, label.owner_len, is_apex, &node);
	if (rc == ERR_OK)
		old_hash = follow_served_hash(&node);
	else if (rc != ERR_NOTFOUND)
		return rc;
	if (hash == old_hash)
		return ERR_OK;
	plan->digest += hash - old_hash;
	return plan_label(f, from, plan, &label, is_apex, rc == ERR_OK ? &node : NULL);
}

static int
compare_labels(struct follow *f, const struct change_zone *zone,
	       const struct group_zone *from, struct plan *plan)
{
	const struct redis_raw *raw = &from->raw;
	const struct redis_value *end = raw->values + raw->count;
	int rc = ERR_OK;

	for (const struct redis_value *at = raw->values; rc == ERR_OK && at < end;) {
		size_t count = redis_values_of_label(at, end);

		rc = compare_label(f, zone, from, plan, at, count);
		at += count;
	}
	return rc;
}

/* ---- names that are served and were not read ---- */

struct missing {
	struct plan *plan;
	struct key_table *known;
	int rc;
};

static int
visit_missing(void *context, const struct node *node)
{
	struct missing *missing = context;
	struct plan *plan = missing->plan;
	struct plan_owner *owner;
	uint64_t hash = follow_served_hash(node);
	uint32_t number;

	if (hash == 0 || key_table_find(missing->known, 0, node_owner(node),
					node->head.owner_len, &number) == ERR_OK)
		return 0;
	owner = add_owner(plan, node_owner(node), node->head.owner_len);
	if (!owner)
		return ERR_NOMEM;
	owner->is_drop = true;
	plan->digest -= hash;
	count_change(plan, follow_served_count(node, 0), 0);
	return 0;
}

static int
know_owners(const struct change_zone *zone, const struct redis_raw *raw,
	    struct key_table *known, bool *has_apex)
{
	const struct redis_value *end = raw->values + raw->count;
	uint8_t owner[DNAME_MAX + NAME_PAD];
	const char *reason;
	uint32_t number;
	size_t len;
	int rc = ERR_OK;

	for (const struct redis_value *at = raw->values; rc == ERR_OK && at < end;
	     at += redis_values_of_label(at, end)) {
		(void)redis_zone_label(at->label, zone->origin, zone->origin_len, owner,
				       &len, &reason);
		rc = key_table_add(known, 0, owner, len, &number);
		*has_apex = *has_apex || len == zone->origin_len;
	}
	return rc;
}

/* The apex label has vanished: nothing but the SOA is left there. */
static int
drop_apex(struct follow *f, const struct change_zone *zone, struct plan *plan)
{
	struct node node;
	int rc = follow_served_find(f, plan, zone->origin, zone->origin_len, true, &node);

	if (rc != ERR_OK || follow_served_hash(&node) == 0)
		return rc;
	plan->has_apex = true;
	plan->apex_first = plan->records->count;
	plan->apex_count = 0;
	plan->digest -= follow_served_hash(&node);
	count_change(plan, follow_served_count(&node, 0), 0);
	return ERR_OK;
}

static int
find_missing(struct follow *f, const struct change_zone *zone,
	     const struct group_zone *from, struct plan *plan)
{
	struct key_table known = { .count = 0 };
	struct missing missing = { .plan = plan, .known = &known };
	bool has_apex = false;
	int rc = know_owners(zone, &from->raw, &known, &has_apex);

	if (rc == ERR_OK && !has_apex)
		rc = drop_apex(f, zone, plan);
	if (rc == ERR_OK)
		rc = live_walk_zone(f->live, plan->facts.zone_id, visit_missing,
				    &missing);
	key_table_fini(&known);
	return rc;
}

/* ---- all together ---- */

/* returns whether the comparison says that something is to be changed. */
static bool
differs(const struct plan *plan)
{
	return plan->owner_count > 0 || plan->has_apex || plan->config_is_new ||
	       plan->has_old_error != (plan->config.fault[0] != '\0');
}

int
follow_edit_plan(struct follow *f, const struct change_zone *zone,
		 const struct group_zone *from, struct plan *plan)
{
	const struct redis_raw *raw = &from->raw;
	int rc;

	plan->records = zone_records_new(zone->origin, zone->origin_len);
	if (!plan->records)
		return ERR_NOMEM;
	plan->digest = plan->redis.raw_digest;
	plan->config_is_new = raw->config.hash != plan->redis.config_hash;
	plan->digest += raw->config.hash - plan->redis.config_hash;
	rc = compare_labels(f, zone, from, plan);
	if (rc == ERR_OK && raw->is_whole && plan->digest != redis_raw_digest(raw)) {
		rc = find_missing(f, zone, from, plan);
		if (rc == ERR_OK && plan->digest != redis_raw_digest(raw))
			rc = ERR_RANGE;
	}
	if (rc == ERR_OK)
		plan->action = differs(plan) ? PLAN_EDIT : PLAN_NOTHING;
	return rc;
}
