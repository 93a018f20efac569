/* The small files beside the generations: every change is one rename, made durable. */
#include "loader/store/state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "shm/errcode.h"
#include "shm/log.h"

#define DAMAGE_NAME "damaged"

int
state_read_current(const char *state_dir, uint64_t *id)
{
	char path[PATH_MAX], target[sizeof GENERATIONS_DIR + GENERATIONS_NAME_MAX];
	ssize_t len;

	if (!state_path_print(path, "%s/current", state_dir))
		return ERR_RANGE;
	len = readlink(path, target, sizeof target - 1);
	if (len < 0)
		return errno == EINVAL ? ERR_FORMAT : errcode_from_errno(errno);
	target[len] = '\0';
	if (strncmp(target, GENERATIONS_DIR "/", sizeof GENERATIONS_DIR) != 0 ||
	    !state_path_parse_id(target + sizeof GENERATIONS_DIR, id))
		return ERR_FORMAT;
	return 0;
}

int
state_set_current(const char *state_dir, uint64_t id)
{
	char link[PATH_MAX], fresh[PATH_MAX];
	char target[sizeof GENERATIONS_DIR + GENERATIONS_NAME_MAX];

	if (!state_path_print(link, "%s/current", state_dir) ||
	    !state_path_print(fresh, "%s/current.new", state_dir))
		return ERR_RANGE;
	snprintf(target, sizeof target, GENERATIONS_DIR "/%08" PRIu64, id);
	unlink(fresh);
	if (symlink(target, fresh) != 0 || rename(fresh, link) != 0)
		return errcode_from_errno(errno);
	if (state_path_sync(state_dir, O_DIRECTORY) != 0)
		log_warn("%s cannot be written through: a power cut may undo the last "
			 "swap",
			 state_dir);
	return 0;
}

/* A whole small text file.  returns its length, or an error code. */
static int
read_text(const char *path, char *out, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t len;

	if (fd < 0)
		return errcode_from_errno(errno);
	len = read(fd, out, room - 1);
	close(fd);
	if (len < 0)
		return ERR_IO;
	out[len] = '\0';
	return (int)len;
}

/* A new file with `text`, written through to the device. */
static int
write_text(const char *path, const char *text)
{
	size_t len = strlen(text);
	int fd, result = 0;
	ssize_t done;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0440);
	if (fd < 0)
		return errcode_from_errno(errno);
	done = write(fd, text, len);
	if (done < 0 || fsync(fd) != 0)
		result = errcode_from_errno(errno);
	else if ((size_t)done != len)
		result = ERR_NOSPACE;
	close(fd);
	if (result)
		unlink(path);
	return result;
}

/* A file that holds one number, not 0. */
static int
read_number(const char *state_dir, const char *name, uint64_t *out)
{
	char path[PATH_MAX], text[GENERATIONS_NAME_MAX], *end;
	uint64_t value;
	int len;

	if (!state_path_print(path, "%s/%s", state_dir, name))
		return ERR_RANGE;
	len = read_text(path, text, sizeof text);
	if (len < 0)
		return len == ERR_NOTFOUND ? ERR_NOTFOUND : ERR_FORMAT;
	if (text[0] < '0' || text[0] > '9')
		return ERR_FORMAT;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno != 0 || value == 0 || strcmp(end, "\n") != 0)
		return ERR_FORMAT;
	*out = value;
	return 0;
}

static int
write_number(const char *state_dir, const char *name, uint64_t value)
{
	char path[PATH_MAX], fresh[PATH_MAX], text[GENERATIONS_NAME_MAX];
	int result;

	if (!state_path_print(path, "%s/%s", state_dir, name) ||
	    !state_path_print(fresh, "%s/%s.new", state_dir, name))
		return ERR_RANGE;
	if (value == 0) {
		if (unlink(path) != 0 && errno != ENOENT)
			return errcode_from_errno(errno);
		return state_path_sync(state_dir, O_DIRECTORY);
	}
	snprintf(text, sizeof text, "%" PRIu64 "\n", value);
	result = write_text(fresh, text);
	if (result)
		return result;
	if (rename(fresh, path) != 0)
		return errcode_from_errno(errno);
	return state_path_sync(state_dir, O_DIRECTORY);
}

int
state_read_chosen(const char *state_dir, uint64_t *id)
{
	return read_number(state_dir, "chosen", id);
}

int
state_set_chosen(const char *state_dir, uint64_t id)
{
	return write_number(state_dir, "chosen", id);
}

int64_t
state_read_gap(const char *state_dir)
{
	uint64_t past_s;

	return read_number(state_dir, "clock-gap", &past_s) == 0 && past_s <= INT64_MAX
		       ? (int64_t)past_s
		       : 0;
}

void
state_set_gap(const char *state_dir, int64_t past_s)
{
	if (past_s != 0 || state_read_gap(state_dir) != 0)
		(void)!write_number(state_dir, "clock-gap", (uint64_t)past_s);
}

void
state_mark_damaged(const char *state_dir, uint64_t id, const char *reason)
{
	char dir[PATH_MAX], path[PATH_MAX];
	int result;

	if (!state_path_generation(state_dir, id, dir) ||
	    !state_path_print(path, "%s/" DAMAGE_NAME, dir))
		return;
	result = write_text(path, reason);
	if (result)
		log_warnx("%s cannot be written: %s; the damage is found again at the "
			  "next start",
			  path, errcode_text(result));
}

bool
state_read_damage(const char *state_dir, uint64_t id, char reason[STATE_REASON_MAX])
{
	char dir[PATH_MAX], path[PATH_MAX];

	return state_path_generation(state_dir, id, dir) &&
	       state_path_print(path, "%s/" DAMAGE_NAME, dir) &&
	       read_text(path, reason, STATE_REASON_MAX) >= 0;
}
