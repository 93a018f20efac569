/* The helper thread that opens and closes generations, and its hand-over. */
#include "worker/store_keeper.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/process_seat.h"
#include "shm/wake.h"
#include "worker/geo.h"
#include "worker/probes.h"
#include "worker/zone_store.h"

enum {
	KEEPER_NICE = 10,
	KEEPER_STACK_LEN = 512 * 1024,
	KEEPER_IDLE_MS = 500, /* nothing to be done before the next announcement */
	KEEPER_OFFER_MS = 20, /* an offer stands: has it been published? */
	KEEPER_TRANSIT_MS = 1, /* the query thread is about to say what it did */
	KEEPER_RETRY_MS = 1000,
	KEEPER_FILL_LEN = 16 << 20, /* some ms; 0.1 s from a slow disk */
};

struct kept_store {
	uint64_t id;
	struct zone_store *store;
	struct kept_store *next; /* in `returned` */
};

/* The helper alone closes, so that what it is filling cannot vanish. */
static void
keeper_close(struct store_keeper *keeper, struct kept_store *kept)
{
	if (!kept)
		return;
	if (kept == keeper->filling)
		keeper->filling = NULL;
	zone_store_close(kept->store);
	free(kept);
}

/* ---- the query thread's side ---- */

static void
keeper_give_back(struct store_keeper *keeper, struct kept_store *kept)
{
	kept->next = atomic_load_explicit(&keeper->returned, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&keeper->returned, &kept->next,
						      kept, memory_order_release,
						      memory_order_relaxed))
		;
}

void
store_keeper_switch(struct store_keeper *keeper, uint64_t published_id)
{
	struct kept_store *offer, *old = keeper->current;

	if (atomic_load_explicit(&keeper->offered_id, memory_order_acquire) !=
	    published_id)
		return;
	offer = atomic_exchange_explicit(&keeper->offered, NULL, memory_order_acq_rel);
	if (!offer)
		return;
	if (offer->id != published_id) {
		/* the helper has changed its offer in this very moment */
		keeper_give_back(keeper, offer);
		return;
	}
	keeper->current = offer;
	keeper->store = offer->store;
	keeper->store_id = published_id;
	if (old)
		keeper_give_back(keeper, old);
	atomic_store_explicit(&keeper->taken_id, published_id, memory_order_release);
	atomic_store_explicit(&keeper->slot->serving_id, published_id,
			      memory_order_relaxed);
	stats_add(&keeper->slot->stats, STAT_generation_swaps, 1);
	PROBE1(generation, published_id);
}

/* ---- the helper's side ---- */

/* Wait until announce_seq is no longer `seq`, `ms` at most. */
static void
keeper_sleep(const struct store_keeper *keeper, uint32_t seq, int ms)
{
	struct timespec timeout = { .tv_sec = ms / 1000,
				    .tv_nsec = ms % 1000 * 1000000l };

	syscall(SYS_futex, &keeper->region->swap.announce_seq, FUTEX_WAIT, seq, &timeout,
		NULL, 0);
}

static void
keeper_collect(struct store_keeper *keeper)
{
	struct kept_store *kept, *next;

	kept = atomic_exchange_explicit(&keeper->returned, NULL, memory_order_acquire);
	for (; kept; kept = next) {
		next = kept->next;
		if (kept == keeper->handed)
			keeper->handed = NULL;
		keeper_close(keeper, kept);
	}
}

/* What became of the store that was handed over last?  Afterwards `handed` is the store
 * that stands on offer, or NULL.
 * returns false when the query thread is just about to take it. */
static bool
keeper_settle(struct store_keeper *keeper)
{
	if (!keeper->handed ||
	    atomic_load_explicit(&keeper->offered, memory_order_acquire))
		return true;
	if (atomic_load_explicit(&keeper->taken_id, memory_order_acquire) ==
	    keeper->handed->id) {
		keeper->handed = NULL;
		return true;
	}
	keeper_collect(keeper);
	return !keeper->handed;
}

/* Take back what stands on offer and close it.
 * returns false when the query thread was faster. */
static bool
keeper_withdraw(struct store_keeper *keeper)
{
	struct kept_store *offer;
	uint64_t id = keeper->handed->id;

	atomic_store_explicit(&keeper->offered_id, 0, memory_order_relaxed);
	if (atomic_load_explicit(&keeper->slot->ready_id, memory_order_relaxed) == id)
		atomic_store_explicit(&keeper->slot->ready_id, 0, memory_order_release);
	offer = atomic_exchange_explicit(&keeper->offered, NULL, memory_order_acq_rel);
	if (!offer)
		return false;
	keeper->handed = NULL;
	keeper_close(keeper, offer);
	return true;
}

static void
keeper_offer(struct store_keeper *keeper, struct kept_store *kept)
{
	keeper->handed = kept;
	atomic_store_explicit(&keeper->offered, kept, memory_order_release);
	atomic_store_explicit(&keeper->offered_id, kept->id, memory_order_release);
}

static int
keeper_open(const struct store_keeper *keeper, uint64_t id, struct kept_store **out)
{
	struct kept_store *kept = calloc(1, sizeof *kept);
	int rc;

	if (!kept)
		return ERR_NOMEM;
	kept->id = id;
	rc = zone_store_open(keeper->state_dir, id, &kept->store);
	if (rc != ERR_OK) {
		free(kept);
		return rc;
	}
	*out = kept;
	return ERR_OK;
}

static void
keeper_note_failure(const struct store_keeper *keeper, struct keeper_failure *failure,
		    uint64_t id, uint32_t seq, int rc)
{
	if (failure->id != id || failure->seq != seq)
		log_warnx("generation %" PRIu64 " in %s %s, this worker cannot open it",
			  id, keeper->state_dir, errcode_text(rc));
	*failure = (struct keeper_failure){
		.id = id,
		.seq = seq,
		.retry_ms = clock_now_ms() + KEEPER_RETRY_MS,
	};
	atomic_store_explicit(&keeper->slot->open_error, rc, memory_order_relaxed);
	atomic_store_explicit(&keeper->slot->failed_id, id, memory_order_release);
}

/* Read ahead a part of what is to be filled.  returns whether there is more. */
static bool
keeper_fill(struct store_keeper *keeper)
{
	const struct generation *gen;

	if (!keeper->filling)
		return false;
	gen = &keeper->filling->store->gen;
	keeper->filled_len =
		generation_populate(gen, keeper->filled_len, KEEPER_FILL_LEN);
	if (keeper->filled_len >= gen->data_len)
		keeper->filling = NULL;
	return keeper->filling != NULL;
}

static void
keeper_fill_first(struct store_keeper *keeper, struct kept_store *kept)
{
	bool is_first =
		atomic_load_explicit(&keeper->taken_id, memory_order_relaxed) == 0;

	keeper->filling = kept;
	keeper->filled_len = 0;
	while (!is_first && keeper_fill(keeper))
		if (atomic_load_explicit(&keeper->stop, memory_order_acquire))
			break;
}

/* Make `id` the offered store.  returns whether it is. */
static bool
keeper_provide(struct store_keeper *keeper, uint64_t id, uint32_t seq,
	       struct keeper_failure *failure)
{
	struct kept_store *kept;
	int rc;

	if (keeper->handed && keeper->handed->id == id)
		return true;
	if (failure->id == id && failure->seq == seq &&
	    clock_now_ms() < failure->retry_ms)
		return false;
	/* LMDB forbids to open an overlay twice in one process: the same generation, left
	 * a moment ago, must be closed by now */
	keeper_collect(keeper);
	rc = keeper_open(keeper, id, &kept);
	if (rc != ERR_OK) {
		keeper_note_failure(keeper, failure, id, seq, rc);
		return false;
	}
	if (keeper->handed && !keeper_withdraw(keeper)) {
		/* what this one is for is seen in the next turn */
		keeper_close(keeper, kept);
		return false;
	}
	*failure = (struct keeper_failure){ 0 };
	if (atomic_load_explicit(&keeper->slot->failed_id, memory_order_relaxed) == id)
		atomic_store_explicit(&keeper->slot->failed_id, 0, memory_order_relaxed);
	keeper_fill_first(keeper, kept);
	keeper_offer(keeper, kept);
	return true;
}

static void
keeper_report_ready(const struct store_keeper *keeper, uint64_t id)
{
	if (atomic_load_explicit(&keeper->slot->ready_id, memory_order_relaxed) != id)
		atomic_store_explicit(&keeper->slot->ready_id, id, memory_order_release);
}

/* Do what is to be done now.  returns how long nothing else can be, in ms.
 * `announced` is read first: sync takes an announcement back only after publication,
 * so that what has just been published is never seen as unwanted. */
static int
keeper_turn(struct store_keeper *keeper, uint32_t seq)
{
	const struct region_swap *swap = &keeper->region->swap;
	uint64_t announced =
		atomic_load_explicit(&swap->announced_id, memory_order_acquire);
	uint64_t published =
		atomic_load_explicit(&swap->published_id, memory_order_acquire);
	uint64_t taken;

	keeper_collect(keeper);
	if (!keeper_settle(keeper))
		return KEEPER_TRANSIT_MS;
	taken = atomic_load_explicit(&keeper->taken_id, memory_order_acquire);

	if (keeper->handed && keeper->handed->id != published &&
	    keeper->handed->id != announced && !keeper_withdraw(keeper))
		return KEEPER_TRANSIT_MS;
	if (published && published != taken &&
	    keeper_provide(keeper, published, seq, &keeper->failed_published)) {
		if (published == announced)
			keeper_report_ready(keeper, announced);
		wake_call(keeper->wake_fd);
		return published == announced ? KEEPER_OFFER_MS : KEEPER_TRANSIT_MS;
	}
	if (!announced)
		return KEEPER_IDLE_MS;
	if (announced == taken ||
	    keeper_provide(keeper, announced, seq, &keeper->failed_announced))
		keeper_report_ready(keeper, announced);
	return keeper->handed ? KEEPER_OFFER_MS : KEEPER_IDLE_MS;
}

/* The worker's CPU is for answering: run wherever there is time to spare.  None of it
 * is needed for correctness, so failures are let pass. */
static void
keeper_leave_cpu(void)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof all);
	sched_setaffinity(0, sizeof all, &all);
}

static void
keeper_step_aside(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, (id_t)gettid(), KEEPER_NICE);
}

/* What is offered is taken before the next batch. */
static void
keeper_follow_geo(const struct store_keeper *keeper)
{
	geo_follow(keeper->geo, keeper->state_dir, &keeper->region->geo);
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		atomic_store_explicit(&keeper->slot->geo_numbers[kind],
				      keeper->geo->opened[kind], memory_order_release);
}

static void *
keeper_run(void *argument)
{
	struct store_keeper *keeper = argument;
	bool is_aside = false;

	keeper_leave_cpu();
	process_seat_attend();
	while (!atomic_load_explicit(&keeper->stop, memory_order_acquire)) {
		uint32_t seq = atomic_load_explicit(&keeper->region->swap.announce_seq,
						    memory_order_acquire);
		int wait_ms;

		/* before the first store, so that no answer comes without */
		if (keeper->geo)
			keeper_follow_geo(keeper);
		wait_ms = keeper_turn(keeper, seq);

		/* before the first store is there nobody can be disturbed */
		if (!is_aside && keeper->handed) {
			keeper_step_aside();
			is_aside = true;
		}
		if (!keeper_fill(keeper))
			keeper_sleep(keeper, seq, wait_ms);
	}
	return NULL;
}

/* Signals are the query thread's: start with all of them blocked. */
static int
keeper_start_thread(struct store_keeper *keeper)
{
	pthread_attr_t attributes;
	sigset_t all, before;
	int error;

	error = pthread_attr_init(&attributes);
	if (error)
		return errcode_from_errno(error);
	pthread_attr_setstacksize(&attributes, KEEPER_STACK_LEN);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&keeper->thread, &attributes, keeper_run, keeper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return error ? errcode_from_errno(error) : ERR_OK;
}

int
store_keeper_start(struct store_keeper *keeper, const char *state_dir,
		   struct region *region, unsigned id, struct geo *geo)
{
	int rc;

	memset(keeper, 0, sizeof *keeper);
	keeper->state_dir = state_dir;
	keeper->region = region;
	keeper->geo = geo;
	keeper->slot = &region->slots[id];
	keeper->wake_fd = wake_open();
	if (keeper->wake_fd < 0)
		return errcode_from_errno(errno);
	atomic_store_explicit(&keeper->slot->serving_id, 0, memory_order_relaxed);
	atomic_store_explicit(&keeper->slot->ready_id, 0, memory_order_relaxed);
	atomic_store_explicit(&keeper->slot->failed_id, 0, memory_order_relaxed);
	rc = keeper_start_thread(keeper);
	if (rc != ERR_OK)
		close(keeper->wake_fd);
	return rc;
}

void
store_keeper_stop(struct store_keeper *keeper)
{
	atomic_store_explicit(&keeper->stop, true, memory_order_release);
	/* other workers' helpers wake up too, see nothing new, and sleep on */
	syscall(SYS_futex, &keeper->region->swap.announce_seq, FUTEX_WAKE, INT_MAX, NULL,
		NULL, 0);
	pthread_join(keeper->thread, NULL);
	keeper_collect(keeper);
	keeper_close(keeper, atomic_exchange_explicit(&keeper->offered, NULL,
						      memory_order_acquire));
	keeper_close(keeper, keeper->current);
	keeper->current = NULL;
	keeper->store = NULL;
	keeper->store_id = 0;
	close(keeper->wake_fd);
}
