/* Addresses that were found for a name before, taken over while it is not known where it leads
 * to now. */
#include <string.h>

#include "loader/sign/signing.h"
#include "loader/sign/stored_rrset.h"
#include "loader/zone/arena.h"
#include "loader/zone/steered_bare.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

/* An owner with an ANAME, or a CNAME that is flattened. */
struct leader {
	const uint8_t *name;
	uint8_t len;
	bool has_lead; /* an ANAME, or the CNAME */
	bool is_kept; /* of an ANAME that is bad now: the one before */
	bool is_cut; /* its addresses are not ours */
	bool has[2]; /* A, AAAA of its own, good or bad */
	bool is_resolved[2]; /* these are none of its own */
	size_t resolved_count; /* their records */
};

static int
number_of(uint16_t type)
{
	return type == RRTYPE_A ? 0 : type == RRTYPE_AAAA ? 1 : -1;
}

/* Marks come before the records that they are about. */
static void
note_type(struct leader *leader, uint16_t type)
{
	int number = number_of(type);

	if (number < 0)
		return;
	leader->has[number] = true;
	leader->resolved_count += leader->is_resolved[number];
}

/* Read the owner at *at, which moves behind it.  returns whether it leads on. */
static bool
read_owner(const struct zone_records *zone, size_t *at, size_t end, struct leader *out)
{
	const uint8_t *owner = zone->records[*at].owner, *bytes;

	*out = (struct leader){ .name = owner, .len = zone->records[*at].owner_len };
	for (; *at < end && zone->records[*at].owner == owner; ++*at) {
		const struct zone_record *record = &zone->records[*at];
		enum zone_mark mark = ZONE_MARK_PROVENANCE;
		uint16_t type = record->type;
		size_t len;
		bool is_mark = zone_record_mark(record, &mark, &type, &bytes, &len);

		if (is_mark && mark == ZONE_MARK_RESOLVED && number_of(type) >= 0)
			out->is_resolved[number_of(type)] = true;
		if (!is_mark || mark == ZONE_MARK_BAD)
			note_type(out, type);
		out->is_cut |= !is_mark && type == RRTYPE_NS &&
			       record->owner_len != zone->origin_len;
		out->is_kept |= is_mark && mark == ZONE_MARK_BAD &&
				(type == ANAME_TYPE || type == BAD_RRSET_ALL);
		out->has_lead |= is_mark ? mark == ZONE_MARK_ANAME
					 : type == RRTYPE_CNAME && zone->is_flattened;
	}
	return !out->is_cut && (out->has_lead || out->is_kept);
}

/* Will it still be one?  A bad one is what the node has. */
static bool
leads_on(const struct leader *leader, const struct node *node)
{
	struct block block;

	return leader->has_lead || node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block);
}

/* The RRset of this type, if the node has one that was resolved.
 * *count  grows by the number of its records */
static int
take_rrset(struct zone_records *zone, const struct leader *leader,
	   const struct node *node, uint16_t type, size_t *count)
{
	struct block facts, block;
	struct sign_rrset rrset;
	struct rrset stored;
	bool is_steered;
	int rc;

	if (leader->has[number_of(type)] ||
	    !node_find_block(node, BLOCK_RESOLVED, type, &facts))
		return ERR_OK;
	is_steered = node_find_block(node, BLOCK_STEERED, type, &block);
	if ((!is_steered && !node_find_block(node, BLOCK_RRSET, type, &block)) ||
	    !block_open_rrset(&block, &stored))
		return ERR_DAMAGED;
	rc = stored_rrset_read(node, &stored, zone->origin, zone->origin_len, zone->arena,
			       &rrset);
	for (size_t i = 0; i < rrset.count && rc == ERR_OK; i++)
		rc = zone_records_add(zone, &rrset.records[i]);
	*count += rrset.count;
	if (rc == ERR_OK && is_steered)
		rc = steered_bare_add(zone, zone->arena, leader->name, leader->len,
				      &block);
	return rc == ERR_OK ? zone_records_add_mark(zone, leader->name, leader->len,
						    ZONE_MARK_RESOLVED, type,
						    facts.payload, facts.head.len)
			    : rc;
}

static int
take_rrsets(struct signing *s, const struct leader *leader, size_t *count)
{
	struct node node;
	int rc;

	if (!s->has_served ||
	    !s->how->find_served(s->how->context, s->zone, leader->name, leader->len,
				 false, &node) ||
	    !leads_on(leader, &node))
		return ERR_OK;
	rc = take_rrset(s->zone, leader, &node, RRTYPE_A, count);
	return rc == ERR_OK ? take_rrset(s->zone, leader, &node, RRTYPE_AAAA, count) : rc;
}

int
signing_take_resolved(struct signing *s)
{
	size_t end = s->zone->count, count = 0;
	struct leader leader;
	int rc = ERR_OK;

	for (size_t at = 0; rc == ERR_OK && at < end;) {
		bool leads = read_owner(s->zone, &at, end, &leader);

		count += leader.resolved_count;
		if (leads)
			rc = take_rrsets(s, &leader, &count);
	}
	/* marks are no records */
	s->given_count = s->zone->count - count;
	return rc == ERR_OK ? rc : signing_fail(s, rc, errcode_text(rc));
}
