/* Where in Redis a name of a zone stands, for people. */
#ifndef LOADER_REDIS_REDIS_WHERE_H
#define LOADER_REDIS_REDIS_WHERE_H

#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_keys.h"
#include "shm/dname.h"

enum { REDIS_WHERE_MAX = REDIS_KEY_MAX + DNAME_TEXT_MAX + 2 };

/* "redins:zones:example.com. www", a field of a hash; or, with z42, the key of an RRset.
 * owner   at or below `origin`, both in lower-cased wire form
 * type    of the RRset, in either case
 * returns the length. */
__attribute__((nonnull))
size_t redis_where_print(const struct redis_keys *keys, const uint8_t *origin,
			 const uint8_t *owner, const char *type, char out[REDIS_WHERE_MAX]);

#endif
