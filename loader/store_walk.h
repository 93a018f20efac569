/* Walking the nodes of a sealed generation in key order, by its LMDB tree.
 *
 * The handle sees the file as it is: no lock file is made, nothing is written.  LMDB
 * trusts its pages, so walk only what was verified, or in a process that may die. */
#ifndef LOADER_STORE_WALK_H
#define LOADER_STORE_WALK_H

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

/* After its cursors.  NULL is allowed. */
void store_walk_close(struct store_walk *walk);

/* A cursor before the first node of `zone_id` (CATALOGUE_ID: the apex nodes of all
 * zones), in canonical order of the owners.  returns 0, ERR_NOMEM or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int store_cursor_open(struct store_walk *walk, uint32_t zone_id, struct store_cursor **out);

/* The next node, its owner a valid name; borrowed until the walk is closed.
 * returns 0, ERR_NOTFOUND behind the last one of the zone id, ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int store_cursor_next(struct store_cursor *cursor, struct node *out);

/* NULL is allowed. */
void store_cursor_close(struct store_cursor *cursor);

#endif
