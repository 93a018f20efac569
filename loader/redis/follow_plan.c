/* What one zone's reading means for the store: compared name by name with what is served,
 * by the hashes of the raw values; only what differs is parsed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/follow_state.h"
#include "loader/zone/apex_node.h"
#include "loader/zone/served_soa.h"
#include "shm/dns.h"
#include "shm/errcode.h"

/* A zone that changes in most of its names is made anew. */
enum { REPLACE_OWNERS = 1000 };

/* ---- what is served ---- */

/* The value hash of a name, 0 when Redis has not brought it. */
static uint64_t
value_hash(const struct node *node)
{
	struct provenance provenance;

	return node_copy_block(node, BLOCK_PROVENANCE, &provenance, sizeof provenance)
		       ? provenance.value_hash
		       : 0;
}

/* Records of one type (0: all) at a name; the SOA is the config's and not counted. */
static uint64_t
count_served(const struct node *node, uint16_t type)
{
	uint64_t count = 0;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block))
		if (block.head.kind == BLOCK_RRSET && block.head.type != TYPE_SOA &&
		    (type == 0 || block.head.type == type) && rrset_open(&block, &rrset))
			count += rrset.head.rr_count;
	return count;
}

static int
find_served(struct follow *f, const struct plan *plan, const uint8_t *owner, size_t len,
	    bool is_apex, struct node *out)
{
	return live_find(f->live, is_apex ? CATALOGUE_ID : plan->facts.zone_id, owner,
			 len, out);
}

/* The apex as it is served.  *soa: what its SOA tells. */
static int
read_served(struct follow *f, const struct change_zone *zone, struct plan *plan,
	    struct zone_config *soa)
{
	struct node apex;
	int rc = live_zone(f->live, zone->origin, zone->origin_len, &apex);

	if (rc == ERR_NOTFOUND)
		return ERR_OK;
	if (rc != ERR_OK)
		return rc;
	if (!node_zone_facts(&apex, &plan->facts))
		return ERR_DAMAGED;
	plan->is_served = true;
	plan->is_ours = apex_is_from_redis(&apex);
	plan->is_broken = plan->facts.flags & ZONE_BROKEN;
	if (!node_copy_block(&apex, BLOCK_REDIS, &plan->redis, sizeof plan->redis) ||
	    !served_soa_read(&apex, soa))
		plan->is_broken = true;
	plan->served = plan->offered = plan->facts.record_count;
	plan->has_old_error = !apex_has_error(&apex, "");
	plan->has_conflict = apex_has_error(&apex, FOLLOW_CONFLICT_TEXT);
	return ERR_OK;
}

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

/* What is there cannot be served: say so, and serve on what is. */
static void
plan_error(struct plan *plan, const char *text, size_t len)
{
	plan->action = plan->is_served ? PLAN_ERROR : PLAN_BREAK;
	snprintf(plan->error, sizeof plan->error, "%.*s", (int)len, text);
	plan->offered = plan->served;
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

/* ---- comparing names ---- */

static struct plan_owner *
add_owner(struct plan *plan, const uint8_t *name, size_t len)
{
	struct plan_owner *owner;

	if (plan->owner_count == plan->owner_room) {
		size_t room = plan->owner_room ? plan->owner_room * 2 : 8;
		struct plan_owner *grown =
			reallocarray(plan->owners, room, sizeof *grown);

		if (!grown)
			return NULL;
		plan->owners = grown;
		plan->owner_room = room;
	}
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
			count += count_served(old, type);
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

static struct redis_change
change_of(const struct plan *plan)
{
	return (struct redis_change){ .ms = plan->change.ms, .seq = plan->change.seq };
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
	count_change(plan, old ? count_served(old, 0) : 0,
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
				     .change = change_of(plan) };
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
	rc = find_served(f, plan, owner, label.owner_len, is_apex, &node);
	if (rc == ERR_OK)
		old_hash = value_hash(&node);
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
	uint64_t hash = value_hash(node);
	uint32_t number;

	if (hash == 0 || key_table_find(missing->known, 0, node_owner(node),
					node->head.owner_len, &number) == ERR_OK)
		return 0;
	owner = add_owner(plan, node_owner(node), node->head.owner_len);
	if (!owner)
		return ERR_NOMEM;
	owner->is_drop = true;
	plan->digest -= hash;
	count_change(plan, count_served(node, 0), 0);
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
	int rc = find_served(f, plan, zone->origin, zone->origin_len, true, &node);

	if (rc != ERR_OK || value_hash(&node) == 0)
		return rc;
	plan->has_apex = true;
	plan->apex_first = plan->records->count;
	plan->apex_count = 0;
	plan->digest -= value_hash(&node);
	count_change(plan, count_served(&node, 0), 0);
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
		    find_served(f, plan, record->owner, record->owner_len,
				record->owner_len == zone->origin_len, &node) == ERR_OK)
			count += count_served(&node, type);
	}
	return count;
}

static int
plan_put(struct follow *f, const struct change_zone *zone, const struct group_zone *from,
	 struct plan *plan)
{
	struct zone_messages messages = { .kept = NULL };
	uint32_t serial = plan->facts.serial;
	struct redis_zone_job job = {
		.raw = &from->raw,
		.origin = zone->origin,
		.origin_len = zone->origin_len,
		.config = &plan->config,
		.change = change_of(plan),
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

/* ---- one zone ---- */

/* returns whether the comparison says that something is to be changed. */
static bool
differs(const struct plan *plan)
{
	return plan->owner_count > 0 || plan->has_apex || plan->config_is_new ||
	       plan->has_old_error != (plan->config.fault[0] != '\0');
}

/* Change name by name what a reading of some labels, or of all, shows. */
static int
plan_edit(struct follow *f, const struct change_zone *zone, const struct group_zone *from,
	  struct plan *plan)
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

/* Zones that can only be taken as a whole. */
static bool
needs_whole(const struct plan *plan)
{
	return !plan->is_served || plan->is_broken ||
	       (plan->redis.flags & REDIS_ZONE_ODD);
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
		plan_error(plan, raw->zone_value.text.bytes, raw->zone_value.text.len);
		return ERR_OK;
	}
	if (!plan->is_served && !from->has_key &&
	    raw->config.state == REDIS_VALUE_MISSING)
		return ERR_OK; /* nothing of it has been written yet */
	rc = read_config(f, zone, from, soa, plan);
	if (rc != ERR_OK)
		return rc;
	if (plan->config.refusal[0] != '\0') {
		plan_error(plan, plan->config.refusal, strlen(plan->config.refusal));
		return ERR_OK;
	}
	if ((plan_loss(from, plan) || needs_whole(plan)) && !raw->is_whole) {
		plan->needs_whole = true;
		return ERR_OK;
	}
	if (plan->is_served && raw->is_whole && !plan->is_broken &&
	    redis_raw_digest(raw) == plan->redis.raw_digest &&
	    plan->has_old_error == (plan->config.fault[0] != '\0')) {
		plan->digest = plan->redis.raw_digest;
		return ERR_OK;
	}
	if (needs_whole(plan))
		return plan_put(f, zone, from, plan);
	rc = plan_edit(f, zone, from, plan);
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
		plan->change.ms = follow_now_us() / 1000;
	rc = read_served(f, zone, plan, &soa);
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
