/* Writing zones into Redis, for `martletctl import`: nothing else of martlet writes there. */
#ifndef LOADER_REDIS_REDIS_WRITE_H
#define LOADER_REDIS_REDIS_WRITE_H

#include <stdint.h>

#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"
#include "loader/redis/zone_values.h"

struct redis_writer {
	struct redis_link *link;	/* borrowed */
	struct redis_keys keys;
	const char *stream;		/* key of the change stream; "": there is none */
};

/* Could zones be written?  An EXEC that fails half-way is not undone, so that what stands in
 * its way is looked for before.  returns 0, or ERR_IO with `reason`. */
__attribute__((nonnull, warn_unused_result))
int redis_write_check(struct redis_writer *writer, char reason[REDIS_REASON_MAX]);

/* Make the zone in Redis what `values` are: labels, RRsets and config, the place in the
 * list, and an entry of the change stream, in one MULTI; what the zone had besides is
 * gone.
 * reason   on failure: what Redis said, with the cure; nothing was written then
 * returns  0, ERR_IO, ERR_NOMEM, ERR_FORMAT. */
__attribute__((nonnull, warn_unused_result))
int redis_write_zone(struct redis_writer *writer, const uint8_t *origin,
		     const struct zone_values *values, char reason[REDIS_REASON_MAX]);

#endif
