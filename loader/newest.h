/* The newest state of the sources: a generation, with the overlay that live changes go to
 * while Redis is followed.
 *
 * While `rollback` or `swap` has another generation served it stays as it is, and changes
 * wait.  A successor is sealed from it by a job, as of some commit; what was committed
 * since is copied when it is published. */
#ifndef LOADER_NEWEST_H
#define LOADER_NEWEST_H

#include "loader/sync_state.h"
#include "shm/generation.h"

/* Have the overlay of generation `id` open (when Redis is enabled), made when there is
 * none; what was open before is closed.  Changes go nowhere before newest_follow.
 * returns 0; else an error code with a reason, and nothing is open.  A damaged overlay
 * that no worker has open is replaced by an empty one; else it is ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int newest_open(struct sync *sync, uint64_t id, char reason[SYNC_REASON_MAX]);

/* The overlay of generation `id`, which is served, is damaged: serve the sealed state of
 * it, under a number of its own, until what changed has been read again.
 * returns 0, or an error code with a reason. */
__attribute__((nonnull, warn_unused_result))
int newest_replace_overlay(struct sync *sync, uint64_t id, char reason[SYNC_REASON_MAX]);

/* Serve a generation that was checked as the newest state: its overlay is open and takes
 * the changes from then on.  When it was made from what was the newest until now, that
 * one's later changes come along.
 * is_load  it holds what the first load of Redis has read
 * returns  and `reason` as publish_generation; on failure all is as before. */
__attribute__((nonnull, warn_unused_result))
int newest_serve(struct sync *sync, const struct generation_manifest *manifest, bool is_load,
		 char reason[SYNC_REASON_MAX]);

/* Damage was found in generation `lost`: make `id`, from which it may have been made, the
 * state that stands for it, both overlays on top.
 * returns false when it does not stand for it: it is from before the first load of Redis,
 * while something that has been loaded is served. */
__attribute__((nonnull, warn_unused_result))
bool newest_stand_in(struct sync *sync, uint64_t id, uint64_t lost);

/* What is served is damaged and nothing can stand in: nothing is built on it.  The
 * follower will want all of Redis read. */
__attribute__((nonnull))
void newest_give_up(struct sync *sync);

#endif
