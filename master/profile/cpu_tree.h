/* Samples of CPU time as a call tree: "stage: answer" outermost, then functions, then
 * "kernel: recvmmsg" and, where they are known, the functions of the kernel. */
#ifndef MASTER_PROFILE_CPU_TREE_H
#define MASTER_PROFILE_CPU_TREE_H

#include "master/profile/name_stacks.h"

struct cpu_sample {
	const uint64_t *pcs; /* innermost first */
	unsigned depth;
	unsigned worker;
	const char *stage;
	bool is_kernel;
	const uint64_t *kernel_pcs; /* as pcs */
	unsigned kernel_depth;
	uint64_t count;
};

__attribute__((nonnull)) void cpu_tree_init(struct call_tree *tree);
__attribute__((nonnull)) void cpu_tree_add(struct name_stacks *names,
					   const struct cpu_sample *sample);

#endif
