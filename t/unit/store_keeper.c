/* The hand-over of generations between the helper thread and the query thread, with a
 * store of our own in place of the real one, which counts what is open. */
#include "worker/store_keeper.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/tap.h"
#include "worker/zone_store.h"

enum {
	FIRST_BAD_ID = 1000000, /* cannot be opened from here on */
	PATIENCE_MS = 10000,
};

static _Atomic int open_stores, opened_total;
static struct region *region;
static struct worker_slot *slot;
static struct store_keeper keeper;

int
zone_store_open(const char *state_dir, uint64_t id, struct zone_store **out)
{
	struct zone_store *store;

	if (strcmp(state_dir, "/state") != 0)
		return ERR_NOTFOUND;
	if (id >= FIRST_BAD_ID)
		return ERR_DAMAGED;
	store = calloc(1, sizeof *store);
	if (!store)
		return ERR_NOMEM;
	store->gen.manifest.id = id;
	store->gen.data_len = ~id;
	atomic_fetch_add(&open_stores, 1);
	atomic_fetch_add(&opened_total, 1);
	*out = store;
	return ERR_OK;
}

void
zone_store_close(struct zone_store *store)
{
	if (!store)
		return;
	store->gen.manifest.id = store->gen.data_len = 0;
	free(store);
	atomic_fetch_sub(&open_stores, 1);
}

static void
bump(void)
{
	atomic_fetch_add(&region->swap.announce_seq, 1);
	syscall(SYS_futex, &region->swap.announce_seq, FUTEX_WAKE, INT_MAX, NULL, NULL,
		0);
}

static void
announce(uint64_t id)
{
	atomic_store(&region->swap.announced_id, id);
	bump();
}

static void
publish(uint64_t id)
{
	atomic_store(&region->swap.published_id, id);
}

/* One batch: the id that it is answered from, 0 without a store. */
static uint64_t
batch(void)
{
	const struct zone_store *store = store_keeper_get(&keeper);

	if (!store)
		return 0;
	if (store->gen.data_len != ~store->gen.manifest.id ||
	    store->gen.manifest.id != keeper.store_id)
		bail_out("a batch reads from a closed store");
	return store->gen.manifest.id;
}

/* Wait until `wanted` is seen at `place` (which only the helper or we change). */
static bool
comes(const _Atomic uint64_t *place, uint64_t wanted)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (atomic_load(place) != wanted)
		if (clock_now_ms() > end_ms)
			return false;
		else
			sched_yield();
	return true;
}

static bool
comes_down_to(int stores)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (atomic_load(&open_stores) != stores)
		if (clock_now_ms() > end_ms)
			return false;
		else
			sched_yield();
	return true;
}

/* Sleep as an idle query thread does. */
static bool
is_woken(void)
{
	struct pollfd wait = { .fd = keeper.wake_fd, .events = POLLIN };
	uint64_t count;

	return poll(&wait, 1, PATIENCE_MS) == 1 &&
	       read(keeper.wake_fd, &count, sizeof count) == 8;
}

static bool
serves(uint64_t id)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;

	while (batch() != id)
		if (clock_now_ms() > end_ms)
			return false;
		else
			sched_yield();
	return true;
}

static void
test_first(void)
{
	is_int(batch(), 0, "no store before anything is published");
	publish(1);
	bump();
	ok(is_woken(), "an idle query thread is woken for the first generation");
	is_int(batch(), 1, "and serves it");
	is_int(atomic_load(&slot->serving_id), 1, "serving_id tells");
	is_int(atomic_load(&slot->stats.value[STAT_generation_swaps]), 1,
	       "it is counted");
}

static void
test_swap(void)
{
	announce(2);
	ok(comes(&slot->ready_id, 2), "an announced generation gets ready");
	is_int(batch(), 1, "it is not served before it is published");
	publish(2);
	is_int(batch(), 2, "the very next batch is answered from the published one");
	bump();
	ok(comes_down_to(1), "the old one is closed");
}

static void
test_idle_swap(void)
{
	struct pollfd wait = { .fd = keeper.wake_fd, .events = POLLIN };
	uint64_t count;

	while (poll(&wait, 1, 0) == 1)
		ok(read(keeper.wake_fd, &count, sizeof count) == 8, "left from before");
	announce(3);
	ok(comes(&slot->ready_id, 3), "ready for an idle worker's swap");
	is_int(poll(&wait, 1, 50), 0, "which is left asleep");
	publish(3);
	ok(is_woken(), "until it is published, even if nobody bumped the futex");
	is_int(batch(), 3, "and then switches");
	ok(comes_down_to(1), "the old one is closed without a query");
}

static void
test_withdrawn(void)
{
	announce(4);
	ok(comes(&slot->ready_id, 4), "ready");
	announce(0);
	ok(comes(&slot->ready_id, 0), "an announcement taken back is ready no more");
	ok(comes_down_to(1), "and its store is closed");
	announce(5);
	ok(comes(&slot->ready_id, 5), "ready");
	announce(6);
	ok(comes(&slot->ready_id, 6), "another one announced in its place gets ready");
	ok(comes_down_to(2), "the one in between is closed");
	is_int(batch(), 3, "all the while the published one is served");
	publish(6);
	is_int(batch(), 6, "until another one is");
	announce(6);
	ok(comes(&slot->ready_id, 6), "announcing what is served is ready at once");
	ok(comes_down_to(1), "one store");
}

static void
test_failure(void)
{
	announce(FIRST_BAD_ID);
	ok(comes(&slot->failed_id, FIRST_BAD_ID), "a damaged generation is reported");
	is_int(atomic_load(&slot->open_error), ERR_DAMAGED, "with the reason");
	publish(FIRST_BAD_ID);
	bump();
	is_int(batch(), 6, "even published it does not displace the old one");
	announce(7);
	ok(comes(&slot->ready_id, 7), "a good one after it gets ready");
	is_int(batch(), 6, "not served before it is published");
	publish(7);
	is_int(batch(), 7, "served then");
	ok(comes_down_to(1), "one store");
}

static void
test_missed(void)
{
	announce(8);
	ok(comes(&slot->ready_id, 8), "ready for 8");
	publish(9);
	is_int(batch(), 7, "9 is published: the old one is served on");
	bump();
	ok(serves(9), "until 9 is open");
	ok(comes(&slot->ready_id, 8), "8 gets ready again");
	publish(8);
	ok(serves(8), "and is served");
	announce(0);
	ok(comes_down_to(1), "one store");
}

/* One batch in the storm below: answered from something that was published, and never
 * from an older one than the batch before. */
static unsigned
batch_is_wrong(const bool *published)
{
	static uint64_t last;
	uint64_t id = batch();
	bool is_wrong = id < last || !published[id];

	last = id;
	return is_wrong;
}

/* A thousand swaps under a busy query thread, some announced and taken back, some never
 * announced, some in a row without a batch in between. */
static void
test_thousand(void)
{
	static bool published[1011] = { [8] = true };
	unsigned wrong = 0;
	int before = atomic_load(&opened_total);

	for (uint64_t id = 10; id <= 1010; id++) {
		if (id % 7 != 0) {
			announce(id);
			while (atomic_load(&slot->ready_id) != id)
				wrong += batch_is_wrong(published);
		}
		if (id % 5 == 0 && id < 1010) {
			announce(0);
			continue;
		}
		published[id] = true;
		publish(id);
		bump();
		if (id % 3 == 0)
			continue;
		wrong += !serves(id);
		for (unsigned i = 0; i < 100; i++)
			wrong += batch_is_wrong(published);
	}
	is_int(wrong, 0, "no batch of 1000 swaps was answered from the wrong generation");
	is_int(batch(), 1010, "the last one is served");
	announce(0);
	ok(comes_down_to(1), "one store is left open");
	diag("%d stores opened", atomic_load(&opened_total) - before);
}

static void
test_stop(void)
{
	announce(2000);
	ok(comes(&slot->ready_id, 2000), "ready, never published");
	store_keeper_stop(&keeper);
	is_int(atomic_load(&open_stores), 0, "nothing stays open after the end");
}

int
main(void)
{
	size_t size = sizeof *region + 2 * sizeof *slot;

	region = aligned_alloc(128, (size + 127) / 128 * 128);
	if (!region)
		bail_out("no memory");
	memset(region, 0, size);
	region->worker_count = 2;
	slot = &region->slots[1];
	if (store_keeper_start(&keeper, "/state", region, 1, NULL) != ERR_OK)
		bail_out("no helper thread");
	test_first();
	test_swap();
	test_idle_swap();
	test_withdrawn();
	test_failure();
	test_missed();
	test_thousand();
	test_stop();
	free(region);
	return done_testing();
}
