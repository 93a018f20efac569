/* The usual choice in one go: by ASN and country, in stored order, at random or by weight,
 * among up to 64 candidates that are a record each.  The same steps as in worker/steer.h,
 * with sets that are one word, and nothing in between; whatever else an RRset asks for is
 * left to that. */
#ifndef WORKER_FAST_CHOOSE_H
#define WORKER_FAST_CHOOSE_H

#include <endian.h>

#include "shm/steered.h"
#include "worker/client_place.h"
#include "worker/fast_put.h"
#include "worker/geo.h"
#include "worker/steer.h"
#include "worker/steer_match.h"

/* A steered RRset that has nothing unusual. */
struct fast_usual {
	struct steered_head head;
	const uint8_t *wire;
	unsigned count, rr_len; /* of records and candidates; octets of each */
	const uint8_t *weights; /* as in struct steered */
	const uint8_t *countries, *asns;
	unsigned country_count, asn_count;
	unsigned sig_count, sig_len; /* over all records, or those of a set */
	/* what follows only with signatures */
	const uint8_t *sets; /* as in struct steered, with mark and signatures before */
	unsigned set_count;
	uint64_t mark;
};

/* Take the part at *at, which ends before `end`, if it is of this kind: its entries, of
 * `entry_len` octets.  *at stays where it is otherwise, also when it is damaged. */
static inline void
fast_take_part(const uint8_t **at, const uint8_t *end, uint64_t kind, size_t entry_len,
	       const uint8_t **entries, unsigned *count)
{
	const size_t head_len = sizeof(struct steered_part_head);
	struct steered_part_head head;
	size_t left = (size_t)(end - *at);

	if (left < head_len)
		return;
	memcpy(&head, *at, sizeof head);
	if (head.kind != kind || head.len > left - head_len || head.len % entry_len != 0)
		return;
	*entries = *at + head_len;
	*count = (unsigned)(head.len / entry_len);
	*at = *entries + head.len;
}

/* Take what is signed, if it is there. */
static inline void
fast_take_signed(const uint8_t **at, const uint8_t *end, struct fast_usual *out)
{
	const uint8_t *payload = NULL;
	struct steered_signed head;
	unsigned len;

	out->sets = NULL;
	out->set_count = 0;
	out->mark = 0;
	fast_take_part(at, end, STEERED_SIGNED, 1, &payload, &len);
	if (!payload || len < sizeof head)
		return;
	memcpy(&head, payload, sizeof head);
	if (len != sizeof head + (sizeof(uint64_t) + out->sig_len) * head.set_count)
		return;
	out->sets = payload + sizeof head;
	out->set_count = head.set_count;
	out->mark = head.mark;
	fast_take_part(at, end, STEERED_DENIAL, 1, &payload, &len);
}

/* Has the block signatures?  It lies in its node. */
static inline bool
fast_is_signed(const struct sealed_block *block)
{
	const uint8_t *at = (const uint8_t *)(block + 1) + sizeof(struct steered_head);
	struct rrset_head rrset;

	if (block->head.len < sizeof(struct steered_head) + sizeof rrset)
		return false;
	memcpy(&rrset, at, sizeof rrset);
	return rrset.sig_len > 0;
}

/* Take the block apart, which lies in its node.  returns false, for now, also when it is
 * damaged. */
__attribute__((always_inline)) static inline bool
fast_open_usual(const struct sealed_block *block, bool is_signed, struct fast_usual *out)
{
	const uint8_t *at = (const uint8_t *)(block + 1), *end = at + block->head.len;
	struct rrset_head rrset;
	unsigned weight_count;

	if (block->head.len < sizeof out->head + sizeof rrset)
		return false;
	memcpy(&out->head, at, sizeof out->head);
	at += sizeof out->head;
	memcpy(&rrset, at, sizeof rrset);
	out->wire = at + sizeof rrset;
	out->rr_len = STEERED_RR_LEN(block->head.type);
	out->count = rrset.rr_count;
	out->sig_count = is_signed ? rrset.sig_count : 0;
	out->sig_len = is_signed ? rrset.sig_len : 0;
	if (out->count - 1u >= 64 || rrset.wire_len != out->count * out->rr_len ||
	    out->head.rrset_len < sizeof rrset + rrset.wire_len + out->sig_len ||
	    out->head.rrset_len > (size_t)(end - at) || out->head.flags != 0 ||
	    out->head.geo > STEERED_BY_ASN_COUNTRY)
		return false;
	out->weights = out->countries = out->asns = NULL;
	out->country_count = out->asn_count = 0;
	weight_count = out->count;
	at += out->head.rrset_len;
	fast_take_part(&at, end, STEERED_WEIGHTS, sizeof(uint32_t), &out->weights,
		       &weight_count);
	fast_take_part(&at, end, STEERED_COUNTRIES, sizeof(struct steered_country),
		       &out->countries, &out->country_count);
	fast_take_part(&at, end, STEERED_ASNS, sizeof(struct steered_asn), &out->asns,
		       &out->asn_count);
	if (is_signed)
		fast_take_signed(&at, end, out);
	return at == end && weight_count == out->count;
}

/* All candidates. */
static inline uint64_t
fast_all(const struct fast_usual *usual)
{
	return ~UINT64_C(0) >> (64 - usual->count);
}

/* ---- places ---- */

/* What is known of the client; NULL: it is not known itself.
 * client  is set for those alone who tell of a subnet */
__attribute__((always_inline)) static inline const struct geo_facts *
fast_find_facts(const struct fast *f, const struct query *q, struct client_place *client)
{
	struct geo *geo = f->options->steerer->geo;
	const struct geo_entry *entry;
	struct sockaddr_in in;

	if (!(q->flags & QUERY_ECS) && q->client && q->client->sin6_family == AF_INET) {
		memcpy(&in, q->client, sizeof in);
		entry = geo_cache_probe(
			&geo->clients,
			geo_key_wide(geo_key_of_v4(be32toh(in.sin_addr.s_addr))));
		if (entry && !entry->facts.is_split)
			return &entry->facts;
	}
	client_place_find(q, f->options->ecs, client);
	return client->is_known ? geo_find(geo, &client->address, false) : NULL;
}

static inline uint64_t
fast_leave(const struct steerer *steerer, uint64_t left, struct steer_match match)
{
	if (left & match.matching)
		return left & match.matching;
	if (left & match.otherwise)
		return left & match.otherwise;
	return steerer->no_match == NO_MATCH_NONE ? 0 : left;
}

/* Leave those for the client.  *place_len receives the prefix that this holds for; -1: there
 * is no database for it. */
__attribute__((always_inline)) static inline uint64_t
fast_leave_by_place(const struct steerer *steerer, const struct fast_usual *usual,
		    const struct geo_facts *facts, uint64_t left, int *place_len)
{
	unsigned geo = usual->head.geo;

	*place_len = -1;
	if (geo != STEERED_BY_COUNTRY && facts->has_asn_db) {
		left = fast_leave(
			steerer, left,
			steer_match_asns(usual->asns, usual->asn_count, facts->asn));
		*place_len = facts->asn_len;
	}
	if (geo != STEERED_BY_ASN && facts->has_country_db) {
		left = fast_leave(steerer, left,
				  steer_match_codes(usual->countries,
						    usual->country_count,
						    steer_code(facts->country)));
		if (facts->country_len > *place_len)
			*place_len = facts->country_len;
	}
	return left;
}

/* ---- order ---- */

static inline uint32_t
fast_weight(const struct fast_usual *usual, unsigned candidate)
{
	uint32_t weight = 0;

	if (usual->weights)
		memcpy(&weight, usual->weights + sizeof weight * candidate,
		       sizeof weight);
	return weight;
}

static inline unsigned
fast_draw_evenly(struct steerer *steerer, uint64_t left)
{
	uint64_t rank =
		random_below(&steerer->random, (unsigned)__builtin_popcountll(left));

	for (; rank > 0; rank--)
		left &= left - 1;
	return (unsigned)__builtin_ctzll(left);
}

static inline unsigned
fast_draw_by_weight(struct steerer *steerer, const struct fast_usual *usual,
		    uint64_t left)
{
	uint64_t sum = 0, point;

	for (uint64_t bits = left; bits; bits &= bits - 1)
		sum += fast_weight(usual, (unsigned)__builtin_ctzll(bits));
	if (sum == 0)
		return fast_draw_evenly(steerer, left);
	point = random_below(&steerer->random, sum);
	for (uint64_t bits = left; bits; bits &= bits - 1) {
		unsigned at = (unsigned)__builtin_ctzll(bits);
		uint32_t weight = fast_weight(usual, at);

		if (point < weight)
			return at;
		point -= weight;
	}
	return (unsigned)__builtin_ctzll(left); /* the sum says that it is not reached */
}

/* The same when all are left: without looking for them. */
static inline unsigned
fast_draw_of_all(struct steerer *steerer, const struct fast_usual *usual)
{
	const uint8_t *weights = usual->weights;
	uint64_t sum = 0, point;
	uint32_t weight;
	unsigned at = 0;

	if (!weights)
		return (unsigned)random_below(&steerer->random, usual->count);
	for (unsigned i = 0; i < usual->count; i++) {
		memcpy(&weight, weights + sizeof weight * i, sizeof weight);
		sum += weight;
	}
	if (sum == 0)
		return (unsigned)random_below(&steerer->random, usual->count);
	point = random_below(&steerer->random, sum);
	for (; at + 1 < usual->count; at++) {
		memcpy(&weight, weights + sizeof weight * at, sizeof weight);
		if (point < weight)
			break;
		point -= weight;
	}
	return at;
}

/* The candidate that is first, of several that are left. */
static inline unsigned
fast_draw_first(struct steerer *steerer, const struct fast_usual *usual, uint64_t left)
{
	if (usual->head.order == STEERED_WEIGHTED)
		return left == fast_all(usual)
			       ? fast_draw_of_all(steerer, usual)
			       : fast_draw_by_weight(steerer, usual, left);
	if (usual->head.order == STEERED_RR)
		return left == fast_all(usual)
			       ? (unsigned)random_below(&steerer->random, usual->count)
			       : fast_draw_evenly(steerer, left);
	return (unsigned)__builtin_ctzll(left);
}

#endif
