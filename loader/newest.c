/* Handing the live changes from one generation to the next. */
#include "loader/newest.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "loader/leading.h"
#include "loader/newest_changes.h"
#include "loader/redis/follow.h"
#include "loader/resolving.h"
#include "loader/serve.h"
#include "loader/store/generations.h"
#include "loader/store/live.h"
#include "loader/store/overlay_copy.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_paths.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* ---- opening ---- */

/* From now on `live` (NULL: nothing) is what is open. */
static void
take(struct sync *sync, struct live *live, uint64_t id)
{
	struct live *old = sync->live;

	sync->live = live;
	sync->live_id = live ? id : 0;
	sync->is_full = sync->is_given = false;
	newest_give_store(sync);
	live_close(old);
}

static int
fail(uint64_t id, int result, char reason[SYNC_REASON_MAX])
{
	snprintf(reason, SYNC_REASON_MAX, "the overlay of generation %" PRIu64 " %s%s",
		 id, errcode_text(result), sync_remedy(result));
	return result;
}

static bool
is_open_in_workers(const struct sync *sync, uint64_t id)
{
	return atomic_load(&sync->region->swap.published_id) == id ||
	       atomic_load(&sync->region->swap.announced_id) == id;
}

/* LMDB does not withstand all damage: has the sync before this one died of it?  Some shows
 * only to who writes; where nothing is served yet, and the second one has died, nothing is
 * lost by giving the overlay up. */
static int
check_overlay(const struct sync *sync, uint64_t id, const char *dir)
{
	const struct region_swap *swap = &sync->region->swap;
	uint32_t faults = atomic_load(&swap->sync_faults);
	char path[PATH_MAX], found[OVERLAY_CHECK_REASON_MAX];

	if (faults == 0 || !overlay_dirs_has(sync->state_dir, id))
		return 0;
	if (faults > 1 && atomic_load(&swap->published_id) == 0)
		return ERR_DAMAGED;
	if (!state_path_print(path, "%s/" OVERLAY_DIR, dir))
		return ERR_RANGE;
	return overlay_check(path, found) == ERR_DAMAGED ? ERR_DAMAGED : 0;
}

static int
open_live(struct sync *sync, uint64_t id, struct live **out, char reason[SYNC_REASON_MAX])
{
	struct generation_manifest manifest = { 0 };
	uint64_t names = sync->settings->generations.overlay_max_records;
	char dir[PATH_MAX];
	int result;

	if (!state_path_generation(sync->state_dir, id, dir))
		return fail(id, ERR_RANGE, reason);
	if (generation_read_manifest(dir, &manifest) == 0 &&
	    manifest.record_count / NEWEST_BASE_SHARE > names)
		names = manifest.record_count / NEWEST_BASE_SHARE;
	result = check_overlay(sync, id, dir);
	if (result == 0)
		result = live_open(dir, names * NEWEST_FULL_TIMES, out);
	if (result == ERR_DAMAGED && !is_open_in_workers(sync, id)) {
		fail(id, result, reason);
		sync_note_error(sync, "%s: what changed since is read again", reason);
		overlay_dirs_discard(sync->state_dir, id);
		result = live_open(dir, names * NEWEST_FULL_TIMES, out);
	}
	if (result == 0) {
		live_set_lead(*out, leading_find, leading_note, sync->leading);
		result = live_set_signer(*out, sync->settings, sync->signer_fd);
		if (result)
			live_close(*out);
	}
	return result ? fail(id, result, reason) : 0;
}

/* Do changes go to this generation?  Without Redis there may be those of addresses alone. */
static bool
takes_changes(const struct sync *sync, uint64_t id)
{
	char dir[PATH_MAX];

	return sync->settings->redis.enable || overlay_dirs_has(sync->state_dir, id) ||
	       (state_path_generation(sync->state_dir, id, dir) &&
		resolving_is_needed(dir));
}

int
newest_open(struct sync *sync, uint64_t id, char reason[SYNC_REASON_MAX])
{
	struct live *live;
	int result;

	if ((sync->live && sync->live_id == id) || !takes_changes(sync, id))
		return 0;
	take(sync, NULL, 0);
	result = open_live(sync, id, &live, reason);
	if (result == 0)
		take(sync, live, id);
	return result;
}

int
newest_replace_overlay(struct sync *sync, uint64_t id, char reason[SYNC_REASON_MAX])
{
	struct generation_manifest manifest;
	uint64_t next = sync_next_id(sync);
	int result = generations_alias(sync->state_dir, id, next, 0, &manifest);

	if (result) {
		snprintf(reason, SYNC_REASON_MAX,
			 "generation %" PRIu64 " cannot be copied: %s%s", id,
			 errcode_text(result), sync_remedy(result));
		return result;
	}
	if (sync->live_id == id)
		take(sync, NULL, 0);
	result = newest_serve(sync, &manifest, false, reason);
	if (result) {
		generations_remove(sync->state_dir, next);
		return result;
	}
	overlay_dirs_discard(sync->state_dir, id);
	return 0;
}

/* ---- the next one ---- */

struct succession {
	struct sync *sync;
	const struct generation_manifest *manifest;
	struct live *next;
	bool is_heir; /* takes over what the present one has */
	uint64_t since; /* of the present one's commits, what is copied */
	bool is_lent; /* the follower may have been given `next` */
};

static int
copy(struct succession *s, bool is_last, char reason[SYNC_REASON_MAX])
{
	int result = 0;

	if (s->is_heir)
		result = overlay_copy_since(live_overlay(s->sync->live),
					    live_overlay(s->next), &s->since, is_last);
	return result ? fail(s->manifest->id, result, reason) : 0;
}

/* Before `current` names it: what nobody else has must be on the device. */
static int
make_durable(const struct succession *s, char reason[SYNC_REASON_MAX])
{
	char dir[PATH_MAX], overlay_dir[PATH_MAX];
	int result = overlay_sync(live_overlay(s->next));

	if (result == 0 &&
	    (!state_path_generation(s->sync->state_dir, s->manifest->id, dir) ||
	     !state_path_print(overlay_dir, "%s/" OVERLAY_DIR, dir)))
		result = ERR_RANGE;
	if (result == 0)
		result = state_path_sync(overlay_dir, O_DIRECTORY);
	if (result == 0)
		result = state_path_sync(dir, O_DIRECTORY);
	return result ? fail(s->manifest->id, result, reason) : 0;
}

/* What has waited for it comes along. */
static int
bring(struct succession *s, char reason[PUBLISH_REASON_MAX])
{
	if (!s->sync->follow)
		return 0;
	s->is_lent = true;
	return follow_finish_aside(s->sync->follow, s->next, reason);
}

static int
complete(void *context, char reason[PUBLISH_REASON_MAX])
{
	struct succession *s = context;
	int result;

	if (!s->is_heir)
		return 0;
	result = copy(s, true, reason);
	if (result == 0)
		result = bring(s, reason);
	return result == 0 ? make_durable(s, reason) : result;
}

/* Most of what came since is copied while the workers need not wait for it. */
static int
prepare(struct succession *s, bool is_load, char reason[SYNC_REASON_MAX])
{
	struct sync *sync = s->sync;
	int result = open_live(sync, s->manifest->id, &s->next, reason);

	if (result)
		return result;
	s->is_heir = !is_load && sync->live && s->manifest->base_id == sync->live_id;
	s->since = s->manifest->base_commit;
	if (!is_load)
		return copy(s, false, reason);
	result = follow_finish_load(sync->follow, s->next, reason);
	/* while workers change over it must not be given the old one again: that one has
	 * no place in the stream, and all would be read once more */
	s->is_lent = true;
	sync->is_given = result == 0;
	sync->given_why = NULL;
	return result;
}

static void
undo(struct succession *s)
{
	if (s->is_lent) {
		s->sync->is_given = false;
		newest_give_store(s->sync);
	}
	live_close(s->next);
}

/* The one that it was made from must not be taken for the newest any more. */
static void
retire_base(const struct sync *sync, const struct generation_manifest *manifest)
{
	if (manifest->base_id != 0 &&
	    overlay_dirs_has(sync->state_dir, manifest->base_id))
		overlay_dirs_retire(sync->state_dir, manifest->base_id);
}

int
newest_serve(struct sync *sync, const struct generation_manifest *manifest, bool is_load,
	     char reason[SYNC_REASON_MAX])
{
	struct succession s = { .sync = sync, .manifest = manifest };
	bool is_opened =
		manifest->id != sync->live_id && takes_changes(sync, manifest->id);
	int result = is_opened ? prepare(&s, is_load, reason) : 0;

	if (result == 0)
		result = serve_generation(sync, manifest, complete, &s, reason);
	if (result) {
		undo(&s);
		return result;
	}
	if (is_opened)
		take(sync, s.next, manifest->id);
	else if (manifest->id != sync->live_id)
		take(sync, NULL, 0);
	sync->is_base_lost = false;
	newest_follow(sync);
	retire_base(sync, manifest);
	return 0;
}

/* ---- damage ---- */

/* Put what `lost` took in on top, if it was made from the one that is open now. */
static void
stack(struct sync *sync, uint64_t lost)
{
	struct generation_manifest manifest;
	char path[PATH_MAX], dir[PATH_MAX];
	struct overlay *from;
	uint64_t missing = 0;
	int result;

	if (!state_path_generation(sync->state_dir, lost, dir) ||
	    !state_path_print(path, "%s/" OVERLAY_DIR, dir) ||
	    generation_read_manifest(dir, &manifest) != 0 ||
	    manifest.base_id != sync->live_id || (manifest.flags & GENERATION_LOADED))
		return;
	result = overlay_open_snapshot(path, &from);
	if (result)
		return;
	result = overlay_copy_onto_base(from, sync->live, &missing);
	overlay_close(from);
	if (result == 0)
		result = overlay_sync(live_overlay(sync->live));
	if (result)
		log_errorx("the changes that generation %" PRIu64
			   " took in cannot be put onto %" PRIu64
			   ": %s; they are read again",
			   lost, sync->live_id, errcode_text(result));
	else
		log_info("what generation %" PRIu64 " took in is on top of %" PRIu64
			 ", but for %" PRIu64 " zones that only that one had",
			 lost, sync->live_id, missing);
}

/* Has Redis been read into what is open?  Only the overlay is looked at: the generation
 * may be damaged. */
static bool
is_loaded(struct live *live)
{
	uint8_t octet;

	return live_read_note(live, FOLLOW_CURSOR_NOTE, &octet, sizeof octet) >= 0;
}

bool
newest_stand_in(struct sync *sync, uint64_t id, uint64_t lost)
{
	const char *held_why = sync->held_why;
	char reason[SYNC_REASON_MAX];
	bool was_loaded;

	overlay_dirs_restore(sync->state_dir, id);
	if (!sync->settings->redis.enable)
		return true;
	was_loaded = sync->live && sync->live_id == lost && is_loaded(sync->live);
	/* its place in the source is read once all changes are on top */
	newest_hold(sync, "a generation is damaged, another one takes its place");
	if (newest_open(sync, id, reason) == 0)
		stack(sync, lost);
	else
		log_errorx("%s", reason);
	newest_hold(sync, held_why);
	return !was_loaded || (sync->live && is_loaded(sync->live));
}

void
newest_give_up(struct sync *sync)
{
	take(sync, NULL, 0);
	sync->is_base_lost = true;
}
