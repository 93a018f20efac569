/* What the values of a sample are. */
#include "master/profile/cpu_tree.h"

#include <stdio.h>

#include "shm/profile_area.h"

enum { PERIOD_NS = 1000000000 / PROFILE_HZ };

void
cpu_tree_init(struct call_tree *tree)
{
	tree->title = "martletd: CPU time of the workers";
	tree->values[0] = (struct call_value){ "samples", "count" };
	tree->values[1] = (struct call_value){ "cpu", "nanoseconds" };
	tree->value_count = 2;
	tree->shown = 1;
	tree->label_key = "worker";
	tree->period_type = tree->values[1];
	tree->period = PERIOD_NS;
}

void
cpu_tree_add(struct name_stacks *names, const struct cpu_sample *sample)
{
	char front[64], label[16];
	struct raw_stack raw = {
		.pcs = sample->pcs,
		.depth = sample->depth,
		.is_exact = true,
		.is_kernel = sample->is_kernel,
		.kernel_pcs = sample->kernel_pcs,
		.kernel_depth = sample->kernel_depth,
		.front = front,
		.label = label,
		.values = { (int64_t)sample->count, (int64_t)sample->count * PERIOD_NS },
	};

	snprintf(front, sizeof front, "stage: %s", sample->stage);
	snprintf(label, sizeof label, "%u", sample->worker);
	name_stacks_add(names, &raw);
}
