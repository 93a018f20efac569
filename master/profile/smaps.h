/* /proc/PID/smaps, read: a region of memory after the other (proc(5)). */
#ifndef MASTER_PROFILE_SMAPS_H
#define MASTER_PROFILE_SMAPS_H

#include <stddef.h>
#include <stdint.h>

/* Octets. */
struct smaps_sizes {
	uint64_t mapped; /* addresses */
	uint64_t resident; /* in memory now */
	uint64_t proportional; /* of those, each divided by how many processes share it */
	uint64_t shared, private; /* of the resident ones: with others, with nobody */
	uint64_t anonymous; /* belongs to no file */
	uint64_t swap;
};

struct smaps_region {
	const char *path; /* "" for none, "[heap]"; NUL-terminated */
	struct smaps_sizes sizes;
};

/* Call `each` for every region of the text, as far as it goes. */
__attribute__((nonnull(1, 3))) void
smaps_each(const char *text, size_t len,
	   void (*each)(void *arg, const struct smaps_region *region), void *arg);

__attribute__((nonnull)) void smaps_add(struct smaps_sizes *to,
					const struct smaps_sizes *more);

#endif
