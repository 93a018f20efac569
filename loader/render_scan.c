/* One pass over a zone, owner by owner. */
#include "loader/render_scan.h"

#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum { SOA_SERIAL_FROM_END = 20, SOA_MINIMUM_FROM_END = 4 };

struct scanning {
	struct render_scan *scan;
	const struct zone_records *zone;
	struct name_ref last; /* the last plain owner */
};

/* Ancestors of a name, and all that is below those, stand right before it. */
unsigned
render_scan_known_labels(const struct zone_records *zone, const struct name_ref *last,
			 const uint8_t *name, size_t name_len, unsigned labels)
{
	do {
		name_len -= name[0] + 1u;
		name += name[0] + 1u;
		labels--;
	} while (name_len > zone->origin_len &&
		 !dname_is_subdomain(last->name, last->len, name, name_len));
	return labels;
}

static int
wild_parent_add(struct render_scan *scan, const uint8_t *wildcard, size_t len)
{
	if (scan->wild_count == scan->wild_room) {
		size_t room = scan->wild_room ? scan->wild_room * 2 : 16;
		struct name_ref *parents =
			realloc(scan->wild_parents, room * sizeof *parents);

		if (!parents)
			return ERR_NOMEM;
		scan->wild_parents = parents;
		scan->wild_room = room;
	}
	scan->wild_parents[scan->wild_count++] =
		(struct name_ref){ wildcard + 2, len - 2 };
	return ERR_OK;
}

/* Count the nodes that `group` needs, the missing ancestors included. */
static int
scan_names(struct scanning *s, const struct owner_group *group)
{
	const uint8_t *name = group->owner;
	size_t len = group->owner_len;
	unsigned labels = dname_label_count(name);
	unsigned known = render_scan_known_labels(s->zone, &s->last, name, len, labels);

	s->scan->facts.name_count += labels - known;
	for (; labels > known; labels--) {
		if (dname_is_wildcard(name) &&
		    wild_parent_add(s->scan, name, len) != ERR_OK)
			return ERR_NOMEM;
		len -= name[0] + 1u;
		name += name[0] + 1u;
	}
	return ERR_OK;
}

static void
depths_add(struct zone_facts *facts, const struct owner_group *group, bool is_apex)
{
	unsigned labels = dname_label_count(group->owner);
	uint64_t bit = UINT64_C(1) << labels % 64;

	if (group->flags & NODE_HAS_DNAME)
		facts->dname_depths[labels / 64] |= bit;
	if ((group->flags & NODE_HAS_NS) && !is_apex)
		facts->cut_depths[labels / 64] |= bit;
}

static int
scan_group(struct scanning *s, const struct owner_group *group)
{
	struct zone_facts *facts = &s->scan->facts;

	if (group->nsec3)
		nsec3_chain_count(&s->scan->chain, group->first, group->end);
	if (!group->is_plain)
		return ERR_OK;
	depths_add(facts, group, group->owner_len == s->zone->origin_len);
	if (group->owner_len > s->zone->origin_len && scan_names(s, group) != ERR_OK)
		return ERR_NOMEM;
	s->last = (struct name_ref){ group->owner, group->owner_len };
	return ERR_OK;
}

static uint32_t
soa_field(const struct zone_record *soa, unsigned from_end)
{
	return soa->rdata_len < SOA_SERIAL_FROM_END
		       ? 0
		       : wire_get_u32(soa->rdata + soa->rdata_len - from_end);
}

uint32_t
render_scan_negative_ttl(const struct zone_record *soa)
{
	uint32_t minimum = soa_field(soa, SOA_MINIMUM_FROM_END);

	return soa->ttl < minimum ? soa->ttl : minimum;
}

static void
facts_set_denial(struct render_scan *scan, const struct owner_group *apex)
{
	if (!owner_group_find(apex, RRTYPE_RRSIG))
		return;
	if (owner_group_find(apex, RRTYPE_NSEC))
		scan->facts.flags |= ZONE_SIGNED | ZONE_NSEC;
	if (scan->chain.count > 0)
		scan->facts.flags |= ZONE_SIGNED | ZONE_NSEC3;
	if (scan->chain.has_opt_out)
		scan->facts.flags |= ZONE_OPTOUT;
}

static int
name_ref_compare(const void *a, const void *b)
{
	return dname_compare(((const struct name_ref *)a)->name,
			     ((const struct name_ref *)b)->name);
}

int
render_scan_zone(struct render_scan *scan, const struct zone_records *zone,
		 uint32_t zone_id)
{
	struct scanning s = { .scan = scan, .zone = zone };
	struct owner_group apex, group;
	const struct zone_record *soa;

	if (!owner_group_read(zone, zone->records, &apex) ||
	    apex.owner_len != zone->origin_len)
		return ERR_FORMAT;
	soa = owner_group_find(&apex, RRTYPE_SOA);
	scan->wild_count = 0;
	scan->facts = (struct zone_facts){
		.zone_id = zone_id,
		.serial = soa ? soa_field(soa, SOA_SERIAL_FROM_END) : 0,
		.record_count = zone->count,
		.name_count = 1,
		.fault_count = zone->fault_count < UINT32_MAX
				       ? (uint32_t)zone->fault_count
				       : UINT32_MAX,
		.loaded_at_s = zone->loaded_at_s,
	};
	nsec3_chain_choose(&scan->chain, zone, apex.first, apex.end);
	for (const struct zone_record *at = zone->records;
	     owner_group_read(zone, at, &group); at = group.end)
		if (scan_group(&s, &group) != ERR_OK)
			return ERR_NOMEM;
	facts_set_denial(scan, &apex);
	if (scan->wild_count > 0)
		qsort(scan->wild_parents, scan->wild_count, sizeof *scan->wild_parents,
		      name_ref_compare);
	return ERR_OK;
}

void
render_scan_fini(struct render_scan *scan)
{
	free(scan->wild_parents);
	memset(scan, 0, sizeof *scan);
}
