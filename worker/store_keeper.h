/* Keeps the store that a worker answers from in step with what sync publishes.
 *
 * Opening a generation takes up to tens of milliseconds and closing one too, so both
 * happen in a helper thread, one in each worker, at low priority and on any CPU.
 * It follows region->swap: what is announced is opened and offered to the query
 * thread (and reported in the worker's slot: ready_id, or failed_id and open_error);
 * what is offered and no longer wanted is closed.  The query thread reads the
 * published id once per batch; when it has changed it takes the offered store if it
 * is that one, and hands the old one back to be closed.  What is published and was
 * never announced here (a worker started in between) is opened as soon as possible;
 * until then the old store goes on serving.
 *
 * A store that replaces another is populated before it is offered.  The first one is
 * offered at once, since nothing is answered without it: its pages are read ahead while
 * it serves already, which after a reboot takes seconds.
 *
 * The two threads share no lock, only atomics:
 *
 *	offered_id	helper stores (release) after `offered`; 0 when nothing is
 *	offered		who exchanges it for NULL owns the store
 *	taken_id	query thread stores (release) once it serves from that id and has
 *			returned the one before
 *	returned	a list: the query thread pushes (release: its last reads of the
 *			store come before), the helper takes all (acquire) and closes them */
#ifndef WORKER_STORE_KEEPER_H
#define WORKER_STORE_KEEPER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/region.h"

struct geo;
struct zone_store;
struct kept_store;

/* An id that could not be opened, and when to try it again. */
struct keeper_failure {
	uint64_t id;
	uint64_t retry_ms;		/* clock_now_ms */
	uint32_t seq;			/* announce_seq of the attempt */
};

struct store_keeper {
	/* the query thread's own */
	struct zone_store *store;	/* NULL before the first */
	uint64_t store_id;
	struct kept_store *current;
	const struct region *region;
	struct worker_slot *slot;
	int wake_fd;			/* eventfd: readable when an idle query thread
					 * should call store_keeper_get */

	/* shared, see above */
	_Alignas(128) _Atomic uint64_t offered_id;
	_Atomic(struct kept_store *) offered;
	_Atomic(struct kept_store *) returned;
	_Atomic uint64_t taken_id;
	_Atomic bool stop;

	/* the helper's own */
	_Alignas(128) pthread_t thread;
	const char *state_dir;
	struct geo *geo;		/* its helper is this one; NULL: none */
	struct kept_store *handed;	/* was offered; not known yet what became of it */
	struct kept_store *filling;	/* is being read ahead, offered or serving */
	uint64_t filled_len;		/* octets of its data */
	struct keeper_failure failed_published, failed_announced;
};

/* Start the helper thread for the worker that owns region->slots[id].  `state_dir`,
 * `region` and `geo`, which may be NULL, are borrowed until the stop.
 * returns 0 or an error code. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int store_keeper_start(struct store_keeper *keeper, const char *state_dir,
		       struct region *region, unsigned id, struct geo *geo);

/* End the helper thread and close every store.  Only the query thread calls this, and
 * only once it needs no store any more. */
__attribute__((nonnull))
void store_keeper_stop(struct store_keeper *keeper);

/* For store_keeper_get: take the offered store if it has this id. */
__attribute__((nonnull))
void store_keeper_switch(struct store_keeper *keeper, uint64_t published_id);

/* The store to answer the next batch from; NULL before there is any.  Borrowed until
 * the next call. */
__attribute__((nonnull))
static inline struct zone_store *
store_keeper_get(struct store_keeper *keeper)
{
	uint64_t id = atomic_load_explicit(&keeper->region->swap.published_id,
					   memory_order_acquire);

	if (__builtin_expect(id != keeper->store_id, 0))
		store_keeper_switch(keeper, id);
	return keeper->store;
}

#endif
