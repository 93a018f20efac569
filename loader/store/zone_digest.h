/* Digests of what is served, to see whether machines serve the same.
 *
 * The digest of a zone is a sum over its RRsets, so that order does not matter, nor how
 * the records came to be there: from a file or from Redis, sealed or live.  The SOA is
 * left out: its serial may be each machine's own; so are signatures, and of zones that we
 * sign keys and chain. */
#ifndef LOADER_STORE_ZONE_DIGEST_H
#define LOADER_STORE_ZONE_DIGEST_H

#include <stdint.h>

#include "loader/store/store_walk.h"
#include "loader/zone/data_view.h"
#include "shm/node.h"

/* What a node adds to its zone's digest: for each RRset that is in view a hash over owner,
 * type, TTL and records, as they are served, and how they are steered. */
__attribute__((nonnull))
uint64_t zone_digest_node(const struct node *node, enum data_view view);

struct zone_digest {
	uint64_t sum;
	uint64_t record_count;		/* without the SOA */
	uint64_t node_count;
};

/* The digest of a zone, `apex` being its node in the catalogue.
 * turn     called every few thousand nodes; may be NULL
 * returns  0, ERR_DAMAGED, ERR_NOMEM. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int zone_digest_make(struct store_walk *walk, const struct node *apex,
		     struct zone_digest *out, void (*turn)(void *context), void *context);

/* What a zone adds to the digest of a whole machine. */
__attribute__((nonnull, pure))
uint64_t zone_digest_of_zone(const struct node *apex, uint64_t sum);

#endif
