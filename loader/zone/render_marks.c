/* From marks to blocks. */
#include "loader/zone/render_marks.h"

#include "shm/rrtype.h"
#include "shm/steered.h"

/* One mark taken apart. */
struct mark {
	enum zone_mark kind;
	uint16_t type;
	const uint8_t *bytes;
	size_t len;
};

static bool
mark_read(const struct zone_record *record, enum zone_mark kind, struct mark *out)
{
	return zone_record_mark(record, &out->kind, &out->type, &out->bytes, &out->len) &&
	       out->kind == kind;
}

/* Does the group have a good RRset beside which a CNAME cannot stand? */
static bool
has_other_data(const struct owner_group *group)
{
	for (const struct zone_record *at = group->first + group->mark_count;
	     at < group->end; at++)
		if (at->type != RRTYPE_CNAME)
			return true;
	return false;
}

static bool
has_mark(const struct owner_group *group, enum zone_mark kind)
{
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++)
		if (mark_read(at, kind, &mark))
			return true;
	return false;
}

/* May an older RRset of this type stand beside the good ones?  What its source says now
 * counts, and a CNAME stands alone (RFC 2181, section 10.1). */
static bool
can_stay(const struct owner_group *group, uint16_t type)
{
	if (type == RRTYPE_SOA || owner_group_find(group, type) ||
	    (type == ANAME_TYPE && has_mark(group, ZONE_MARK_ANAME)))
		return false;
	if (type == RRTYPE_CNAME)
		return !has_other_data(group);
	return owner_group_find(group, RRTYPE_CNAME) == NULL;
}

/* Is it what the signer of the zone made, and makes anew? */
static bool
is_made(const struct node *last, uint16_t type)
{
	struct block block;

	switch (type) {
	case RRTYPE_NSEC:
		return true;
	case RRTYPE_NSEC3PARAM:
	case RRTYPE_DNSKEY:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		return node_find_block(last, BLOCK_SIGNING, 0, &block);
	default:
		return false;
	}
}

bool
render_marks_next_kept(const struct owner_group *group, const struct node *last,
		       uint16_t type, uint32_t *at, struct block *out)
{
	while (node_next_block(last, at, out))
		if ((block_holds_rrset(out) || out->head.kind == BLOCK_ANAME) &&
		    !is_made(last, out->head.type) &&
		    (type == BAD_RRSET_ALL || out->head.type == type) &&
		    !node_is_resolved(last, out->head.type) &&
		    can_stay(group, out->head.type))
			return true;
	return false;
}

static uint16_t
keep_rrsets(struct node_writer *writer, const struct owner_group *group,
	    const struct node *last, uint16_t type)
{
	struct block block;
	uint16_t flags = 0;
	uint32_t at = 0;

	while (render_marks_next_kept(group, last, type, &at, &block)) {
		node_writer_put_block(writer, (enum block_kind)block.head.kind,
				      block.head.type, block.payload, block.head.len);
		flags |= node_type_flag(block.head.type);
		if (block.head.kind == BLOCK_STEERED)
			flags |= NODE_HAS_STEERED;
	}
	return flags;
}

struct marks_kept
render_marks_kept(const struct owner_group *group, const struct node *last)
{
	const struct zone_record *end = group->first + group->mark_count;
	struct marks_kept kept = { 0 };
	struct block block;
	struct rrset rrset;
	struct mark mark;

	for (const struct zone_record *at = group->first; at < end; at++) {
		uint32_t block_at = 0;

		if (!mark_read(at, ZONE_MARK_BAD, &mark))
			continue;
		while (render_marks_next_kept(group, last, mark.type, &block_at,
					      &block)) {
			kept.flags |= node_type_flag(block.head.type);
			if (block_holds_rrset(&block) && block_open_rrset(&block, &rrset))
				kept.records += (uint64_t)rrset.head.rr_count +
						rrset.head.sig_count;
		}
	}
	return kept;
}

/* Was there an answer for each type, were it NODATA? */
static bool
knows_something(const struct node *last)
{
	struct block block;

	return last && !node_find_block(last, BLOCK_BAD_RRSET, BAD_RRSET_ALL, &block);
}

uint16_t
render_marks_put_bad(struct node_writer *writer, const struct owner_group *group,
		     const struct node *last)
{
	uint16_t flags = 0;
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++) {
		if (!mark_read(at, ZONE_MARK_BAD, &mark))
			continue;
		if (last)
			flags |= keep_rrsets(writer, group, last, mark.type);
		if (mark.type == BAD_RRSET_ALL && knows_something(last))
			mark.type = BAD_RRSET_OLD;
		node_writer_put_block(writer, BLOCK_BAD_RRSET, mark.type, mark.bytes,
				      mark.len);
		flags |= node_type_flag(mark.type);
	}
	return flags;
}

bool
render_marks_steer(const struct owner_group *group, uint16_t type)
{
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++)
		if (mark_read(at, ZONE_MARK_STEERED, &mark) && mark.type == type)
			return true;
	return false;
}

uint16_t
render_marks_put_chosen(struct node_writer *writer, const struct owner_group *group)
{
	uint16_t flags = 0;
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++) {
		if (mark_read(at, ZONE_MARK_STEERED, &mark)) {
			node_writer_put_block(writer, BLOCK_STEERED, mark.type,
					      mark.bytes, mark.len);
			flags |= NODE_HAS_STEERED;
		} else if (mark_read(at, ZONE_MARK_ANAME, &mark)) {
			node_writer_put_block(writer, BLOCK_ANAME, ANAME_TYPE, mark.bytes,
					      mark.len);
			flags |= NODE_HAS_ANAME;
		} else if (mark_read(at, ZONE_MARK_RESOLVED, &mark)) {
			node_writer_put_block(writer, BLOCK_RESOLVED, mark.type,
					      mark.bytes, mark.len);
		}
	}
	return flags;
}

void
render_marks_put_notes(struct node_writer *writer, const struct owner_group *group)
{
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++)
		if (mark_read(at, ZONE_MARK_NOTE, &mark))
			node_writer_put_block(writer, BLOCK_NOTE, mark.type, mark.bytes,
					      mark.len);
}

void
render_marks_put_provenance(struct node_writer *writer, const struct owner_group *group)
{
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++)
		if (mark_read(at, ZONE_MARK_PROVENANCE, &mark) &&
		    mark.len == sizeof(struct provenance))
			node_writer_put_block(writer, BLOCK_PROVENANCE, 0, mark.bytes,
					      mark.len);
}

void
render_marks_put_hashed_name(struct node_writer *writer, const struct owner_group *group)
{
	struct mark mark;

	for (const struct zone_record *at = group->first;
	     at < group->first + group->mark_count; at++)
		if (mark_read(at, ZONE_MARK_HASHED_NAME, &mark))
			node_writer_put_block(writer, BLOCK_HASHED_NAME, 0, mark.bytes,
					      mark.len);
}
