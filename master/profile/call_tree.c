/* Frames by name and address, and the stacks of them. */
#include "master/profile/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"

enum { FIRST_LEN = 1024 };

static uint32_t
hash_of(const char *name, uint64_t address)
{
	uint64_t hash = address * UINT64_C(0x9e3779b97f4a7c15) + 1;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash >> 32);
}

static uint32_t *
place_of(const struct call_tree *tree, const char *name, uint64_t address)
{
	uint32_t at = hash_of(name, address) & (tree->index_len - 1);

	while (tree->index[at] != 0) {
		const struct call_frame *frame = &tree->frames[tree->index[at] - 1];

		if (frame->address == address && strcmp(frame->name, name) == 0)
			break;
		at = (at + 1) & (tree->index_len - 1);
	}
	return &tree->index[at];
}

/* At least twice as many places as frames. */
static void
grow(struct call_tree *tree)
{
	tree->frame_capacity =
		tree->frame_capacity ? 2 * tree->frame_capacity : FIRST_LEN;
	tree->index_len = 2 * tree->frame_capacity;
	tree->frames =
		alloc_again(tree->frames, tree->frame_capacity, sizeof *tree->frames);
	free(tree->index);
	tree->index = alloc_zero(tree->index_len, sizeof *tree->index);
	for (uint32_t i = 0; i < tree->frame_count; i++)
		*place_of(tree, tree->frames[i].name, tree->frames[i].address) = i + 1;
}

uint32_t
call_tree_frame(struct call_tree *tree, const char *name, uint64_t address,
		unsigned module)
{
	uint32_t *place;

	if (tree->frame_count == tree->frame_capacity)
		grow(tree);
	place = place_of(tree, name, address);
	if (*place == 0) {
		tree->frames[tree->frame_count++] =
			(struct call_frame){ alloc_text(name), address, module };
		*place = tree->frame_count;
	}
	return *place - 1;
}

void
call_tree_add(struct call_tree *tree, const uint32_t *frames, unsigned depth,
	      const int64_t values[CALL_VALUES_MAX], const char *label)
{
	struct call_stack *stack;

	if (tree->stack_count == tree->stack_capacity) {
		tree->stack_capacity =
			tree->stack_capacity ? 2 * tree->stack_capacity : FIRST_LEN;
		tree->stacks = alloc_again(tree->stacks, tree->stack_capacity,
					   sizeof *tree->stacks);
	}
	stack = &tree->stacks[tree->stack_count++];
	stack->frames = alloc_zero(depth + 1, sizeof *frames);
	memcpy(stack->frames, frames, depth * sizeof *frames);
	stack->depth = depth;
	memcpy(stack->values, values, sizeof stack->values);
	stack->label = label ? alloc_text(label) : NULL;
}

int64_t
call_tree_total(const struct call_tree *tree)
{
	int64_t total = 0;

	for (uint32_t i = 0; i < tree->stack_count; i++)
		total += tree->stacks[i].values[tree->shown];
	return total;
}

void
call_tree_fini(struct call_tree *tree)
{
	for (uint32_t i = 0; i < tree->frame_count; i++)
		free(tree->frames[i].name);
	for (uint32_t i = 0; i < tree->stack_count; i++) {
		free(tree->stacks[i].frames);
		free(tree->stacks[i].label);
	}
	free(tree->frames);
	free(tree->index);
	free(tree->stacks);
}
