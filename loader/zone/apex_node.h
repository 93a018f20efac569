/* The parts of apex nodes that are not RRsets: zone ids, sources and errors. */
#ifndef LOADER_ZONE_APEX_NODE_H
#define LOADER_ZONE_APEX_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/node_writer.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"

/* Where a zone comes from, as kept with it (BLOCK_SOURCE) to find changes later. */
struct zone_source {
	enum source_kind kind;
	uint64_t stamp;			/* of the state that was read, good or bad */
	const char *const *paths;	/* borrowed during the call */
	size_t path_count;
};

/* Append BLOCK_SOURCE to the open node. */
__attribute__((nonnull))
void apex_put_source(struct node_writer *writer, const struct zone_source *source);

/* Append one entry to the open BLOCK_FAULTS. */
__attribute__((nonnull))
void apex_put_fault(struct node_writer *writer, const struct zone_fault *fault);

/* Write the whole apex node of a zone of which nothing good is known; its zone id is 0
 * as yet.  returns 0, ERR_NOMEM, ERR_RANGE; the node is in `writer`. */
__attribute__((nonnull, warn_unused_result))
int apex_write_broken(struct node_writer *writer, const uint8_t *origin, size_t origin_len,
		      const struct zone_source *source, const char *error);

/* Write a copy of apex node `old` that tells another source, and `error` (NULL: none).
 * returns as above. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int apex_rewrite(struct node_writer *writer, const struct node *old,
		 const struct zone_source *source, const char *error);

/* Was the zone read from Redis? */
__attribute__((nonnull))
bool apex_is_from_redis(const struct node *apex);

/* Is this what is told of the zone's present source; "": nothing? */
__attribute__((nonnull))
bool apex_has_error(const struct node *apex, const char *error);

/* Set the zone id in the facts of an apex node, in place.  `bytes` is a whole node that
 * our own writer made or that was checked.  No effect on other nodes. */
__attribute__((nonnull))
void apex_set_zone_id(uint8_t *bytes, uint32_t zone_id);

#endif
