/* Reading what a sequence number guards. */
#include "shm/seqlock.h"

#include <sched.h>
#include <string.h>

enum { SEQ_SPINS = 64 }; /* turns before the reader lets the writer have the CPU */

uint32_t
seqlock_copy(const _Atomic uint32_t *seq, void *to, const void *from, size_t len,
	     int turns)
{
	uint32_t before = 0;

	for (int i = 0; i < turns; i++) {
		if (i % SEQ_SPINS == SEQ_SPINS - 1)
			sched_yield();
		before = atomic_load_explicit(seq, memory_order_acquire);
		memcpy(to, from, len);
		atomic_thread_fence(memory_order_acquire);
		if (!(before & 1u) &&
		    atomic_load_explicit(seq, memory_order_relaxed) == before)
			break;
	}
	return before;
}
