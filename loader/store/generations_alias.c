/* One sealed state under two numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/store/generations.h"
#include "loader/store/state_paths.h"
#include "loader/store/watch_list.h"
#include "shm/errcode.h"

enum { DIR_MODE = 0750, FILE_MODE = 0440 };

static int
link_file(const char *from_dir, const char *to_dir, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];

	if (!state_path_print(from, "%s/%s", from_dir, name) ||
	    !state_path_print(to, "%s/%s", to_dir, name))
		return ERR_RANGE;
	return link(from, to) == 0 ? 0 : errcode_from_errno(errno);
}

static int
write_manifest(const char *dir, struct generation_manifest *manifest)
{
	char path[PATH_MAX];
	ssize_t written;
	int fd;

	manifest->manifest_xxh3 = XXH3_64bits(
		manifest, offsetof(struct generation_manifest, manifest_xxh3));
	if (!state_path_print(path, "%s/manifest", dir))
		return ERR_RANGE;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return errcode_from_errno(errno);
	errno = 0;
	written = write(fd, manifest, sizeof *manifest);
	close(fd);
	if (written == (ssize_t)sizeof *manifest)
		return 0;
	return errno ? errcode_from_errno(errno) : ERR_NOSPACE;
}

static int
fill_dir(const char *from_dir, const char *to_dir, struct generation_manifest *manifest)
{
	int result = link_file(from_dir, to_dir, "data.mdb");

	if (result == 0)
		result = link_file(from_dir, to_dir, "index");
	if (result == 0)
		result = link_file(from_dir, to_dir, WATCH_LIST_FILE);
	if (result == ERR_NOTFOUND)
		result = 0; /* a generation of before has none */
	if (result == 0)
		result = write_manifest(to_dir, manifest);
	return result == 0 ? generations_sync_dir(to_dir) : result;
}

int
generations_alias(const char *state_dir, uint64_t from, uint64_t id, uint64_t flags,
		  struct generation_manifest *manifest)
{
	char from_dir[PATH_MAX], to_dir[PATH_MAX];
	int result;

	if (!state_path_generation(state_dir, from, from_dir) ||
	    !state_path_build(state_dir, id, to_dir))
		return ERR_RANGE;
	result = generation_read_manifest(from_dir, manifest);
	if (result)
		return result;
	manifest->id = id;
	manifest->flags = flags | (manifest->flags & GENERATION_LOADED);
	if (mkdir(to_dir, DIR_MODE) != 0)
		return errcode_from_errno(errno);
	result = fill_dir(from_dir, to_dir, manifest);
	if (result == 0)
		result = generations_finish(state_dir, id);
	if (result)
		generations_remove_build(state_dir, id);
	return result;
}
