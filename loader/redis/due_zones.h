/* Zones whose signatures are to be renewed, those that end first in front: as many as fit are
 * kept while all zones are looked through. */
#ifndef LOADER_REDIS_DUE_ZONES_H
#define LOADER_REDIS_DUE_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/name_hash.h"

enum { DUE_ZONES_MAX = 256 };

struct due_zone {
	int64_t ends_s;			/* Unix time at which its first signature ends */
	uint8_t origin[DNAME_MAX + NAME_PAD];
	uint8_t origin_len;
};

/* All zero is an empty one. */
struct due_zones {
	struct due_zone zones[DUE_ZONES_MAX];
	size_t count, taken;		/* the first ones of them */
	size_t last;			/* which of them ends last, when it is full */
	bool has_more;			/* some did not fit */
};

__attribute__((nonnull))
void due_zones_clear(struct due_zones *due);

/* Nothing has been taken yet, since it was clear. */
__attribute__((nonnull))
void due_zones_add(struct due_zones *due, int64_t ends_s, const uint8_t *origin, size_t len);

/* All have been added: put them in order. */
__attribute__((nonnull))
void due_zones_sort(struct due_zones *due);

/* The next one, borrowed until due_zones_clear; NULL: there is none. */
__attribute__((nonnull, warn_unused_result))
const struct due_zone *due_zones_take(struct due_zones *due);

#endif
