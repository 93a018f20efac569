/* Queries that wait for further nodes: those of their answer's targets; or, when the name
 * has none, its parent's and that of a wildcard there.  These look-ups are begun while the
 * batch goes on, and the queries answered after it: what is met on the way would be waited
 * for one by one. */
#ifndef WORKER_FAST_WAIT_H
#define WORKER_FAST_WAIT_H

#include "worker/fast_find.h"

enum {
	FAST_FETCHES = 2,
	FAST_NODE_LINES = 2, /* cache lines of a node that are fetched ahead */
};

/* A look-up that was begun; none when the hash is 0. */
struct fast_fetch {
	uint64_t hash;
	const uint64_t *bucket;
	uint64_t off; /* once its bucket has come */
};

struct fast_waiting {
	struct query *q;
	const struct stage *stage;
	/* Targets of the RRset that stands behind the question, the first of which are
	 * fetched; NULL: the parent is, and the wildcard. */
	const uint8_t *targets;
	const uint8_t *node_end; /* behind the node that has them */
	unsigned target_count;
	unsigned at, records; /* where the response ends so far, and what it has */
	struct fast_fetch fetch[FAST_FETCHES];
};

/* Room for a query that may have to wait: it does once this is counted. */
static inline struct fast_waiting *
fast_prepare_wait(const struct fast *f, struct query *q, const struct stage *stage)
{
	struct fast_waiting *w = &f->waiting[f->waiting_count];

	w->q = q;
	w->stage = stage;
	w->targets = NULL;
	for (unsigned i = 0; i < FAST_FETCHES; i++)
		w->fetch[i].hash = 0;
	return w;
}

static inline void
fast_begin(const struct fast *f, struct fast_fetch *fetch, uint64_t hash)
{
	fetch->hash = hash;
	fetch->bucket = zone_store_prefetch(f->store, hash);
}

/* Their buckets have come: begin to fetch the nodes. */
static inline void
fast_fetch_waiting(const struct fast *f)
{
	struct fast_waiting *w = f->waiting, *end = w + f->waiting_count;

	for (; w != end; w++)
		for (unsigned i = 0; i < FAST_FETCHES; i++)
			if (w->fetch[i].hash != 0)
				w->fetch[i].off = lookup_fetch_node(
					f->store, w->fetch[i].bucket, w->fetch[i].hash,
					FAST_NODE_LINES);
}

/* The node of a name below the apex, which was fetched; NULL when it must be looked for. */
static inline const struct sealed_node *
fast_fetched(const struct fast *f, const struct stage *stage,
	     const struct fast_fetch *fetch, const uint8_t *name, unsigned name_len)
{
	if (lookup_may_be_live(f->store, fetch->hash))
		return NULL;
	return sealed_node_at(&f->store->gen, fetch->off, stage->facts->zone_id, name,
			      name_len, name_len - fast_apex(stage)->head.owner_len);
}

#endif
