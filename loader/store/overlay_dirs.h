/* The overlay below a generation as a directory: which state of the sources is the newest,
 * and what stays for damage to fall back to.
 *
 *	generations/ID/overlay/		live changes go here, or went here last: there is
 *					one, in the newest state of the sources
 *	generations/ID/overlay.old/	a newer generation, made from this one, has taken
 *					it over; only that of its base is kept
 *
 * A generation that was made, but whose base has `overlay` still, has taken over nothing
 * yet: it counts only once it is current. */
#ifndef LOADER_STORE_OVERLAY_DIRS_H
#define LOADER_STORE_OVERLAY_DIRS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/store/generations.h"

/* Bring in order what a crash has left, before anything is served: a successor that is
 * current is the newest one, any other was never published and is removed. */
__attribute__((nonnull))
void overlay_dirs_settle(const char *state_dir);

/* A newer generation has taken over the overlay of `id`. */
__attribute__((nonnull))
void overlay_dirs_retire(const char *state_dir, uint64_t id);

/* Generation `id` is the newest again: its overlay is what it was when it was retired.
 * returns whether there is one. */
__attribute__((nonnull))
bool overlay_dirs_restore(const char *state_dir, uint64_t id);

__attribute__((nonnull, warn_unused_result))
bool overlay_dirs_has(const char *state_dir, uint64_t id);

/* Has it one that was retired? */
__attribute__((nonnull, warn_unused_result))
bool overlay_dirs_has_retired(const char *state_dir, uint64_t id);

/* Remove the overlay of `id`. */
__attribute__((nonnull))
void overlay_dirs_discard(const char *state_dir, uint64_t id);

#endif
