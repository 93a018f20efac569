/* Samples of the heap as a call tree: the process outermost. */
#ifndef MASTER_PROFILE_HEAP_TREE_H
#define MASTER_PROFILE_HEAP_TREE_H

#include "master/profile/name_stacks.h"

struct heap_sample {
	const char *process;
	const uint64_t *pcs; /* return addresses, innermost first */
	unsigned depth;
	uint64_t objects, bytes, live_objects, live_bytes;
};

__attribute__((nonnull)) void heap_tree_init(struct call_tree *tree);
__attribute__((nonnull)) void heap_tree_add(struct name_stacks *names,
					    const struct heap_sample *sample);

/* Memory that a process has for a purpose, by no call that is known. */
__attribute__((nonnull)) void heap_tree_add_region(struct name_stacks *names,
						   const char *process,
						   const char *region, uint64_t bytes);

#endif
