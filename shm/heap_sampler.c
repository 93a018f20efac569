/* Which allocations are sampled, and where those are kept that live. */
#include "shm/heap_sampler.h"

#include <math.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unwind.h>

enum {
	SKIPPED = 2, /* frames: of the sampler, of the wrapper */
	ADDRESS_GONE = 1,
	FILTER_MAX = UINT8_MAX,
};

static uint8_t filter[1 << HEAP_FILTER_BITS];
static atomic_flag lock = ATOMIC_FLAG_INIT;

struct heap_sampler heap_sampler;
_Thread_local int64_t heap_sampler_left;
static _Thread_local uint64_t random_state;
static _Thread_local bool has_begun; /* the first distance is drawn */
static _Thread_local bool is_inside; /* unwinding may allocate */

static void
take_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
		sched_yield();
}

static void
leave_lock(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

void
heap_sampler_enter(struct heap_stacks *stacks)
{
	heap_sampler_leave();
	/* shared pages that nobody has touched shall stay so */
	if (madvise(stacks, sizeof *stacks, MADV_REMOVE) != 0)
		memset(stacks, 0, sizeof *stacks);
	memset(filter, 0, sizeof filter);
	heap_sampler.may_be_live = filter;
	heap_sampler.stacks = stacks;
}

void
heap_sampler_leave(void)
{
	heap_sampler.stacks = NULL;
	leave_lock(); /* a thread of the parent may have had it */
	is_inside = false;
}

/* ---- which ---- */

static double
random_unit(void)
{
	uint64_t x = random_state ? random_state : (uint64_t)(uintptr_t)&random_state | 1;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random_state = x;
	return ((double)(x >> 11) + 1) / 9007199254740993.0;
}

/* Distances as those of rare random events: no rhythm of the program can hide from them. */
static int64_t
next_distance(void)
{
	return (int64_t)(-log(random_unit()) * HEAP_SAMPLE_LEN) + 1;
}

/* How many of that size one sample stands for. */
static double
weight_of(size_t len)
{
	return -1 / expm1(-((double)len + 1) / HEAP_SAMPLE_LEN);
}

/* ---- the stack ---- */

struct walk {
	unsigned skipped, depth;
	uint64_t pcs[HEAP_DEPTH];
};

static _Unwind_Reason_Code
take_frame(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uint64_t pc = _Unwind_GetIP(context);

	if (walk->skipped < SKIPPED)
		walk->skipped++;
	else if (pc != 0)
		walk->pcs[walk->depth++] = pc;
	return walk->depth < HEAP_DEPTH ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static uint64_t
hash_of(const struct walk *walk)
{
	uint64_t hash = walk->depth + 1;

	for (unsigned i = 0; i < walk->depth; i++)
		hash = (hash ^ walk->pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ hash >> 29;
	return hash | 1;
}

/* Its place among the stacks, HEAP_STACKS when there is no room. */
static uint32_t
place_of(struct heap_stacks *stacks, const struct walk *walk)
{
	uint64_t hash = hash_of(walk);

	for (uint32_t i = 0; i < HEAP_STACKS; i++) {
		uint32_t at = (uint32_t)(hash + i) % HEAP_STACKS;
		struct heap_stack *stack = &stacks->stacks[at];
		uint64_t found = atomic_load_explicit(&stack->hash, memory_order_relaxed);

		if (found == hash)
			return at;
		if (found != 0)
			continue;
		stack->depth = walk->depth;
		memcpy(stack->pcs, walk->pcs, sizeof walk->pcs);
		atomic_store_explicit(&stack->hash, hash, memory_order_release);
		return at;
	}
	return HEAP_STACKS;
}

/* ---- what lives ---- */

/* Where `address` stands or, for a new one, may stand; NULL: nowhere. */
static struct heap_live *
live_find(struct heap_stacks *stacks, uint64_t address, bool is_new)
{
	uint32_t start = heap_sampler_filter((void *)(uintptr_t)address);

	for (uint32_t i = 0; i < HEAP_LIVE; i++) {
		struct heap_live *live = &stacks->live[(start + i) % HEAP_LIVE];
		uint64_t found =
			atomic_load_explicit(&live->address, memory_order_relaxed);

		if (is_new ? found <= ADDRESS_GONE : found == address)
			return live;
		if (found == 0)
			return NULL;
	}
	return NULL;
}

static void
add(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + value,
			      memory_order_relaxed);
}

static bool
keep(struct heap_stacks *stacks, const struct walk *walk, uint64_t address,
     uint32_t objects, uint64_t octets)
{
	uint8_t *mark = &filter[heap_sampler_filter((void *)(uintptr_t)address)];
	struct heap_live *live = live_find(stacks, address, true);
	uint32_t at = place_of(stacks, walk);

	if (!live || at == HEAP_STACKS || *mark == FILTER_MAX)
		return false;
	live->stack = at;
	live->objects = objects;
	live->octets = octets;
	atomic_store_explicit(&live->address, address, memory_order_release);
	++*mark;
	add(&stacks->samples, 1);
	add(&stacks->stacks[at].objects, objects);
	add(&stacks->stacks[at].octets, octets);
	add(&stacks->stacks[at].live_objects, objects);
	add(&stacks->stacks[at].live_octets, octets);
	return true;
}

void
heap_sampler_take(void *block, size_t len)
{
	struct heap_stacks *stacks = heap_sampler.stacks;
	struct walk walk = { 0 };
	double weight;

	if (!has_begun)
		heap_sampler_left += next_distance();
	has_begun = true;
	if (heap_sampler_left >= 0)
		return;
	heap_sampler_left = next_distance();
	if (is_inside || !block || !stacks)
		return;
	is_inside = true;
	_Unwind_Backtrace(take_frame, &walk);
	weight = weight_of(len);
	take_lock();
	if (!keep(stacks, &walk, (uintptr_t)block,
		  weight < UINT32_MAX ? (uint32_t)(weight + 0.5) : UINT32_MAX,
		  (uint64_t)(weight * (double)len)))
		add(&stacks->lost, 1);
	leave_lock();
	is_inside = false;
}

void
heap_sampler_drop(void *block)
{
	struct heap_stacks *stacks = heap_sampler.stacks;
	struct heap_live *live;

	take_lock();
	live = live_find(stacks, (uintptr_t)block, false);
	if (live) {
		struct heap_stack *stack = &stacks->stacks[live->stack];

		add(&stack->live_objects, -(uint64_t)live->objects);
		add(&stack->live_octets, -live->octets);
		atomic_store_explicit(&live->address, ADDRESS_GONE, memory_order_release);
		filter[heap_sampler_filter(block)]--;
	}
	leave_lock();
}
