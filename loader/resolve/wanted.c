/* A hash table with chains, and a binary heap. */
#include "loader/resolve/wanted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

enum { BUCKETS_FIRST = 1024 };

int
wanted_init(struct wanted_table *table)
{
	*table = (struct wanted_table){ .bucket_count = BUCKETS_FIRST };
	if (getrandom(&table->seed, sizeof table->seed, 0) != sizeof table->seed)
		return ERR_IO;
	table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
	return table->buckets ? ERR_OK : ERR_NOMEM;
}

void
wanted_fini(struct wanted_table *table)
{
	for (size_t i = 0; i < table->bucket_count; i++)
		while (table->buckets && table->buckets[i]) {
			struct wanted *wanted = table->buckets[i];

			table->buckets[i] = wanted->next;
			free(wanted);
		}
	free(table->buckets);
	free(table->heap);
	*table = (struct wanted_table){ .count = 0 };
}

/* ---- the heap ---- */

static void
set(struct wanted_table *table, size_t at, struct wanted_lookup *lookup)
{
	table->heap[at] = lookup;
	lookup->at = (uint32_t)at;
}

static void
rise(struct wanted_table *table, size_t at, struct wanted_lookup *lookup)
{
	while (at > 0 && table->heap[(at - 1) / 2]->due_ms > lookup->due_ms) {
		set(table, at, table->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	set(table, at, lookup);
}

static void
sink(struct wanted_table *table, size_t at, struct wanted_lookup *lookup)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < table->heap_count &&
		    table->heap[child + 1]->due_ms < table->heap[child]->due_ms)
			child++;
		if (child >= table->heap_count ||
		    table->heap[child]->due_ms >= lookup->due_ms)
			break;
		set(table, at, table->heap[child]);
		at = child;
	}
	set(table, at, lookup);
}

void
wanted_take(struct wanted_table *table, struct wanted_lookup *lookup)
{
	size_t at = lookup->at;
	struct wanted_lookup *last;

	if (lookup->at == WANTED_NOWHERE)
		return;
	last = table->heap[--table->heap_count];
	lookup->at = WANTED_NOWHERE;
	if (last == lookup)
		return;
	if (last->due_ms < lookup->due_ms)
		rise(table, at, last);
	else
		sink(table, at, last);
}

/* There is room for all look-ups of the table. */
void
wanted_put(struct wanted_table *table, struct wanted_lookup *lookup, uint64_t due_ms)
{
	wanted_take(table, lookup);
	lookup->due_ms = due_ms;
	rise(table, table->heap_count++, lookup);
}

/* ---- the names ---- */

static uint32_t
hash_name(const struct wanted_table *table, const uint8_t *name, size_t len)
{
	return (uint32_t)XXH3_64bits_withSeed(name, len, table->seed);
}

static struct wanted **
bucket_of(const struct wanted_table *table, uint32_t hash)
{
	return &table->buckets[hash & (table->bucket_count - 1)];
}

struct wanted *
wanted_find(const struct wanted_table *table, const uint8_t *name, size_t name_len)
{
	uint32_t hash = hash_name(table, name, name_len);
	struct wanted *wanted = *bucket_of(table, hash);

	while (wanted && (wanted->hash != hash || wanted->name_len != name_len ||
			  memcmp(wanted->name, name, name_len) != 0))
		wanted = wanted->next;
	return wanted;
}

/* Twice as many buckets; it stays as it is without memory. */
static void
spread(struct wanted_table *table)
{
	struct wanted_table wider = *table;

	if (table->count < table->bucket_count)
		return;
	wider.bucket_count *= 2;
	wider.buckets = calloc(wider.bucket_count, sizeof *wider.buckets);
	if (!wider.buckets)
		return;
	for (size_t i = 0; i < table->bucket_count; i++)
		while (table->buckets[i]) {
			struct wanted *wanted = table->buckets[i];
			struct wanted **to = bucket_of(&wider, wanted->hash);

			table->buckets[i] = wanted->next;
			wanted->next = *to;
			*to = wanted;
		}
	free(table->buckets);
	*table = wider;
}

struct wanted *
wanted_add(struct wanted_table *table, const uint8_t *name, size_t name_len,
	   uint64_t due_ms)
{
	struct wanted *wanted = wanted_find(table, name, name_len), **bucket;
	struct wanted_lookup **heap;

	if (wanted)
		return wanted;
	heap = grow_items(table->heap, &table->heap_room,
			  WANTED_TYPES * (table->count + 1), sizeof *heap);
	if (!heap)
		return NULL;
	table->heap = heap;
	wanted = calloc(1, sizeof *wanted + name_len);
	if (!wanted)
		return NULL;
	spread(table);
	wanted->hash = hash_name(table, name, name_len);
	wanted->name_len = (uint8_t)name_len;
	memcpy(wanted->name, name, name_len);
	bucket = bucket_of(table, wanted->hash);
	wanted->next = *bucket;
	*bucket = wanted;
	table->count++;
	for (uint8_t type = 0; type < WANTED_TYPES; type++) {
		wanted->lookups[type].type = type;
		wanted->lookups[type].at = WANTED_NOWHERE;
		wanted_put(table, &wanted->lookups[type], due_ms);
	}
	return wanted;
}

void
wanted_drop(struct wanted_table *table, struct wanted *wanted)
{
	struct wanted **at = bucket_of(table, wanted->hash);

	while (*at != wanted)
		at = &(*at)->next;
	*at = wanted->next;
	for (unsigned type = 0; type < WANTED_TYPES; type++)
		wanted_take(table, &wanted->lookups[type]);
	table->count--;
	free(wanted);
}
