/* Telling regions apart by the paths of their files. */
#include "master/profile/memory_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct reading {
	const char *state_dir;
	struct memory_parts *out;
};

const char *
memory_part_name(enum memory_part part)
{
	static const char *const names[MEMORY_PARTS] = {
		[MEMORY_GENERATIONS] = "generations",
		[MEMORY_STATE] = "state_dir",
		[MEMORY_SHARED] = "shared",
		[MEMORY_PROGRAM] = "program",
		[MEMORY_HEAP] = "heap",
		[MEMORY_STACK] = "stack",
		[MEMORY_OTHER] = "other",
	};

	return names[part];
}

/* What stands behind `directory` and a slash in `path`; NULL. */
static const char *
below(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	while (len > 0 && directory[len - 1] == '/')
		len--;
	return strncmp(path, directory, len) == 0 && path[len] == '/' ? path + len + 1
								      : NULL;
}

static void
add_generation(struct memory_parts *parts, uint64_t id, unsigned processes,
	       const struct smaps_sizes *sizes)
{
	unsigned i = 0;

	while (i < parts->generation_count && parts->generations[i].id != id)
		i++;
	if (i == MEMORY_GENERATIONS_MAX)
		return;
	if (i == parts->generation_count)
		parts->generations[parts->generation_count++] =
			(struct memory_generation){ .id = id };
	if (parts->generations[i].processes < processes)
		parts->generations[i].processes = processes;
	smaps_add(&parts->generations[i].sizes, sizes);
}

static enum memory_part
part_of(const struct reading *r, const struct smaps_region *region)
{
	const char *path = region->path, *rest = below(path, r->state_dir);
	uint64_t id;

	if (rest && sscanf(rest, "generations/%" SCNu64, &id) == 1) {
		add_generation(r->out, id, 1, &region->sizes);
		return MEMORY_GENERATIONS;
	}
	if (rest)
		return MEMORY_STATE;
	if (strncmp(path, "/dev/zero", 9) == 0)
		return MEMORY_SHARED;
	if (strcmp(path, "[heap]") == 0 || !*path)
		return MEMORY_HEAP;
	if (strncmp(path, "[stack", 6) == 0)
		return MEMORY_STACK;
	return *path == '/' ? MEMORY_PROGRAM : MEMORY_OTHER;
}

static void
take_region(void *arg, const struct smaps_region *region)
{
	const struct reading *r = arg;

	smaps_add(&r->out->all, &region->sizes);
	smaps_add(&r->out->parts[part_of(r, region)], &region->sizes);
}

void
memory_parts_read(const struct process_seat *seat, const char *state_dir,
		  struct memory_parts *out)
{
	struct reading r = { state_dir, out };
	uint32_t len = atomic_load(&seat->maps_len);

	memset(out, 0, sizeof *out);
	smaps_each(seat->maps, len <= SEAT_MAPS_MAX ? len : SEAT_MAPS_MAX, take_region,
		   &r);
}

void
memory_parts_add(struct memory_parts *to, const struct memory_parts *more)
{
	smaps_add(&to->all, &more->all);
	for (unsigned i = 0; i < MEMORY_PARTS; i++)
		smaps_add(&to->parts[i], &more->parts[i]);
	for (unsigned i = 0; i < more->generation_count; i++) {
		const struct memory_generation *generation = &more->generations[i];
		unsigned processes = generation->processes;

		for (unsigned at = 0; at < to->generation_count; at++)
			if (to->generations[at].id == generation->id)
				processes += to->generations[at].processes;
		add_generation(to, generation->id, processes, &generation->sizes);
	}
}
