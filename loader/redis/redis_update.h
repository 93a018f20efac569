/* Redis beside the zone files, when everything is read anew: a first load, a build. */
#ifndef LOADER_REDIS_REDIS_UPDATE_H
#define LOADER_REDIS_REDIS_UPDATE_H

#include "loader/redis/redis_load.h"
#include "loader/store/zone_update.h"

/* The same for some zones, by their names as listed; for an update with is_anew. */
__attribute__((nonnull, warn_unused_result))
int redis_update_read_some(struct zone_update *update, const struct settings *settings,
			   char *const *names, size_t count,
			   char reason[ZONE_UPDATE_REASON_MAX]);

/* Between zone_update_read (with reads_redis) and zone_update_keep: read all that Redis
 * holds into the update's builder.  A zone that is in a file too is left to the file, and
 * an error of that zone.
 * progress  as in redis_load.h, with the update; NULL for none
 * reason    on failure, a sentence; the builder is not to be sealed then
 * returns   0 or an error code. */
__attribute__((nonnull(1, 2, 4), warn_unused_result))
int redis_update_read(struct zone_update *update, const struct settings *settings,
		      void (*progress)(void *update, const struct redis_load_progress *),
		      char reason[ZONE_UPDATE_REASON_MAX]);

#endif
