/* Where a walk goes on. */
#include "loader/store/key_place.h"

#include <lmdb.h>
#include <string.h>

int
key_place_seek(const struct key_place *place, MDB_cursor *cursor, MDB_val *key,
	       MDB_val *value)
{
	uint8_t octets[DNAME_KEY_MAX];
	int rc;

	if (place->len == 0)
		return mdb_cursor_get(cursor, key, value, MDB_FIRST);
	memcpy(octets, place->key, place->len);
	*key = (MDB_val){ place->len, octets };
	rc = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (rc == 0 && key->mv_size == place->len &&
	    memcmp(key->mv_data, place->key, place->len) == 0)
		rc = mdb_cursor_get(cursor, key, value, MDB_NEXT);
	return rc;
}

bool
key_place_set(struct key_place *place, const MDB_val *key)
{
	if (key->mv_size > sizeof place->key)
		return false;
	memcpy(place->key, key->mv_data, key->mv_size);
	place->len = key->mv_size;
	return true;
}
