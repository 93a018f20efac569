/* One pass over a zone, owner by owner. */
#include "loader/zone/render_scan.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/grow.h"
#include "loader/zone/render_marks.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum { SOA_SERIAL_FROM_END = 20, SOA_MINIMUM_FROM_END = 4 };

#define NO_PARENT SIZE_MAX

/* A name that may still get children. */
struct open_name {
	uint32_t number;
	size_t parent; /* in scan->parents; NO_PARENT: it has no child as yet */
};

struct scanning {
	struct render_scan *scan;
	const struct zone_records *zone;
	render_last_fn *find_last;
	void *context;
	struct name_ref last; /* the last plain owner */
	struct open_name path[DNAME_LABELS_MAX + 1]; /* down to it, by labels */
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

/* The first child of a name comes right behind it: parents are met in canonical order. */
static struct scan_parent *
parent_add(struct render_scan *scan, uint32_t number)
{
	struct scan_parent *parents = grow_items(scan->parents, &scan->parent_room,
						 scan->parent_count + 1, sizeof *parents);

	if (!parents)
		return NULL;
	scan->parents = parents;
	scan->parents[scan->parent_count] = (struct scan_parent){ .number = number };
	return &scan->parents[scan->parent_count++];
}

/* A name of `labels` labels comes; its parent is the last one with one label less. */
static int
scan_name(struct scanning *s, unsigned labels, bool is_wildcard)
{
	struct open_name *above = &s->path[labels - 1];
	struct scan_parent *parent;

	if (above->parent == NO_PARENT) {
		above->parent = s->scan->parent_count;
		if (!parent_add(s->scan, above->number))
			return ERR_NOMEM;
	}
	parent = &s->scan->parents[above->parent];
	parent->child_count++;
	parent->has_wildcard |= is_wildcard;
	s->path[labels] = (struct open_name){
		.number = (uint32_t)s->scan->facts.name_count++,
		.parent = NO_PARENT,
	};
	return ERR_OK;
}

/* The nodes that `group` needs, its missing ancestors first. */
static int
scan_names(struct scanning *s, const struct owner_group *group)
{
	bool is_wildcard[DNAME_LABELS_MAX + 1];
	const uint8_t *name = group->owner;
	unsigned labels = dname_label_count(name);
	unsigned known = render_scan_known_labels(s->zone, &s->last, name,
						  group->owner_len, labels);
	int rc = ERR_OK;

	for (unsigned at = labels; at > known; at--) {
		is_wildcard[at] = dname_is_wildcard(name);
		name += name[0] + 1u;
	}
	for (unsigned at = known + 1; at <= labels && rc == ERR_OK; at++)
		rc = scan_name(s, at, is_wildcard[at]);
	return rc;
}

static void
depths_add(struct scanning *s, const struct owner_group *group, uint16_t flags)
{
	if (group->owner_len == s->zone->origin_len)
		flags &= (uint16_t)~NODE_HAS_NS;
	zone_facts_add_depths(&s->scan->facts, flags, dname_label_count(group->owner));
}

/* What is served on from an earlier state counts too. */
static void
scan_kept(struct scanning *s, const struct owner_group *group)
{
	struct marks_kept kept;
	struct node last;

	if (!s->find_last || !s->find_last(s->context, s->zone, group->first, &last))
		return;
	kept = render_marks_kept(group, &last);
	s->scan->facts.record_count += kept.records;
	depths_add(s, group, kept.flags);
}

static int
scan_group(struct scanning *s, const struct owner_group *group)
{
	struct zone_facts *facts = &s->scan->facts;

	facts->record_count -= group->mark_count;
	facts->fault_count += group->bad_count + group->partial_count;
	if (group->note_count > 0)
		facts->flags |= ZONE_NOTED;
	if (group->nsec3)
		nsec3_chain_count(&s->scan->chain, group->first, group->end);
	if (!group->is_plain)
		return ERR_OK;
	depths_add(s, group, group->flags);
	if (group->bad_count > 0)
		scan_kept(s, group);
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
render_scan_serial(const struct zone_record *soa)
{
	return soa_field(soa, SOA_SERIAL_FROM_END);
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

/* Warnings are listed, and are no faults. */
static void
count_faults(const struct zone_records *zone, struct zone_facts *facts)
{
	size_t count = zone->fault_count;

	for (size_t i = 0; i < zone_records_faults_listed(zone); i++)
		if (zone->faults[i].kind == FAULT_WARNING) {
			facts->flags |= ZONE_NOTED;
			count--;
		}
	facts->fault_count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
}

int
render_scan_zone(struct render_scan *scan, const struct zone_records *zone,
		 uint32_t zone_id, render_last_fn *find_last, void *context)
{
	struct owner_group apex, group;
	const struct zone_record *soa;
	struct scanning s;

	if (!owner_group_read(zone, zone->records, &apex) ||
	    apex.owner_len != zone->origin_len)
		return ERR_FORMAT;
	soa = owner_group_find(&apex, RRTYPE_SOA);
	s.scan = scan;
	s.zone = zone;
	s.find_last = find_last;
	s.context = context;
	s.last = (struct name_ref){ apex.owner, apex.owner_len };
	s.path[dname_label_count(apex.owner)] = (struct open_name){ .parent = NO_PARENT };
	scan->parent_count = 0;
	scan->facts = (struct zone_facts){
		.zone_id = zone_id,
		.serial = soa ? render_scan_serial(soa) : 0,
		.record_count = zone->count,
		.name_count = 1,
		.loaded_at_s = zone->loaded_at_s,
		.flags = zone->is_flattened ? ZONE_FLATTENED : 0,
	};
	if (zone->signing_wish.is_wanted && !zone->signing)
		scan->facts.flags |= ZONE_TO_BE_SIGNED;
	count_faults(zone, &scan->facts);
	nsec3_chain_choose(&scan->chain, zone, apex.first, apex.end);
	for (const struct zone_record *at = zone->records;
	     owner_group_read(zone, at, &group); at = group.end) {
		owner_group_fetch_ahead(zone, &group);
		if (scan_group(&s, &group) != ERR_OK)
			return ERR_NOMEM;
	}
	facts_set_denial(scan, &apex);
	return ERR_OK;
}

void
render_scan_fini(struct render_scan *scan)
{
	free(scan->parents);
	memset(scan, 0, sizeof *scan);
}
