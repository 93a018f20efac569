/* Steered RRsets on the straight path: chosen records are copied behind the question, as
 * answer_steered.c does it on the general one.  Nothing is drawn unless the answer is
 * certain to fit, so that it is drawn once. */
#ifndef WORKER_FAST_STEERED_H
#define WORKER_FAST_STEERED_H

#include "worker/fast_choose.h"
#include "worker/signed_sets.h"

/* Copy one record.  Up to FAST_COPY_STEP - 1 octets too many are written. */
static inline uint8_t *
fast_copy_record(uint8_t *to, const uint8_t *wire, unsigned rr_len, unsigned record)
{
	const uint8_t *from = wire + (size_t)record * rr_len;

	*(fast_step *)to = *(const fast_step *)from;
	if (rr_len > FAST_COPY_STEP)
		*(fast_step *)(to + FAST_COPY_STEP) =
			*(const fast_step *)(from + FAST_COPY_STEP);
	return to + rr_len;
}

/* ---- the usual ---- */

static inline unsigned
fast_most_records(const struct fast_usual *usual)
{
	if (usual->head.count == STEERED_SINGLE)
		return 1;
	return usual->head.first > 0 ? usual->head.first : usual->count;
}

/* Copy all records, from `first` on, the earlier ones last. */
static inline uint8_t *
fast_copy_all(uint8_t *to, const struct fast_usual *usual, unsigned first)
{
	size_t early_len = (size_t)first * usual->rr_len,
	       late_len = (size_t)(usual->count - first) * usual->rr_len;

	fast_copy(to, usual->wire + early_len, late_len);
	fast_copy(to + late_len, usual->wire, early_len);
	return to + late_len + early_len;
}

/* Copy the records of those that are left, from the one that is drawn on, the earlier ones
 * last; *chosen receives which ones, *records how many.  returns where they end. */
__attribute__((always_inline)) static inline uint8_t *
fast_copy_left(struct steerer *steerer, uint8_t *to, const struct fast_usual *usual,
	       uint64_t left, uint64_t *chosen, unsigned *records)
{
	unsigned first = (unsigned)__builtin_ctzll(left), most, count = 0;
	uint64_t late, rest;

	*chosen = left;
	*records = 1;
	if ((left & (left - 1)) == 0)
		return fast_copy_record(to, usual->wire, usual->rr_len, first);
	first = fast_draw_first(steerer, usual, left);
	most = fast_most_records(usual);
	if (left == fast_all(usual) && most >= usual->count) {
		*records = usual->count;
		return fast_copy_all(to, usual, first);
	}
	late = left & ~UINT64_C(0) << first;
	rest = left & ~late;
	for (; late && count < most; late &= late - 1, count++)
		to = fast_copy_record(to, usual->wire, usual->rr_len,
				      (unsigned)__builtin_ctzll(late));
	for (; rest && count < most; rest &= rest - 1, count++)
		to = fast_copy_record(to, usual->wire, usual->rr_len,
				      (unsigned)__builtin_ctzll(rest));
	*chosen = left & ~(late | rest);
	*records = count;
	return to;
}

/* Append signatures over the chosen records.  returns false when there are none. */
static inline bool
fast_sign_usual(const struct fast *f, const struct sealed_node *node, uint16_t type,
		const struct fast_usual *usual, uint64_t chosen, uint8_t *to)
{
	const struct signed_sets *sets = f->options->signed_sets;
	const uint8_t *signatures = usual->sets + sizeof(uint64_t) * usual->set_count;
	const struct steered_key key = {
		.mark = usual->mark,
		.of.bits[0] = chosen,
		.type = type,
		.owner_len = node->head.owner_len,
		.owner = sealed_owner(node),
	};
	struct steered_records set;

	if (chosen == fast_all(usual)) {
		fast_copy(to, usual->wire + usual->count * usual->rr_len, usual->sig_len);
		return true;
	}
	for (unsigned i = 0; i < usual->set_count; i++)
		if (memcmp(usual->sets + sizeof chosen * i, &chosen, sizeof chosen) ==
		    0) {
			fast_copy(to, signatures + (size_t)usual->sig_len * i,
				  usual->sig_len);
			return true;
		}
	return sets && usual->sets &&
	       steered_cache_holds(sets->cache, key.owner_len, usual->sig_len) &&
	       steered_cache_get(sets->cache, &key, usual->sig_len, &set, to);
}

/* *done receives whether it was answered; returns false when it is unusual after all. */
__attribute__((always_inline)) static inline bool
fast_answer_usual(struct fast *f, struct query *q, const struct sealed_node *node,
		  const struct fast_usual *usual, bool is_signed, bool *done)
{
	struct steerer *steerer = f->options->steerer;
	uint64_t left = fast_all(usual), chosen;
	int place_len;
	unsigned records;
	const struct geo_facts *facts;
	struct client_place client;
	uint8_t *end;

	*done = false;
	if (usual->head.geo != STEERED_ANYWHERE) {
		facts = fast_find_facts(f, q, &client);
		if (!facts)
			return false;
		left = fast_leave_by_place(steerer, usual, facts, left, &place_len);
		if ((q->flags & QUERY_ECS) && place_len >= 0)
			q->scope_len = (uint8_t)client_place_scope(q, &client,
								   (unsigned)place_len);
		if (left == 0)
			return true;
	}
	end = fast_copy_left(steerer, q->packet + q->question_end, usual, left, &chosen,
			     &records);
	if (is_signed && (q->flags & QUERY_DO)) {
		if (!fast_sign_usual(f, node, q->type, usual, chosen, end))
			return true;
		end += usual->sig_len;
		records += usual->sig_count;
	}
	f->steered++;
	fast_finish(f, q, (unsigned)(end - q->packet), RCODE_NOERROR, records, 0, 0);
	*done = true;
	return true;
}

/* ---- all others ---- */

__attribute__((noinline)) static bool
fast_answer_unusual(struct fast *f, struct query *q, const struct sealed_node *node,
		    const struct sealed_block *found)
{
	const struct block block = { found->head, (const uint8_t *)(found + 1) };
	const struct node as_node = { (const uint8_t *)node, node->head };
	uint8_t *to = q->packet + q->question_end;
	struct client_place client;
	struct steer_choice choice;
	struct steered steered;
	unsigned records;

	if (!steered_open(&block, &steered) ||
	    q->question_end + steered.rrset.head.wire_len + steered.rrset.head.sig_len +
			    2 * FAST_COPY_STEP >
		    q->limit)
		return false;
	client_place_find(q, f->options->ecs, &client);
	if (!steer_choose(f->options->steerer, &steered, &client, &choice) ||
	    choice.count == 0)
		return false;
	records = choice.count;
	if (choice.by_place && (q->flags & QUERY_ECS))
		q->scope_len = (uint8_t)client_place_scope(q, &client, choice.place_len);
	for (unsigned i = 0; i < choice.count; i++)
		to = fast_copy_record(to, steered.rrset.wire, steered.rr_len,
				      choice.records[i]);
	if ((q->flags & QUERY_DO) && steered.rrset.head.sig_len > 0) {
		struct steered_records set = { { 0 } };

		for (unsigned i = 0; i < choice.count; i++)
			set.bits[choice.records[i] / 64] |= UINT64_C(1)
							    << choice.records[i] % 64;
		if (!signed_sets_find(f->options->signed_sets, &steered, &as_node, &set,
				      to))
			return false;
		to += steered.rrset.head.sig_len;
		records += steered.rrset.head.sig_count;
	}
	f->steered++;
	fast_finish(f, q, (unsigned)(to - q->packet), RCODE_NOERROR, records, 0, 0);
	return true;
}

/* is_signed is known when this is compiled: what has no signatures does not pay for them. */
__attribute__((always_inline)) static inline bool
fast_answer_block(struct fast *f, struct query *q, const struct sealed_node *node,
		  const struct sealed_block *block, bool is_signed)
{
	struct fast_usual usual;
	bool done;

	if (!fast_open_usual(block, is_signed, &usual))
		return fast_answer_unusual(f, q, node, block);
	if (q->question_end + usual.count * usual.rr_len + usual.sig_len +
		    2 * FAST_COPY_STEP >
	    q->limit)
		return false;
	return fast_answer_usual(f, q, node, &usual, is_signed, &done)
		       ? done
		       : fast_answer_unusual(f, q, node, block);
}

__attribute__((noinline)) static bool
fast_answer_signed(struct fast *f, struct query *q, const struct sealed_node *node,
		   const struct sealed_block *block)
{
	return fast_answer_block(f, q, node, block, true);
}

/* Answer from a BLOCK_STEERED of the type that is asked for. */
static inline bool
fast_answer_steered(struct fast *f, struct query *q, const struct sealed_node *node,
		    const struct sealed_block *block)
{
	const struct steerer *steerer = f->options->steerer;

	if ((ptrdiff_t)block->head.len > sealed_end(node) - (const uint8_t *)(block + 1))
		return false;
	if (!steerer || !steerer->geo)
		return fast_answer_unusual(f, q, node, block);
	return fast_is_signed(block) ? fast_answer_signed(f, q, node, block)
				     : fast_answer_block(f, q, node, block, false);
}

#endif
