/* Common answers in one go: an RRset that stands at the name or at a wildcard, steered ones
 * too, a name or type that does not exist, a CNAME to a name of the same zone.  One straight
 * path for each, without the machinery that the rest of the RFCs asks for.
 *
 * Everything else goes to the general path (worker/answer.c), which decides: here nothing
 * is ever answered otherwise than there, octet by octet and count by count. */
#ifndef WORKER_ANSWER_FAST_H
#define WORKER_ANSWER_FAST_H

#include "worker/answer.h"
#include "worker/stage.h"

/* Answer what is common in a batch that went through stage_batch.
 * returns the others, as bits: query i is bit i; only octets behind its question may have
 * been written. */
uint64_t answer_fast(struct query *queries, const struct stage *stages, unsigned count,
		     const struct zone_store *store, const struct answer_options *options,
		     struct stats_block *stats);

#endif
