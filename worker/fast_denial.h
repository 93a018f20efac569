/* Denials on the straight path: what proves that a name or type is not there (RFC 4035,
 * section 3.1.3; RFC 5155, section 7.2).  Members of the zone's chain are looked for in steps
 * that a batch interleaves: find the place in the order; find the entry; copy the records. */
#ifndef WORKER_FAST_DENIAL_H
#define WORKER_FAST_DENIAL_H

#include "worker/chain.h"
#include "worker/fast_find.h"
#include "worker/fast_put.h"
#include "worker/order_find.h"

enum {
	FAST_MEMBER_LINES =
		5, /* cache lines of a chain's member that are fetched ahead */
	FAST_HEAD_LINES = 2, /* of a block's heads, and of its entries */
	FAST_NEAR_STEPS = 8, /* of a search: all searches look at those fences */
	FAST_GUESSES = 2, /* by interpolation, each of which is fetched */
	FAST_PROOFS = 3, /* the most that one answer has */
	FAST_ENCLOSERS = 8, /* of which the proofs are kept */
};

enum fast_denial_kind {
	FAST_NO_NAME, /* neither the name nor the wildcard at its closest encloser exists */
	FAST_NO_TYPE, /* the name has no such type: by NSEC3 */
	FAST_EXPANSION, /* no closer match than the wildcard that was answered */
};

/* An answer that waits for its proofs. */
struct fast_denial {
	struct query *q;
	const struct stage *stage;
	const struct sealed_node *encloser;
	const struct index_zone *zone; /* NULL: its chain has live changes */
	const uint8_t *name; /* that a member matches or covers */
	uint64_t place; /* in the order of NSEC3: a guess; then the member's offset */
	struct order_search search; /* in that of NSEC */
	unsigned at, answers, authority; /* where the response ends, and what it has */
	uint8_t labels; /* of the encloser */
	uint8_t kind; /* enum fast_denial_kind */
	bool is_tie; /* the member's hash begins as that of the name */
	uint8_t hash[NSEC3_HASH_LEN]; /* of the name */
	struct order_key key; /* the same for NSEC */
};

/* ---- the chain of a zone ---- */

static inline struct node
fast_apex_node(const struct stage *stage)
{
	struct node apex = { .bytes = stage->apex };

	memcpy(&apex.head, stage->apex, sizeof apex.head);
	return apex;
}

static inline bool
fast_uses_nsec3(const struct stage *stage)
{
	return stage->facts->flags & ZONE_NSEC3;
}

__attribute__((noinline)) static void
fast_open_chain(struct fast *f, const struct stage *stage)
{
	struct fast_chain *chain = &f->chain;
	uint32_t zone_id = stage->facts->zone_id;
	struct node apex = fast_apex_node(stage);

	chain->facts = stage->facts;
	chain->zone = generation_zone(&f->store->gen, zone_id);
	if (fast_uses_nsec3(stage)) {
		chain->is_live = chain_is_live(f->store, zone_id | NSEC3_SPACE);
		chain->is_usable =
			chain_open_nsec3(zone_id, &apex, &chain->nsec3) &&
			(chain->is_live || (chain->zone && chain->zone->nsec3_count > 0));
	} else {
		chain->is_live = chain_is_live(f->store, zone_id);
		chain->is_usable =
			chain->is_live || (chain->zone && chain->zone->order_count > 0 &&
					   f->store->gen.fences);
	}
}

/* Take that of the query's zone.  returns false when it is left to the general path. */
static inline bool
fast_take_chain(struct fast *f, const struct stage *stage)
{
	if (f->chain.facts != stage->facts)
		fast_open_chain(f, stage);
	return f->chain.is_usable;
}

static inline void
fast_hash_name(const struct fast *f, const uint8_t *name, unsigned len,
	       uint8_t hash[NSEC3_HASH_LEN])
{
	const struct chain_nsec3 *chain = &f->chain.nsec3;

	nsec3_hash(name, len, chain->salt, chain->facts.salt_len, chain->facts.iterations,
		   hash);
}

/* ---- finding the member, in steps ---- */

static inline void
fast_find_place_nsec(struct fast *f, struct fast_denial *d)
{
	d->name = d->q->name;
	if (f->chain.is_live)
		return;
	order_key_make(&d->key, d->name,
		       d->q->name_len - (unsigned)fast_apex(d->stage)->head.owner_len);
	d->search = order_search_begin(d->zone);
	for (unsigned i = 0; i < FAST_NEAR_STEPS && d->search.count > 1; i++)
		order_search_step(&f->store->gen, d->zone, &d->key, d->name, &d->search);
	__builtin_prefetch(order_search_fence(&f->store->gen, d->zone, &d->search));
}

/* Of the name, or of the next closer one to the encloser. */
static inline void
fast_find_place_nsec3(struct fast *f, struct fast_denial *d)
{
	const struct generation *gen = &f->store->gen;
	unsigned labels = d->kind == FAST_NO_TYPE ? d->q->label_count : d->labels + 1u;

	d->name = query_suffix(d->q, labels);
	fast_hash_name(f, d->name, query_suffix_len(d->q, labels), d->hash);
	if (f->chain.is_live)
		return;
	d->place = order_guess(order_hash_head(d->hash), d->zone->nsec3_count);
	__builtin_prefetch(gen->nsec3 + d->zone->nsec3_first + d->place);
}

/* Begin: the answer stands up to d->at.  returns false when that is left to the general path. */
static inline bool
fast_deny(struct fast *f, const struct fast_denial *begun)
{
	struct fast_denial *d = &f->denials[f->denial_count];

	if (!fast_take_chain(f, begun->stage))
		return false;
	d->q = begun->q;
	d->stage = begun->stage;
	d->encloser = begun->encloser;
	d->zone = f->chain.is_live ? NULL : f->chain.zone;
	d->at = begun->at;
	d->answers = begun->answers;
	d->authority = begun->authority;
	d->labels = begun->labels;
	d->kind = begun->kind;
	if (fast_uses_nsec3(d->stage))
		fast_find_place_nsec3(f, d);
	else
		fast_find_place_nsec(f, d);
	f->denial_count++;
	return true;
}

/* All searches go on by one step: what each looks at next is fetched meanwhile.
 * returns whether some have not ended. */
static inline bool
fast_search_step(const struct fast *f)
{
	const struct generation *gen = &f->store->gen;
	bool go_on = false;

	for (unsigned i = 0; i < f->denial_count; i++) {
		struct fast_denial *d = &f->denials[i];

		if (!d->zone || fast_uses_nsec3(d->stage) || d->search.count <= 1)
			continue;
		order_search_step(gen, d->zone, &d->key, d->name, &d->search);
		__builtin_prefetch(order_search_fence(gen, d->zone, &d->search));
		go_on |= d->search.count > 1;
	}
	return go_on;
}

/* The blocks are known: fetch their heads and entries. */
static inline void
fast_fetch_places(const struct fast *f)
{
	const struct generation *gen = &f->store->gen;

	for (unsigned i = 0; i < f->denial_count; i++) {
		const struct fast_denial *d = &f->denials[i];
		uint64_t entry;

		if (!d->zone || fast_uses_nsec3(d->stage))
			continue;
		entry = d->zone->order_first + d->search.block * INDEX_FENCE_STEP;
		lookup_prefetch_lines((const uint8_t *)(gen->heads + entry),
				      FAST_HEAD_LINES);
		lookup_prefetch_lines((const uint8_t *)(gen->order + entry),
				      FAST_HEAD_LINES);
	}
}

static inline void
fast_guess_again(const struct fast *f)
{
	for (unsigned i = 0; i < f->denial_count; i++) {
		struct fast_denial *d = &f->denials[i];
		const struct index_nsec3 *entries;

		if (!d->zone || !fast_uses_nsec3(d->stage))
			continue;
		entries = f->store->gen.nsec3 + d->zone->nsec3_first;
		d->place = order_guess_again(entries, d->zone->nsec3_count, d->place,
					     order_hash_head(d->hash));
		__builtin_prefetch(entries + d->place);
	}
}

/* The last entry of the zone whose hash's head is at most that of the name's, going around.
 */
static inline void
fast_take_nsec3_entry(const struct generation *gen, struct fast_denial *d)
{
	const struct index_nsec3 *entries = gen->nsec3 + d->zone->nsec3_first;
	uint64_t head = order_hash_head(d->hash);
	uint64_t count =
		order_count_hashes_near(entries, d->zone->nsec3_count, d->place, head);

	if (count == 0)
		count = d->zone->nsec3_count;
	d->place = entries[count - 1].node_off;
	d->is_tie = entries[count - 1].hash_head == head;
}

/* Find the members' offsets, and begin to fetch them. */
static inline void
fast_fetch_members(const struct fast *f)
{
	const struct generation *gen = &f->store->gen;

	for (unsigned i = 0; i < f->denial_count; i++) {
		struct fast_denial *d = &f->denials[i];

		if (!d->zone)
			continue;
		if (fast_uses_nsec3(d->stage))
			fast_take_nsec3_entry(gen, d);
		else
			d->place = gen->order[order_find_in_block(
				gen, d->zone, d->search.block, &d->key, d->name)];
		if (d->place < gen->data_len)
			lookup_prefetch_lines(gen->data + d->place, FAST_MEMBER_LINES);
	}
}

/* All of these steps for those that wait. */
static inline void
fast_find_members(const struct fast *f)
{
	while (fast_search_step(f))
		;
	for (unsigned i = 0; i < FAST_GUESSES; i++)
		fast_guess_again(f);
	fast_fetch_places(f);
	fast_fetch_members(f);
}

/* ---- the members ---- */

/* The member for a hash, by whatever way.  returns NULL when there is none, or it does not
 * match when it must. */
static inline const struct sealed_node *
fast_nsec3_member(const struct fast *f, const uint8_t hash[NSEC3_HASH_LEN],
		  bool must_match)
{
	struct node node;
	bool matches;

	if (chain_find_nsec3(f->store, &f->chain.nsec3, hash, &node, &matches) !=
		    LOOKUP_FOUND ||
	    matches != must_match)
		return NULL;
	return (const struct sealed_node *)node.bytes;
}

/* Does the member that was found by the hash's head match the name, or cover it, as it must?
 * Where heads are alike but hashes are not, others are looked at. */
static inline const struct sealed_node *
fast_check_nsec3(const struct fast *f, const struct fast_denial *d,
		 const struct node *node)
{
	uint8_t label[NSEC3_LABEL_LEN + 1];
	bool must_match = d->kind == FAST_NO_TYPE;

	if (!d->is_tie && !must_match)
		return (const struct sealed_node *)node->bytes;
	if (d->is_tie && must_match) {
		nsec3_hash_to_label(d->hash, label);
		if (memcmp(node_owner(node), label, sizeof label) == 0)
			return (const struct sealed_node *)node->bytes;
	}
	return fast_nsec3_member(f, d->hash, must_match);
}

/* The member that was looked for in steps. */
static inline const struct sealed_node *
fast_member(const struct fast *f, const struct fast_denial *d)
{
	bool is_nsec3 = fast_uses_nsec3(d->stage);
	struct node apex, node;

	if (!d->zone && is_nsec3)
		return fast_nsec3_member(f, d->hash, d->kind == FAST_NO_TYPE);
	if (!d->zone) {
		apex = fast_apex_node(d->stage);
		return chain_find_nsec(f->store, d->stage->facts->zone_id, &apex, d->name,
				       d->q->name_len, &node) == LOOKUP_FOUND
			       ? (const struct sealed_node *)node.bytes
			       : NULL;
	}
	if (!generation_node_at(&f->store->gen, d->place, &node))
		return NULL;
	if (is_nsec3)
		return fast_check_nsec3(f, d, &node);
	return (const struct sealed_node *)node.bytes;
}

/* Those that an encloser needs whichever name below it is denied: the one that covers the
 * wildcard there and, for NSEC3, before it the one that matches the encloser. */
__attribute__((noinline)) static bool
fast_find_enclosing(const struct fast *f, const struct fast_denial *d,
		    struct fast_enclosing *out)
{
	uint8_t name[2 + DNAME_MAX + FAST_COPY_STEP], hash[NSEC3_HASH_LEN];
	unsigned len = fast_spell_wildcard(d->q, d->labels, name);
	struct node apex = fast_apex_node(d->stage), node;

	out->encloser = NULL;
	if (len > DNAME_MAX)
		return false;
	if (fast_uses_nsec3(d->stage)) {
		fast_hash_name(f, name, len, hash);
		out->wildcard = fast_nsec3_member(f, hash, false);
		fast_hash_name(f, name + 2, len - 2, hash);
		out->match = fast_nsec3_member(f, hash, true);
		if (!out->match || !out->wildcard)
			return false;
	} else {
		if (chain_find_nsec(f->store, d->stage->facts->zone_id, &apex, name, len,
				    &node) != LOOKUP_FOUND)
			return false;
		out->match = NULL;
		out->wildcard = (const struct sealed_node *)node.bytes;
	}
	out->encloser = d->encloser;
	return true;
}

static inline const struct fast_enclosing *
fast_enclosing(struct fast *f, const struct fast_denial *d)
{
	struct fast_enclosing *kept =
		&f->enclosing[(uintptr_t)d->encloser / FAST_COPY_STEP % FAST_ENCLOSERS];

	return kept->encloser == d->encloser || fast_find_enclosing(f, d, kept) ? kept
										: NULL;
}

/* ---- writing ---- */

/* Copy `count` records of `len` octets, with an owner of `prefix_len` octets of labels above
 * the apex.  returns false when they do not tile them. */
static inline bool
fast_put_records(struct query *q, const uint8_t *from, unsigned len, unsigned count,
		 const uint8_t *prefix, unsigned prefix_len, unsigned apex_at,
		 unsigned *at)
{
	uint8_t *to = q->packet + *at;

	for (; count > 0; count--) {
		unsigned step = RECORD_RDATA_AT +
				(unsigned)wire_get_u16(from + RECORD_RDATA_AT - 2);

		if (step > len)
			return false;
		fast_copy(to, prefix, prefix_len);
		to += prefix_len;
		fast_copy(to, from, step);
		wire_put_u16(to, (uint16_t)(0xc000u | apex_at));
		to += step;
		from += step;
		len -= step;
	}
	*at = (unsigned)(to - q->packet);
	return len == 0;
}

/* Append the record of a member, with its signatures. */
static inline bool
fast_put_proof(struct query *q, const struct stage *stage,
	       const struct sealed_node *member, unsigned *at, unsigned *records)
{
	uint16_t type = fast_uses_nsec3(stage) ? TYPE_NSEC3 : TYPE_NSEC;
	const struct sealed_block *block =
		sealed_find_rrset(member, sealed_blocks(member), type);
	unsigned owner_len = member->head.owner_len,
		 apex_len = fast_apex(stage)->head.owner_len, prefix_len;
	struct sealed_taken rrset;

	if (!block || !sealed_take_rrset(member, block, true, &rrset) ||
	    rrset.rrset->head.patch_count > 0 || owner_len < apex_len || apex_len <= 2)
		return false;
	prefix_len = owner_len - apex_len;
	if (*at + rrset.len + prefix_len * rrset.records + 2 * FAST_COPY_STEP > q->limit)
		return false;
	*records += rrset.records;
	if (owner_len == q->name_len &&
	    sealed_octets_equal(sealed_owner(member), q->name, owner_len)) {
		fast_copy(q->packet + *at, sealed_rrset_wire(&rrset), rrset.len);
		*at += rrset.len;
		return true;
	}
	return fast_put_records(q, sealed_rrset_wire(&rrset), rrset.len, rrset.records,
				sealed_owner(member), prefix_len,
				QUERY_HEADER_LEN + (unsigned)stage->zone_start, at);
}

/* Collect a member, unless it is there already. */
static inline void
fast_push_proof(const struct sealed_node *proofs[FAST_PROOFS], unsigned *count,
		const struct sealed_node *member)
{
	for (unsigned i = 0; i < *count; i++)
		if (proofs[i] == member)
			return;
	proofs[(*count)++] = member;
}

/* In the order of the general path: the one that matches the encloser, the name's, the
 * wildcard's. */
static inline bool
fast_answer_denial(struct fast *f, const struct fast_denial *d)
{
	const struct sealed_node *proofs[FAST_PROOFS], *member;
	unsigned count = 0, at = d->at, authority = d->authority;
	const struct fast_enclosing *enclosing = NULL;

	if (!fast_take_chain(f, d->stage))
		return false;
	member = fast_member(f, d);
	if (!member)
		return false;
	if (d->kind == FAST_NO_NAME) {
		enclosing = fast_enclosing(f, d);
		if (!enclosing)
			return false;
		if (enclosing->match)
			fast_push_proof(proofs, &count, enclosing->match);
	}
	fast_push_proof(proofs, &count, member);
	if (enclosing)
		fast_push_proof(proofs, &count, enclosing->wildcard);
	for (unsigned i = 0; i < count; i++)
		if (!fast_put_proof(d->q, d->stage, proofs[i], &at, &authority))
			return false;
	fast_finish(f, d->q, at, d->kind == FAST_NO_NAME ? RCODE_NXDOMAIN : RCODE_NOERROR,
		    d->answers, authority, 0);
	f->nxdomain += d->kind == FAST_NO_NAME;
	f->nodata += d->kind == FAST_NO_TYPE;
	f->wildcards += d->kind == FAST_EXPANSION;
	return true;
}

#endif
