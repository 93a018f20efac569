/* Writing the list of a zone's keys that a fleet shares, with the news of it. */
#ifndef LOADER_REDIS_REDIS_FLEET_H
#define LOADER_REDIS_REDIS_FLEET_H

#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"

struct redis_fleet_list {
	const uint8_t *zone;		/* wire form, lower-cased */
	uint64_t number;		/* of the list before, and */
	const char *node;		/* who wrote that; 0 and "": none is known */
	const char *text;
	size_t len;
};

/* Write it, and an entry of the change stream, in one MULTI; unless a later list, or one of
 * that number by another server, has come to stand there.
 * stream   its key; "": there is none
 * reason   on failure, a sentence
 * returns  0; ERR_EXISTS for such a list; ERR_BUSY when another one has been written just
 *          now; ERR_FORMAT when Redis refuses; ERR_IO when the link was dropped; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_fleet_put(struct redis_link *link, const struct redis_keys *keys,
		    const char *stream, const struct redis_fleet_list *list,
		    char reason[REDIS_REASON_MAX]);

/* Does the list of that number and server stand there, whole?  Its text is not looked at.
 * returns  0; ERR_NOTFOUND; ERR_IO and ERR_NOMEM as above. */
__attribute__((nonnull, warn_unused_result))
int redis_fleet_find(struct redis_link *link, const struct redis_keys *keys,
		     const struct redis_fleet_list *last, char reason[REDIS_REASON_MAX]);

#endif
