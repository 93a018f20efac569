/* Steered RRsets on the straight path: chosen records are copied behind the question, as
 * answer_steered.c does it on the general one. */
#ifndef WORKER_FAST_STEERED_H
#define WORKER_FAST_STEERED_H

#include "shm/steered.h"
#include "worker/client_place.h"
#include "worker/fast_put.h"
#include "worker/steer.h"

/* Copy the chosen records to `to`; up to FAST_COPY_STEP - 1 octets too many are written. */
static inline unsigned
fast_copy_chosen(uint8_t *to, const struct steered *steered,
		 const struct steer_choice *choice)
{
	const uint8_t *start = to;

	if (steered->rr_len == STEERED_RR_LEN_A) {
		_Static_assert((int)STEERED_RR_LEN_A == (int)FAST_COPY_STEP, "one step");
		for (unsigned i = 0; i < choice->count; i++, to += FAST_COPY_STEP)
			*(fast_step *)to =
				*(const fast_step *)(steered->rrset.wire +
						     (size_t)choice->records[i] *
							     FAST_COPY_STEP);
		return (unsigned)(to - start);
	}
	for (unsigned i = 0; i < choice->count; i++, to += STEERED_RR_LEN_AAAA) {
		const uint8_t *from = steered->rrset.wire +
				      (size_t)choice->records[i] * STEERED_RR_LEN_AAAA;

		*(fast_step *)to = *(const fast_step *)from;
		*(fast_step *)(to + FAST_COPY_STEP) =
			*(const fast_step *)(from + FAST_COPY_STEP);
	}
	return (unsigned)(to - start);
}

/* Answer from a BLOCK_STEERED of the type that is asked for.  Nothing is drawn unless the
 * answer is certain to fit, so that it is drawn once. */
__attribute__((noinline)) static bool
fast_answer_steered(struct fast *f, struct query *q, const struct sealed_node *node,
		    const struct sealed_block *found)
{
	const struct block block = { found->head, (const uint8_t *)(found + 1) };
	struct client_place client;
	struct steer_choice choice;
	struct steered steered;
	unsigned len;

	if ((ptrdiff_t)block.head.len > sealed_end(node) - block.payload ||
	    !steered_open(&block, &steered) ||
	    q->question_end + steered.rrset.head.wire_len + 2 * FAST_COPY_STEP > q->limit)
		return false;
	client_place_find(q, f->options->ecs, &client);
	if (!steer_choose(f->options->steerer, &steered, &client, &choice) ||
	    choice.count == 0)
		return false;
	if (choice.by_place && (q->flags & QUERY_ECS))
		q->scope_len = (uint8_t)client_place_scope(q, &client, choice.place_len);
	len = fast_copy_chosen(q->packet + q->question_end, &steered, &choice);
	f->steered++;
	fast_finish(f, q, q->question_end + len, RCODE_NOERROR, choice.count, 0, 0);
	return true;
}

#endif
