/* Nodes written with the signatures that were made for them. */
#include <string.h>

#include "loader/sign/node_sign_private.h"
#include "loader/zone/steered_bare.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

static const struct node_sign_sigs *
find_sigs(const struct node_sign_job *job, uint16_t type)
{
	const struct node_sign_sigs *sigs = job->first;

	while (sigs && sigs->type != type)
		sigs = sigs->next;
	return sigs;
}

/* The signatures under another TTL: that of negative answers. */
static void
set_ttl(uint8_t *sigs, size_t len, uint32_t ttl)
{
	for (size_t at = 0; at < len;) {
		wire_put_u32(sigs + at + 6, ttl);
		at += SIG_HEAD + (size_t)wire_get_u16(sigs + at + 10);
	}
}

/* An RRset with these signatures (NULL: none). */
static int
put_rrset(struct node_writer *writer, const struct block *block,
	  const struct node_sign_sigs *sigs)
{
	size_t sig_len = sigs ? sigs->len : 0;
	struct rrset_head head;
	struct rrset rrset;

	if (!rrset_open(block, &rrset))
		return ERR_DAMAGED;
	head = rrset.head;
	head.sig_count = sigs ? sigs->count : 0;
	head.sig_len = (uint16_t)sig_len;
	node_writer_begin_block(writer, (enum block_kind)block->head.kind,
				block->head.type);
	node_writer_append(writer, &head, sizeof head);
	node_writer_append(writer, rrset.wire, head.wire_len);
	if (sigs)
		node_writer_append(writer, sigs->octets, sig_len);
	if (!writer->error)
		set_ttl(writer->bytes + writer->len - sig_len, sig_len, head.ttl);
	node_writer_append(writer, rrset.patches,
			   (size_t)(rrset.targets_end - rrset.patches));
	node_writer_end_block(writer);
	return ERR_OK;
}

/* A steered RRset with what is signed of it.  returns whether it was signed. */
static bool
put_steered(const struct node_sign_job *job, uint16_t type, struct node_writer *writer)
{
	const struct node_sign_sigs *sigs = find_sigs(job, type);
	const struct node_sign_steered *steered = job->steered;

	while (steered && steered->type != type)
		steered = steered->next;
	if (!steered || !sigs || sigs->len != steered->made.sig_len)
		return false;
	memcpy(steered->made.payload + steered->made.sigs_at, sigs->octets, sigs->len);
	steered_sign_finish(&steered->made);
	node_writer_put_block(writer, BLOCK_STEERED, type, steered->made.payload,
			      steered->made.len);
	return true;
}

/* The same without signatures: the name is hidden. */
static int
put_bare_steered(struct node_writer *writer, const struct block *block)
{
	uint8_t *to;
	size_t len;

	node_writer_begin_block(writer, BLOCK_STEERED, block->head.type);
	to = node_writer_reserve(writer, block->head.len);
	len = to ? steered_bare_write(block, to) : 0;
	if (to && len == 0)
		return ERR_DAMAGED;
	writer->len += len;
	node_writer_end_block(writer);
	return ERR_OK;
}

static void
put_chain(const struct node_sign_job *job, struct node_writer *writer)
{
	const struct node_sign_wish *wish = &job->wish;
	const struct node_sign_sigs *sigs = find_sigs(job, wish->chain_type);
	struct rrset_head head = { .ttl = wish->chain_ttl, .rr_count = 1 };
	uint8_t rr[SIG_HEAD];

	head.wire_len = (uint16_t)(SIG_HEAD + wish->chain_len);
	head.sig_count = sigs ? sigs->count : 0;
	head.sig_len = sigs ? (uint16_t)sigs->len : 0;
	wire_put_u16(rr, QNAME_POINTER);
	wire_put_u16(rr + 2, wish->chain_type);
	wire_put_u16(rr + 4, CLASS_IN);
	wire_put_u32(rr + 6, wish->chain_ttl);
	wire_put_u16(rr + 10, (uint16_t)wish->chain_len);
	node_writer_begin_block(writer, BLOCK_RRSET, wish->chain_type);
	node_writer_append(writer, &head, sizeof head);
	node_writer_append(writer, rr, sizeof rr);
	node_writer_append(writer, wish->chain, wish->chain_len);
	if (sigs)
		node_writer_append(writer, sigs->octets, sigs->len);
	node_writer_end_block(writer);
}

/* Does the record of the chain stand before this block? */
static bool
stands_behind_chain(const struct block *block, uint16_t chain_type)
{
	switch (block->head.kind) {
	case BLOCK_ZONE:
	case BLOCK_NEGATIVE_SOA:
	case BLOCK_NSEC3PARAM:
		return false;
	case BLOCK_RRSET:
		return block->head.type > chain_type;
	default:
		return true;
	}
}

static bool
is_old_chain(const struct node_sign_wish *wish, const struct block *block)
{
	return !wish->keeps_chain && block->head.kind == BLOCK_RRSET &&
	       (block->head.type == RRTYPE_NSEC || block->head.type == RRTYPE_NSEC3);
}

static int
put_block(const struct node_sign_job *job, const struct block *block,
	  struct node_writer *writer)
{
	bool is_rrset =
		block->head.kind == BLOCK_RRSET || block->head.kind == BLOCK_NEGATIVE_SOA;

	if (is_old_chain(&job->wish, block))
		return ERR_OK;
	if (is_rrset && !job->wish.is_chain_only)
		return put_rrset(writer, block, find_sigs(job, block->head.type));
	if (block->head.kind == BLOCK_STEERED &&
	    put_steered(job, block->head.type, writer))
		return ERR_OK;
	if (block->head.kind == BLOCK_STEERED && !job->wish.is_chain_only)
		return put_bare_steered(writer, block);
	node_writer_put_block(writer, (enum block_kind)block->head.kind, block->head.type,
			      block->payload, block->head.len);
	return ERR_OK;
}

/* A name with no data is empty; the record of a chain is data. */
static uint16_t
flags_of(const struct node *node, bool has_data)
{
	unsigned flags = node->head.flags & ~(unsigned)NODE_EMPTY;

	return (uint16_t)(has_data ? flags : flags | NODE_EMPTY);
}

int
node_sign_write(const struct node_sign_job *job, struct node_writer *writer)
{
	const struct node *node = &job->wish_node;
	bool is_missing = job->wish.chain_type != 0 && !job->wish.keeps_chain;
	bool has_data = is_missing;
	struct block block;
	uint32_t at = 0;
	int rc = ERR_OK;

	node_writer_begin(writer, node->head.zone_id, node->head.flags, node_owner(node),
			  node->head.owner_len);
	while (rc == ERR_OK && node_next_block(node, &at, &block)) {
		if (is_missing && stands_behind_chain(&block, job->wish.chain_type)) {
			put_chain(job, writer);
			is_missing = false;
		}
		has_data |= block.head.kind != BLOCK_PROVENANCE &&
			    !is_old_chain(&job->wish, &block);
		rc = put_block(job, &block, writer);
	}
	if (is_missing)
		put_chain(job, writer);
	node_writer_set_facts(writer, flags_of(node, has_data), node->head.child_count);
	return rc;
}
