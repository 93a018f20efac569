/* Samples what this process allocates; for a wrapper round malloc to call.
 *
 * Off until a process has a place to write to, and in its children.  Threads may allocate
 * side by side; not to be called from signal handlers. */
#ifndef SHM_HEAP_SAMPLER_H
#define SHM_HEAP_SAMPLER_H

#include <stdint.h>
#include <stddef.h>

#include "shm/heap_stacks.h"

/* Private: read by the functions below. */
struct heap_sampler {
	struct heap_stacks *stacks;	/* NULL: off */
	uint8_t *may_be_live;		/* by HEAP_FILTER_BITS of an address: so many are */
};
enum { HEAP_FILTER_BITS = 16 };
extern struct heap_sampler heap_sampler;
extern _Thread_local int64_t heap_sampler_left;	/* octets until the next sample */

/* Write to `stacks`, which is emptied first. */
__attribute__((nonnull)) void heap_sampler_enter(struct heap_stacks *stacks);

/* Stop.  Also for the child of a process with several threads. */
void heap_sampler_leave(void);

void heap_sampler_take(void *block, size_t len);
void heap_sampler_drop(void *block);

static inline unsigned
heap_sampler_filter(const void *block)
{
	return (unsigned)(((uint64_t)(uintptr_t)block >> 4) *
				  UINT64_C(0x9e3779b97f4a7c15) >>
			  (64 - HEAP_FILTER_BITS));
}

/* `block` (may be NULL) of `len` octets was allocated. */
static inline void
heap_sampler_note(void *block, size_t len)
{
	if (!heap_sampler.stacks)
		return;
	heap_sampler_left -= (int64_t)len;
	if (__builtin_expect(heap_sampler_left < 0, 0))
		heap_sampler_take(block, len);
}

/* `block` (may be NULL) is about to be given back. */
static inline void
heap_sampler_forget(void *block)
{
	if (heap_sampler.stacks &&
	    __builtin_expect(
		    heap_sampler.may_be_live[heap_sampler_filter(block)] != 0, 0))
		heap_sampler_drop(block);
}

#endif
