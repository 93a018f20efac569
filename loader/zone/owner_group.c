/* Runs of records with one owner. */
#include "loader/zone/owner_group.h"

#include "shm/node.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

uint16_t
owner_group_covered(const struct zone_record *sig)
{
	return sig->rdata_len < 2 ? 0 : wire_get_u16(sig->rdata);
}

/* Notes are sorted by type. */
static void
group_note_note(struct owner_group *group, uint16_t type, const uint8_t *bytes,
		size_t len)
{
	group->note_count++;
	if (len < 1 || bytes[0] != FAULT_PARTIAL || type == group->last_partial)
		return;
	group->last_partial = type;
	group->partial_count++;
}

/* returns whether it is of a name, not of an NSEC3. */
static bool
group_note_mark(struct owner_group *group, const struct zone_record *record)
{
	const uint8_t *bytes;
	enum zone_mark mark;
	uint16_t type;
	size_t len;

	group->mark_count++;
	if (!zone_record_mark(record, &mark, &type, &bytes, &len))
		return true;
	if (mark == ZONE_MARK_NOTE)
		group_note_note(group, type, bytes, len);
	group->bad_count += mark == ZONE_MARK_BAD;
	if (mark == ZONE_MARK_BAD || mark == ZONE_MARK_ANAME)
		group->flags |= node_type_flag(type);
	return mark != ZONE_MARK_HASHED_NAME;
}

static void
group_note(struct owner_group *group, const struct zone_record *record)
{
	switch (record->type) {
	case ZONE_MARK_TYPE:
		if (!group_note_mark(group, record))
			return;
		break;
	case RRTYPE_NSEC3:
		if (!group->nsec3)
			group->nsec3 = record;
		return;
	case RRTYPE_RRSIG:
		if (owner_group_covered(record) == RRTYPE_NSEC3)
			return;
		break;
	default:
		group->flags |= node_type_flag(record->type);
	}
	group->is_plain = true;
}

bool
owner_group_read(const struct zone_records *zone, const struct zone_record *first,
		 struct owner_group *out)
{
	const struct zone_record *end = zone->records + zone->count;

	if (first == end)
		return false;
	*out = (struct owner_group){ .first = first,
				     .owner = first->owner,
				     .owner_len = first->owner_len };
	for (out->end = first; out->end < end && out->end->owner == first->owner;
	     out->end++)
		group_note(out, out->end);
	return true;
}

/* The first record in [first, end), sorted by type, that is of this type or above. */
static const struct zone_record *
lower_bound(const struct zone_record *first, const struct zone_record *end, unsigned type)
{
	while (first < end) {
		const struct zone_record *middle = first + (end - first) / 2;

		if (middle->type < type)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

const struct zone_record *
owner_group_find(const struct owner_group *group, uint16_t type)
{
	const struct zone_record *at = lower_bound(group->first, group->end, type);

	return at < group->end && at->type == type ? at : NULL;
}

/* The first of the RRSIGs [first, end), sorted by what they cover, over `type` or above. */
static const struct zone_record *
covered_bound(const struct zone_record *first, const struct zone_record *end,
	      unsigned type)
{
	while (first < end) {
		const struct zone_record *middle = first + (end - first) / 2;

		if (owner_group_covered(middle) < type)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

const struct zone_record *
owner_group_sigs(const struct owner_group *group, uint16_t type,
		 const struct zone_record **end)
{
	const struct zone_record *first =
		lower_bound(group->first, group->end, RRTYPE_RRSIG);
	const struct zone_record *last = lower_bound(first, group->end, RRTYPE_RRSIG + 1);

	*end = covered_bound(first, last, type + 1u);
	return covered_bound(first, last, type);
}
