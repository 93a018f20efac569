/* What the parts of the straight path share; used by answer_fast.c and fast_*.h only, which
 * are one translation unit so that a query goes through without a call. */
#ifndef WORKER_FAST_H
#define WORKER_FAST_H

#include "worker/answer.h"
#include "worker/chain.h"
#include "worker/sealed.h"
#include "worker/stage.h"

enum { FAST_COPY_STEP = 16 }; /* octets that are copied at once */

typedef uint8_t fast_step
	__attribute__((vector_size(FAST_COPY_STEP), aligned(1), may_alias));

/* The name of labels above the apex that was found for a target last. */
struct fast_target {
	const struct zone_facts *facts; /* of its zone; NULL: none was */
	const struct sealed_node *node;
	const uint8_t *prefix; /* where an RRset spells it */
	unsigned prefix_len;
};

/* A steered RRset that records are to be chosen from. */
struct fast_steering {
	struct query *q;
	const struct stage *stage;
	const struct sealed_node *node;
};

/* The chain of denial of the zone that was denied from last. */
struct fast_chain {
	const struct zone_facts *facts; /* NULL: none was */
	const struct index_zone *zone; /* NULL: not in the generation */
	struct chain_nsec3 nsec3; /* if it is one */
	bool is_live; /* the overlay knows of it */
	bool is_usable;
};

/* What is proved of a closest encloser whichever name is asked for: it exists, by NSEC3, and
 * has no wildcard. */
struct fast_enclosing {
	const struct sealed_node *encloser; /* NULL: none */
	const struct sealed_node *match, *wildcard;
};

/* What is the same for a whole batch, and what is counted in it. */
struct fast {
	const struct zone_store *store;
	const struct answer_options *options;
	struct stats_block *stats;
	struct query *queries; /* of the batch */
	uint8_t opt[2][FAST_COPY_STEP]; /* OPT records without and with DO */
	uint64_t with_opt[2]; /* and how many were sent */
	uint64_t nxdomain, nodata, wildcards, steered;
	struct fast_target target;
	/* Queries that wait, see fast_wait.h: room for a whole batch, none waiting twice,
	 * and for one that is prepared. */
	struct fast_waiting *waiting;
	unsigned waiting_count;
	bool may_wait;
	bool times_steering; /* what is steered is chosen together, at the end of the batch */
	struct fast_steering *steering; /* then: room for a whole batch */
	unsigned steering_count;
	struct fast_chain chain;
	struct fast_enclosing *enclosing; /* FAST_ENCLOSERS, by address */
	struct fast_denial *denials; /* see fast_denial.h: room for a whole batch */
	unsigned denial_count;
	uint64_t with_subnet, with_cookie; /* queries, as bits: see fast_subnet.h */
};

static inline const struct sealed_node *
fast_apex(const struct stage *stage)
{
	return (const struct sealed_node *)stage->apex;
}

/* Copy in whole steps: up to FAST_COPY_STEP - 1 octets too many. */
static inline void
fast_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len; at += FAST_COPY_STEP)
		*(fast_step *)(to + at) = *(const fast_step *)(from + at);
}

#endif
