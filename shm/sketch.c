/* Counting, and adding up what was counted. */
#include "shm/sketch.h"

#include <stdlib.h>
#include <string.h>

static uint32_t
get(const _Atomic uint32_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
set(_Atomic uint32_t *value, uint32_t n)
{
	atomic_store_explicit(value, n, memory_order_relaxed);
}

/* The low bits of a hash choose the set. */
static unsigned
set_of(uint64_t key)
{
	return (unsigned)(key % SKETCH_SETS);
}

/* ---- the writer ---- */

void
sketch_clear(struct sketch *sketch)
{
	for (unsigned i = 0; i < SKETCH_SETS; i++)
		for (unsigned way = 0; way < SKETCH_WAYS; way++) {
			atomic_store_explicit(&sketch->sets[i].key[way], 0,
					      memory_order_release);
			set(&sketch->sets[i].count[way], 0);
			set(&sketch->sets[i].over[way], 0);
			set(&sketch->sets[i].marked[way], 0);
		}
}

/* The way with the least count: a free one has none. */
static unsigned
find_least(const struct sketch_set *s)
{
	unsigned least = 0;

	for (unsigned way = 1; way < SKETCH_WAYS; way++)
		if (get(&s->count[way]) < get(&s->count[least]))
			least = way;
	return least;
}

static unsigned
find_key(const struct sketch_set *s, uint64_t key)
{
	unsigned way = 0;

	while (way < SKETCH_WAYS &&
	       atomic_load_explicit(&s->key[way], memory_order_relaxed) != key)
		way++;
	return way;
}

unsigned
sketch_add(struct sketch *sketch, uint64_t key, uint32_t weight, bool is_marked,
	   bool *is_new)
{
	struct sketch_set *s = &sketch->sets[set_of(key)];
	unsigned way = find_key(s, key);

	*is_new = way == SKETCH_WAYS;
	if (*is_new) {
		way = find_least(s);
		atomic_store_explicit(&s->key[way], 0, memory_order_relaxed);
		atomic_thread_fence(memory_order_release);
		set(&s->over[way], get(&s->count[way]));
		set(&s->marked[way], 0);
	}
	set(&s->count[way], get(&s->count[way]) + weight);
	if (is_marked)
		set(&s->marked[way], get(&s->marked[way]) + weight);
	return set_of(key) * SKETCH_WAYS + way;
}

void
sketch_set_key(struct sketch *sketch, unsigned entry, uint64_t key)
{
	atomic_store_explicit(&sketch->sets[entry / SKETCH_WAYS].key[entry % SKETCH_WAYS],
			      key, memory_order_release);
}

/* ---- readers ---- */

bool
sketch_has_key(const struct sketch *sketch, unsigned entry, uint64_t key)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(
		       &sketch->sets[entry / SKETCH_WAYS].key[entry % SKETCH_WAYS],
		       memory_order_relaxed) == key;
}

/* An entry as it was found. */
struct found {
	uint64_t key;
	uint32_t count, over, marked, least; /* the least of its set, when that is full */
	unsigned sketch, entry;
};

/* Take the entries of set `number` of one sketch.  returns how many; *least receives what
 * a key without an entry was counted at most. */
static size_t
take_set(const struct sketch *sketch, unsigned number, struct found *out, uint32_t *least)
{
	const struct sketch_set *s = &sketch->sets[number];
	size_t count = 0;

	*least = get(&s->count[find_least(s)]);
	for (unsigned way = 0; way < SKETCH_WAYS; way++) {
		struct found *f = &out[count];

		f->key = atomic_load_explicit(&s->key[way], memory_order_acquire);
		f->count = get(&s->count[way]);
		f->over = get(&s->over[way]);
		f->marked = get(&s->marked[way]);
		f->least = *least;
		f->entry = number * SKETCH_WAYS + way;
		if (f->key != 0 && f->over <= f->count &&
		    sketch_has_key(sketch, f->entry, f->key))
			count++;
	}
	return count;
}

static int
compare_keys(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->key > y->key) - (x->key < y->key);
}

/* Keep the sum among the first `most`.  returns how many are kept. */
static size_t
keep(struct sketch_sum *out, size_t count, size_t most, const struct sketch_sum *sum)
{
	size_t at = count;

	while (at > 0 && out[at - 1].low < sum->low)
		at--;
	if (at == most)
		return count;
	if (count == most)
		count--;
	memmove(&out[at + 1], &out[at], (count - at) * sizeof *out);
	out[at] = *sum;
	return count + 1;
}

/* Of entries that are sorted by key: those of the first one. */
static size_t
add_up(const struct found *found, size_t count, uint64_t least_of_all,
       struct sketch_sum *sum)
{
	size_t i;

	*sum = (struct sketch_sum){ .key = found->key,
				    .high = least_of_all,
				    .sketch = found->sketch,
				    .entry = found->entry };
	for (i = 0; i < count && found[i].key == found->key; i++) {
		sum->low += found[i].count - found[i].over;
		sum->high += (uint64_t)found[i].count - found[i].least;
		sum->marked += found[i].marked;
	}
	return i;
}

int
sketch_sum(const struct sketch *const *sketches, size_t count, struct sketch_sum *out,
	   size_t most)
{
	struct found *found = calloc(count * SKETCH_WAYS + 1, sizeof *found);
	size_t kept = 0;

	if (!found)
		return -1;
	for (unsigned number = 0; number < SKETCH_SETS; number++) {
		uint64_t least_of_all = 0;
		size_t there = 0;

		for (size_t i = 0; i < count; i++) {
			uint32_t least;
			size_t more =
				take_set(sketches[i], number, found + there, &least);

			for (size_t k = there; k < there + more; k++)
				found[k].sketch = (unsigned)i;
			there += more;
			least_of_all += least;
		}
		qsort(found, there, sizeof *found, compare_keys);
		for (size_t at = 0; at < there;) {
			struct sketch_sum sum;

			at += add_up(found + at, there - at, least_of_all, &sum);
			kept = keep(out, kept, most, &sum);
		}
	}
	free(found);
	return (int)kept;
}
