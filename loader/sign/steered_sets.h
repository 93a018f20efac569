/* Which records a steered RRset may be answered with, for clients of each place, without
 * asking who they are: what is worth being signed before anybody asks. */
#ifndef LOADER_SIGN_STEERED_SETS_H
#define LOADER_SIGN_STEERED_SETS_H

#include "loader/zone/zone_records.h"
#include "shm/steered.h"

struct steered_sets {
	unsigned count;
	struct steered_records sets[STEERED_SETS_MAX]; /* different ones, none of all records */
};

/* Go through the steps of worker/steer.h for every place that the RRset names, up to
 * STEERED_SETS_MAX.
 * up  candidates that health leaves; NULL: all */
__attribute__((nonnull(1, 3)))
void steered_sets_find(const struct steered *steered, const struct steered_records *up,
		       struct steered_sets *out);

/* Records of the RRset as they are signed: rdata alone, in canonical order; borrowed from it.
 * returns how many. */
__attribute__((nonnull, warn_unused_result))
size_t steered_sets_records(const struct steered *steered, const struct steered_records *set,
			    struct zone_record out[STEERED_MAX]);

/* The same of all. */
__attribute__((nonnull, warn_unused_result))
size_t steered_sets_all(const struct steered *steered, struct zone_record out[STEERED_MAX]);

#endif
