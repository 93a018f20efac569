/* The overlay of a generation, written: live changes, one transaction per change set,
 * with what must stand or fall with it (the source's cursor) inside.  See
 * shm/overlay_value.h for the files.  One writer: the process that opened it. */
#ifndef LOADER_STORE_OVERLAY_H
#define LOADER_STORE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "loader/store/key_place.h"
#include "shm/generation.h"
#include "shm/node.h"
#include "shm/overlay_value.h"

enum { OVERLAY_CHECK_REASON_MAX = 512 };

struct overlay;

/* Open the overlay in `dir`, or make an empty one there.
 *
 * gen     the generation below, for its seed; borrowed until overlay_close
 * names   about how many names it may come to hold: the size of a new filter
 * returns 0 or an error code; a damaged overlay is ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int overlay_open(const char *dir, const struct generation *gen, uint64_t names,
		 struct overlay **out);

/* Open an existing overlay read-only, for any process but the one that writes it.  All
 * that is read is one state, that of this call, and stays where it is until
 * overlay_close; which should be soon: the overlay cannot use its pages again meanwhile.
 * returns 0; ERR_NOTFOUND when there is none; or as overlay_open. */
__attribute__((nonnull, warn_unused_result))
int overlay_open_snapshot(const char *dir, struct overlay **out);

/* Check all of an overlay that is not open in this process, which may die of it.
 * returns 0; or an error, with what is wrong as the rest of a sentence that begins with the
 * overlay. */
__attribute__((nonnull, warn_unused_result))
int overlay_check(const char *dir, char reason[OVERLAY_CHECK_REASON_MAX]);

/* Is what LMDB knows of pages that can be used again sound?  Of a snapshot.
 * returns 0; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int overlay_check_free(struct overlay *overlay);

/* An open transaction is aborted.  NULL is allowed. */
void overlay_close(struct overlay *overlay);

/* A change set: begin, any number of puts, deletes and notes, then commit or abort.
 * After a failed put the set can only be aborted. */
__attribute__((nonnull, warn_unused_result))
int overlay_begin(struct overlay *overlay);

/* `bytes` is a whole node of `len` octets; its head names zone id and owner. */
__attribute__((nonnull, warn_unused_result))
int overlay_put(struct overlay *overlay, const void *bytes, size_t len);

/* Hide a name of the generation below. */
__attribute__((nonnull, warn_unused_result))
int overlay_delete(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
		   size_t name_len);

/* Keep a value under a short text key, in the same transaction. */
__attribute__((nonnull, warn_unused_result))
int overlay_note(struct overlay *overlay, const char *key, const void *value, size_t len);

/* On the device and seen by workers when 0 is returned; ERR_FULL, ERR_NOSPACE, ERR_IO:
 * nothing of the set is. */
__attribute__((nonnull, warn_unused_result))
int overlay_commit(struct overlay *overlay);

/* The number of the last commit; they are counted over the life of the data. */
__attribute__((nonnull, pure))
uint64_t overlay_last_commit(const struct overlay *overlay);

/* Count on from `commit`, in an overlay that takes the place of another. */
__attribute__((nonnull))
void overlay_count_on(struct overlay *overlay, uint64_t commit);

/* Write all through to the device: not even a power cut undoes the last commit then. */
__attribute__((nonnull, warn_unused_result))
int overlay_sync(struct overlay *overlay);

__attribute__((nonnull))
void overlay_abort(struct overlay *overlay);

/* Look a name up, inside a transaction as that will be, outside as committed.
 * returns 0 with a node (check NODE_DELETED) that is borrowed until the next call;
 * ERR_NOTFOUND: no change; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int overlay_find(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
		 struct node *out);

/* A value noted; copies at most `room` octets.  returns its length, or an error. */
__attribute__((nonnull, warn_unused_result))
int overlay_read_note(struct overlay *overlay, const char *key, void *value, size_t room);

/* Every change in key order, tombstones too.  `visit` returns 0 to go on. */
__attribute__((nonnull(1, 2), warn_unused_result))
int overlay_walk(struct overlay *overlay, int (*visit)(void *context, const struct node *node),
		 void *context);

/* The same in pieces, between which the overlay may change: the next `max` entries behind
 * *place, which goes on.  returns 0: there may be more; ERR_NOTFOUND behind the last; what
 * `visit` returned, with *place as it was; or an error code. */
__attribute__((nonnull(1, 2, 4), warn_unused_result))
int overlay_walk_some(struct overlay *overlay, struct key_place *place, unsigned max,
		      int (*visit)(void *context, const struct node *node), void *context);

/* Walking the changes of one zone id (CATALOGUE_ID: apex nodes) in canonical order.  A
 * cursor sees what a look-up sees, and ends with that: inside of a change set close it
 * before the end of that, outside before any other call for the overlay (of a snapshot,
 * before overlay_close). */
struct overlay_cursor;
__attribute__((nonnull, warn_unused_result))
int overlay_cursor_open(struct overlay *overlay, uint32_t zone_id, struct overlay_cursor **out);

/* The same before the first change at `name` or behind it. */
__attribute__((nonnull, warn_unused_result))
int overlay_cursor_open_at(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
			   struct overlay_cursor **out);

/* returns 0; ERR_NOTFOUND behind the last one of the zone id; ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int overlay_cursor_next(struct overlay_cursor *cursor, struct node *out);

/* The member of a chain (shm/overlay_value.h) that stands last before `name` here; NULL:
 * the last one.
 * zone_id  the zone's, or with NSEC3_SPACE
 * returns  0; ERR_NOTFOUND, also when it is the zone's apex; ERR_DAMAGED. */
__attribute__((nonnull(1, 4), warn_unused_result))
int overlay_chain_before(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
			 struct node *out);

/* NULL is allowed. */
void overlay_cursor_close(struct overlay_cursor *cursor);

/* The number of the commit that wrote a node, which is an overlay's. */
static inline uint64_t
overlay_commit_of(const struct node *node)
{
	uint64_t commit;

	memcpy(&commit, node->bytes - OVERLAY_VALUE_HEAD, sizeof commit);
	return commit;
}

/* Every note but those that the overlay keeps for itself; `name` is NUL-terminated. */
__attribute__((nonnull(1, 2), warn_unused_result))
int overlay_walk_notes(struct overlay *overlay,
		       int (*visit)(void *context, const char *name, const void *value,
				    size_t len),
		       void *context);

/* Names that it holds, tombstones included. */
__attribute__((nonnull))
uint64_t overlay_count(struct overlay *overlay);

/* Has its map little room left?  More than half of it was used, or a change set did not
 * fit: make a new generation of it soon. */
__attribute__((nonnull))
bool overlay_is_short(const struct overlay *overlay);

/* Clear the slots of readers that died; returns how many. */
__attribute__((nonnull))
unsigned overlay_sweep(struct overlay *overlay);

#endif
