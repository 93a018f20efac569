/* One zone on its way into a generation: its apex node, and where its other nodes come
 * from.  A generation needs all apex nodes first, hence the others wait: rendered, or,
 * of big zones, as records that are rendered when they are due. */
#ifndef LOADER_ZONE_ZONE_PACK_H
#define LOADER_ZONE_ZONE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/render.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"

struct zone_pack {
	uint8_t *apex;			/* whole node; owned; NULL once it is written */
	const uint8_t *kept_apex;	/* instead: as it stands in the base, borrowed */
	uint8_t *names;			/* names_len octets of nodes, one after another */
	size_t names_len;
	uint8_t *nsec3;
	size_t nsec3_len;
	struct renderer *renderer;	/* instead of both: renders `records` */
	struct zone_records *records;
	uint32_t old_id;		/* in the base; 0: the zone is new */
	bool kept_has_nsec3;		/* of such a zone */
	uint32_t new_id;
};

/* Takes one node after another; returns 0 or the error code that ends the walk. */
typedef int zone_pack_sink(void *context, const uint8_t *node);

/* Render all of `zone` into `out`. */
__attribute__((nonnull(1, 2, 5), warn_unused_result))
int zone_pack_render(struct renderer *renderer, const struct zone_records *zone,
		     render_warn_fn *warn, void *context, struct zone_pack *out);

/* Render the apex only; the rest when it is asked for.  Both are moved into `out`. */
__attribute__((nonnull(1, 2, 5), warn_unused_result))
int zone_pack_defer(struct renderer *renderer, struct zone_records *records,
		    render_warn_fn *warn, void *context, struct zone_pack *out);

/* The apex node, before it was released. */
__attribute__((nonnull, returns_nonnull))
const uint8_t *zone_pack_apex(const struct zone_pack *pack);

/* The origin, as long as the apex node is there. */
__attribute__((nonnull, returns_nonnull))
const uint8_t *zone_pack_origin(const struct zone_pack *pack);

/* Octets that its nodes will take, about. */
__attribute__((nonnull))
uint64_t zone_pack_bytes(const struct zone_pack *pack);

/* Give the nodes of names below the apex to `sink`, once; their memory is released.
 * Then those of NSEC3 owners.  A kept zone has none here. */
__attribute__((nonnull(1, 2), warn_unused_result))
int zone_pack_take_names(struct zone_pack *pack, zone_pack_sink *sink, void *context);
__attribute__((nonnull(1, 2), warn_unused_result))
int zone_pack_take_nsec3(struct zone_pack *pack, zone_pack_sink *sink, void *context);

__attribute__((nonnull))
void zone_pack_release_apex(struct zone_pack *pack);

__attribute__((nonnull))
void zone_pack_fini(struct zone_pack *pack);

#endif
