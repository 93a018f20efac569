/* Checking a node down to its last octet. */
#include "shm/node.h"

#include "shm/aname.h"
#include "shm/dname.h"
#include "shm/dns.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

enum {
	RR_FIXED_LEN = 12,
	RR_RDLEN_AT = 10,
	RRSIG_COVERED_LEN = 2,
};

static bool
is_lower(const uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			return false;
	return true;
}

static const char *
check_owner(const struct node *node)
{
	const uint8_t *owner = node_owner(node);

	if (!dname_is_whole(owner, node->head.owner_len))
		return "its owner is no name";
	if (!is_lower(owner, node->head.owner_len))
		return "its owner is not lower-case";
	if (dname_label_count(owner) != node->head.label_count)
		return "its owner has another number of labels";
	return NULL;
}

static const char *
check_flags(const struct node *node)
{
	if (dname_is_wildcard(node_owner(node)) !=
	    !!(node->head.flags & NODE_IS_WILDCARD))
		return "the flag for wildcards is wrong";
	if ((node->head.flags & NODE_HAS_WILDCARD) && node->head.child_count == 0)
		return "it has a wildcard below it and no children";
	if (!!(node->head.flags & NODE_APEX) != (node->head.zone_id == CATALOGUE_ID))
		return "an apex stands outside the catalogue, or another name in it";
	if (node->head.flags & NODE_DELETED)
		return "a tombstone outside an overlay";
	return NULL;
}

/* RRs of one type that fill [at, end); `count` of them. */
static const char *
check_rrs(const uint8_t *at, const uint8_t *end, unsigned count, uint16_t type,
	  uint32_t ttl)
{
	while (at < end) {
		size_t left = (size_t)(end - at), rdata_len;

		if (left < RR_FIXED_LEN)
			return "a record is cut short";
		rdata_len = wire_get_u16(at + RR_RDLEN_AT);
		if (left - RR_FIXED_LEN < rdata_len)
			return "a record is longer than its RRset";
		if (wire_get_u16(at) != QNAME_POINTER || wire_get_u16(at + 2) != type ||
		    wire_get_u16(at + 4) != CLASS_IN || wire_get_u32(at + 6) != ttl)
			return "a record does not fit its RRset";
		at += RR_FIXED_LEN + rdata_len;
		if (count-- == 0)
			return "an RRset has more records than it says";
	}
	return count ? "an RRset has fewer records than it says" : NULL;
}

static const char *
check_covered(const struct rrset *rrset)
{
	const uint8_t *at = rrset->wire + rrset->head.wire_len;
	const uint8_t *end = at + rrset->head.sig_len;

	for (; at < end; at += RR_FIXED_LEN + wire_get_u16(at + RR_RDLEN_AT))
		if (wire_get_u16(at + RR_RDLEN_AT) < RRSIG_COVERED_LEN ||
		    wire_get_u16(at + RR_FIXED_LEN) != rrset->type)
			return "a signature covers another type";
	return NULL;
}

/* Does a patch stand where the pointer is that it tells of? */
static bool
patch_is_right(const struct node *node, const struct rrset *rrset,
	       const struct rrset_patch *patch)
{
	unsigned pointer = wire_get_u16(rrset->wire + patch->at),
		 offset = patch->to & PATCH_OFFSET;
	unsigned base = RRSET_BASE(node->head.owner_len);

	switch (patch->to >> PATCH_KIND_SHIFT) {
	case PATCH_OWNER:
		return pointer == QNAME_POINTER && !(node->head.flags & NODE_IS_WILDCARD);
	case PATCH_APEX:
		return pointer >= QNAME_POINTER &&
		       pointer < QNAME_POINTER + node->head.owner_len;
	case PATCH_SELF:
		return offset < patch->at && pointer == (0xC000u | (base + offset)) &&
		       base + offset <= POINTER_MAX;
	}
	return false;
}

static const char *
check_patches(const struct node *node, const struct rrset *rrset)
{
	int last = -2;

	for (unsigned i = 0; i < rrset->head.patch_count; i++) {
		struct rrset_patch patch;

		memcpy(&patch, rrset->patches + i * sizeof patch, sizeof patch);
		if (patch.at + 2 > rrset->head.wire_len || patch.at < last + 2)
			return "a patch stands outside its RRset or out of order";
		if (!patch_is_right(node, rrset, &patch))
			return "a patch and its pointer differ";
		last = patch.at;
	}
	return NULL;
}

/* Are these whole labels, `count` of them, lower-case? */
static bool
prefix_is_valid(const uint8_t *prefix, unsigned len, unsigned count)
{
	unsigned at = 0;

	while (at < len && prefix[at] != 0 && prefix[at] <= DNAME_LABEL_MAX &&
	       count > 0) {
		at += prefix[at] + 1u;
		count--;
	}
	return at == len && count == 0 && is_lower(prefix, len);
}

static const char *
check_targets(const struct rrset *rrset)
{
	const uint8_t *at = rrset->targets;

	for (unsigned i = 0; i < rrset->head.target_count; i++) {
		struct rrset_target target;

		if ((size_t)(rrset->targets_end - at) < sizeof target)
			return "a target is cut short";
		memcpy(&target, at, sizeof target);
		at += sizeof target;
		if (rrset->targets_end - at < target.prefix_len ||
		    target.at >= rrset->head.wire_len ||
		    !prefix_is_valid(at, target.prefix_len, target.prefix_labels))
			return "a target is no name of its RRset";
		at += target.prefix_len;
	}
	return at == rrset->targets_end ? NULL
					: "octets are left over behind the targets";
}

static const char *
check_rrset(const struct node *node, const struct block *block)
{
	const char *wrong;
	struct rrset rrset;

	if (!rrset_open(block, &rrset))
		return "the lengths of an RRset contradict each other";
	if (rrset.head.rr_count == 0)
		return "an RRset is empty";
	if (RRSET_BASE(node->head.owner_len) + rrset.head.wire_len > UINT16_MAX)
		return "an RRset fits no message";
	wrong = check_rrs(rrset.wire, rrset.wire + rrset.head.wire_len,
			  rrset.head.rr_count, rrset.type, rrset.head.ttl);
	if (!wrong)
		wrong = check_rrs(rrset.wire + rrset.head.wire_len, rrset.patches,
				  rrset.head.sig_count, RRTYPE_RRSIG, rrset.head.ttl);
	if (!wrong)
		wrong = check_covered(&rrset);
	if (!wrong)
		wrong = check_patches(node, &rrset);
	return wrong ? wrong : check_targets(&rrset);
}

static const char *
check_steered(const struct node *node, const struct block *block)
{
	const char *wrong = steered_check(block);
	struct block plain;

	if (wrong)
		return wrong;
	return steered_plain_block(block, &plain) ? check_rrset(node, &plain)
						  : "a steered RRset is cut short";
}

static const char *
check_nsec3param(const struct block *block)
{
	struct nsec3_facts facts;

	if (block->head.len < sizeof facts)
		return "the NSEC3 parameters are cut short";
	memcpy(&facts, block->payload, sizeof facts);
	return block->head.len == sizeof facts + facts.salt_len
		       ? NULL
		       : "the NSEC3 parameters have another salt";
}

static const char *
check_source(const struct block *block)
{
	struct source_facts facts;
	uint32_t paths = 0;

	if (block->head.len < sizeof facts)
		return "the source is cut short";
	memcpy(&facts, block->payload, sizeof facts);
	for (uint32_t i = sizeof facts; i < block->head.len; i++)
		paths += block->payload[i] == '\0';
	if (paths != facts.path_count ||
	    (paths > 0 && block->payload[block->head.len - 1] != '\0'))
		return "the source's paths are not whole";
	return NULL;
}

static const char *
check_text(const struct block *block)
{
	return memchr(block->payload, '\0', block->head.len) ? "a text holds a NUL"
							     : NULL;
}

bool
rrset_fault_next(const struct block *block, uint32_t *at, struct rrset_fault *out)
{
	uint32_t room = block->head.len - *at;
	const uint8_t *bytes = block->payload + *at;
	size_t len;

	if (room < sizeof out->head)
		return false;
	memcpy(&out->head, bytes, sizeof out->head);
	len = sizeof out->head + out->head.owner_len + (size_t)out->head.path_len +
	      out->head.reason_len;
	out->owner = bytes + sizeof out->head;
	if (room < len || !dname_is_whole(out->owner, out->head.owner_len))
		return false;
	out->path = (const char *)out->owner + out->head.owner_len;
	out->reason = out->path + out->head.path_len;
	*at += (uint32_t)len;
	return true;
}

static const char *
check_faults(const struct block *block)
{
	struct rrset_fault fault;
	uint32_t at = 0;

	while (rrset_fault_next(block, &at, &fault))
		if (memchr(fault.path, '\0',
			   (size_t)fault.head.path_len + fault.head.reason_len))
			return "the text of a fault holds a NUL";
	return at == block->head.len ? NULL : "the list of faults is not whole";
}

static const char *
check_block(const struct node *node, const struct block *block)
{
	bool is_apex = node->head.flags & NODE_APEX;

	switch (block->head.kind) {
	case BLOCK_RRSET:
		return check_rrset(node, block);
	case BLOCK_STEERED:
		return check_steered(node, block);
	case BLOCK_ANAME:
		return aname_check(block);
	case BLOCK_BAD_RRSET:
	case BLOCK_NOTE:
		return check_text(block);
	case BLOCK_RESOLVED:
		return block->head.len == sizeof(struct resolved_facts)
			       ? NULL
			       : "what is known of resolved addresses has another length";
	case BLOCK_ZONE:
		if (block->head.len < sizeof(struct zone_facts))
			return "the facts of the zone are cut short";
		break;
	case BLOCK_NEGATIVE_SOA:
		if (block->head.type != RRTYPE_SOA)
			return "the negative SOA is of another type";
		if (is_apex)
			return check_rrset(node, block);
		break;
	case BLOCK_NSEC3PARAM:
		if (is_apex)
			return check_nsec3param(block);
		break;
	case BLOCK_SOURCE:
		if (is_apex)
			return check_source(block);
		break;
	case BLOCK_ERROR:
		if (is_apex)
			return check_text(block);
		break;
	case BLOCK_FAULTS:
		if (is_apex)
			return check_faults(block);
		break;
	case BLOCK_PROVENANCE:
		return block->head.len == sizeof(struct provenance)
			       ? NULL
			       : "the provenance has another length";
	case BLOCK_REDIS:
		if (block->head.len != sizeof(struct redis_facts))
			return "the facts from Redis have another length";
		break;
	default:
		return NULL;
	}
	return is_apex ? NULL : "a block of an apex stands below it";
}

uint16_t
node_type_flag(uint16_t type)
{
	switch (type) {
	case RRTYPE_NS:
		return NODE_HAS_NS;
	case RRTYPE_DNAME:
		return NODE_HAS_DNAME;
	case RRTYPE_CNAME:
		return NODE_HAS_CNAME;
	case ANAME_TYPE:
		return NODE_HAS_ANAME;
	}
	return 0;
}

void
zone_facts_add_depths(struct zone_facts *facts, uint16_t flags, unsigned labels)
{
	uint64_t bit = UINT64_C(1) << labels % 64;

	if (labels > DNAME_LABELS_MAX)
		return;
	if (flags & NODE_HAS_DNAME)
		facts->dname_depths[labels / 64] |= bit;
	if (flags & NODE_HAS_NS)
		facts->cut_depths[labels / 64] |= bit;
}

static uint16_t
block_flag(const struct node *node, const struct block *block)
{
	uint16_t flag;

	if (block->head.kind == BLOCK_STEERED)
		return NODE_HAS_STEERED;
	if (block->head.kind != BLOCK_RRSET && block->head.kind != BLOCK_BAD_RRSET &&
	    block->head.kind != BLOCK_ANAME)
		return 0;
	flag = node_type_flag(block->head.type);
	return flag == NODE_HAS_NS && (node->head.flags & NODE_APEX) ? 0 : flag;
}

static const char *
check_blocks(const struct node *node)
{
	uint32_t at = 0, end = (uint32_t)sizeof node->head + node->head.owner_len;
	bool is_apex = node->head.flags & NODE_APEX, is_empty = true, is_first = true;
	uint16_t flags = 0;
	struct block block;

	while (node_next_block(node, &at, &block)) {
		const char *wrong = check_block(node, &block);

		if (wrong)
			return wrong;
		if ((block.head.kind == BLOCK_ZONE) != (is_apex && is_first))
			return "the facts of the zone are not its first block";
		is_empty &= block.head.kind == BLOCK_PROVENANCE;
		is_first = false;
		flags |= block_flag(node, &block);
		end = at;
	}
	if (end != node->head.node_len)
		return "its blocks do not fill it";
	if (is_empty != !!(node->head.flags & NODE_EMPTY))
		return "the flag for empty names is wrong";
	if (flags != (node->head.flags & (NODE_HAS_NS | NODE_HAS_DNAME | NODE_HAS_CNAME |
					  NODE_HAS_STEERED | NODE_HAS_ANAME)))
		return "its flags differ from its RRsets";
	return NULL;
}

const char *
node_check(const struct node *node)
{
	const char *wrong = check_owner(node);

	if (!wrong)
		wrong = check_flags(node);
	return wrong ? wrong : check_blocks(node);
}

const char *
node_check_tombstone(const struct node *node)
{
	if (node->head.flags != NODE_DELETED)
		return "a tombstone with other flags";
	if (node->head.node_len != sizeof node->head + node->head.owner_len)
		return "a tombstone with data";
	return check_owner(node);
}
