/* Folded stacks: a line each, "outermost;..;innermost COUNT", for the tools that draw. */
#ifndef MASTER_PROFILE_FOLDED_H
#define MASTER_PROFILE_FOLDED_H

#include "master/profile/call_tree.h"

/* Call `line` for each stack once, those of the same names taken together, sorted. */
__attribute__((nonnull(1, 2))) void
folded_each(const struct call_tree *tree,
	    void (*line)(void *arg, const char *stack, int64_t value), void *arg);

__attribute__((nonnull)) void folded_write(const struct call_tree *tree, FILE *out);

#endif
