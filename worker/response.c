/* Copying RRsets into a message and setting their pointers. */
#include "worker/response.h"

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum {
	RR_FIXED_LEN = 10, /* type, class, TTL, RDLENGTH */
	RR_HEAD_LEN = 2 + RR_FIXED_LEN, /* with the owner as a pointer */
	CHASE_MAX = DNAME_LABELS_MAX, /* pointers followed inside one stored name */
};

static inline uint16_t
pointer_to(uint32_t offset)
{
	return (uint16_t)(0xc000u | offset);
}

static inline struct rrset_patch
patch_at(const struct rrset *rrset, unsigned index)
{
	struct rrset_patch patch;

	memcpy(&patch, rrset->patches + index * sizeof patch, sizeof patch);
	return patch;
}

/* The offset in the message that a patch's pointer must name; 0 when there is none. */
static inline uint32_t
patch_goal(struct rrset_patch patch, const struct rrset_place *place, uint32_t base)
{
	switch ((enum patch_kind)(patch.to >> PATCH_KIND_SHIFT)) {
	case PATCH_OWNER:
		return place->owner_at;
	case PATCH_APEX:
		return place->apex_at;
	case PATCH_SELF:
		return base + (patch.to & PATCH_OFFSET);
	}
	return 0;
}

/* Set the owner of each record in `len` octets of rendered records.
 * returns false when the records do not tile them. */
static bool
set_owners(uint8_t *records, uint32_t len, uint16_t owner_at)
{
	uint16_t pointer = pointer_to(owner_at);

	while (len >= RR_HEAD_LEN) {
		uint32_t step =
			RR_HEAD_LEN + (uint32_t)wire_get_u16(records + RR_HEAD_LEN - 2);

		if (step > len)
			return false;
		wire_put_u16(records, pointer);
		records += step;
		len -= step;
	}
	return len == 0;
}

static void
count_records(struct response *response, enum section section, unsigned records)
{
	response->count[section] = (uint16_t)(response->count[section] + records);
}

static inline unsigned
records_of(const struct response *response, const struct rrset *rrset)
{
	return rrset->head.rr_count + (response->dnssec ? rrset->head.sig_count : 0u);
}

/* Does the RRset stand just where it was rendered for? */
static inline bool
is_at_home(const struct rrset *rrset, const struct rrset_place *place, uint32_t base)
{
	return place->owner_at == QUERY_HEADER_LEN &&
	       base == RRSET_BASE(place->owner_len) &&
	       (place->owner_is_own || rrset->head.patch_count == 0);
}

/* ---- the general case: owners and rdata names that no pointer can name ---- */

/* A bounded writer over the response; `full` sticks. */
struct writer {
	uint8_t *at, *end;
	bool full, damaged;
};

static void
put(struct writer *out, const uint8_t *octets, size_t len)
{
	if ((size_t)(out->end - out->at) < len) {
		out->full = true;
		return;
	}
	memcpy(out->at, octets, len);
	out->at += len;
}

/* Write an owner: by pointer, else its labels above the apex and a pointer to that. */
static void
put_owner(struct writer *out, const struct rrset_place *place)
{
	uint8_t pointer[2];
	bool whole = place->owner_at != 0;
	uint16_t goal = whole ? place->owner_at : place->apex_at;

	if (goal == 0 || (!whole && place->apex_len <= sizeof pointer)) {
		put(out, place->owner, place->owner_len);
		return;
	}
	wire_put_u16(pointer, pointer_to(goal));
	put(out, place->owner, whole ? 0u : (size_t)(place->owner_len - place->apex_len));
	put(out, pointer, sizeof pointer);
}

/* The patch whose pointer stands at offset `at`; false when there is none. */
static bool
find_patch(const struct rrset *rrset, uint32_t at, struct rrset_patch *out)
{
	for (unsigned i = 0; i < rrset->head.patch_count; i++) {
		*out = patch_at(rrset, i);
		if (out->at == at)
			return true;
	}
	return false;
}

/* Write the rest of a stored name whose pointer is `patch`, uncompressed. */
static void
put_pointed(struct writer *out, const struct rrset *rrset,
	    const struct rrset_place *place, struct rrset_patch patch)
{
	uint32_t at;

	for (unsigned chase = 0; chase < CHASE_MAX; chase++) {
		if (patch.to >> PATCH_KIND_SHIFT == PATCH_OWNER) {
			put(out, place->owner, place->owner_len);
			return;
		}
		if (patch.to >> PATCH_KIND_SHIFT == PATCH_APEX) {
			put(out, place->apex, place->apex_len);
			return;
		}
		at = patch.to & PATCH_OFFSET;
		while (at < rrset->head.wire_len && rrset->wire[at] != 0 &&
		       rrset->wire[at] <= DNAME_LABEL_MAX &&
		       at + rrset->wire[at] + 1u < rrset->head.wire_len) {
			put(out, rrset->wire + at, rrset->wire[at] + 1u);
			at += rrset->wire[at] + 1u;
		}
		if (at < rrset->head.wire_len && rrset->wire[at] == 0) {
			put(out, rrset->wire + at, 1);
			return;
		}
		if (!find_patch(rrset, at, &patch))
			break;
	}
	out->damaged = true;
}

/* Write the rdata that stands at wire[at .. at + len) with its pointers expanded.
 * Patches are in ascending order of place; *next is the first not yet used. */
static void
put_rdata(struct writer *out, const struct rrset *rrset, const struct rrset_place *place,
	  uint32_t at, uint32_t len, unsigned *next)
{
	uint32_t end = at + len;

	for (; *next < rrset->head.patch_count; (*next)++) {
		struct rrset_patch patch = patch_at(rrset, *next);

		if (patch.at >= end)
			break;
		if (patch.at < at || patch.at + 2u > end) {
			out->damaged = true;
			return;
		}
		put(out, rrset->wire + at, patch.at - at);
		put_pointed(out, rrset, place, patch);
		at = patch.at + 2u;
	}
	put(out, rrset->wire + at, end - at);
}

static void
put_expanded_records(struct writer *out, const struct rrset *rrset,
		     const struct rrset_place *place, const uint8_t *records,
		     uint32_t records_len, bool patched)
{
	uint32_t at = 0;
	unsigned next = 0;

	while (records_len - at >= RR_HEAD_LEN && !out->full && !out->damaged) {
		uint32_t rdata_len = wire_get_u16(records + at + RR_HEAD_LEN - 2);
		uint8_t *len_at;

		if (records_len - at - RR_HEAD_LEN < rdata_len)
			break;
		put_owner(out, place);
		put(out, records + at + 2, RR_FIXED_LEN);
		len_at = out->at - 2;
		at += RR_HEAD_LEN;
		if (patched)
			put_rdata(out, rrset, place, at, rdata_len, &next);
		else
			put(out, records + at, rdata_len);
		if (!out->full && !out->damaged)
			wire_put_u16(len_at, (uint16_t)(out->at - len_at - 2));
		at += rdata_len;
	}
	if (at != records_len)
		out->damaged = true;
}

static enum response_result
finish_expanded(struct response *response, enum section section, const struct writer *out,
		unsigned records)
{
	if (out->full)
		return RESPONSE_FULL;
	if (out->damaged)
		return RESPONSE_DAMAGED;
	response->at = (uint32_t)(out->at - response->packet);
	count_records(response, section, records);
	return RESPONSE_ADDED;
}

static struct writer
writer_open(struct response *response)
{
	return (struct writer){
		.at = response->packet + response->at,
		.end = response->packet + response->limit,
	};
}

static enum response_result
add_expanded(struct response *response, enum section section, const struct rrset *rrset,
	     const struct rrset_place *place)
{
	struct writer out = writer_open(response);

	put_expanded_records(&out, rrset, place, rrset->wire, rrset->head.wire_len, true);
	if (response->dnssec)
		put_expanded_records(&out, rrset, place,
				     rrset->wire + rrset->head.wire_len,
				     rrset->head.sig_len, false);
	return finish_expanded(response, section, &out, records_of(response, rrset));
}

/* Set the pointers inside rdata of an RRset that was copied to `base`.
 * returns false when one cannot be written: what it points at is nowhere, or too far. */
static bool
set_pointers(uint8_t *to, const struct rrset *rrset, const struct rrset_place *place,
	     uint32_t base)
{
	for (unsigned i = 0; i < rrset->head.patch_count; i++) {
		struct rrset_patch patch = patch_at(rrset, i);
		uint32_t goal = patch_goal(patch, place, base);

		if (goal == 0 || goal > POINTER_MAX ||
		    patch.at + 2u > rrset->head.wire_len)
			return false;
		wire_put_u16(to + patch.at, pointer_to(goal));
	}
	return true;
}

enum response_result
response_add(struct response *response, enum section section, const struct rrset *rrset,
	     const struct rrset_place *place, uint32_t *wire_at)
{
	uint32_t base = response->at;
	uint32_t len =
		rrset->head.wire_len + (response->dnssec ? rrset->head.sig_len : 0u);

	*wire_at = base;
	if (is_at_home(rrset, place, base)) {
		if (len > response->limit - base)
			return RESPONSE_FULL;
		memcpy(response->packet + base, rrset->wire, len);
		response->at = base + len;
		count_records(response, section, records_of(response, rrset));
		return RESPONSE_ADDED;
	}
	if (place->owner_at != 0) {
		uint8_t *to = response->packet + base;

		if (len > response->limit - base) /* it is longer without pointers */
			return RESPONSE_FULL;
		memcpy(to, rrset->wire, len);
		if (set_pointers(to, rrset, place, base)) {
			if (place->owner_at != QUERY_HEADER_LEN &&
			    !set_owners(to, len, place->owner_at))
				return RESPONSE_DAMAGED;
			response->at = base + len;
			count_records(response, section, records_of(response, rrset));
			return RESPONSE_ADDED;
		}
	}
	*wire_at = 0;
	return add_expanded(response, section, rrset, place);
}

enum response_result
response_add_signatures(struct response *response, enum section section,
			const struct rrset *rrset, const struct rrset_place *place)
{
	struct writer out = writer_open(response);

	put_expanded_records(&out, rrset, place, rrset->wire + rrset->head.wire_len,
			     rrset->head.sig_len, false);
	return finish_expanded(response, section, &out, rrset->head.sig_count);
}

enum response_result
response_add_synthetic(struct response *response, uint32_t ttl, uint16_t owner_at,
		       const uint8_t *prefix, unsigned prefix_len, const uint8_t *target,
		       unsigned target_len)
{
	struct writer out = writer_open(response);
	uint8_t head[RR_HEAD_LEN];

	wire_put_u16(head, pointer_to(owner_at));
	wire_put_u16(head + 2, TYPE_CNAME);
	wire_put_u16(head + 4, CLASS_IN);
	wire_put_u32(head + 6, ttl);
	wire_put_u16(head + 10, (uint16_t)(prefix_len + target_len));
	put(&out, head, sizeof head);
	put(&out, prefix, prefix_len);
	put(&out, target, target_len);
	return finish_expanded(response, SECTION_ANSWER, &out, 1);
}
