/* Serving the present state of the configured zone files. */
#ifndef LOADER_RELOAD_H
#define LOADER_RELOAD_H

#include <stdint.h>

#include "loader/store/reload_result.h"
#include "loader/sync_state.h"

/* Compare the zone files with generation `base_id` (0: with nothing), build a new one
 * when they differ, and serve it; when they do not, see that `base_id` is served.
 *
 * base_id  was verified as a whole
 * only     lower-cased wire form, NAME_PAD octets behind it readable: this zone alone is
 *          looked at, all others stay as they are in the base; NULL for all
 * result   filled on success; reload_result_fini
 * reason   on failure, a sentence that says why; all is as before
 * returns  0, or an error code (ERR_NOTFOUND: `only` is not configured). */
__attribute__((nonnull(1, 4, 5), warn_unused_result))
int reload_from_files(struct sync *sync, uint64_t base_id, const uint8_t *only,
		      struct reload_result *result, char reason[SYNC_REASON_MAX]);

/* Does the follower want all of Redis read, see follow_wants_load? */
__attribute__((nonnull, warn_unused_result))
bool reload_wants_redis(const struct sync *sync);

/* Read it, and what has changed in the files, into a new generation and serve that.  A
 * failure is stated, and tried again later. */
__attribute__((nonnull))
void reload_from_redis(struct sync *sync);

/* Are signatures of zones from files to be renewed, or keys to be put to use or out of it,
 * and is it long enough since that was tried? */
__attribute__((nonnull, warn_unused_result))
bool reload_renewal_is_due(const struct sync *sync);

/* Do so, as a reload does.  A failure is stated, and tried again later. */
__attribute__((nonnull))
void reload_renew(struct sync *sync);

/* Are there zones from Redis that are to be signed aside, and is it long enough since some
 * were? */
__attribute__((nonnull, warn_unused_result))
bool reload_wants_aside(const struct sync *sync);

/* Do so, into a new generation.  A failure is stated, and tried again later. */
__attribute__((nonnull))
void reload_sign_aside(struct sync *sync);

/* reload [ZONE] */
unsigned reload_command(struct sync *sync, int arg_count, char **args);

#endif
