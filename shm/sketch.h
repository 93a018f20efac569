/* The most frequent of any number of keys, in bounded space: Space-Saving (Metwally, Agrawal,
 * El Abbadi 2005) in sets.  A key has its place in one set; when that is full, it takes over
 * the entry with the least count there, and with it that count, which is kept as what may not
 * be its own.  So each count is at most `over` too high, and what has no entry was counted at
 * most as often as the least of its set.
 *
 * One writer; readers in other processes take entries one by one.  What an entry stands for
 * (a name, an address) lies elsewhere, by its number: an entry without a key is being named. */
#ifndef SHM_SKETCH_H
#define SHM_SKETCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SKETCH_SETS = 16,
	SKETCH_WAYS = 8,
	SKETCH_ENTRIES = SKETCH_SETS * SKETCH_WAYS,
};

struct sketch_set {
	_Alignas(64) _Atomic uint64_t key[SKETCH_WAYS];	/* 0: free */
	_Atomic uint32_t count[SKETCH_WAYS];
	_Atomic uint32_t over[SKETCH_WAYS];	/* of it, at most so much was others' */
	_Atomic uint32_t marked[SKETCH_WAYS];	/* of it, with a mark, since it has the entry */
};

struct sketch {
	struct sketch_set sets[SKETCH_SETS];
};

/* Writer: no entries any more. */
__attribute__((nonnull)) void sketch_clear(struct sketch *sketch);

/* Writer: count `key`, a hash and not 0, `weight` times, with a mark or without one.
 * returns its entry's number.  *is_new: it is to be named now, then sketch_set_key is called. */
__attribute__((nonnull)) unsigned sketch_add(struct sketch *sketch, uint64_t key,
					     uint32_t weight, bool is_marked, bool *is_new);
__attribute__((nonnull)) void sketch_set_key(struct sketch *sketch, unsigned entry,
					     uint64_t key);

/* Is the entry still the key's?  Asked behind reading what it stands for. */
__attribute__((nonnull, warn_unused_result)) bool
sketch_has_key(const struct sketch *sketch, unsigned entry, uint64_t key);

/* What many sketches know of a key together. */
struct sketch_sum {
	uint64_t key;
	uint64_t low, high;	/* it was counted so often: at least, at most */
	uint64_t marked;	/* of these, with a mark; at least */
	unsigned sketch, entry;	/* one that has it */
};

/* Add up `count` sketches, and take the `most` keys of the highest `low`, in falling order.
 * returns how many there are, -1 without memory. */
__attribute__((nonnull)) int sketch_sum(const struct sketch *const *sketches, size_t count,
					struct sketch_sum *out, size_t most);

#endif
