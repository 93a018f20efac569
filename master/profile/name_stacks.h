/* From the addresses of a sample to named frames: stage and system call are frames too,
 * so that inlining, and libraries without frame pointers, leave a readable graph. */
#ifndef MASTER_PROFILE_NAME_STACKS_H
#define MASTER_PROFILE_NAME_STACKS_H

#include <stdbool.h>

#include "master/profile/call_tree.h"
#include "master/profile/symbols.h"

struct name_stacks {
	struct call_tree *tree; /* borrowed; its modules are complete */
	struct symbols *symbols[MODULES_MAX]; /* NULL: not read as yet */
	enum symbols_state states[MODULES_MAX];
	struct symbols *kernel;
	enum symbols_state kernel_state;
};

struct raw_stack {
	const uint64_t *pcs; /* innermost first */
	unsigned depth;
	bool is_exact; /* pcs[0] is where it was interrupted, no return address */
	bool is_kernel; /* and that is a system call */
	const uint64_t *kernel_pcs; /* as pcs, in the kernel */
	unsigned kernel_depth;
	const char *front; /* the outermost frame; NULL: none */
	const char *label;
	int64_t values[CALL_VALUES_MAX];
};

__attribute__((nonnull)) void name_stacks_add(struct name_stacks *names,
					      const struct raw_stack *raw);

/* Why stacks in the kernel that were given are left out; NULL: they are not. */
__attribute__((nonnull)) const char *
name_stacks_kernel_trouble(const struct name_stacks *names);

/* Why the addresses in the program itself have no names; NULL: they have. */
__attribute__((nonnull)) const char *name_stacks_trouble(const struct name_stacks *names);

__attribute__((nonnull)) void name_stacks_fini(struct name_stacks *names);

#endif
