/* The index of a generation (shm/generation.h), made by one walk over its nodes. */
#ifndef LOADER_STORE_SEAL_INDEX_H
#define LOADER_STORE_SEAL_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "loader/store/node_reader.h"
#include "loader/store/seal_buckets.h"
#include "loader/store/seal_fences.h"
#include "shm/generation.h"

/* What the walk counts for the manifest. */
struct index_summary {
	uint64_t zone_count, record_count, name_count, broken_count, fault_count;
};

/* An index in memory; owned by the caller, all zero is an empty one. */
struct seal_index {
	struct index_head head;		/* its sections are placed when it is written */
	struct index_summary summary;
	struct seal_buckets buckets;
	struct index_zone *zones;
	uint64_t *order;
	struct index_nsec3 *nsec3;
	struct seal_fences fences;	/* of `order` */
	size_t zone_room, order_room, nsec3_room;
	uint32_t *zone_flags;		/* enum zone_flag, in step with `zones` */
};

/* Make the index of the nodes in `reader`; `name_count` of them.
 * data_len  of the data file
 * returns 0; ERR_NOMEM; ERR_DAMAGED when the nodes contradict each other; ERR_FULL when
 *           no seed and size was found that keeps the runs short; ERR_RANGE when the
 *           file is longer than offsets reach; ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int seal_index_make(struct node_reader *reader, uint64_t name_count, uint64_t data_len,
		    struct seal_index *out);

__attribute__((nonnull))
void seal_index_fini(struct seal_index *index);

/* Write it to `fd`, by write(2).
 * returns 0, ERR_NOSPACE or ERR_IO. */
__attribute__((nonnull, warn_unused_result))
int seal_index_write(const struct seal_index *index, int fd, uint64_t *len, uint64_t *xxh3);

#endif
