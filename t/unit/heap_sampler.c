/* heap_sampler: what is sampled stands for what was allocated; what is given back is gone. */
#include "shm/heap_sampler.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "t/tap.h"

enum { BLOCKS = 4000, BLOCK_LEN = 100000, THREADS = 4 };

static struct heap_stacks stacks;

struct sums {
	uint64_t octets, live_octets, live_objects, depth_max;
};

static struct sums
sum(void)
{
	struct sums sums = { 0 };

	for (unsigned i = 0; i < HEAP_STACKS; i++) {
		sums.octets += stacks.stacks[i].octets;
		sums.live_octets += stacks.stacks[i].live_octets;
		sums.live_objects += stacks.stacks[i].live_objects;
		if (stacks.stacks[i].depth > sums.depth_max)
			sums.depth_max = stacks.stacks[i].depth;
	}
	return sums;
}

/* Addresses that nobody has: what stands there does not matter to the sampler. */
static void *
block_at(unsigned thread, unsigned i)
{
	return (void *)((uintptr_t)1 << 40 | (uintptr_t)thread << 36 |
			(uintptr_t)(i + 1) << 17);
}

__attribute__((noinline)) static void
allocate(unsigned thread)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		heap_sampler_note(block_at(thread, i), BLOCK_LEN);
}

static void
give_back(unsigned thread)
{
	for (unsigned i = 0; i < BLOCKS; i++)
		heap_sampler_forget(block_at(thread, i));
}

static bool
is_about(uint64_t got, uint64_t want)
{
	return got > want * 8 / 10 && got < want * 12 / 10;
}

static void
test_sums(void)
{
	const uint64_t all = (uint64_t)BLOCKS * BLOCK_LEN;
	struct sums sums;

	heap_sampler_enter(&stacks);
	allocate(0);
	sums = sum();
	ok(is_about(sums.octets, all), "octets are about those allocated: %llu of %llu",
	   (unsigned long long)sums.octets, (unsigned long long)all);
	ok(is_about(sums.live_objects, BLOCKS), "objects too: %llu",
	   (unsigned long long)sums.live_objects);
	ok(sums.depth_max >= 2, "with stacks");
	is_int(sums.live_octets, sums.octets, "all of them live");
	give_back(0);
	is_int(sum().live_octets, 0, "given back: none");
	is_int(sum().live_objects, 0, "no objects");
	is_int(sum().octets, sums.octets, "what was ever allocated stays");
	give_back(0);
	is_int(sum().live_octets, 0, "given back twice: none still");
}

static void
test_large(void)
{
	heap_sampler_enter(&stacks);
	is_int(sum().octets, 0, "a new start is empty");
	heap_sampler_note(block_at(1, 0), (size_t)1 << 33);
	is_int(sum().live_objects, 1, "a large one is always seen, and is one");
	is_int(sum().live_octets, 1ll << 33, "with its length");
	heap_sampler_note(NULL, (size_t)1 << 33);
	heap_sampler_forget(NULL);
	is_int(sum().live_objects, 1, "what could not be had is none");
}

/* More than there is room for is counted, and none of it forgotten wrongly. */
static void
test_full(void)
{
	heap_sampler_enter(&stacks);
	for (unsigned i = 0; i < 3 * HEAP_LIVE; i++)
		heap_sampler_note(block_at(2, i), (size_t)1 << 26);
	ok(stacks.lost >= HEAP_LIVE, "what found no room is counted");
	ok(sum().live_objects <= HEAP_LIVE + HEAP_LIVE / 10, "the rest is kept");
	for (unsigned i = 0; i < 3 * HEAP_LIVE; i++)
		heap_sampler_forget(block_at(2, i));
	is_int(sum().live_octets, 0, "and given back");
}

static void *
run_thread(void *arg)
{
	unsigned thread = *(unsigned *)arg;

	for (unsigned round = 0; round < 20; round++) {
		allocate(thread);
		give_back(thread);
	}
	allocate(thread);
	return NULL;
}

static void
test_threads(void)
{
	pthread_t threads[THREADS];
	unsigned numbers[THREADS];

	heap_sampler_enter(&stacks);
	for (unsigned i = 0; i < THREADS; i++) {
		numbers[i] = i + 3;
		pthread_create(&threads[i], NULL, run_thread, &numbers[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ok(is_about(sum().live_objects, THREADS * BLOCKS), "threads side by side: %llu",
	   (unsigned long long)sum().live_objects);
	for (unsigned i = 0; i < THREADS; i++)
		give_back(i + 3);
	is_int(sum().live_octets, 0, "and another one gives all back");
}

int
main(void)
{
	heap_sampler_note(block_at(0, 0), (size_t)1 << 30);
	heap_sampler_forget(block_at(0, 0));
	is_int(sum().octets, 0, "off: nothing");
	test_sums();
	test_large();
	test_full();
	test_threads();
	heap_sampler_leave();
	heap_sampler_note(block_at(0, 0), (size_t)1 << 30);
	is_int(sum().live_octets, 0, "off again: nothing");
	return done_testing();
}
