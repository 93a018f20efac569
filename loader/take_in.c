/* Copying a generation, so that nobody else can change what is served. */
#include "loader/take_in.h"
#include "loader/store/state_paths.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/file_copy.h"
#include "loader/store/disk_space.h"
#include "loader/store/generations.h"
#include "loader/store/store_verify.h"
#include "loader/store/watch_list.h"
#include "shm/errcode.h"
#include "shm/file_write.h"

enum { FILE_MODE = 0440, DIR_MODE = 0750 };

struct taking {
	const char *from_path; /* as the operator named it */
	int from_fd, to_fd; /* directories */
	char to_path[PATH_MAX];
	uint64_t reserve_bytes; /* to be left free */
	char *reason;
};

__attribute__((format(printf, 3, 4))) static int
fail(const struct taking *taking, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(taking->reason, SYNC_REASON_MAX, format, args);
	va_end(args);
	return error;
}

static int
fail_file(const struct taking *taking, const char *name, int error)
{
	return fail(taking, error, "%s/%s: %s", taking->from_path, name,
		    errcode_text(error));
}

/* A regular file of exactly `len` octets.  returns its descriptor or an error code. */
static int
open_source(const struct taking *taking, const char *name, uint64_t len)
{
	struct stat info;
	int fd = openat(taking->from_fd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return fail(taking, ERR_NOTFOUND,
			    "%s has no file %s: it is no generation; `martletctl build "
			    "DIR` makes one",
			    taking->from_path, name);
	if (fd < 0)
		return errno == ELOOP
			       ? fail(taking, ERR_FORMAT,
				      "%s/%s is a link: copy the file itself there",
				      taking->from_path, name)
			       : fail_file(taking, name, errcode_from_errno(errno));
	if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
		close(fd);
		return fail(taking, ERR_FORMAT, "%s/%s is no regular file",
			    taking->from_path, name);
	}
	if ((uint64_t)info.st_size != len) {
		close(fd);
		return fail(
			taking, ERR_DAMAGED,
			"%s/%s is damaged: it has %jd octets and should have %" PRIu64,
			taking->from_path, name, (intmax_t)info.st_size, len);
	}
	return fd;
}

static int
create_target(const struct taking *taking, const char *name)
{
	int fd = openat(taking->to_fd, name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);

	if (fd >= 0)
		return fd;
	return fail(taking, errcode_from_errno(errno), "%s/%s cannot be written: %s",
		    taking->to_path, name, strerror(errno));
}

static int
copy_file(const struct taking *taking, const char *name, uint64_t len)
{
	int from, to, result;

	from = open_source(taking, name, len);
	if (from < 0)
		return from;
	to = create_target(taking, name);
	if (to < 0) {
		close(from);
		return to;
	}
	result = file_copy(from, to, len);
	close(from);
	close(to);
	if (result)
		fail(taking, result, "%s/%s cannot be copied: %s%s", taking->from_path,
		     name, errcode_text(result), sync_remedy(result));
	return result;
}

/* The foreign manifest, by way of a copy of ours. */
static int
take_manifest(const struct taking *taking, struct generation_manifest *manifest)
{
	int result = copy_file(taking, "manifest", sizeof *manifest);

	if (result)
		return result;
	result = generation_read_manifest(taking->to_path, manifest);
	if (result)
		return fail(taking, result, "the generation in %s %s", taking->from_path,
			    errcode_text(result));
	if (unlinkat(taking->to_fd, "manifest", 0) != 0)
		return fail(taking, ERR_IO, "%s/manifest cannot be replaced",
			    taking->to_path);
	return 0;
}

static int
write_manifest(const struct taking *taking, const struct generation_manifest *manifest)
{
	int fd = create_target(taking, "manifest");
	int result;

	if (fd < 0)
		return fd;
	result = file_write(fd, manifest, sizeof *manifest);
	if (result == 0 && fsync(fd) != 0)
		result = errcode_from_errno(errno);
	close(fd);
	if (result)
		return fail(taking, result, "%s/manifest cannot be written: %s%s",
			    taking->to_path, errcode_text(result), sync_remedy(result));
	return 0;
}

/* A generation of before has none. */
static int
copy_watched(const struct taking *taking)
{
	struct stat info;

	if (fstatat(taking->from_fd, WATCH_LIST_FILE, &info, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	return copy_file(taking, WATCH_LIST_FILE, (uint64_t)info.st_size);
}

static int
copy_all(const struct taking *taking, uint64_t id, struct generation_manifest *manifest)
{
	int result = take_manifest(taking, manifest);

	if (result == 0)
		result = disk_space_check(taking->to_path,
					  manifest->data_len + manifest->index_len,
					  taking->reserve_bytes, taking->reason);
	if (result == 0)
		result = copy_file(taking, "data.mdb", manifest->data_len);
	if (result == 0)
		result = copy_file(taking, "index", manifest->index_len);
	if (result == 0)
		result = copy_watched(taking);
	if (result)
		return result;
	manifest->id = id;
	manifest->flags |= GENERATION_TAKEN_IN;
	manifest->base_id = manifest->base_commit = 0;
	manifest->manifest_xxh3 = XXH3_64bits(
		manifest, offsetof(struct generation_manifest, manifest_xxh3));
	result = write_manifest(taking, manifest);
	if (result == 0 && fsync(taking->to_fd) != 0)
		result = fail(taking, ERR_IO, "%s cannot be written through: %s",
			      taking->to_path, strerror(errno));
	return result;
}

static int
verify_copy(const struct taking *taking)
{
	char found[STORE_VERIFY_REASON_MAX];
	int result = store_verify(taking->to_path, found);

	if (result)
		fail(taking, result, "the generation in %s %s", taking->from_path, found);
	return result;
}

static int
open_dirs(struct taking *taking, const char *state_dir, uint64_t id)
{
	if (!state_path_build(state_dir, id, taking->to_path))
		return fail(taking, ERR_RANGE, "state_dir %s is too long a path",
			    state_dir);
	taking->from_fd = open(taking->from_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (taking->from_fd < 0)
		return fail(taking, errcode_from_errno(errno), "%s cannot be opened: %s",
			    taking->from_path, strerror(errno));
	if (mkdir(taking->to_path, DIR_MODE) != 0)
		return fail(taking, errcode_from_errno(errno), "%s cannot be made: %s",
			    taking->to_path, strerror(errno));
	taking->to_fd =
		open(taking->to_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (taking->to_fd < 0)
		return fail(taking, errcode_from_errno(errno), "%s cannot be opened: %s",
			    taking->to_path, strerror(errno));
	return 0;
}

int
take_in_generation(const struct sync *sync, const char *dir, uint64_t id,
		   struct generation_manifest *manifest, char reason[SYNC_REASON_MAX])
{
	struct taking taking = {
		.from_path = dir,
		.from_fd = -1,
		.to_fd = -1,
		.reserve_bytes = (uint64_t)sync->settings->generations.reserve_mb << 20,
		.reason = reason,
	};
	int result = open_dirs(&taking, sync->state_dir, id);

	if (result == 0)
		result = copy_all(&taking, id, manifest);
	if (result == 0)
		result = verify_copy(&taking);
	if (result == 0) {
		result = generations_finish(sync->state_dir, id);
		if (result)
			fail(&taking, result, "%s cannot be renamed: %s", taking.to_path,
			     errcode_text(result));
	}
	if (taking.from_fd >= 0)
		close(taking.from_fd);
	if (taking.to_fd >= 0)
		close(taking.to_fd);
	if (result && taking.to_path[0] != '\0')
		generations_remove_build(sync->state_dir, id);
	return result;
}
