/* Signatures of one node after another. */
#include "loader/sign/node_sign.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/node_sign_private.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

/* ---- a zone ---- */

struct node_sign *
node_sign_new(int signer_fd, bool is_paced)
{
	struct node_sign *sign = calloc(1, sizeof *sign);

	if (!sign)
		return NULL;
	sign->session = sign_session_new(signer_fd, is_paced);
	sign->arena = arena_new();
	if (sign->session && sign->arena)
		return sign;
	node_sign_free(sign);
	return NULL;
}

void
node_sign_free(struct node_sign *sign)
{
	if (!sign)
		return;
	sign_session_free(sign->session);
	arena_free(sign->arena);
	free(sign->buffer.octets);
	free(sign);
}

int
node_sign_forget(struct node_sign *sign)
{
	struct arena *fresh = arena_new();

	if (!fresh)
		return ERR_NOMEM;
	arena_free(sign->arena);
	sign->arena = fresh;
	return ERR_OK;
}

static int
learn_keys(struct node_sign *sign, const struct node *apex)
{
	struct rrset dnskeys;
	unsigned all = 0;
	int rc = sign_session_start(sign->session, sign->origin, sign->origin_len,
				    &sign->keys);

	if (rc != ERR_OK)
		return rc;
	memset(sign->is_known, 0, sizeof sign->is_known);
	if (node_find_rrset(apex, RRTYPE_DNSKEY, &dnskeys))
		rrset_sign_known(&sign->keys, &dnskeys, sign->is_known);
	for (size_t i = 0; i < sign->keys.count; i++)
		all |= sign->roles[i] = sign_key_roles(&sign->keys, i);
	return (all & SIGN_ROLE_DATA) && (all & SIGN_ROLE_KEYS) ? ERR_OK : ERR_NOTFOUND;
}

/* How the zone denies what is not there. */
static void
learn_denial(struct node_sign *sign, const struct node *apex)
{
	struct block block;
	struct rrset soa;

	sign->is_nsec3 = node_find_block(apex, BLOCK_NSEC3PARAM, 0, &block);
	sign->negative_ttl = 0;
	if (node_find_block(apex, BLOCK_NEGATIVE_SOA, RRTYPE_SOA, &block) &&
	    rrset_open(&block, &soa))
		sign->negative_ttl = soa.head.ttl;
}

int
node_sign_start(struct node_sign *sign, const struct settings *settings, int64_t now_s,
		bool is_renewal, const struct node *apex)
{
	int rc = node_sign_forget(sign);

	if (rc != ERR_OK)
		return rc;
	sign->origin_len = apex->head.owner_len;
	memcpy(sign->origin, node_owner(apex), sign->origin_len);
	learn_denial(sign, apex);
	sign->first_end_s = 0;
	sign->made = 0;
	sign_clock_set(&sign->clock, settings, now_s, is_renewal, sign->origin,
		       sign->origin_len);
	return learn_keys(sign, apex);
}

const struct sign_keys *
node_sign_keys(const struct node_sign *sign)
{
	return &sign->keys;
}

struct arena *
node_sign_arena(struct node_sign *sign)
{
	return sign->arena;
}

int64_t
node_sign_first_end(const struct node_sign *sign)
{
	return sign->first_end_s;
}

uint64_t
node_sign_made(const struct node_sign *sign)
{
	return sign->made;
}

int
node_sign_finish(struct node_sign *sign)
{
	return sign_session_finish(sign->session);
}

/* ---- a node ---- */

static bool
is_signed(const struct node_sign_wish *wish, uint16_t type)
{
	if (type == wish->chain_type && wish->chain_type != 0)
		return wish->keeps_chain;
	return !wish->is_bare && !wish->is_chain_only &&
	       (!wish->is_cut || type == RRTYPE_DS || type == RRTYPE_NSEC);
}

/* Is a steered RRset?  What denies that of a wildcard follows its record of the chain. */
static bool
is_steered_signed(const struct node_sign_wish *wish, uint16_t type)
{
	if (wish->is_chain_only)
		return !wish->is_bare && !wish->is_cut &&
		       dname_is_wildcard(node_owner(wish->node));
	return is_signed(wish, type);
}

static int
add_stored(struct node_sign *sign, struct node_sign_job *job)
{
	struct block block;
	uint32_t at = 0;
	int rc = ERR_OK;

	while (rc == ERR_OK && node_next_block(&job->wish_node, &at, &block)) {
		struct node_sign_rrset s = { .job = job };
		struct rrset stored;

		if (block.head.kind == BLOCK_STEERED &&
		    is_steered_signed(&job->wish, block.head.type))
			rc = node_sign_add_steered(sign, job, &block);
		if (block.head.kind != BLOCK_RRSET ||
		    !is_signed(&job->wish, block.head.type))
			continue;
		if (!rrset_open(&block, &stored))
			return ERR_DAMAGED;
		s.stored = &stored;
		s.rrset.type = stored.type;
		s.rrset.ttl =
			node_signed_ttl(&job->wish_node, stored.type, stored.head.ttl);
		rc = node_sign_add_rrset(sign, &s, stored.head.wire_len);
	}
	return rc;
}

static int
add_chain(struct node_sign *sign, struct node_sign_job *job)
{
	const struct node_sign_wish *wish = &job->wish;
	const struct zone_record record = {
		.owner = node_owner(&job->wish_node),
		.owner_len = job->wish_node.head.owner_len,
		.type = wish->chain_type,
		.ttl = wish->chain_ttl,
		.rdata = wish->chain,
		.rdata_len = (uint16_t)wish->chain_len,
	};
	struct node_sign_rrset s = {
		.job = job,
		.rrset = { .owner = record.owner,
			   .owner_len = record.owner_len,
			   .type = record.type,
			   .ttl = record.ttl,
			   .records = &record,
			   .count = 1 },
	};

	return node_sign_add_rrset(sign, &s, SIG_HEAD + wish->chain_len);
}

int
node_sign_add(struct node_sign *sign, const struct node_sign_wish *wish,
	      struct node_sign_job **out)
{
	struct node_sign_job *job = arena_take_items(sign->arena, 1, sizeof *job);
	int rc;

	if (!job)
		return ERR_NOMEM;
	*job = (struct node_sign_job){
		.wish = *wish,
		.wish_node = *wish->node,
		.is_same = wish->old && wish->old->bytes == wish->node->bytes,
		.tail = &job->first,
	};
	if (wish->old)
		job->old = *wish->old;
	*out = job;
	rc = add_stored(sign, job);
	if (rc == ERR_OK && wish->chain_type != 0 && !wish->keeps_chain)
		rc = add_chain(sign, job);
	return rc;
}

bool
node_sign_is_same(const struct node_sign_job *job)
{
	return job->is_same;
}

/* RRsets that are there, and those of which it is known that they are bad. */
static bool
is_listed(const struct block *block)
{
	uint16_t type = block->head.type;

	if (block->head.kind == BLOCK_BAD_RRSET)
		return type != BAD_RRSET_ALL && type != BAD_RRSET_OLD &&
		       type != RRTYPE_CNAME && type != ANAME_TYPE;
	return block_holds_rrset(block) && type != RRTYPE_NSEC;
}

void
node_sign_types(const struct node *node, bool is_cut, bool is_nsec3,
		struct type_bitmap *out)
{
	bool has_signature = !is_nsec3;
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		uint16_t type = block.head.type;

		if (!is_listed(&block) ||
		    (is_cut && type != RRTYPE_NS && type != RRTYPE_DS))
			continue;
		type_bitmap_add(out, type);
		has_signature |= !is_cut || type == RRTYPE_DS;
	}
	if (has_signature)
		type_bitmap_add(out, RRTYPE_RRSIG);
	if (!is_nsec3)
		type_bitmap_add(out, RRTYPE_NSEC);
}
