/* Which generation is served when nobody asked: at start, and when damage is found. */
#ifndef LOADER_FALLBACK_H
#define LOADER_FALLBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/sync_state.h"

/* Serve what `chosen` or else `current` names, opened but not checked as a whole; when
 * that cannot be opened, the newest other one that can.  Also after a restart of sync
 * alone, when workers serve already.
 * returns whether a generation is served. */
__attribute__((nonnull))
bool fallback_serve_first(struct sync *sync);

/* Check all of what is served.  When it is damaged it is marked, and the newest other
 * one that is whole is served instead; without one it goes on being served until the
 * sources are read anew.
 * returns whether what is served now is whole. */
__attribute__((nonnull))
bool fallback_verify_served(struct sync *sync);

/* Check one generation: manifest and heads, or `all` of it.  What is found damaged is
 * marked, and never served again by itself.
 * returns 0 with its manifest; else an error and a sentence in `reason`. */
__attribute__((nonnull, warn_unused_result))
int fallback_check(struct sync *sync, uint64_t id, bool all,
		   struct generation_manifest *manifest, char reason[SYNC_REASON_MAX]);

#endif
