/* The names whose addresses are wanted, and when each is to be looked up next: a table by name
 * and a heap by time, A and AAAA each by itself. */
#ifndef LOADER_RESOLVE_WANTED_H
#define LOADER_RESOLVE_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

enum wanted_type { WANTED_A, WANTED_AAAA, WANTED_TYPES };

struct wanted;

/* One type of a name. */
struct wanted_lookup {
	uint64_t due_ms;		/* clock_now_ms */
	uint32_t at;			/* in the heap; WANTED_NOWHERE while it is under way */
	uint32_t failures;		/* in a row */
	uint32_t tried;			/* servers, a bit each, that this look-up has asked */
	uint32_t batch;			/* of changes of the store, that it was put in last */
	bool is_repeated;		/* nobody has answered: all are asked once more */
	bool is_known;			/* addresses or NODATA are stored */
	uint8_t type;			/* enum wanted_type */
};

struct wanted {
	uint64_t wished_until_ms;	/* a worker wants it; 0: none does */
	struct wanted *next;		/* in its bucket */
	uint32_t hash;
	bool is_watched;		/* the zones want it, */
	uint32_t watched_in;		/* by the list that was read with this number */
	uint8_t name_len;
	struct wanted_lookup lookups[WANTED_TYPES];
	uint8_t name[];			/* lower-case wire form */
};

#define WANTED_NOWHERE UINT32_MAX

struct wanted_table {
	uint64_t seed;
	struct wanted **buckets;	/* owned, as the names */
	size_t bucket_count, count;
	struct wanted_lookup **heap;	/* the first one is due first */
	size_t heap_count, heap_room;
};

/* returns 0, ERR_NOMEM or ERR_IO (no random numbers). */
__attribute__((nonnull, warn_unused_result))
int wanted_init(struct wanted_table *table);

__attribute__((nonnull))
void wanted_fini(struct wanted_table *table);

/* The entry of a name, or NULL. */
__attribute__((nonnull))
struct wanted *wanted_find(const struct wanted_table *table, const uint8_t *name, size_t name_len);

/* The entry of a name; a new one, both look-ups due at `due_ms`, if there is none.
 * returns NULL without memory. */
__attribute__((nonnull))
struct wanted *wanted_add(struct wanted_table *table, const uint8_t *name, size_t name_len,
			  uint64_t due_ms);

/* Forget a name. */
__attribute__((nonnull))
void wanted_drop(struct wanted_table *table, struct wanted *wanted);

/* The look-up that is due first, NULL when all are under way. */
static inline struct wanted_lookup *
wanted_first(const struct wanted_table *table)
{
	return table->heap_count > 0 ? table->heap[0] : NULL;
}

/* The name that a look-up is of. */
static inline struct wanted *
wanted_of(struct wanted_lookup *lookup)
{
	lookup -= lookup->type;
	return (struct wanted *)(void *)((char *)lookup - offsetof(struct wanted, lookups));
}

/* It is under way: take it out of the heap. */
__attribute__((nonnull))
void wanted_take(struct wanted_table *table, struct wanted_lookup *lookup);

/* It is due at `due_ms`, whether it was in the heap or not. */
__attribute__((nonnull))
void wanted_put(struct wanted_table *table, struct wanted_lookup *lookup, uint64_t due_ms);

#endif
