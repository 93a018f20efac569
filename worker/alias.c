/* Chains of aliases: what was followed, and where a target stands in the message. */
#include "worker/alias.h"

#include <string.h>

enum {
	RDATA_AT = 12, /* of the first RR of a rendered RRset */
};

/* Note that the alias at the suffix of `labels` labels was followed.  returns false when
 * the chain is long enough: the resolver asks on from where it ends. */
static bool
note_followed(struct answering *a, unsigned labels)
{
	if (a->chain_len == CHAIN_MAX) {
		trace_value(a->options->trace, TRACE_TOO_LONG, 0);
		return false;
	}
	a->chain[a->chain_len++] = a->q->state[labels];
	return true;
}

bool
alias_was_followed(const struct answering *a, unsigned labels)
{
	for (unsigned i = 0; i < a->chain_len; i++)
		if (a->chain[i] == a->q->state[labels])
			return true;
	return false;
}

bool
alias_note(struct answering *a, unsigned labels)
{
	if (!alias_was_followed(a, labels))
		return note_followed(a, labels);
	trace_value(a->options->trace, TRACE_LOOP, 0);
	return false;
}

/* Append `len` octets to a name under construction; false when it gets too long. */
static bool
append(uint8_t name[DNAME_MAX], unsigned *name_len, const uint8_t *octets, unsigned len)
{
	if (len > DNAME_MAX - *name_len)
		return false;
	memcpy(name + *name_len, octets, len);
	*name_len += len;
	return true;
}

/* Read the one name in the rdata of a CNAME's or DNAME's RRset into `name`.
 * `own_len` receives how many octets stand there before a pointer (all without one).
 * returns its length, 0 on damage. */
static unsigned
read_target(const struct rrset *rrset, const struct rrset_place *place,
	    uint8_t name[DNAME_MAX], unsigned *own_len, struct rrset_patch *patch)
{
	const uint8_t *rdata = rrset->wire + RDATA_AT;
	unsigned wire_len = rrset->head.wire_len;
	unsigned room = wire_len > RDATA_AT ? wire_len - RDATA_AT : 0;
	unsigned at = 0, len = 0;
	bool to_owner, fits;

	patch->at = 0;
	while (at < room && rdata[at] != 0 && rdata[at] <= DNAME_LABEL_MAX)
		at += rdata[at] + 1u;
	if (at >= room || at >= DNAME_MAX)
		return 0;
	*own_len = at + (rdata[at] == 0);
	if (!append(name, &len, rdata, *own_len))
		return 0;
	if (rdata[at] == 0)
		return len;
	if (rrset->head.patch_count == 0)
		return 0;
	memcpy(patch, rrset->patches, sizeof *patch);
	to_owner = patch->to >> PATCH_KIND_SHIFT == PATCH_OWNER;
	fits = to_owner ? append(name, &len, place->owner, place->owner_len)
			: append(name, &len, place->apex, place->apex_len);
	return fits ? len : 0;
}

/* Make `name` the name that is looked up, standing in the message at `place`. */
static enum step
follow(struct answering *a, const uint8_t *name, unsigned len, struct name_place place)
{
	struct query *q = a->q;

	memcpy(q->name, name, len);
	dname_lower(q->name, len);
	q->name_len = (uint8_t)len;
	q->place = place;
	query_index_labels(q);
	query_hash_labels(q, &a->store->gen.head.seed);
	a->owner = NULL;
	return STEP_FOLLOW;
}

enum step
alias_go_to(struct answering *a, const uint8_t *name, unsigned len)
{
	return follow(a, name, len, (struct name_place){ 0, 0, 0, 0 });
}

unsigned
alias_read_target(const struct rrset *rrset, const struct rrset_place *place,
		  uint8_t name[DNAME_MAX])
{
	struct rrset_patch patch;
	unsigned own_len;

	return read_target(rrset, place, name, &own_len, &patch);
}

enum step
alias_follow_cname(struct answering *a, const struct rrset *rrset,
		   const struct rrset_place *place, uint32_t wire_at)
{
	struct name_place target_place = { 0, 0, 0, 0 };
	struct rrset_patch patch;
	uint8_t name[DNAME_MAX];
	unsigned own_len, len;

	if (!note_followed(a, a->q->label_count))
		return STEP_DONE;
	len = read_target(rrset, place, name, &own_len, &patch);
	if (len == 0)
		return STEP_DAMAGED;
	if (wire_at != 0) {
		target_place.head_at = (uint16_t)(wire_at + RDATA_AT);
		target_place.head_len = (uint16_t)own_len;
		if (own_len < len) {
			target_place.tail_at = patch.to >> PATCH_KIND_SHIFT == PATCH_OWNER
						       ? place->owner_at
						       : place->apex_at;
			target_place.tail_len = 1;
		}
	}
	trace_name(a->options->trace, TRACE_FOLLOW, TYPE_CNAME, name, len);
	return follow(a, name, len, target_place);
}

enum step
alias_answer_dname(struct answering *a, const struct node *node, unsigned labels)
{
	struct query *q = a->q;
	struct rrset_place place = answering_place(a, labels);
	unsigned prefix_len = (unsigned)q->name_len - place.owner_len, own_len,
		 target_len, len = 0;
	uint8_t target[DNAME_MAX], name[DNAME_MAX];
	struct name_place name_place = { 0, 0, 0, 0 };
	struct rrset_patch patch;
	struct rrset dname;
	uint32_t wire_at;
	uint16_t owner_at = name_place_suffix(&q->place, 0);
	enum step step;

	if (!node_find_rrset(node, TYPE_DNAME, &dname))
		return STEP_DAMAGED;
	target_len = read_target(&dname, &place, target, &own_len, &patch);
	if (target_len == 0)
		return STEP_DAMAGED;
	a->authoritative = true;
	answering_note_source(a, SOURCE_DNAME, labels);
	if (a->flat.is_on) {
		if (!append(name, &len, q->name, prefix_len) ||
		    !append(name, &len, target, target_len) || !note_followed(a, labels))
			return STEP_FAILED;
		if (dname.head.ttl < a->flat.ttl)
			a->flat.ttl = dname.head.ttl;
		trace_name(a->options->trace, TRACE_FOLLOW, TYPE_DNAME, name, len);
		return alias_go_to(a, name, len);
	}
	if (!alias_was_followed(a, labels)) {
		step = step_from(response_add(&a->response, SECTION_ANSWER, &dname,
					      &place, &wire_at));
		if (step != STEP_DONE)
			return step;
	}
	if (!append(name, &len, q->name, prefix_len) ||
	    !append(name, &len, target, target_len)) {
		a->rcode = RCODE_YXDOMAIN;
		return STEP_DONE;
	}
	if (owner_at == 0 || !note_followed(a, labels))
		return STEP_DONE;
	name_place.head_at = (uint16_t)(a->response.at + RDATA_AT);
	name_place.head_len = (uint16_t)len;
	step = step_from(response_add_synthetic(&a->response, dname.head.ttl, owner_at,
						q->name, prefix_len, target, target_len));
	if (step != STEP_DONE || q->type == TYPE_CNAME || q->type == TYPE_ANY)
		return step;
	trace_name(a->options->trace, TRACE_FOLLOW, TYPE_DNAME, name, len);
	return follow(a, name, len, name_place);
}
