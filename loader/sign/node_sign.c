/* Signatures of one node after another. */
#include "loader/sign/node_sign.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/node_sign_private.h"
#include "loader/sign/sign_crypto.h"
#include "loader/sign/steered_sets.h"
#include "loader/sign/stored_rrset.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"
#include "shm/steered.h"
#include "shm/wire.h"

enum { SIGNED_LEN_MAX = 65000 }; /* of an RRset with its signatures */

struct node_sign {
	struct sign_session *session;
	struct sign_keys keys;
	unsigned roles[SIGN_KEYS_MAX];
	bool is_known[SIGN_KEYS_MAX]; /* signed what is served */
	struct sign_clock clock;
	struct arena *arena;
	struct sign_buffer buffer;
	uint8_t origin[DNAME_MAX];
	size_t origin_len;
	bool is_nsec3;
	uint32_t negative_ttl;
	int64_t first_end_s;
	uint64_t made;
};

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

/* ---- an RRset ---- */

/* One that is to be signed. */
struct signing_rrset {
	struct node_sign_job *job;
	const struct rrset
		*stored; /* of the wish's node; NULL: the record of the chain */
	struct sign_rrset rrset; /* its records are read when they are needed */
	struct rrset old;
	bool is_same; /* as `old` */
	struct node_sign_sigs *sigs;
};

static int
read_records(struct node_sign *sign, struct signing_rrset *s)
{
	if (s->rrset.records)
		return ERR_OK;
	return stored_rrset_read(&s->job->wish_node, s->stored, sign->origin,
				 sign->origin_len, sign->arena, &s->rrset);
}

/* Room for one signature more, behind its head.  returns where its rdata belongs. */
static uint8_t *
add_record(struct node_sign_sigs *sigs, uint32_t ttl, size_t rdata_len)
{
	uint8_t *at = sigs->octets + sigs->len;

	wire_put_u16(at, QNAME_POINTER);
	wire_put_u16(at + 2, RRTYPE_RRSIG);
	wire_put_u16(at + 4, CLASS_IN);
	wire_put_u32(at + 6, ttl);
	wire_put_u16(at + 10, (uint16_t)rdata_len);
	sigs->len += SIG_HEAD + rdata_len;
	sigs->count++;
	return at + SIG_HEAD;
}

static void
note_end(struct node_sign *sign, int64_t ends_s)
{
	if (sign->first_end_s == 0 || ends_s < sign->first_end_s)
		sign->first_end_s = ends_s;
}

static bool
take_over(struct node_sign *sign, struct signing_rrset *s, const struct sign_key *key)
{
	size_t len = RRSIG_FIXED + sign->origin_len + key->signature_len;
	const uint8_t *rdata;
	int64_t ends_s;

	rdata = rrset_sign_find(&s->old, key, sign->origin, sign->origin_len,
				sign->clock.now_s, sign->clock.renew_before_s, &ends_s);
	if (!rdata)
		return false;
	memcpy(add_record(s->sigs, s->rrset.ttl, len), rdata, len);
	note_end(sign, ends_s);
	return true;
}

static int
sign_anew(struct node_sign *sign, struct signing_rrset *s, unsigned number)
{
	const struct sign_key *key = &sign->keys.items[number];
	size_t head_len = RRSIG_FIXED + sign->origin_len;
	struct sign_times times;
	uint8_t *rdata;
	int rc = read_records(sign, s);

	if (rc != ERR_OK)
		return rc;
	s->job->is_same = false;
	rdata = add_record(s->sigs, s->rrset.ttl, head_len + key->signature_len);
	note_end(sign, sign_clock_draw(&sign->clock, &times));
	rrset_sign_head(&s->rrset, key, &times, sign->origin, sign->origin_len, rdata);
	rc = rrset_sign_data(&s->rrset, rdata, head_len, &sign->buffer);
	sign->made++;
	return rc == ERR_OK ? sign_session_add(sign->session, number, sign->buffer.octets,
					       sign->buffer.len, rdata + head_len)
			    : rc;
}

/* Is the RRset what `old` has signatures over? */
static int
compare_old(struct node_sign *sign, struct signing_rrset *s)
{
	const struct node *old = &s->job->old;
	int rc;

	if (!old->bytes || !node_find_rrset(old, s->rrset.type, &s->old))
		return ERR_OK;
	if (s->stored && old->bytes == s->job->wish_node.bytes) {
		s->is_same = true;
		return ERR_OK;
	}
	rc = read_records(sign, s);
	if (rc == ERR_OK)
		s->is_same = rrset_sign_is_same(&s->rrset, old, &s->old);
	return rc;
}

/* Octets of all signatures that the RRset gets. */
static size_t
signatures_len(const struct node_sign *sign, uint16_t type)
{
	size_t len = 0;

	for (size_t i = 0; i < sign->keys.count; i++)
		if (sign->roles[i] & sign_role_for(type))
			len += SIG_HEAD + RRSIG_FIXED + sign->origin_len +
			       sign->keys.items[i].signature_len;
	return len;
}

static int
add_rrset(struct node_sign *sign, struct signing_rrset *s, size_t wire_len)
{
	size_t len = signatures_len(sign, s->rrset.type);
	struct node_sign_sigs *sigs = arena_take_items(sign->arena, 1, sizeof *sigs);
	int rc;

	if (wire_len + len > SIGNED_LEN_MAX)
		return ERR_RANGE;
	if (!sigs)
		return ERR_NOMEM;
	*sigs = (struct node_sign_sigs){ .type = s->rrset.type,
					 .octets = arena_take(sign->arena, len) };
	if (!sigs->octets)
		return ERR_NOMEM;
	s->sigs = sigs;
	*s->job->tail = sigs;
	s->job->tail = &sigs->next;
	rc = compare_old(sign, s);
	for (unsigned i = 0; i < sign->keys.count && rc == ERR_OK; i++)
		if ((sign->roles[i] & sign_role_for(sigs->type)) &&
		    !(s->is_same && sign->is_known[i] &&
		      take_over(sign, s, &sign->keys.items[i])))
			rc = sign_anew(sign, s, i);
	if (!s->is_same || s->old.head.sig_count != sigs->count)
		s->job->is_same = false;
	return rc;
}

/* ---- a steered RRset ---- */

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

static int
add_steered(struct node_sign *sign, struct node_sign_job *job, const struct block *block)
{
	struct signing_rrset s = { .job = job };
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
	rc = add_rrset(sign, &s, steered.rrset.head.wire_len);
	source.is_taken_over = sign->made == made;
	return rc == ERR_OK ? sign_choices(sign, job, s.sigs, &source) : rc;
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
		struct signing_rrset s = { .job = job };
		struct rrset stored;

		if (block.head.kind == BLOCK_STEERED &&
		    is_steered_signed(&job->wish, block.head.type))
			rc = add_steered(sign, job, &block);
		if (block.head.kind != BLOCK_RRSET ||
		    !is_signed(&job->wish, block.head.type))
			continue;
		if (!rrset_open(&block, &stored))
			return ERR_DAMAGED;
		s.stored = &stored;
		s.rrset.type = stored.type;
		s.rrset.ttl = stored.head.ttl;
		rc = add_rrset(sign, &s, stored.head.wire_len);
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
	struct signing_rrset s = {
		.job = job,
		.rrset = { .owner = record.owner,
			   .owner_len = record.owner_len,
			   .type = record.type,
			   .ttl = record.ttl,
			   .records = &record,
			   .count = 1 },
	};

	return add_rrset(sign, &s, SIG_HEAD + wish->chain_len);
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

void
node_sign_types(const struct node *node, bool is_cut, bool is_nsec3,
		struct type_bitmap *out)
{
	bool has_signature = !is_nsec3;
	struct block block;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		uint16_t type = block.head.type;

		if (!block_holds_rrset(&block) || type == RRTYPE_NSEC ||
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
