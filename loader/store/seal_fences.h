/* Fences and heads of a generation's order (shm/order_fence.h), collected as it grows. */
#ifndef LOADER_STORE_SEAL_FENCES_H
#define LOADER_STORE_SEAL_FENCES_H

#include <stddef.h>
#include <stdint.h>

#include "shm/order_fence.h"

/* Owned by the caller; all zero is an empty one. */
struct seal_fences {
	struct index_fence *list;
	uint64_t *heads;		/* of all entries */
	uint64_t count, head_count;
	size_t room, head_room;
	struct order_block block;	/* entries that have none as yet */
};

/* Start over; the lists keep their memory. */
__attribute__((nonnull))
void seal_fences_reset(struct seal_fences *fences);

/* End the block of the zone before.  returns the number of the next fence, the first one of
 * the zone that begins. */
__attribute__((nonnull))
uint32_t seal_fences_begin(struct seal_fences *fences);

/* The next entry of the order: `owner` in a zone whose apex has `apex_labels` labels.
 * returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int seal_fences_add(struct seal_fences *fences, const uint8_t *owner, unsigned apex_labels);

__attribute__((nonnull))
void seal_fences_fini(struct seal_fences *fences);

#endif
