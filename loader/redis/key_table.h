/* A set of octet strings that numbers them 0, 1, 2, ... in the order of their arrival. */
#ifndef LOADER_REDIS_KEY_TABLE_H
#define LOADER_REDIS_KEY_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct key_entry {
	uint64_t hash;
	size_t at;			/* in `pool` */
	uint32_t len;
	uint32_t space;
};

/* All zero is an empty one. */
struct key_table {
	struct key_entry *entries;
	size_t count, room;
	uint32_t *slots;		/* slot_count, a power of two: entry + 1, 0 is free */
	size_t slot_count;
	char *pool;			/* keys, each with a NUL behind it */
	size_t pool_len, pool_room;
};

__attribute__((nonnull))
void key_table_fini(struct key_table *table);

/* Forget all keys.  Memory is kept, unless it is much. */
__attribute__((nonnull))
void key_table_clear(struct key_table *table);

/* The number of a key; equal keys of different `space` are two.
 * returns 0 with *number; ERR_NOTFOUND. */
__attribute__((nonnull(1, 3, 5), warn_unused_result))
int key_table_find(const struct key_table *table, uint32_t space, const void *key, size_t len,
		   uint32_t *number);

/* The same, added when it is new: then *number is the count before.
 * returns 0, ERR_NOMEM, or ERR_FULL beyond 2^31 keys. */
__attribute__((nonnull(1, 3, 5), warn_unused_result))
int key_table_add(struct key_table *table, uint32_t space, const void *key, size_t len,
		  uint32_t *number);

/* A key by its number, with a NUL behind it; borrowed until the next add. */
static inline const char *
key_table_key(const struct key_table *table, uint32_t number, size_t *len)
{
	*len = table->entries[number].len;
	return table->pool + table->entries[number].at;
}

#endif
