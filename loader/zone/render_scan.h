/* What must be known of a whole zone before its first node is rendered. */
#ifndef LOADER_ZONE_RENDER_SCAN_H
#define LOADER_ZONE_RENDER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/nsec3_chain.h"
#include "loader/zone/owner_group.h"
#include "loader/zone/render.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"

/* A name, borrowed from the zone. */
struct name_ref {
	const uint8_t *name;
	size_t len;
};

/* A name that has children; `number` counts names in canonical order, the apex is 0. */
struct scan_parent {
	uint32_t number;
	uint32_t child_count;
	bool has_wildcard;
};

struct render_scan {
	struct zone_facts facts;
	struct nsec3_chain chain;
	struct scan_parent *parents;	/* in canonical order; owned */
	size_t parent_count, parent_room;
};

/* Scan `zone`; what an earlier scan found is replaced, its memory used again.
 * find_last  as in render_set_last
 * returns 0; ERR_NOMEM; ERR_FORMAT when the apex is not the first owner. */
__attribute__((nonnull(1, 2), warn_unused_result))
int render_scan_zone(struct render_scan *scan, const struct zone_records *zone,
		     uint32_t zone_id, render_last_fn *find_last, void *context);

__attribute__((nonnull))
void render_scan_fini(struct render_scan *scan);

/* The serial of a SOA record, 0 of a malformed one. */
__attribute__((nonnull, pure))
uint32_t render_scan_serial(const struct zone_record *soa);

/* The negative-caching TTL, RFC 2308 section 3: min(TTL, MINIMUM). */
__attribute__((nonnull, pure))
uint32_t render_scan_negative_ttl(const struct zone_record *soa);

/* Labels of the deepest ancestor of `name` (`labels` of them, below the apex) that has
 * a node when those up to `last`, the plain owner right before it, have theirs. */
__attribute__((nonnull, pure))
unsigned render_scan_known_labels(const struct zone_records *zone,
				  const struct name_ref *last, const uint8_t *name,
				  size_t name_len, unsigned labels);

#endif
