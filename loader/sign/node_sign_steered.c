/* A steered RRset of a node, and what is signed of it ahead. */
#include <stdlib.h>

#include "loader/sign/node_sign_private.h"
#include "loader/sign/steered_sets.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

/* What take_link says of an NSEC3, which has a node of its own. */
static void
take_nsec3(const struct node_sign_wish *wish, struct steered_source *source)
{
	enum { NSEC3_LINK_LEN = 6 + NSEC3_HASH_LEN };
	struct rrset served;
	struct node node;

	source->link = wish->nsec3;
	if (!source->link && source->served && steered_denial(source->served, &node) &&
	    node_find_rrset(&node, RRTYPE_NSEC3, &served) &&
	    served.head.wire_len >= SIG_HEAD + (unsigned)NSEC3_LINK_LEN)
		source->link = served.wire + SIG_HEAD;
	if (source->link)
		source->link_len = NSEC3_LINK_LEN;
}

/* A wildcard's own record of the chain up to its bitmap, as it will be. */
static void
take_link(const struct node_sign_wish *wish, struct steered_source *source)
{
	struct rrset nsec;

	if (!dname_is_wildcard(source->owner))
		return;
	if (source->denial_type == RRTYPE_NSEC3) {
		take_nsec3(wish, source);
		return;
	}
	source->link = wish->chain;
	source->link_len = wish->chain ? dname_len(wish->chain, wish->chain_len) : 0;
	if (wish->chain || !node_find_rrset(wish->node, RRTYPE_NSEC, &nsec) ||
	    nsec.head.wire_len < SIG_HEAD)
		return;
	source->link = nsec.wire + SIG_HEAD;
	source->link_len = dname_len(source->link, nsec.head.wire_len - (size_t)SIG_HEAD);
}

static void
take_heads(const struct node_sign_sigs *sigs, struct steered_source *source)
{
	const uint8_t *at = sigs->octets;

	for (unsigned i = 0; i < sigs->count; i++) {
		source->heads[i] = at + SIG_HEAD;
		at += SIG_HEAD + (size_t)wire_get_u16(at + 10);
	}
}

/* Sign ahead what is likely to be chosen of it. */
static int
add_choices(struct node_sign *sign, struct node_sign_job *job,
	    const struct node_sign_sigs *sigs, struct steered_source *source)
{
	struct node_sign_steered *steered =
		arena_take_items(sign->arena, 1, sizeof *steered);
	struct steered_signer signer = {
		.session = sign->session,
		.keys = &sign->keys,
		.roles = sign->roles,
		.is_known = sign->is_known,
		.clock = &sign->clock,
		.arena = sign->arena,
		.buffer = &sign->buffer,
		.apex = sign->origin,
		.apex_len = sign->origin_len,
		.first_end_s = sign->first_end_s,
	};
	int rc;

	if (!steered)
		return ERR_NOMEM;
	take_heads(sigs, source);
	take_link(&job->wish, source);
	rc = steered_sign_add(&signer, source, &steered->made);
	if (rc != ERR_OK)
		return rc;
	steered->type = sigs->type;
	steered->next = job->steered;
	job->steered = steered;
	sign->first_end_s = signer.first_end_s;
	sign->made += signer.made;
	if (signer.made > 0 || steered->made.len != source->block.head.len)
		job->is_same = false;
	return ERR_OK;
}

static int
sign_choices(struct node_sign *sign, struct node_sign_job *job,
	     const struct node_sign_sigs *sigs, struct steered_source *source)
{
	struct type_bitmap *types = calloc(1, sizeof *types);
	uint8_t bitmap[TYPE_BITMAP_MAX];
	int rc;

	if (!types)
		return ERR_NOMEM;
	node_sign_types(&job->wish_node, false, sign->is_nsec3, types);
	source->bitmap = bitmap;
	source->bitmap_len = type_bitmap_take(types, bitmap);
	rc = add_choices(sign, job, sigs, source);
	free(types);
	return rc;
}

int
node_sign_add_steered(struct node_sign *sign, struct node_sign_job *job,
		      const struct block *block)
{
	struct node_sign_rrset s = { .job = job };
	struct steered steered, old;
	struct zone_record records[STEERED_MAX];
	struct steered_source source = {
		.owner = node_owner(&job->wish_node),
		.owner_len = job->wish_node.head.owner_len,
		.block = *block,
		.denial_type = sign->is_nsec3 ? RRTYPE_NSEC3 : RRTYPE_NSEC,
		.denial_ttl = sign->negative_ttl,
	};
	uint64_t made = sign->made;
	int rc;

	if (!steered_open(block, &steered))
		return ERR_DAMAGED;
	if (job->old.bytes && steered_sign_find(&job->old, block, &old)) {
		source.served = &old;
		s.is_same = true;
		s.old = old.rrset;
	}
	s.stored = &steered.rrset;
	s.rrset = (struct sign_rrset){ .owner = source.owner,
				       .owner_len = source.owner_len,
				       .type = steered.rrset.type,
				       .ttl = steered.rrset.head.ttl,
				       .records = records };
	s.rrset.count = steered_sets_all(&steered, records);
	rc = node_sign_add_rrset(sign, &s, steered.rrset.head.wire_len);
	source.is_taken_over = sign->made == made;
	return rc == ERR_OK ? sign_choices(sign, job, s.sigs, &source) : rc;
}
