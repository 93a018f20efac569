/* What profiles and traces are made of, in memory that all processes share: mapped by the
 * master before the first fork, without pages until it is written to.
 *
 *	+-------------------+
 *	| holder .. until   |	the process that carries a profile out (the conductor)
 *	+-------------------+
 *	| rings[workers]    |	samples: a worker's signal handler writes, the conductor reads
 *	+-------------------+
 *	| events[workers]   |	stages (shm/stage_events.h): the worker, then the conductor
 *	+-------------------+
 *	| seats             |	a process each, see shm/process_seat.h
 *	+-------------------+
 *
 * One profile or trace at a time: who has put its pid into `holder` may change `work`. */
#ifndef SHM_PROFILE_AREA_H
#define SHM_PROFILE_AREA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/stage_events.h"

enum {
	PROFILE_DEPTH = 31,		/* frames of a sample, */
	PROFILE_KERNEL_DEPTH = 64,	/* and of what the kernel did for it */
	PROFILE_RING = 1024,		/* samples: 10 s of one worker, a power of 2 */
	PROFILE_HZ = 100,
	PROFILE_SECONDS_MAX = 300,
	PROFILE_SEATS = 32,		/* beside those of the workers */
	PROFILE_TRACE_LEN = 64 << 20,	/* of all lists of events */
};

enum profile_work { PROFILE_NOTHING, PROFILE_SAMPLES, PROFILE_STAGES };

struct profile_sample {
	uint64_t pcs[PROFILE_DEPTH];	/* innermost first; return addresses behind it */
	uint8_t depth;
	uint8_t stage;			/* shm/stages.h */
	uint8_t is_bridged;		/* pcs[1] was found on the stack of a function without
					 * a frame pointer */
	uint8_t kernel_depth;		/* 0: not in the kernel, or its stack is not taken */
	uint32_t weight;		/* 1, and the ticks that came too late to be of their own */
	uint64_t kernel_pcs[PROFILE_KERNEL_DEPTH];	/* as pcs */
};

/* Of profile_ring.kernel; below 0 an errno, negative: why they are not taken. */
enum { PROFILE_KERNEL_UNKNOWN, PROFILE_KERNEL_TAKEN };

struct profile_ring {
	_Alignas(128) _Atomic uint32_t head;	/* worker: samples so far */
	_Atomic uint32_t lost;			/* worker: found the ring full */
	_Atomic int32_t kernel;			/* worker: kernel stacks, see below */
	_Alignas(128) _Atomic uint32_t tail;	/* conductor: taken so far */
	_Alignas(128) struct profile_sample samples[PROFILE_RING];
};

struct process_seat;

struct profile_area {
	_Alignas(128) _Atomic uint32_t seq;	/* grows with each change of `work` */
	_Atomic uint32_t work;		/* enum profile_work; conductor */
	_Atomic uint64_t until_ns;	/* workers end it by themselves, CLOCK_MONOTONIC */
	_Alignas(128) _Atomic int32_t holder;	/* pid of the conductor, 0: none */
	_Atomic uint32_t asks;		/* of process_seat.h */
	uint32_t worker_count, seat_count;	/* these do not change */
	uint64_t ring_off, events_off, events_len, seat_off;	/* nor do these */
	_Atomic uint32_t seats_taken;
};

/* Map one for so many workers.  Never unmapped.  returns NULL without memory. */
struct profile_area *profile_area_create(unsigned worker_count);

/* Become the one that carries a profile out.  returns false when somebody else is. */
__attribute__((nonnull, warn_unused_result)) bool
profile_area_hold(struct profile_area *area, pid_t pid);

/* `pid` carries nothing out any more, alive or dead: if it did, its work ends and the pages
 * of what it left go back. */
__attribute__((nonnull)) void profile_area_release(struct profile_area *area, pid_t pid);

/* Have all workers do `work` from now on, with empty rings and lists, for at most so long. */
__attribute__((nonnull)) void profile_area_begin(struct profile_area *area,
						 enum profile_work work,
						 uint64_t duration_ms);
__attribute__((nonnull)) void profile_area_end(struct profile_area *area);

static inline struct profile_ring *
profile_ring(struct profile_area *area, unsigned worker)
{
	return (struct profile_ring *)(void *)((char *)area + area->ring_off) + worker;
}

static inline struct stage_events *
profile_events(struct profile_area *area, unsigned worker)
{
	return (struct stage_events *)(void *)((char *)area + area->events_off +
					       worker * area->events_len);
}

/* Take the next sample of a worker.  returns false when there is none. */
__attribute__((nonnull, warn_unused_result)) bool
profile_ring_take(struct profile_ring *ring, struct profile_sample *out);

#endif
