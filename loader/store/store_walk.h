/* Walking the nodes of a generation in key order, by its LMDB tree, sealed or as it is
 * served: with its overlay merged in, tombstones applied, as of one commit.
 *
 * The handle sees the sealed file as it is: no lock file is made, nothing is written.
 * LMDB trusts its pages, so walk only what was verified, or in a process that may die.
 * With an overlay it must be a process that has not opened that one (LMDB forbids it),
 * and one that does not live long: as long as the walk is open, no page of the overlay
 * is used again. */
#ifndef LOADER_STORE_STORE_WALK_H
#define LOADER_STORE_STORE_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

struct store_walk;
struct store_cursor;

/* Open data.mdb in the generation's directory `dir`.
 * returns 0 with *out owned by the caller; ERR_NOTFOUND, ERR_RIGHTS, ERR_DAMAGED,
 * ERR_NOMEM, ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int store_walk_open(const char *dir, struct store_walk **out);

/* The same with the overlay that stands in the directory, if there is one. */
__attribute__((nonnull, warn_unused_result))
int store_walk_open_live(const char *dir, struct store_walk **out);

/* The same with an overlay that is open already; borrowed, it is closed later than the
 * walk.  Cursors see what overlay_cursor_open says.  NULL: the sealed state. */
struct overlay;
__attribute__((nonnull(1, 3), warn_unused_result))
int store_walk_open_over(const char *dir, struct overlay *overlay, struct store_walk **out);

/* After its cursors.  NULL is allowed. */
void store_walk_close(struct store_walk *walk);

/* A cursor before the first node of `zone_id` (CATALOGUE_ID: the apex nodes of all
 * zones), in canonical order of the owners.  returns 0, ERR_NOMEM or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int store_cursor_open(struct store_walk *walk, uint32_t zone_id, struct store_cursor **out);

/* The same before the first node at `name` or behind it. */
__attribute__((nonnull, warn_unused_result))
int store_cursor_open_at(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
			 struct store_cursor **out);

/* The next node, its owner a valid name; borrowed until the walk is closed.
 * returns 0, ERR_NOTFOUND behind the last one of the zone id, ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int store_cursor_next(struct store_cursor *cursor, struct node *out);

/* NULL is allowed. */
void store_cursor_close(struct store_cursor *cursor);

/* The node of (zone id, owner), `name` lower-cased; borrowed until the walk is closed.
 * returns 0, ERR_NOTFOUND, ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int store_walk_find(struct store_walk *walk, uint32_t zone_id, const uint8_t *name,
		    struct node *out);

/* The apex of the deepest zone at or above `name`, lower-cased; as store_walk_find. */
__attribute__((nonnull, warn_unused_result))
int store_walk_find_zone(struct store_walk *walk, const uint8_t *name, struct node *out);

/* A note of the overlay; its name is not NUL-terminated, all is borrowed. */
struct store_note {
	const char *name;
	size_t name_len;
	const void *value;
	size_t value_len;
};

/* Every note whose name begins with `prefix`, in the order of names.  `visit` returns 0
 * to go on; what else it returns ends the walk and is returned. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int store_walk_notes(struct store_walk *walk, const char *prefix,
		     int (*visit)(void *context, const struct store_note *note),
		     void *context);

#endif
