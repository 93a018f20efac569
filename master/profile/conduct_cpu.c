/* Has workers sample themselves, and takes the samples while they do. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "master/profile/conductor.h"
#include "master/profile/cpu_tree.h"
#include "master/profile/folded.h"
#include "master/profile/sample_count.h"
#include "shm/clock.h"
#include "shm/stages.h"

enum { TAKE_MS = 100 };

static struct sample_count counted;

static void
take_samples(struct conductor *c)
{
	struct profile_sample sample;

	for (unsigned i = 0; i < c->area->worker_count; i++) {
		unsigned most = PROFILE_RING;

		while (most-- > 0 && profile_ring_take(profile_ring(c->area, i), &sample))
			sample_count_add(&counted, i, &sample);
	}
}

static uint64_t
count_lost(const struct conductor *c)
{
	uint64_t lost = counted.lost;

	for (unsigned i = 0; i < c->area->worker_count; i++)
		lost += atomic_load(&profile_ring(c->area, i)->lost);
	return lost;
}

static const char *
stage_of(const struct profile_sample *sample)
{
	return sample->stage < STAGE_COUNT
		       ? answer_stage_name((enum answer_stage)sample->stage)
		       : "unknown";
}

static bool
is_kernel(const struct conductor *c, const struct profile_sample *sample)
{
	return modules_is_system_call(&c->modules, sample->pcs[0]);
}

/* Text: they are over 2^63, which readers of JSON do not take. */
static void
print_kernel_stack(struct json_out *json, const struct profile_sample *sample)
{
	char text[24];

	json_out_begin_array(json, "kernel_stack");
	for (unsigned i = 0; i < sample->kernel_depth; i++) {
		snprintf(text, sizeof text, "0x%" PRIx64, sample->kernel_pcs[i]);
		json_out_text(json, NULL, text);
	}
	json_out_end_array(json);
}

static void
print_sample(struct conductor *c, const struct sample_counted *item)
{
	struct json_out *json = &c->reply.json;

	json_out_begin_object(json, NULL);
	json_out_uint(json, "worker", item->worker);
	json_out_text(json, "stage", stage_of(&item->sample));
	json_out_bool(json, "kernel", is_kernel(c, &item->sample));
	json_out_uint(json, "count", item->count);
	json_out_begin_array(json, "stack");
	for (unsigned i = 0; i < item->sample.depth; i++)
		json_out_uint(json, NULL, item->sample.pcs[i]);
	json_out_end_array(json);
	print_kernel_stack(json, &item->sample);
	json_out_end_object(json);
}

static void
print_line(void *arg, const char *stack, int64_t value)
{
	struct json_out *json = arg;

	json_out_begin_object(json, NULL);
	json_out_text(json, "stack", stack);
	json_out_int(json, "count", value / (1000000000 / PROFILE_HZ));
	json_out_end_object(json);
}

/* With names already, for who has not the program's file at hand. */
static void
print_folded(struct conductor *c)
{
	struct call_tree tree = { .modules = c->modules };
	struct name_stacks names = { .tree = &tree };

	cpu_tree_init(&tree);
	for (unsigned i = 0; i < SAMPLE_COUNT_MAX; i++) {
		const struct sample_counted *item = &counted.list[i];

		if (item->count > 0)
			cpu_tree_add(&names,
				     &(struct cpu_sample){
					     .pcs = item->sample.pcs,
					     .depth = item->sample.depth,
					     .worker = item->worker,
					     .stage = stage_of(&item->sample),
					     .is_kernel = is_kernel(c, &item->sample),
					     .kernel_pcs = item->sample.kernel_pcs,
					     .kernel_depth = item->sample.kernel_depth,
					     .count = item->count,
				     });
	}
	json_out_begin_array(&c->reply.json, "folded");
	folded_each(&tree, print_line, &c->reply.json);
	json_out_end_array(&c->reply.json);
	name_stacks_fini(&names);
	call_tree_fini(&tree);
}

static void
print_samples(struct conductor *c)
{
	struct json_out *json = &c->reply.json;

	modules_print(&c->modules, json);
	json_out_begin_array(json, "samples");
	for (unsigned i = 0; i < SAMPLE_COUNT_MAX; i++)
		if (counted.list[i].count > 0)
			print_sample(c, &counted.list[i]);
	json_out_end_array(json);
}

static int
paranoid(void)
{
	FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
	int level = -1;

	if (file && fscanf(file, "%d", &level) != 1)
		level = -1;
	if (file)
		fclose(file);
	return level;
}

/* Whether there are any, and what would have to be different. */
static void
print_kernel_stacks(struct conductor *c)
{
	char text[256] = "not taken: no worker has begun to sample";
	int32_t state = PROFILE_KERNEL_UNKNOWN;

	for (unsigned i = 0; i < c->area->worker_count && state == 0; i++)
		state = atomic_load(&profile_ring(c->area, i)->kernel);
	if (state == PROFILE_KERNEL_TAKEN)
		snprintf(text, sizeof text, "taken");
	else if ((state == -EACCES || state == -EPERM) && paranoid() > 1)
		snprintf(text, sizeof text,
			 "not taken: the kernel does not let the workers see into it "
			 "(sysctl kernel.perf_event_paranoid is %d, 1 would do)",
			 paranoid());
	else if (state < 0)
		snprintf(text, sizeof text, "not taken: perf_event_open: %s",
			 strerror(-state));
	json_out_text(&c->reply.json, "kernel_stacks", text);
}

unsigned
conduct_cpu(struct conductor *c)
{
	struct json_out *json = &c->reply.json;
	uint64_t end_ms = clock_now_ms() + c->seconds * 1000;

	reply_progress(&c->reply, "%u worker%s sampled for %u s", c->area->worker_count,
		       c->area->worker_count == 1 ? " is" : "s are", c->seconds);
	profile_area_begin(c->area, PROFILE_SAMPLES, c->seconds * 1000);
	while (clock_now_ms() < end_ms) {
		conductor_pause(c, TAKE_MS);
		take_samples(c);
	}
	profile_area_end(c->area);
	take_samples(c);
	conductor_begin(c, "cpu");
	json_out_uint(json, "hz", PROFILE_HZ);
	json_out_uint(json, "taken", counted.total);
	json_out_uint(json, "lost", count_lost(c));
	print_kernel_stacks(c);
	if (c->is_folded)
		print_folded(c);
	else
		print_samples(c);
	json_out_end_object(json);
	return 0;
}
