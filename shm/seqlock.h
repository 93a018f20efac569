/* Data in shared memory that one process writes and others copy whole, without a lock:
 * a number that is odd while the data is being written.
 *
 * A writer may die between its two steps: the next one goes on from there, and readers
 * give up after so many turns and take what stands there. */
#ifndef SHM_SEQLOCK_H
#define SHM_SEQLOCK_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* turns of a reader whose writer may die without it; INT_MAX where it may not */
	SEQLOCK_TURNS = 20000,
};

/* Make `seq` odd, whatever a dead writer left, before the data is touched. */
static inline void
seqlock_begin(_Atomic uint32_t *seq)
{
	uint32_t now = atomic_load_explicit(seq, memory_order_relaxed);

	atomic_store_explicit(seq, (now + 1) | 1u, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static inline void
seqlock_end(_Atomic uint32_t *seq)
{
	uint32_t now = atomic_load_explicit(seq, memory_order_relaxed);

	atomic_store_explicit(seq, now + 1, memory_order_release);
}

/* For what is not copied whole: read `seq`, then the data, then ask whether it held.  As
 * it does not while somebody writes, readers count their turns. */
static inline uint32_t
seqlock_read(const _Atomic uint32_t *seq)
{
	return atomic_load_explicit(seq, memory_order_acquire);
}

static inline bool
seqlock_held(const _Atomic uint32_t *seq, uint32_t then)
{
	atomic_thread_fence(memory_order_acquire);
	return (then & 1) == 0 && atomic_load_explicit(seq, memory_order_relaxed) == then;
}

/* Copy `len` octets that `seq` guards, in at most `turns`.
 * returns the even number that they belong to, or the last one seen. */
__attribute__((nonnull))
uint32_t seqlock_copy(const _Atomic uint32_t *seq, void *to, const void *from, size_t len,
		      int turns);

#endif
