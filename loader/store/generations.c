/* The directories of sealed generations: made, listed, removed. */
#include "loader/store/generations.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "loader/store/watch_list.h"
#include "shm/errcode.h"
#include "shm/log.h"

int
generations_sync_dir(const char *dir)
{
	DIR *files = opendir(dir);
	char path[PATH_MAX];
	struct dirent *file;
	int result = 0;

	if (!files)
		return errcode_from_errno(errno);
	while (result == 0 && (file = readdir(files))) {
		if (file->d_name[0] == '.' || file->d_type == DT_DIR)
			continue;
		result = state_path_print(path, "%s/%s", dir, file->d_name)
				 ? state_path_sync(path, 0)
				 : ERR_RANGE;
	}
	closedir(files);
	return result ? result : state_path_sync(dir, O_DIRECTORY);
}

/* Remove what the directory `name` in `at` holds, `depth` levels of directories, and
 * itself.  returns 0 or -1 with errno. */
static int
remove_tree(int at, const char *name, unsigned depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *files = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *file;

	if (files) {
		while ((file = readdir(files))) {
			if (strcmp(file->d_name, ".") == 0 ||
			    strcmp(file->d_name, "..") == 0)
				continue;
			if (unlinkat(dirfd(files), file->d_name, 0) != 0 && depth > 1)
				(void)remove_tree(dirfd(files), file->d_name, depth - 1);
		}
		closedir(files);
	} else if (fd >= 0) {
		close(fd);
	}
	return unlinkat(at, name, AT_REMOVEDIR);
}

void
generations_remove_dir(const char *path)
{
	if (remove_tree(AT_FDCWD, path, 2) != 0 && errno != ENOENT)
		log_warn("%s cannot be removed", path);
}

void
generations_remove_build(const char *state_dir, uint64_t id)
{
	char path[PATH_MAX];

	if (state_path_build(state_dir, id, path))
		generations_remove_dir(path);
}

/* The name goes first, so that no one finds half of it. */
void
generations_remove(const char *state_dir, uint64_t id)
{
	char path[PATH_MAX], doomed[PATH_MAX];

	if (!state_path_generation(state_dir, id, path) ||
	    !state_path_build(state_dir, id, doomed))
		return;
	if (rename(path, doomed) == 0)
		generations_remove_dir(doomed);
	else if (errno != ENOENT)
		log_warn("%s cannot be removed", path);
}

int
generations_finish(const char *state_dir, uint64_t id)
{
	char from[PATH_MAX], to[PATH_MAX], dir[PATH_MAX];

	if (!state_path_build(state_dir, id, from) ||
	    !state_path_generation(state_dir, id, to) ||
	    !state_path_print(dir, "%s/" GENERATIONS_DIR, state_dir))
		return ERR_RANGE;
	if (rename(from, to) != 0)
		return errcode_from_errno(errno);
	return state_path_sync(dir, O_DIRECTORY);
}

static bool
has_suffix(const char *text, const char *suffix)
{
	size_t len = strlen(text), suffix_len = strlen(suffix);

	return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static void
remove_leftovers(const char *dir, DIR *names)
{
	struct dirent *name;
	char path[PATH_MAX];

	while ((name = readdir(names))) {
		if (!has_suffix(name->d_name, GENERATIONS_BUILD_SUFFIX) ||
		    !state_path_print(path, "%s/%s", dir, name->d_name))
			continue;
		log_info("removing %s, which was left half done", path);
		generations_remove_dir(path);
	}
}

void
generations_remove_leftovers(const char *state_dir)
{
	char path[PATH_MAX];
	DIR *names;

	if (!state_path_print(path, "%s/" GENERATIONS_DIR, state_dir))
		return;
	names = opendir(path);
	if (!names)
		return;
	remove_leftovers(path, names);
	closedir(names);
}

int
generations_prepare(const char *state_dir)
{
	static const char *const links[] = { "current.new", "chosen.new" };
	char path[PATH_MAX];
	DIR *names;
	int result;

	for (size_t i = 0; i < sizeof links / sizeof *links; i++)
		if (state_path_print(path, "%s/%s", state_dir, links[i]))
			unlink(path);
	if (!state_path_print(path, "%s/" GENERATIONS_DIR, state_dir)) {
		log_errorx("state_dir %s: the path is too long", state_dir);
		return ERR_RANGE;
	}
	if (mkdir(path, 0750) != 0 && errno != EEXIST) {
		result = errcode_from_errno(errno);
		log_error("%s cannot be made: check the rights on state_dir", path);
		return result;
	}
	names = opendir(path);
	if (!names) {
		result = errcode_from_errno(errno);
		log_error("%s cannot be read: check its owner and rights", path);
		return result;
	}
	remove_leftovers(path, names);
	closedir(names);
	return 0;
}

static uint64_t
dir_bytes(const char *dir)
{
	static const char *const names[] = { "manifest",
					     "data.mdb",
					     "index",
					     WATCH_LIST_FILE,
					     OVERLAY_DIR "/data.mdb",
					     OVERLAY_DIR "/filter",
					     OVERLAY_OLD_DIR "/data.mdb" };
	char path[PATH_MAX];
	uint64_t sum = 0;
	struct stat info;

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (state_path_print(path, "%s/%s", dir, names[i]) &&
		    lstat(path, &info) == 0)
			sum += (uint64_t)info.st_size;
	return sum;
}

static bool
list_add(struct generation_list *list, const char *state_dir, uint64_t id)
{
	struct generation_entry *grown, *entry;
	char path[PATH_MAX], reason[STATE_REASON_MAX];

	grown = realloc(list->entries, (list->count + 1) * sizeof *grown);
	if (!grown)
		return false;
	list->entries = grown;
	entry = &grown[list->count++];
	memset(entry, 0, sizeof *entry);
	if (!state_path_generation(state_dir, id, path))
		entry->error = ERR_RANGE;
	else
		entry->error = generation_read_manifest(path, &entry->manifest);
	if (entry->error == 0 && entry->manifest.id != id)
		entry->error = ERR_DAMAGED;
	if (entry->error)
		memset(&entry->manifest, 0, sizeof entry->manifest);
	entry->manifest.id = id;
	entry->bytes = dir_bytes(path);
	entry->damaged = state_read_damage(state_dir, id, reason);
	return true;
}

static int
entry_compare(const void *a, const void *b)
{
	uint64_t left = ((const struct generation_entry *)a)->manifest.id;
	uint64_t right = ((const struct generation_entry *)b)->manifest.id;

	return (left > right) - (left < right);
}

int
generations_list(const char *state_dir, struct generation_list *out)
{
	struct generation_list list = { NULL, 0 };
	struct dirent *name;
	char path[PATH_MAX];
	uint64_t id;
	DIR *names;

	if (!state_path_print(path, "%s/" GENERATIONS_DIR, state_dir))
		return ERR_RANGE;
	names = opendir(path);
	if (!names)
		return errcode_from_errno(errno);
	while ((name = readdir(names))) {
		if (!state_path_parse_id(name->d_name, &id))
			continue;
		if (!list_add(&list, state_dir, id)) {
			closedir(names);
			generations_list_free(&list);
			return ERR_NOMEM;
		}
	}
	closedir(names);
	if (list.count)
		qsort(list.entries, list.count, sizeof *list.entries, entry_compare);
	*out = list;
	return 0;
}

void
generations_list_free(struct generation_list *list)
{
	free(list->entries);
	list->entries = NULL;
	list->count = 0;
}

const struct generation_entry *
generations_find(const struct generation_list *list, uint64_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].manifest.id == id)
			return &list->entries[i];
	return NULL;
}

bool
generation_entry_is_source(const struct generation_entry *entry)
{
	return entry->error == 0 && !entry->damaged &&
	       !(entry->manifest.flags & GENERATION_TAKEN_IN);
}
