/* Following without answering, and what is answered then. */
#include "worker/aname.h"

#include <string.h>

#include "shm/aname.h"
#include "shm/wire.h"
#include "worker/alias.h"
#include "worker/answer_steered.h"
#include "worker/resolved_view.h"
#include "worker/trace.h"

enum {
	RR_HEAD = 12, /* owner pointer, type, class, TTL, rdata length */
	V6_LEN = 16,
};

static void
begin(struct answering *a, const struct node *node, const struct block *block,
      unsigned encloser_labels)
{
	struct flattening *flat = &a->flat;
	const struct query *q = a->q;

	if (flat->is_on)
		return;
	flat->is_on = true;
	flat->is_cname = block->head.kind != BLOCK_ANAME;
	flat->chain_len = a->chain_len;
	memcpy(flat->owner, q->name, q->name_len);
	flat->owner_len = q->name_len;
	flat->encloser_labels = (uint8_t)encloser_labels;
	flat->place = q->place;
	flat->zone = *a->zone;
	flat->node = *node;
	flat->ttl = UINT32_MAX;
	stats_add(a->stats, STAT_aname_answers, 1);
}

static void
lower_ttl(struct answering *a, uint32_t ttl)
{
	if (ttl < a->flat.ttl)
		a->flat.ttl = ttl;
}

enum step
aname_follow(struct answering *a, const struct node *node, const struct block *block,
	     unsigned encloser_labels, const struct rrset_place *place)
{
	uint8_t name[DNAME_MAX];
	struct rrset cname;
	struct aname aname;
	unsigned len;

	begin(a, node, block, encloser_labels);
	if (!alias_note(a, a->q->label_count))
		return STEP_FAILED;
	if (block->head.kind == BLOCK_ANAME) {
		if (!aname_open(block, &aname))
			return STEP_DAMAGED;
		len = aname.head.target_len;
		memcpy(name, aname.target, len);
		lower_ttl(a, aname.head.ttl);
	} else {
		if (!rrset_open(block, &cname))
			return STEP_DAMAGED;
		len = alias_read_target(&cname, place, name);
		lower_ttl(a, cname.head.ttl);
	}
	if (len == 0)
		return STEP_DAMAGED;
	trace_name(a->options->trace, TRACE_FOLLOW, block->head.type, name, len);
	return alias_go_to(a, name, len);
}

/* ---- what is answered ---- */

static struct rrset_place
owner_place(const struct answering *a)
{
	const struct flattening *flat = &a->flat;
	const struct node *apex = &flat->zone.apex;
	unsigned above = (unsigned)flat->owner_len - apex->head.owner_len;

	return (struct rrset_place){
		.owner = flat->owner,
		.apex = node_owner(apex),
		.owner_len = flat->owner_len,
		.apex_len = apex->head.owner_len,
		.owner_at = name_place_suffix(&flat->place, 0),
		.apex_at = name_place_suffix(&flat->place, above),
	};
}

/* Bound the TTLs of the address records that stand in the message from `at` on. */
static enum step
bound_ttls(struct answering *a, uint32_t at)
{
	uint8_t *packet = a->response.packet;
	uint32_t end = a->response.at;

	while (at < end) {
		while (at < end && packet[at] != 0 && packet[at] <= DNAME_LABEL_MAX)
			at += packet[at] + 1u;
		at += at < end && packet[at] != 0 ? 2 : 1;
		if (end - at < RR_HEAD - 2 || at > end)
			return STEP_DAMAGED;
		if (wire_get_u32(packet + at + 4) > a->flat.ttl)
			wire_put_u32(packet + at + 4, a->flat.ttl);
		at += RR_HEAD - 2u + wire_get_u16(packet + at + 8);
	}
	return STEP_DONE;
}

enum step
aname_add(struct answering *a, const struct block *block)
{
	struct rrset_place place = owner_place(a);
	uint32_t from = a->response.at, wire_at;
	struct rrset rrset;
	enum step step;

	if (block->head.kind == BLOCK_STEERED) {
		step = answer_steered(a, NULL, block, SECTION_ANSWER, &place);
	} else {
		if (!rrset_open(block, &rrset))
			return STEP_DAMAGED;
		/* they are of another owner */
		rrset.head.sig_count = rrset.head.sig_len = 0;
		step = step_from(response_add(&a->response, SECTION_ANSWER, &rrset,
					      &place, &wire_at));
	}
	return step == STEP_DONE ? bound_ttls(a, from) : step;
}

static enum step
add_resolved(struct answering *a, const struct resolved *found)
{
	uint8_t wire[RESOLVED_ADDRESSES_MAX * (RR_HEAD + V6_LEN)], *at = wire;
	struct rrset_place place = owner_place(a);
	uint32_t wire_at;
	struct rrset rrset = {
		.head = { .ttl = a->flat.ttl, .rr_count = found->head.address_count },
		.type = a->q->type,
		.wire = wire,
	};

	for (unsigned i = 0; i < found->head.address_count; i++) {
		wire_put_u16(at, QNAME_POINTER);
		wire_put_u16(at + 2, a->q->type);
		wire_put_u16(at + 4, CLASS_IN);
		wire_put_u32(at + 6, a->flat.ttl);
		wire_put_u16(at + 10, (uint16_t)found->address_len);
		memcpy(at + RR_HEAD, found->addresses + (size_t)i * found->address_len,
		       found->address_len);
		at += RR_HEAD + found->address_len;
	}
	rrset.head.wire_len = (uint16_t)(at - wire);
	rrset.patches = rrset.targets = rrset.targets_end = at;
	return step_from(
		response_add(&a->response, SECTION_ANSWER, &rrset, &place, &wire_at));
}

/* Go to the first name of the resolver's chain that is ours.  returns STEP_DONE when none is. */
static enum step
come_back(struct answering *a, const struct resolved *found)
{
	const uint8_t *name = found->names;
	struct zone zone;

	for (unsigned i = 0; i < found->head.name_count; i++) {
		unsigned len = (unsigned)dname_len(name, DNAME_MAX);

		(void)alias_go_to(a, name, len);
		switch (zone_find(a->store, a->q, a->q->label_count, &zone)) {
		case LOOKUP_FOUND:
			return STEP_FOLLOW;
		case LOOKUP_MISSING:
			break;
		case LOOKUP_DAMAGED:
			return STEP_DAMAGED;
		}
		name += len;
	}
	return STEP_DONE;
}

enum step
aname_add_outside(struct answering *a)
{
	struct resolved_view *view = a->options->resolved;
	const struct query *q = a->q;
	struct resolved found;
	enum step step;
	bool is_known;

	trace_name(a->options->trace, TRACE_ANAME, 0, q->name, q->name_len);
	if (!alias_note(a, q->label_count))
		return STEP_FAILED;
	if (!view)
		return STEP_UNRESOLVED;
	is_known = resolved_view_find(view, q->type, q->name, q->name_len, &found) &&
		   found.head.state != RESOLVED_NEVER;
	if (view->wishes && !is_known)
		resolver_wish(view->wishes, q->name, q->name_len, RESOLVER_WISHES_MAX);
	else if (view->wishes && (found.head.flags & RESOLVED_WISHED))
		resolver_wish(view->wishes, q->name, q->name_len, RESOLVER_WISHES_USED);
	if (!is_known)
		return STEP_UNRESOLVED;
	lower_ttl(a, found.head.ttl);
	step = come_back(a, &found);
	if (step != STEP_DONE || found.head.address_count == 0)
		return step;
	return add_resolved(a, &found);
}

void
aname_return(struct answering *a, struct node *node, unsigned *encloser_labels)
{
	struct flattening *flat = &a->flat;

	(void)alias_go_to(a, flat->owner, flat->owner_len);
	a->q->place = flat->place;
	*a->zone = flat->zone;
	*node = flat->node;
	*encloser_labels = flat->encloser_labels;
	flat->is_on = false;
}
