/* Sealing what a builder holds, the way sync's jobs do it. */
#ifndef LOADER_SEALING_H
#define LOADER_SEALING_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/job.h"
#include "loader/store/builder.h"
#include "loader/sync_state.h"

/* In the job: write generation `id` under the name of one that is being built, and check
 * it.
 * is_first  nothing is served yet: it need neither be durable, since the sources can give
 *           all of it again, nor checked before it is served
 * flags     as in generation_manifest
 * returns   0, or an error code with a reason and nothing is left behind. */
__attribute__((nonnull, warn_unused_result))
int sealing_write(struct sync *sync, struct builder *builder, uint64_t id, bool is_first,
		  uint64_t flags, struct generation_manifest *manifest,
		  char reason[JOB_REASON_MAX]);

/* In sync, for the job's `answer`: zone ids for the zones that it has read anew. */
__attribute__((nonnull))
uint64_t sealing_answer(struct sync *sync, uint64_t question);

/* In sync: give what was sealed its own name, and serve it.
 * manifest  as it was written; as it was read on success
 * is_first  as above: it is written through to the device once it is served
 * is_load   as for newest_serve
 * returns   0, or an error code with a reason and nothing is left of it. */
__attribute__((nonnull, warn_unused_result))
int sealing_serve(struct sync *sync, struct generation_manifest *manifest, bool is_first,
		  bool is_load, char reason[SYNC_REASON_MAX]);

#endif
