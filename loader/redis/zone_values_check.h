/* Would a zone that is written into Redis be served as it is? */
#ifndef LOADER_REDIS_ZONE_VALUES_CHECK_H
#define LOADER_REDIS_ZONE_VALUES_CHECK_H

#include <stddef.h>

#include "loader/redis/zone_values.h"
#include "shm/settings.h"

/* Read the values as they would be read from Redis and compare the records.
 * settings  redis.schema and redis.max_ttl: a TTL above that is served as that, which is
 *           no difference; *capped counts the records
 * reason    on failure why, the rest of a sentence that begins with the zone
 * returns   0; ERR_RANGE when something would come back otherwise; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int zone_values_check(const struct zone_records *zone, const struct zone_values *values,
		      const struct settings *settings, size_t *capped,
		      char reason[ZONE_VALUES_REASON_MAX]);

#endif
