/* Whole zones and what their names lead to. */
#include "loader/lead_zones.h"

#include <stdlib.h>
#include <string.h>

#include "loader/store/watch_list.h"
#include "loader/zone/grow.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

/* ---- which ---- */

struct finding {
	struct live *live;
	const struct lead_source *source;
	struct lead_zones *out;
	struct live_leader leader;
};

static int
note_zone(struct lead_zones *zones, uint32_t id)
{
	uint32_t *ids;

	if (zones->count > 0 && zones->ids[zones->count - 1] == id)
		return ERR_OK;
	ids = grow_items(zones->ids, &zones->room, zones->count + 1, sizeof *ids);
	if (!ids)
		return ERR_NOMEM;
	zones->ids = ids;
	ids[zones->count++] = id;
	return ERR_OK;
}

/* The node of an entry, if it leads on and its zone is signed here.
 * *origin  of that; borrowed from the entry */
static int
find_leader(struct finding *f, const struct watch_list_entry *entry,
	    const uint8_t **origin, struct node *out)
{
	const uint8_t *name = entry->owner;
	size_t len = entry->owner_len;
	struct zone_facts facts;
	struct block block;
	int rc;

	while ((rc = live_zone(f->live, name, len, out)) == ERR_NOTFOUND && *name != 0) {
		len -= *name + 1u;
		name += *name + 1u;
	}
	*origin = name;
	if (rc != ERR_OK || !node_zone_facts(out, &facts) ||
	    facts.zone_id != entry->zone_id ||
	    !node_find_block(out, BLOCK_SIGNING, 0, &block))
		return rc == ERR_OK ? ERR_NOTFOUND : rc;
	if (name != entry->owner)
		rc = live_find(f->live, entry->zone_id, entry->owner, entry->owner_len,
			       out);
	return rc == ERR_OK && !live_leads_on(out) ? ERR_NOTFOUND : rc;
}

/* watch_list_fn */
static int
look_at(void *context, const struct watch_list_entry *entry)
{
	struct finding *f = context;
	const uint8_t *origin;
	struct node node;
	int rc = ERR_OK;

	for (unsigned i = 0; rc == ERR_OK && i < LIVE_ADDRESS_TYPES; i++) {
		enum live_address_type type = (enum live_address_type)i;
		struct live_addresses *to = &f->leader.types[i];

		rc = find_leader(f, entry, &origin, &node);
		if (rc == ERR_OK)
			rc = lead_follow(f->live, f->source, origin,
					 dname_len(origin, DNAME_MAX), &node, type, to);
		if (rc == ERR_OK)
			rc = find_leader(f, entry, &origin, &node);
		if (rc == ERR_OK && !live_addresses_are_there(&node, type, to))
			rc = note_zone(f->out, entry->zone_id);
		f->out->leaders += i == 0 && rc == ERR_OK;
	}
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

int
lead_zones_find(const char *dir, struct live *live, const struct lead_source *source,
		struct lead_zones *out)
{
	struct finding finding = { .live = live, .source = source, .out = out };
	int rc = watch_list_read(dir, look_at, &finding);

	live_leader_fini(&finding.leader);
	if (out->count > 1)
		qsort(out->ids, out->count, sizeof *out->ids, compare_ids);
	return rc;
}

bool
lead_zones_has(const struct lead_zones *zones, uint32_t zone_id)
{
	return zones->count > 0 && bsearch(&zone_id, zones->ids, zones->count,
					   sizeof *zones->ids, compare_ids) != NULL;
}

/* ---- records ---- */

static int
add_rrset(struct zone_records *zone, const uint8_t *owner, size_t owner_len,
	  uint16_t type, const struct live_addresses *to)
{
	const struct resolved_facts facts = { .signed_ttl = to->signed_ttl };
	const uint8_t *at = to->payload;
	struct zone_record record = {
		.owner = owner,
		.owner_len = (uint8_t)owner_len,
		.type = type,
		.ttl = to->ttl,
		.rdata_len = (uint16_t)(STEERED_RR_LEN(type) - STEERED_RR_HEAD_LEN),
	};
	struct rrset_head head;
	int rc = zone_records_add_mark(zone, owner, owner_len, ZONE_MARK_RESOLVED, type,
				       &facts, sizeof facts);

	if (to->is_steered && rc == ERR_OK)
		rc = zone_records_add_mark(zone, owner, owner_len, ZONE_MARK_STEERED,
					   type, to->payload, to->len);
	if (to->is_steered)
		at += sizeof(struct steered_head);
	memcpy(&head, at, sizeof head);
	at += sizeof head + STEERED_RR_HEAD_LEN;
	for (unsigned i = 0; i < head.rr_count && rc == ERR_OK; i++) {
		record.rdata = at + (size_t)STEERED_RR_LEN(type) * i;
		rc = zone_records_add(zone, &record);
	}
	return rc;
}

/* Does the name have such an RRset itself, or should? */
static bool
has_own(const struct node *node, uint16_t type)
{
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block))
		if (block.head.type == type &&
		    (block_holds_rrset(&block) || block.head.kind == BLOCK_BAD_RRSET) &&
		    !node_is_resolved(node, type))
			return true;
	return false;
}

static int
add_owner(struct live *live, const struct lead_source *source, struct zone_records *zone,
	  const uint8_t *owner, size_t owner_len, struct live_leader *leader)
{
	struct node node;
	int rc = ERR_OK;

	for (unsigned i = 0; rc == ERR_OK && i < LIVE_ADDRESS_TYPES; i++) {
		struct live_addresses *to = &leader->types[i];
		uint16_t type = live_address_rrtype((enum live_address_type)i);

		rc = live_find_owner(live, zone->origin, zone->origin_len, owner,
				     owner_len, &node);
		if (rc != ERR_OK || !live_leads_on(&node) || has_own(&node, type))
			continue;
		rc = lead_follow(live, source, zone->origin, zone->origin_len, &node,
				 (enum live_address_type)i, to);
		if (rc == ERR_OK && to->state == LIVE_ADDRESSES_SET)
			rc = add_rrset(zone, owner, owner_len, type, to);
	}
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static bool
leads_on(const struct zone_records *zone, const struct zone_record *record)
{
	const uint8_t *bytes;
	enum zone_mark mark;
	uint16_t type;
	size_t len;

	if (!zone_record_mark(record, &mark, &type, &bytes, &len))
		return zone->is_flattened && record->type == RRTYPE_CNAME;
	return mark == ZONE_MARK_ANAME;
}

int
lead_zones_add_records(struct live *live, const struct lead_source *source,
		       struct zone_records *zone)
{
	struct live_leader leader = { .owner_len = 0 };
	size_t count = zone->count;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < count; i++)
		if (leads_on(zone, &zone->records[i]))
			rc = add_owner(live, source, zone, zone->records[i].owner,
				       zone->records[i].owner_len, &leader);
	live_leader_fini(&leader);
	return rc == ERR_OK && zone->count > count ? zone_sort(zone) : rc;
}
