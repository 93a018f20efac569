/* What the memory of a process is for, by the regions of its address space. */
#ifndef MASTER_PROFILE_MEMORY_PARTS_H
#define MASTER_PROFILE_MEMORY_PARTS_H

#include "master/profile/smaps.h"
#include "shm/process_seat.h"

enum memory_part {
	MEMORY_GENERATIONS, /* files below state_dir/generations */
	MEMORY_STATE, /* other files of state_dir */
	MEMORY_SHARED, /* the region, rings, tables that all processes share */
	MEMORY_PROGRAM, /* code and data of the program and its libraries */
	MEMORY_HEAP, /* the heap, and what malloc maps beside it */
	MEMORY_STACK, /* of the first thread */
	MEMORY_OTHER,
	MEMORY_PARTS,
};

enum { MEMORY_GENERATIONS_MAX = 64 };

struct memory_generation {
	uint64_t id;
	unsigned processes;
	struct smaps_sizes sizes;
};

struct memory_parts {
	struct smaps_sizes all, parts[MEMORY_PARTS];
	struct memory_generation generations[MEMORY_GENERATIONS_MAX];
	unsigned generation_count;
};

const char *memory_part_name(enum memory_part part);

/* Add up the regions that a process has told of in its seat. */
__attribute__((nonnull)) void memory_parts_read(const struct process_seat *seat,
						const char *state_dir,
						struct memory_parts *out);

__attribute__((nonnull)) void memory_parts_add(struct memory_parts *to,
					       const struct memory_parts *more);

#endif
