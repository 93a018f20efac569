/* RRsets with targets on the straight path: the addresses of these go along. */
#ifndef WORKER_FAST_TARGETS_H
#define WORKER_FAST_TARGETS_H

#include "worker/fast_put.h"
#include "worker/fast_wait.h"

/* A target as its RRset has it, and its labels above the apex. */
struct fast_mention {
	struct rrset_target head;
	const uint8_t *prefix;
};

/* Take the target at `at`.  returns where the next one is. */
static inline const uint8_t *
fast_take_target(const uint8_t *at, struct fast_mention *out)
{
	memcpy(&out->head, at, sizeof out->head);
	out->prefix = at + sizeof out->head;
	return out->prefix + out->head.prefix_len;
}

/* Is it the one that was found last?  Most often, since the names of a zone share their
 * mail servers. */
static inline bool
fast_is_last_target(const struct fast *f, const struct stage *stage,
		    const struct fast_mention *target)
{
	const struct fast_target *last = &f->target;

	return last->facts == stage->facts &&
	       last->prefix_len == target->head.prefix_len &&
	       sealed_octets_equal(last->prefix, target->prefix, last->prefix_len);
}

static inline void
fast_keep_target(struct fast *f, const struct stage *stage,
		 const struct fast_mention *target, const struct sealed_node *node)
{
	f->target = (struct fast_target){ stage->facts, node, target->prefix,
					  target->head.prefix_len };
}

/* Find the node of a target, whose look-up is `fetch`, if it was begun. */
static inline enum lookup_result
fast_find_target(struct fast *f, const struct fast_waiting *w,
		 const struct fast_mention *target, const struct fast_fetch *fetch,
		 const struct sealed_node **out)
{
	unsigned prefix_len = target->head.prefix_len, labels;
	enum lookup_result found;

	if (fast_is_last_target(f, w->stage, target)) {
		*out = f->target.node;
		return LOOKUP_FOUND;
	}
	if (fetch && fetch->hash != 0)
		found = fast_find_prefix_at(f, w->stage, fetch->hash, fetch->off,
					    target->prefix, prefix_len, out);
	else
		found = fast_find_prefix(f, w->q, w->stage, target->prefix, prefix_len,
					 &labels, out);
	if (found == LOOKUP_FOUND && prefix_len > 0)
		fast_keep_target(f, w->stage, target, *out);
	return found;
}

/* Answer with the addresses of the targets. */
__attribute__((noinline)) static bool
fast_answer_targets(struct fast *f, const struct fast_waiting *w)
{
	const uint8_t *next = w->targets;
	unsigned additional = 0, at = w->at;
	struct query *q = w->q;

	for (unsigned i = 0; i < w->target_count; i++) {
		const struct sealed_node *owner;
		struct fast_mention target;

		next = fast_take_target(next, &target);
		if (next > w->node_end || q->question_end + target.head.at > POINTER_MAX)
			return false;
		switch (fast_find_target(
			f, w, &target, i < FAST_FETCHES ? &w->fetch[i] : NULL, &owner)) {
		case LOOKUP_MISSING:
			continue;
		case LOOKUP_DAMAGED:
			return false;
		case LOOKUP_FOUND:
			break;
		}
		if (!fast_append_addresses(q, owner, q->question_end + target.head.at,
					   &at, &additional))
			return false;
	}
	fast_finish(f, q, at, RCODE_NOERROR, w->records, 0, additional);
	return true;
}

/* The same with one target, whose node is known. */
static inline bool
fast_answer_target(struct fast *f, struct query *q, const struct fast_mention *target,
		   unsigned at, unsigned records)
{
	unsigned owner_at = q->question_end + target->head.at, additional = 0;

	if (owner_at > POINTER_MAX ||
	    !fast_append_addresses(q, f->target.node, owner_at, &at, &additional))
		return false;
	fast_finish(f, q, at, RCODE_NOERROR, records, 0, additional);
	return true;
}

/* Answer with the targets, the first of which have come; most often there is one. */
static inline bool
fast_answer_fetched(struct fast *f, const struct fast_waiting *w)
{
	const struct fast_fetch *fetch = &w->fetch[0];
	const struct sealed_node *node;
	struct fast_mention target;

	fast_take_target(w->targets, &target);
	if (w->target_count != 1 || fetch->hash == 0 ||
	    fast_find_prefix_at(f, w->stage, fetch->hash, fetch->off, target.prefix,
				target.head.prefix_len, &node) != LOOKUP_FOUND)
		return fast_answer_targets(f, w);
	fast_keep_target(f, w->stage, &target, node);
	return fast_answer_target(f, w->q, &target, w->at, w->records);
}

/* Begin to fetch the first targets. */
static inline void
fast_fetch_targets(const struct fast *f, struct fast_waiting *w)
{
	const uint8_t *next = w->targets;

	for (unsigned i = 0; i < FAST_FETCHES && i < w->target_count; i++) {
		struct fast_mention target;
		unsigned labels;
		uint64_t hash;

		next = fast_take_target(next, &target);
		if (next > w->node_end)
			return;
		if (target.head.prefix_len > 0 &&
		    fast_hash_prefix(f, w->q, w->stage, target.prefix,
				     target.head.prefix_len, &labels, &hash))
			fast_begin(f, &w->fetch[i], hash);
	}
}

/* The RRset stands behind the question.  Wait for its targets, unless it has one, which is
 * known, or none was found before: one that many ask for is found once. */
__attribute__((noinline)) static bool
fast_answer_with_targets(struct fast *f, struct query *q, const struct stage *stage,
			 const struct sealed_node *node, const struct sealed_taken *rrset)
{
	const uint8_t *targets =
		sealed_rrset_patches(rrset) +
		sizeof(struct rrset_patch) * rrset->rrset->head.patch_count;
	unsigned count = rrset->rrset->head.target_count,
		 at = q->question_end + rrset->len;
	struct fast_waiting *w;
	struct fast_mention target;

	if (fast_take_target(targets, &target) > sealed_end(node))
		return false;
	if (count == 1 && fast_is_last_target(f, stage, &target))
		return fast_answer_target(f, q, &target, at, rrset->records);
	w = fast_prepare_wait(f, q, stage);
	w->targets = targets;
	w->node_end = sealed_end(node);
	w->target_count = count;
	w->at = at;
	w->records = rrset->records;
	if (!f->target.facts || !f->may_wait)
		return fast_answer_targets(f, w);
	fast_fetch_targets(f, w);
	f->waiting_count++;
	return true;
}

#endif
