/* What the values of a sample are: those that pprof knows from other languages. */
#include "master/profile/heap_tree.h"

#include <stdio.h>

#include "shm/heap_stacks.h"

enum { ALL_OBJECTS, ALL_SPACE, LIVE_OBJECTS, LIVE_SPACE, HEAP_VALUES };

void
heap_tree_init(struct call_tree *tree)
{
	tree->title = "martletd: memory that is allocated";
	tree->values[ALL_OBJECTS] = (struct call_value){ "alloc_objects", "count" };
	tree->values[ALL_SPACE] = (struct call_value){ "alloc_space", "bytes" };
	tree->values[LIVE_OBJECTS] = (struct call_value){ "inuse_objects", "count" };
	tree->values[LIVE_SPACE] = (struct call_value){ "inuse_space", "bytes" };
	tree->value_count = HEAP_VALUES;
	tree->shown = LIVE_SPACE;
	tree->label_key = "process";
	tree->period_type = (struct call_value){ "space", "bytes" };
	tree->period = HEAP_SAMPLE_LEN;
}

void
heap_tree_add(struct name_stacks *names, const struct heap_sample *sample)
{
	char front[64];
	struct raw_stack raw = {
		.pcs = sample->pcs,
		.depth = sample->depth,
		.front = front,
		.label = sample->process,
		.values = { [ALL_OBJECTS] = (int64_t)sample->objects,
			    [ALL_SPACE] = (int64_t)sample->bytes,
			    [LIVE_OBJECTS] = (int64_t)sample->live_objects,
			    [LIVE_SPACE] = (int64_t)sample->live_bytes },
	};

	snprintf(front, sizeof front, "process: %s", sample->process);
	name_stacks_add(names, &raw);
}

void
heap_tree_add_region(struct name_stacks *names, const char *process, const char *region,
		     uint64_t bytes)
{
	struct call_tree *tree = names->tree;
	char front[64], name[64];
	uint32_t frames[2];
	int64_t values[CALL_VALUES_MAX] = {
		[ALL_OBJECTS] = 1,
		[ALL_SPACE] = (int64_t)bytes,
		[LIVE_OBJECTS] = 1,
		[LIVE_SPACE] = (int64_t)bytes,
	};

	snprintf(front, sizeof front, "process: %s", process);
	snprintf(name, sizeof name, "region: %s", region);
	frames[0] = call_tree_frame(tree, front, 0, tree->modules.count);
	frames[1] = call_tree_frame(tree, name, 0, tree->modules.count);
	call_tree_add(tree, frames, 2, values, process);
}
