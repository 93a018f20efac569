/* The RRsets of a node that is read where it stands (worker/sealed.h). */
#ifndef WORKER_SEALED_RRSET_H
#define WORKER_SEALED_RRSET_H

#include <string.h>

#include "worker/sealed.h"

/* An RRset block whose lengths were checked. */
struct sealed_taken {
	const struct sealed_rrset *rrset;
	unsigned len; /* octets to be sent, with signatures for DO */
	unsigned records; /* in them */
};

/* Kind and type of a block as one number, for comparing. */
static inline uint32_t
sealed_block_tag(enum block_kind kind, uint16_t type)
{
	const uint16_t halves[2] = { (uint16_t)kind, type };
	uint32_t tag;

	memcpy(&tag, halves, sizeof tag);
	return tag;
}

static inline uint32_t
sealed_tag(const struct sealed_block *block)
{
	uint32_t tag;

	memcpy(&tag, &block->head, sizeof tag);
	return tag;
}

/* The block of a kind and type, from block `at` of the node on; NULL when there is none. */
static inline const struct sealed_block *
sealed_find_block(const struct sealed_node *node, const uint8_t *at, enum block_kind kind,
		  uint16_t type)
{
	const uint8_t *end = sealed_end(node);
	uint32_t tag = sealed_block_tag(kind, type);

	while (at < end) {
		const struct sealed_block *block = (const struct sealed_block *)at;

		if (sealed_tag(block) == tag)
			return block;
		at += sizeof *block + block->head.len;
	}
	return NULL;
}

/* That of the RRset of `type`. */
static inline const struct sealed_block *
sealed_find_rrset(const struct sealed_node *node, const uint8_t *at, uint16_t type)
{
	return sealed_find_block(node, at, BLOCK_RRSET, type);
}

/* Is an RRset of `type`, or what the node has besides its RRsets, known to be unusable; or
 * is the node damaged? */
static inline bool
sealed_may_be_bad(const struct sealed_node *node, uint16_t type)
{
	const uint8_t *at = sealed_blocks(node), *end = sealed_end(node);

	while (at < end) {
		const struct sealed_block *block = (const struct sealed_block *)at;

		if (block->head.kind == BLOCK_BAD_RRSET &&
		    (block->head.type == type || block->head.type == BAD_RRSET_ALL))
			return true;
		at += sizeof *block + block->head.len;
	}
	return at != end;
}

/* Take the RRset-shaped block of a node apart.  returns false when it does not fit into the
 * node. */
static inline bool
sealed_take_rrset(const struct sealed_node *node, const struct sealed_block *block,
		  bool dnssec, struct sealed_taken *out)
{
	const struct sealed_rrset *rrset = (const struct sealed_rrset *)(block + 1);
	uint32_t need, wire_len = rrset->head.wire_len, sig_len = rrset->head.sig_len;

	need = (uint32_t)(sizeof *rrset +
			  sizeof(struct rrset_patch) * rrset->head.patch_count) +
	       wire_len + sig_len;
	if ((ptrdiff_t)need > sealed_end(node) - (const uint8_t *)rrset)
		return false;
	out->rrset = rrset;
	out->len = wire_len;
	out->records = rrset->head.rr_count;
	if (dnssec) {
		out->len += sig_len;
		out->records += rrset->head.sig_count;
	}
	return true;
}

static inline const uint8_t *
sealed_rrset_wire(const struct sealed_taken *rrset)
{
	return (const uint8_t *)(rrset->rrset + 1);
}

static inline const uint8_t *
sealed_rrset_patches(const struct sealed_taken *rrset)
{
	return sealed_rrset_wire(rrset) + rrset->rrset->head.wire_len +
	       rrset->rrset->head.sig_len;
}

#endif
