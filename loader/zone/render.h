/* From the records of a zone to its nodes (shm/node.h), one at a time in key order:
 * the apex, then the names below it, empty non-terminals too, then the owners of NSEC3
 * records.
 *
 * Left out, with a warning: signatures that cover nothing; NSEC3 records that belong to
 * no chain of an NSEC3PARAM at the apex.  An RRset that fits no message answers
 * SERVFAIL (BLOCK_BAD_RRSET), signatures that do not fit beside theirs are left out:
 * the zone's faults, which the apex lists (BLOCK_FAULTS).  Marks (zone_records.h) become
 * blocks that tell of them. */
#ifndef LOADER_ZONE_RENDER_H
#define LOADER_ZONE_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_records.h"
#include "shm/node.h"

struct renderer;

/* What is left out, and where; of each kind the first one of a zone only.  All borrowed during the call. */
typedef void render_warn_fn(void *context, const struct zone_records *zone,
			    const struct zone_record *record, const char *text);

/* A renderer serves one zone after another; one thread at a time.
 * returns 0, ERR_NOMEM, or ERR_IO when the kernel has no random numbers. */
__attribute__((nonnull, warn_unused_result))
int render_new(struct renderer **out);

/* NULL is allowed. */
void render_free(struct renderer *renderer);

/* Begin with `zone`, borrowed until the next start; its facts are found now.
 * zone_id  ZONE_ID_FIRST.., or 0 when it is not known yet: whoever stores the nodes sets it
 * warn     may be NULL
 * returns 0 or ERR_NOMEM. */
__attribute__((nonnull(1, 2), warn_unused_result))
int render_start(struct renderer *renderer, const struct zone_records *zone, uint32_t zone_id,
		 render_warn_fn *warn, void *context);

/* The node that served the owner of `record`, one of `zone`, before: for what
 * ZONE_MARK_BAD stands for.  It is borrowed until the renderer is called again.
 * returns false when there was none. */
typedef bool render_last_fn(void *context, const struct zone_records *zone,
			    const struct zone_record *record, struct node *out);

/* How such nodes are found, from the next start on; NULL: there are none. */
__attribute__((nonnull(1)))
void render_set_last(struct renderer *renderer, render_last_fn *last, void *context);

/* The facts that the apex node tells. */
__attribute__((nonnull))
const struct zone_facts *render_facts(const struct renderer *renderer);

/* Are there NSEC3 records at all, of the chain or not? */
__attribute__((nonnull, pure))
bool render_has_nsec3(const struct renderer *renderer);

/* Render the apex node, once and first, with BLOCK_SOURCE and without BLOCK_ERROR; then
 * name by name; owners of NSEC3 records, before or after the names.
 * node     borrowed until the next call; NULL behind the last one
 * returns  0; ERR_NOMEM; ERR_RANGE when a node would pass 4 GiB. */
__attribute__((nonnull, warn_unused_result))
int render_apex(struct renderer *renderer, const uint8_t **node);
__attribute__((nonnull, warn_unused_result))
int render_next(struct renderer *renderer, const uint8_t **node);
__attribute__((nonnull, warn_unused_result))
int render_next_nsec3(struct renderer *renderer, const uint8_t **node);

/* What an owner that is rendered alone cannot know. */
struct render_place {
	uint32_t zone_id;		/* of names below the apex */
	uint32_t child_count;
	bool has_wildcard;		/* a child "*" exists */
	bool is_flattened;		/* the zone is */
	const struct zone_facts *facts;	/* of the apex; else not used */
};

/* Render one owner by itself, with or without a start; a zone that was started is lost.
 * records  some of an unsigned zone; for the apex also what else it tells (paths, redis)
 * first    the owner's first record or mark
 * node     borrowed until the next call
 * returns  as above */
__attribute__((nonnull, warn_unused_result))
int render_alone(struct renderer *renderer, const struct zone_records *records,
		 const struct zone_record *first, const struct render_place *place,
		 const uint8_t **node);

#endif
