/* What a trace records: when a worker was in which stage (shm/stages.h), 16 octets each.
 *
 * A worker appends to its own list, which the process that asked for the trace reads once
 * it is over; a full one ends the trace early. */
#ifndef SHM_STAGE_EVENTS_H
#define SHM_STAGE_EVENTS_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	STAGE_EVENT_STAGE_SHIFT = 56,	/* in `at`; below it the begin */
};
#define STAGE_EVENT_AT_MASK ((UINT64_C(1) << STAGE_EVENT_STAGE_SHIFT) - 1)

struct stage_event {
	uint64_t at;			/* ns of CLOCK_MONOTONIC, and the stage in the top octet */
	uint32_t took_ns;		/* UINT32_MAX: that or more */
	uint32_t count;			/* queries in it */
};
_Static_assert(sizeof(struct stage_event) == 16, "as the manual says");

struct stage_events {
	_Alignas(128) _Atomic uint32_t count;	/* what stands below it is whole */
	_Atomic uint32_t is_full;
	_Atomic uint32_t capacity;	/* by who asks for the trace, before it begins */
	_Alignas(128) struct stage_event list[];
};

/* Append one; for the worker that owns the list. */
__attribute__((nonnull))
static inline void
stage_events_put(struct stage_events *events, unsigned stage, uint64_t begun_ns,
		 uint64_t ended_ns, unsigned count)
{
	uint32_t at = atomic_load_explicit(&events->count, memory_order_relaxed);
	uint64_t took_ns = ended_ns - begun_ns;

	if (at >= events->capacity) {
		atomic_store_explicit(&events->is_full, 1, memory_order_relaxed);
		return;
	}
	events->list[at] = (struct stage_event){
		.at = (begun_ns & STAGE_EVENT_AT_MASK) |
		      (uint64_t)stage << STAGE_EVENT_STAGE_SHIFT,
		.took_ns = took_ns < UINT32_MAX ? (uint32_t)took_ns : UINT32_MAX,
		.count = count,
	};
	atomic_store_explicit(&events->count, at + 1, memory_order_release);
}

#endif
