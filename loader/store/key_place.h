/* A walk over the keys of an LMDB table that is done in pieces, each in a transaction of its
 * own, while the table changes. */
#ifndef LOADER_STORE_KEY_PLACE_H
#define LOADER_STORE_KEY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

struct MDB_cursor;
struct MDB_val;

/* Behind which key it goes on; all zero: at the beginning. */
struct key_place {
	uint8_t key[DNAME_KEY_MAX];
	size_t len;
};

/* The first entry behind *place.  returns what LMDB does. */
__attribute__((nonnull, warn_unused_result))
int key_place_seek(const struct key_place *place, struct MDB_cursor *cursor,
		   struct MDB_val *key, struct MDB_val *value);

/* Go on behind `key`.  returns false for one that is longer than any of ours. */
__attribute__((nonnull, warn_unused_result))
bool key_place_set(struct key_place *place, const struct MDB_val *key);

#endif
