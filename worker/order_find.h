/* Finding a name or a hash in the flat orders of a generation: by fences and heads
 * (shm/order_fence.h), and by interpolation, since hashes lie evenly.  What is read here are
 * arrays alone, but for names that begin alike. */
#ifndef WORKER_ORDER_FIND_H
#define WORKER_ORDER_FIND_H

#include <string.h>

#include "shm/nsec3_hash.h"
#include "shm/order_fence.h"
#include "shm/wire.h"

enum {
	ORDER_KEY_LEN =
		INDEX_FENCE_KEY + ORDER_HEAD_LEN, /* as much of a key as is needed */
	ORDER_GUESSES = 6, /* by interpolation, before halving */
	ORDER_STEPS = 16, /* one by one */
};

/* ---- names ---- */

/* The beginning of a name's key, zeros behind it. */
struct order_key {
	uint8_t octets[2 * ORDER_KEY_LEN + 2 * DNAME_LABEL_MAX + 2 + NAME_PAD];
};

/* Is one of the first `len` (up to 8) octets 0 or 1? */
static inline bool
order_needs_escapes(uint64_t octets, unsigned len)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);

	if (len < sizeof octets)
		octets |= ~name_hash_mask(len);
	return (octets - 2 * ones) & ~octets & 128 * ones;
}

/* Put one label in the form of a key, octet by octet.  returns where its key ends. */
static inline unsigned
order_key_put_escaped(struct order_key *key, unsigned at, const uint8_t *label)
{
	for (unsigned i = 1; i <= label[0]; i++) {
		if (label[i] <= 1)
			key->octets[at++] = 1;
		key->octets[at++] = label[i] <= 1 ? (uint8_t)(label[i] + 1) : label[i];
	}
	key->octets[at] = 0;
	return at + 1;
}

/* The same in steps of eight octets: some behind the label are read, and written. */
static inline unsigned
order_key_put(struct order_key *key, unsigned at, const uint8_t *label)
{
	unsigned len = label[0];

	for (unsigned i = 0; i < len; i += 8) {
		uint64_t octets;

		memcpy(&octets, label + 1 + i, sizeof octets);
		if (__builtin_expect(order_needs_escapes(octets, len - i), 0))
			return order_key_put_escaped(key, at, label);
		memcpy(key->octets + at + i, &octets, sizeof octets);
	}
	key->octets[at + len] = 0;
	return at + len + 1;
}

/* The key of `name`, lower-cased, of which `own_len` octets are labels above its zone's
 * apex; NAME_PAD octets behind it are readable. */
static inline void
order_key_make(struct order_key *key, const uint8_t *name, unsigned own_len)
{
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned count = 0, at = 0;

	for (unsigned start = 0; start < own_len && count < DNAME_LABELS_MAX;
	     start += name[start] + 1u)
		starts[count++] = (uint8_t)start;
	while (count > 0 && at < ORDER_KEY_LEN)
		at = order_key_put(key, at, name + starts[--count]);
	memset(key->octets + at, 0, ORDER_KEY_LEN);
}

/* Compare the owner of entry `entry` with `name`.  An entry that is damaged counts as
 * less. */
static inline int
order_compare_node(const struct generation *gen, uint64_t entry, const uint8_t *name)
{
	struct node node;

	if (!generation_node_at(gen, gen->order[entry], &node))
		return -1;
	return dname_compare(node_owner(&node), name);
}

/* The same by the octets of a fence and of the name's key; 0: these are equal. */
static inline int
order_compare_fence(const struct index_fence *fence, const struct order_key *key)
{
	uint64_t a = wire_get_u64(fence->key), b = wire_get_u64(key->octets);

	if (__builtin_expect(a != b, 1))
		return a < b ? -1 : 1;
	return memcmp(fence->key + sizeof a, key->octets + sizeof a,
		      INDEX_FENCE_KEY - sizeof a);
}

/* Does a fence's entry, `first` of `order`, stand at or before the name? */
static inline bool
order_fence_is_before(const struct generation *gen, const struct index_fence *fence,
		      uint64_t first, const struct order_key *key, const uint8_t *name)
{
	int order = order_compare_fence(fence, key);

	return order < 0 || (order == 0 && order_compare_node(gen, first, name) <= 0);
}

/* A search among a zone's fences: the name's place is in one of `count` blocks from `block`
 * on. */
struct order_search {
	uint64_t block, count;
};

/* The zone has entries and fences. */
static inline struct order_search
order_search_begin(const struct index_zone *zone)
{
	return (struct order_search){ 0, order_fences_of(zone->order_count) };
}

/* The fence that the next step looks at. */
static inline const struct index_fence *
order_search_fence(const struct generation *gen, const struct index_zone *zone,
		   const struct order_search *search)
{
	return gen->fences + zone->fence_first + search->block + search->count / 2;
}

/* Halve what is left, more than one block. */
static inline void
order_search_step(const struct generation *gen, const struct index_zone *zone,
		  const struct order_key *key, const uint8_t *name,
		  struct order_search *search)
{
	uint64_t half = search->count / 2, at = search->block + half;

	if (order_fence_is_before(gen, order_search_fence(gen, zone, search),
				  zone->order_first + at * INDEX_FENCE_STEP, key, name))
		search->block = at;
	search->count -= half;
}

/* All of it at once. */
static inline uint64_t
order_find_block(const struct generation *gen, const struct index_zone *zone,
		 const struct order_key *key, const uint8_t *name)
{
	struct order_search search = order_search_begin(zone);

	while (search.count > 1)
		order_search_step(gen, zone, key, name, &search);
	return search.block;
}

/* The last entry of a block at or before the name; its first one when all are behind. */
static inline uint64_t
order_find_in_block(const struct generation *gen, const struct index_zone *zone,
		    uint64_t block, const struct order_key *key, const uint8_t *name)
{
	const struct index_fence *fence = &gen->fences[zone->fence_first + block];
	uint64_t first = block * INDEX_FENCE_STEP, head;
	uint64_t count = zone->order_count - first, at = 0;
	const uint64_t *heads = gen->heads + zone->order_first + first;
	unsigned skip = fence->skip <= INDEX_FENCE_KEY ? fence->skip : INDEX_FENCE_KEY;

	if (count > INDEX_FENCE_STEP)
		count = INDEX_FENCE_STEP;
	first += zone->order_first;
	/* it is not before the first one: who begins otherwise is behind all */
	if (memcmp(key->octets, fence->key, skip) != 0)
		return first + count - 1;
	head = wire_get_u64(key->octets + skip);
	for (uint64_t i = 1; i < count; i++)
		at += heads[i] <= head;
	while (at > 0 && heads[at] == head &&
	       order_compare_node(gen, first + at, name) > 0)
		at--;
	return first + at;
}

/* ---- hashes ---- */

static inline uint64_t
order_hash_head(const uint8_t hash[NSEC3_HASH_LEN])
{
	return wire_get_u64(hash);
}

/* Where among `count` entries, 1 or more, evenly spread hashes have `head`. */
static inline uint64_t
order_guess(uint64_t head, uint64_t count)
{
	return index_bucket(head, count);
}

/* One step nearer to `head` from entry `at`; the same when there is none. */
static inline uint64_t
order_guess_again(const struct index_nsec3 *entries, uint64_t count, uint64_t at,
		  uint64_t head)
{
	uint64_t found = entries[at].hash_head, step;

	if (found <= head) {
		step = order_guess(head - found, count);
		return step < count - at ? at + step : count - 1;
	}
	step = order_guess(found - head, count);
	return step < at ? at - step : 0;
}

/* The entries whose head is at most `head` lie before entry *high; *low is one of them, or
 * 0, and the last one lies in between: halve that. */
static inline uint64_t
order_halve(const struct index_nsec3 *entries, uint64_t low, uint64_t high, uint64_t head)
{
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (entries[middle].hash_head <= head)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many of the entries have a head that is at most `head`; the last one is near `at`. */
static inline uint64_t
order_count_hashes_near(const struct index_nsec3 *entries, uint64_t count, uint64_t at,
			uint64_t head)
{
	uint64_t steps = 0;

	for (unsigned i = 0; i < ORDER_GUESSES; i++) {
		uint64_t next = order_guess_again(entries, count, at, head);

		if (next == at)
			break;
		at = next;
	}
	while (entries[at].hash_head <= head && at + 1 < count && steps++ < ORDER_STEPS)
		at++;
	while (entries[at].hash_head > head && at > 0 && steps++ < 2 * ORDER_STEPS)
		at--;
	if (entries[at].hash_head > head)
		return order_halve(entries, 0, at, head);
	if (at + 1 < count && entries[at + 1].hash_head <= head)
		return order_halve(entries, at + 1, count, head);
	return at + 1;
}

/* The same from nowhere. */
static inline uint64_t
order_count_hashes(const struct index_nsec3 *entries, uint64_t count, uint64_t head)
{
	return order_count_hashes_near(entries, count, order_guess(head, count), head);
}

#endif
