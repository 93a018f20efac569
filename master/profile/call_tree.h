/* A profile as all its forms need it: stacks of named frames, each with some values. */
#ifndef MASTER_PROFILE_CALL_TREE_H
#define MASTER_PROFILE_CALL_TREE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "master/profile/modules.h"

enum { CALL_VALUES_MAX = 4, CALL_DEPTH_MAX = 100, CALL_NOTES_MAX = 4 };

struct call_frame {
	char *name;
	uint64_t address; /* 0: a made-up frame, as a stage is */
	unsigned module; /* behind an address: modules.count for none */
};

struct call_stack {
	uint32_t *frames; /* outermost first */
	unsigned depth;
	int64_t values[CALL_VALUES_MAX];
	char *label; /* of pprof; NULL: none */
};

struct call_value {
	const char *type, *unit;
};

struct call_tree {
	const char *title;
	struct call_value values[CALL_VALUES_MAX];
	unsigned value_count, shown; /* the one that folded stacks and flame graphs have */
	const char *label_key;
	struct call_value period_type;
	int64_t period;
	int64_t begun_ns; /* of Unix time */
	int64_t duration_ns;
	struct modules modules;
	struct call_frame *frames;
	uint32_t frame_count, frame_capacity;
	uint32_t *index; /* of frames, by hash */
	uint32_t index_len;
	struct call_stack *stacks;
	uint32_t stack_count, stack_capacity;
};

/* The frame of that name and address, made if it is new. */
__attribute__((nonnull)) uint32_t call_tree_frame(struct call_tree *tree,
						  const char *name, uint64_t address,
						  unsigned module);

/* Add a stack; of the same frames and label there may be others. */
__attribute__((nonnull(1, 2, 4))) void
call_tree_add(struct call_tree *tree, const uint32_t *frames, unsigned depth,
	      const int64_t values[CALL_VALUES_MAX], const char *label);

__attribute__((nonnull)) int64_t call_tree_total(const struct call_tree *tree);

__attribute__((nonnull)) void call_tree_fini(struct call_tree *tree);

#endif
