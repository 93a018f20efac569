/* What a process has allocated, by the stacks that did so: samples, one for each
 * HEAP_SAMPLE_LEN octets on average, each standing for as many octets and objects as it
 * would take to be hit once.  Written by the process alone (shm/heap_sampler.h); who reads
 * meanwhile may find a figure of just before beside one of just after. */
#ifndef SHM_HEAP_STACKS_H
#define SHM_HEAP_STACKS_H

#include <stdatomic.h>
#include <stdint.h>

enum {
	HEAP_SAMPLE_LEN = 512 << 10,
	HEAP_DEPTH = 28,
	HEAP_STACKS = 1024,		/* a power of 2 */
	HEAP_LIVE = 8192,		/* a power of 2: 4 GiB */
};

struct heap_stack {
	_Atomic uint64_t hash;		/* 0: free */
	uint64_t depth;
	uint64_t pcs[HEAP_DEPTH];	/* return addresses, innermost first */
	_Atomic uint64_t objects, octets;	/* so far */
	_Atomic uint64_t live_objects, live_octets;
};

/* One that is allocated. */
struct heap_live {
	_Atomic uint64_t address;	/* 0: free; 1: was given back */
	uint32_t stack;
	uint32_t objects;
	uint64_t octets;
};

/* On pages of its own. */
struct heap_stacks {
	_Alignas(4096) _Atomic uint64_t samples;
	_Atomic uint64_t lost;		/* that found no room */
	struct heap_stack stacks[HEAP_STACKS];
	struct heap_live live[HEAP_LIVE];
};

#endif
