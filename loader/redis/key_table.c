/* Open addressing over keys that stand in one pool. */
#include "loader/redis/key_table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum { KEPT_SLOTS = 1 << 14 };

/* The keys are chosen by whoever writes into Redis: nobody shall know where they fall. */
static uint64_t
seed(void)
{
	static uint64_t drawn;

	while (drawn == 0)
		if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
			drawn = 1;
	return drawn;
}

static uint64_t
hash_of(uint32_t space, const void *key, size_t len)
{
	return XXH3_64bits_withSeed(key, len, seed() + space);
}

void
key_table_fini(struct key_table *table)
{
	free(table->entries);
	free(table->slots);
	free(table->pool);
	*table = (struct key_table){ .count = 0 };
}

void
key_table_clear(struct key_table *table)
{
	if (table->slot_count > KEPT_SLOTS) {
		key_table_fini(table);
		return;
	}
	if (table->count > 0)
		memset(table->slots, 0, table->slot_count * sizeof *table->slots);
	table->count = 0;
	table->pool_len = 0;
}

/* The slot of a key: where it stands, or the free one at which it would. */
static size_t
find_slot(const struct key_table *table, uint64_t hash, uint32_t space, const void *key,
	  size_t len)
{
	size_t at = hash & (table->slot_count - 1);

	for (; table->slots[at] != 0; at = (at + 1) & (table->slot_count - 1)) {
		const struct key_entry *entry = &table->entries[table->slots[at] - 1];

		if (entry->hash == hash && entry->space == space && entry->len == len &&
		    memcmp(table->pool + entry->at, key, len) == 0)
			break;
	}
	return at;
}

int
key_table_find(const struct key_table *table, uint32_t space, const void *key, size_t len,
	       uint32_t *number)
{
	size_t at;

	if (table->count == 0)
		return ERR_NOTFOUND;
	at = find_slot(table, hash_of(space, key, len), space, key, len);
	if (table->slots[at] == 0)
		return ERR_NOTFOUND;
	*number = table->slots[at] - 1;
	return ERR_OK;
}

static int
grow_slots(struct key_table *table)
{
	size_t count = table->slot_count ? table->slot_count * 2 : 64;
	uint32_t *slots = calloc(count, sizeof *slots);

	if (!slots)
		return ERR_NOMEM;
	for (size_t i = 0; i < table->count; i++) {
		size_t at = table->entries[i].hash & (count - 1);

		while (slots[at] != 0)
			at = (at + 1) & (count - 1);
		slots[at] = (uint32_t)i + 1;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	return ERR_OK;
}

int
key_table_add(struct key_table *table, uint32_t space, const void *key, size_t len,
	      uint32_t *number)
{
	uint64_t hash = hash_of(space, key, len);
	struct key_entry *entries;
	char *pool;
	size_t at;
	int rc = ERR_OK;

	if (table->count > INT32_MAX || len > INT32_MAX)
		return ERR_FULL;
	if ((table->count + 1) * 2 > table->slot_count)
		rc = grow_slots(table);
	if (rc != ERR_OK)
		return rc;
	at = find_slot(table, hash, space, key, len);
	if (table->slots[at] != 0) {
		*number = table->slots[at] - 1;
		return ERR_OK;
	}
	entries = grow_items(table->entries, &table->room, table->count + 1,
			     sizeof *entries);
	if (!entries)
		return ERR_NOMEM;
	table->entries = entries;
	pool = grow_items(table->pool, &table->pool_room, table->pool_len + len + 1, 1);
	if (!pool)
		return ERR_NOMEM;
	table->pool = pool;
	*number = (uint32_t)table->count;
	table->entries[table->count++] = (struct key_entry){
		.hash = hash, .at = table->pool_len, .len = (uint32_t)len, .space = space
	};
	memcpy(table->pool + table->pool_len, key, len);
	table->pool[table->pool_len + len] = '\0';
	table->pool_len += len + 1;
	table->slots[at] = (uint32_t)table->count;
	return ERR_OK;
}
