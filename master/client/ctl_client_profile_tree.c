/* Samples of a reply become a call tree, its three files, and a few lines. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/client/ctl_client_profile.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"
#include "master/profile/cpu_tree.h"
#include "master/profile/flame_svg.h"
#include "master/profile/folded.h"
#include "master/profile/heap_tree.h"
#include "master/profile/pprof_file.h"
#include "shm/profile_area.h"

enum { TOP_MAX = 12 };

/* ---- from JSON ---- */

/* Exact up to 2^63: addresses are more than a double holds. */
static uint64_t
number_of(const struct ctl_json *value)
{
	char digits[24];

	ctl_json_integer(value, digits);
	return strtoull(digits, NULL, 10);
}

static uint64_t
number_member(const struct ctl_json *object, const char *name)
{
	return number_of(ctl_json_member(object, name));
}

static const char *
text_member(const struct ctl_json *object, const char *name)
{
	size_t len;
	const char *text = ctl_json_text(ctl_json_member(object, name), &len);

	return text ? text : "";
}

static void
take_modules(struct modules *modules, const struct ctl_json *list)
{
	for (size_t i = 0; i < ctl_json_count(list) && i < MODULES_MAX; i++) {
		const struct ctl_json *item = ctl_json_item(list, i);
		struct module *module = &modules->list[modules->count++];

		snprintf(module->path, sizeof module->path, "%s",
			 text_member(item, "path"));
		snprintf(module->build_id, sizeof module->build_id, "%s",
			 text_member(item, "build_id"));
		module->base = number_member(item, "base");
		module->start = number_member(item, "start");
		module->end = number_member(item, "end");
		module->offset = number_member(item, "offset");
	}
}

static unsigned
take_kernel_stack(const struct ctl_json *sample, uint64_t pcs[PROFILE_KERNEL_DEPTH])
{
	const struct ctl_json *list = ctl_json_member(sample, "kernel_stack");
	unsigned depth = 0;
	const char *text;
	size_t len;

	for (size_t i = 0; i < ctl_json_count(list) && depth < PROFILE_KERNEL_DEPTH;
	     i++) {
		text = ctl_json_text(ctl_json_item(list, i), &len);
		pcs[depth++] = text ? strtoull(text, NULL, 16) : 0;
	}
	return depth;
}

static unsigned
take_stack(const struct ctl_json *sample, uint64_t pcs[PROFILE_DEPTH])
{
	const struct ctl_json *list = ctl_json_member(sample, "stack");
	unsigned depth = 0;

	for (size_t i = 0; i < ctl_json_count(list) && depth < PROFILE_DEPTH; i++)
		pcs[depth++] = number_of(ctl_json_item(list, i));
	return depth;
}

static void
take_cpu_sample(struct name_stacks *names, const struct ctl_json *sample)
{
	uint64_t pcs[PROFILE_DEPTH], kernel_pcs[PROFILE_KERNEL_DEPTH];
	struct cpu_sample out = {
		.pcs = pcs,
		.depth = take_stack(sample, pcs),
		.worker = (unsigned)number_member(sample, "worker"),
		.stage = text_member(sample, "stage"),
		.is_kernel = ctl_json_is_true(ctl_json_member(sample, "kernel")),
		.kernel_pcs = kernel_pcs,
		.kernel_depth = take_kernel_stack(sample, kernel_pcs),
		.count = number_member(sample, "count"),
	};

	cpu_tree_add(names, &out);
}

static void
take_heap_sample(struct name_stacks *names, const struct ctl_json *sample)
{
	uint64_t pcs[PROFILE_DEPTH];
	struct heap_sample out = {
		.process = text_member(sample, "process"),
		.pcs = pcs,
		.depth = take_stack(sample, pcs),
		.objects = number_member(sample, "objects"),
		.bytes = number_member(sample, "bytes"),
		.live_objects = number_member(sample, "live_objects"),
		.live_bytes = number_member(sample, "live_bytes"),
	};

	heap_tree_add(names, &out);
}

static void
take_region(struct name_stacks *names, const struct ctl_json *region)
{
	heap_tree_add_region(names, text_member(region, "process"),
			     text_member(region, "region"),
			     number_member(region, "bytes"));
}

static void
take_list(struct name_stacks *names, const struct ctl_json *list,
	  void (*take)(struct name_stacks *names, const struct ctl_json *item))
{
	for (size_t i = 0; i < ctl_json_count(list); i++)
		take(names, ctl_json_item(list, i));
}

static void
take_reply(struct name_stacks *names, const struct ctl_json *reply, bool is_cpu)
{
	struct call_tree *tree = names->tree;

	if (is_cpu)
		cpu_tree_init(tree);
	else
		heap_tree_init(tree);
	tree->begun_ns = (int64_t)number_member(reply, "begun_us") * 1000;
	tree->duration_ns = (int64_t)number_member(reply, "seconds") * 1000000000;
	take_modules(&tree->modules, ctl_json_member(reply, "modules"));
	take_list(names, ctl_json_member(reply, "samples"),
		  is_cpu ? take_cpu_sample : take_heap_sample);
	take_list(names, ctl_json_member(reply, "regions"), take_region);
}

/* ---- files ---- */

static bool
write_pprof(const struct call_tree *tree, const struct ctl_profile_files *files)
{
	const char *path = files->main;
	int fd = ctl_profile_open(files, path);

	if (fd < 0)
		return false;
	if (pprof_file_write(tree, fd) == 0)
		return true;
	fprintf(stderr, "martletctl: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

static bool
write_text(const struct call_tree *tree, const struct ctl_profile_files *files,
	   const char *path, void (*write)(const struct call_tree *tree, FILE *out))
{
	FILE *file = ctl_profile_create(files, path);

	if (!file)
		return false;
	write(tree, file);
	return ctl_profile_close(file, path);
}

static bool
write_files(const struct call_tree *tree, const struct ctl_profile_files *files)
{
	char *folded = alloc_printf("%s.folded", files->stem);
	char *svg = alloc_printf("%s.svg", files->stem);
	bool is_done = write_pprof(tree, files) &&
		       write_text(tree, files, folded, folded_write) &&
		       write_text(tree, files, svg, flame_svg_write);

	if (is_done)
		printf("written: %s, %s, %s\n", files->main, folded, svg);
	free(folded);
	free(svg);
	return is_done;
}

/* ---- the summary ---- */

struct top {
	const char *name;
	int64_t value;
};

static int
compare_top(const void *a, const void *b)
{
	const struct top *left = a, *right = b;

	return (left->value < right->value) - (left->value > right->value);
}

static int
compare_name(const void *a, const void *b)
{
	return strcmp(((const struct top *)a)->name, ((const struct top *)b)->name);
}

/* The innermost frames, by name; returns how many. */
static uint32_t
collect_top(const struct call_tree *tree, struct top *tops)
{
	uint32_t count = 0, used = 0;

	for (uint32_t i = 0; i < tree->stack_count; i++) {
		const struct call_stack *stack = &tree->stacks[i];

		if (stack->depth > 0)
			tops[count++] = (struct top){
				tree->frames[stack->frames[stack->depth - 1]].name,
				stack->values[tree->shown],
			};
	}
	qsort(tops, count, sizeof *tops, compare_name);
	for (uint32_t i = 0; i < count; i++) {
		if (used > 0 && strcmp(tops[used - 1].name, tops[i].name) == 0)
			tops[used - 1].value += tops[i].value;
		else
			tops[used++] = tops[i];
	}
	qsort(tops, used, sizeof *tops, compare_top);
	return used;
}

static void
print_top(const struct call_tree *tree, bool is_cpu, FILE *out)
{
	struct top *tops = alloc_zero(tree->stack_count + 1, sizeof *tops);
	uint32_t count = collect_top(tree, tops);
	double total = (double)call_tree_total(tree);

	for (uint32_t i = 0; i < count && i < TOP_MAX && tops[i].value > 0; i++) {
		char *name = ctl_text_escape(tops[i].name, strlen(tops[i].name));
		char figure[CTL_FIGURE_MAX];

		if (is_cpu)
			ctl_text_duration((double)tops[i].value / 1e9, figure);
		else
			ctl_text_bytes((double)tops[i].value, figure);
		fprintf(out, "%10s %5.1f %%  %s\n", figure,
			100 * (double)tops[i].value / total, name);
		free(name);
	}
	free(tops);
}

static void
print_summary(const struct name_stacks *names, const struct ctl_json *reply, bool is_cpu,
	      FILE *out)
{
	const struct call_tree *tree = names->tree;
	const char *kernel = name_stacks_kernel_trouble(names);
	char figure[CTL_FIGURE_MAX];
	uint64_t lost = number_member(reply, "lost");

	if (is_cpu) {
		ctl_text_duration((double)call_tree_total(tree) / 1e9, figure);
		fprintf(out,
			"%s of CPU time in %" PRIu64 " s, %" PRIu64
			" worker(s); kernel stacks: %s\n",
			figure, number_member(reply, "seconds"),
			number_member(reply, "workers"),
			kernel ? kernel : text_member(reply, "kernel_stacks"));
	} else {
		ctl_text_bytes((double)call_tree_total(tree), figure);
		fprintf(out, "%s allocated now, as one sample each 512 KiB tells\n",
			figure);
	}
	if (lost > 0)
		fprintf(out, "samples that found no room: %" PRIu64 "\n", lost);
	print_top(tree, is_cpu, out);
}

bool
ctl_profile_write_tree(const struct ctl_json *reply,
		       const struct ctl_profile_files *files, FILE *summary)
{
	bool is_cpu = files->kind == CTL_PROFILE_CPU, is_done;
	struct call_tree *tree = alloc_zero(1, sizeof *tree);
	struct name_stacks names = { .tree = tree };
	const char *trouble;

	take_reply(&names, reply, is_cpu);
	trouble = name_stacks_trouble(&names);
	if (trouble)
		fprintf(stderr, "martletctl: %s\n", trouble);
	print_summary(&names, reply, is_cpu, summary);
	is_done = write_files(tree, files);
	name_stacks_fini(&names);
	call_tree_fini(tree);
	free(tree);
	return is_done;
}
