/* Renaming and removing overlays. */
#include "loader/store/overlay_dirs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "shm/log.h"

static bool
path_of(const char *state_dir, uint64_t id, const char *name, char out[PATH_MAX])
{
	char dir[PATH_MAX];

	return state_path_generation(state_dir, id, dir) &&
	       state_path_print(out, "%s/%s", dir, name);
}

static bool
has(const char *state_dir, uint64_t id, const char *name)
{
	char path[PATH_MAX];
	struct stat info;

	return path_of(state_dir, id, name, path) && lstat(path, &info) == 0 &&
	       S_ISDIR(info.st_mode);
}

static void
discard(const char *state_dir, uint64_t id, const char *name)
{
	char path[PATH_MAX];

	if (has(state_dir, id, name) && path_of(state_dir, id, name, path))
		generations_remove_dir(path);
}

bool
overlay_dirs_has(const char *state_dir, uint64_t id)
{
	return has(state_dir, id, OVERLAY_DIR);
}

bool
overlay_dirs_has_retired(const char *state_dir, uint64_t id)
{
	return has(state_dir, id, OVERLAY_OLD_DIR);
}

void
overlay_dirs_discard(const char *state_dir, uint64_t id)
{
	discard(state_dir, id, OVERLAY_DIR);
}

/* returns whether it was there and is renamed, durably. */
static bool
rename_overlay(const char *state_dir, uint64_t id, const char *from, const char *to)
{
	char from_path[PATH_MAX], to_path[PATH_MAX], dir[PATH_MAX];

	if (!path_of(state_dir, id, from, from_path) ||
	    !path_of(state_dir, id, to, to_path) ||
	    !state_path_generation(state_dir, id, dir))
		return false;
	if (rename(from_path, to_path) != 0) {
		if (errno != ENOENT)
			log_error("%s cannot be renamed", from_path);
		return false;
	}
	if (state_path_sync(dir, O_DIRECTORY) != 0)
		log_warnx("%s cannot be written through to the device", dir);
	return true;
}

/* All overlays that were retired but that of `id`. */
static void
discard_retired(const char *state_dir, uint64_t id)
{
	struct generation_list list;

	if (generations_list(state_dir, &list) != 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		if (list.entries[i].manifest.id != id)
			discard(state_dir, list.entries[i].manifest.id, OVERLAY_OLD_DIR);
	generations_list_free(&list);
}

void
overlay_dirs_retire(const char *state_dir, uint64_t id)
{
	discard(state_dir, id, OVERLAY_OLD_DIR);
	if (rename_overlay(state_dir, id, OVERLAY_DIR, OVERLAY_OLD_DIR))
		discard_retired(state_dir, id);
}

bool
overlay_dirs_restore(const char *state_dir, uint64_t id)
{
	if (has(state_dir, id, OVERLAY_DIR))
		return true;
	return rename_overlay(state_dir, id, OVERLAY_OLD_DIR, OVERLAY_DIR);
}

static void
settle_one(const char *state_dir, const struct generation_manifest *manifest,
	   uint64_t current)
{
	if (manifest->base_id == 0 || (manifest->flags & GENERATION_TAKEN_IN) ||
	    !overlay_dirs_has(state_dir, manifest->base_id))
		return;
	if (manifest->id == current) {
		overlay_dirs_retire(state_dir, manifest->base_id);
		return;
	}
	log_info("generation %" PRIu64 " was made and not served: removed", manifest->id);
	generations_remove(state_dir, manifest->id);
}

void
overlay_dirs_settle(const char *state_dir)
{
	struct generation_list list;
	uint64_t current;

	if (state_read_current(state_dir, &current) != 0 ||
	    generations_list(state_dir, &list) != 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		if (list.entries[i].error == 0 && !list.entries[i].damaged)
			settle_one(state_dir, &list.entries[i].manifest, current);
	generations_list_free(&list);
}
