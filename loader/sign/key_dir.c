/* Files of keys. */
#include "loader/sign/key_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/file_write.h"

enum {
	SUFFIX_LEN = sizeof KEY_PRIVATE_SUFFIX - 1,
	NUMBERS_LEN = sizeof "013+12345" - 1,
	RECENT_NS =
		21000000, /* what changes within a tick of the clock leaves no trace */
	REST = 20, /* a directory that changes all the time is listed so rarely */
};

struct key_dir {
	char *path;
	char **names; /* sorted, in whichever case others have written them; owned */
	size_t count, room;
	struct stat seen; /* st_ino 0: nothing that can be relied on */
	uint64_t listed_ns, took_ns; /* when it was listed last, and how long that took */
	bool is_lazy, is_unsynced;
};

struct key_dir *
key_dir_new(const char *path)
{
	struct key_dir *dir = calloc(1, sizeof *dir);

	if (!dir)
		return NULL;
	dir->path = strdup(path);
	if (dir->path)
		return dir;
	free(dir);
	return NULL;
}

static void
forget(struct key_dir *dir)
{
	for (size_t i = 0; i < dir->count; i++)
		free(dir->names[i]);
	dir->count = 0;
	dir->seen.st_ino = 0;
}

void
key_dir_free(struct key_dir *dir)
{
	if (!dir)
		return;
	forget(dir);
	free(dir->names);
	free(dir->path);
	free(dir);
}

const char *
key_dir_path(const struct key_dir *dir)
{
	return dir->path;
}

/* ---- names ---- */

bool
key_dir_prefix(const uint8_t *zone, char out[NAME_MAX + 1])
{
	const size_t room = NAME_MAX - NUMBERS_LEN - SUFFIX_LEN;
	size_t len = 0;

	out[len++] = 'K';
	for (const uint8_t *label = zone; label[0]; label += label[0] + 1) {
		for (unsigned i = 1; i <= label[0]; i++) {
			bool is_plain = isalnum(label[i]) || strchr("-_", label[i]);

			if (len + 4 > room)
				return false;
			if (is_plain && label[i])
				out[len++] = (char)label[i];
			else
				len += (size_t)sprintf(out + len, "%%%02X", label[i]);
		}
		out[len++] = '.';
	}
	if (zone[0] == 0)
		out[len++] = '.';
	if (len + 1 > room)
		return false;
	out[len++] = '+';
	out[len] = '\0';
	return true;
}

static int
hex_value(char character)
{
	if (isdigit((unsigned char)character))
		return character - '0';
	if (isxdigit((unsigned char)character))
		return toupper((unsigned char)character) - 'A' + 10;
	return -1;
}

size_t
key_dir_zone(const char *file, uint8_t out[DNAME_MAX])
{
	const char *end = strchr(file, '+');
	size_t len = 1, label = 0;

	if (file[0] != 'K' || !end || end[-1] != '.')
		return 0;
	if (end == file + 2) {
		out[0] = 0;
		return 1;
	}
	for (const char *at = file + 1; at < end; at++) {
		if (len + 1 >= DNAME_MAX)
			return 0;
		if (*at == '.') {
			if (len - label - 1 == 0 || len - label - 1 > DNAME_LABEL_MAX)
				return 0;
			out[label] = (uint8_t)(len - label - 1);
			label = len++;
		} else if (*at == '%' && end - at > 2 && hex_value(at[1]) >= 0 &&
			   hex_value(at[2]) >= 0) {
			out[len++] = (uint8_t)(hex_value(at[1]) * 16 + hex_value(at[2]));
			at += 2;
		} else {
			out[len++] = (uint8_t)*at;
		}
	}
	out[label] = 0;
	dname_lower(out, label + 1);
	return label + 1;
}

/* ---- which there are ---- */

/* Where a name stands, or would. */
static size_t
place_of(const struct key_dir *dir, const char *name)
{
	size_t low = 0, high = dir->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcasecmp(dir->names[middle], name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct key_dir *dir, size_t at, const char *name)
{
	return at < dir->count && strcasecmp(dir->names[at], name) == 0;
}

/* A file of ours: known without listing all anew. */
static void
add_name(struct key_dir *dir, const char *name)
{
	size_t at = place_of(dir, name);
	char **names, *copy;

	if (is_at(dir, at, name))
		return;
	copy = strdup(name);
	names = copy ? grow_items(dir->names, &dir->room, dir->count + 1, sizeof *names)
		     : NULL;
	if (!names) {
		free(copy);
		dir->listed_ns = 0;
		return;
	}
	dir->names = names;
	memmove(names + at + 1, names + at, (dir->count - at) * sizeof *names);
	names[at] = copy;
	dir->count++;
}

static int
compare_names(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static bool
is_private(const char *name, size_t len)
{
	return name[0] == 'K' && len > SUFFIX_LEN + NUMBERS_LEN &&
	       strcmp(name + len - SUFFIX_LEN, KEY_PRIVATE_SUFFIX) == 0;
}

static int
list(struct key_dir *dir, DIR *stream)
{
	const struct dirent *entry;

	while ((entry = readdir(stream)) != NULL) {
		size_t len = strlen(entry->d_name);
		char **names;

		if (!is_private(entry->d_name, len))
			continue;
		names = grow_items(dir->names, &dir->room, dir->count + 1, sizeof *names);
		if (!names)
			return ERR_NOMEM;
		dir->names = names;
		names[dir->count] = strndup(entry->d_name, len - SUFFIX_LEN);
		if (!names[dir->count])
			return ERR_NOMEM;
		dir->count++;
	}
	if (dir->count > 1)
		qsort(dir->names, dir->count, sizeof *dir->names, compare_names);
	return ERR_OK;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool
is_recent(const struct stat *status)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - status->st_mtim.tv_sec) * 1000000000L + now.tv_nsec -
		       status->st_mtim.tv_nsec <
	       RECENT_NS;
}

int
key_dir_refresh(struct key_dir *dir)
{
	struct stat status;
	DIR *stream;
	int rc;

	if (stat(dir->path, &status) != 0)
		rc = errcode_from_errno(errno);
	else
		rc = ERR_OK;
	if (rc == ERR_OK && dir->seen.st_ino && is_same(&status, &dir->seen))
		return ERR_OK;
	if (rc == ERR_OK && dir->listed_ns != 0 &&
	    clock_now_ns() - dir->listed_ns < REST * dir->took_ns)
		return ERR_OK;
	forget(dir);
	dir->listed_ns = clock_now_ns();
	stream = rc == ERR_OK ? opendir(dir->path) : NULL;
	if (!stream)
		return rc == ERR_OK ? errcode_from_errno(errno) : rc;
	rc = list(dir, stream);
	closedir(stream);
	dir->took_ns = clock_now_ns() - dir->listed_ns;
	if (rc != ERR_OK)
		forget(dir);
	else if (!is_recent(&status))
		dir->seen = status;
	return rc;
}

const char *
key_dir_why_unread(const struct key_dir *dir, int code)
{
	struct stat status;

	switch (code) {
	case ERR_NOTFOUND:
		return stat(dir->path, &status) == 0 && !S_ISDIR(status.st_mode)
			       ? "is a file, not a directory: name the directory that "
				 "has the keys"
			       : "is not there: make it, or name the right one";
	case ERR_RIGHTS:
		return "may not be read by the server's user: give it the rights to read "
		       "it, and to pass the directories above";
	default:
		return errcode_text(code);
	}
}

size_t
key_dir_find(const struct key_dir *dir, const char *prefix, const char **names,
	     size_t max)
{
	size_t len = strlen(prefix), at = place_of(dir, prefix), count = 0;

	for (; at < dir->count && strncasecmp(dir->names[at], prefix, len) == 0; at++) {
		if (count < max)
			names[count] = dir->names[at];
		count++;
	}
	return count;
}

int
key_dir_each(const struct key_dir *dir, const char *suffix,
	     bool (*visit)(void *context, const uint8_t *zone, size_t len), void *context)
{
	DIR *stream = opendir(dir->path);
	const struct dirent *entry;
	bool goes_on = true;

	if (!stream)
		return errcode_from_errno(errno);
	while (goes_on && (entry = readdir(stream)) != NULL) {
		const char *plus = strchr(entry->d_name, '+');
		uint8_t zone[DNAME_MAX];
		size_t len = plus && strcmp(plus + 1, suffix) == 0
				     ? key_dir_zone(entry->d_name, zone)
				     : 0;

		if (len > 0)
			goes_on = visit(context, zone, len);
	}
	closedir(stream);
	return ERR_OK;
}

/* ---- files ---- */

static bool
make_path(const struct key_dir *dir, const char *name, const char *suffix,
	  char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/%s%s", dir->path, name, suffix);

	return len > 0 && len < PATH_MAX;
}

static long
read_open(int fd, char *out, size_t room, bool *is_open)
{
	struct stat status;
	size_t len = 0;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))
		return ERR_FORMAT;
	*is_open = (status.st_mode & S_IROTH) != 0;
	while (len < room) {
		ssize_t got = read(fd, out + len, room - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return ERR_IO;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	if (len == room)
		return ERR_RANGE;
	out[len] = '\0';
	return (long)len;
}

long
key_dir_read(const struct key_dir *dir, const char *name, const char *suffix, char *out,
	     size_t room, bool *is_open)
{
	char path[PATH_MAX];
	long len;
	int fd;

	if (!make_path(dir, name, suffix, path))
		return ERR_RANGE;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return errcode_from_errno(errno);
	len = read_open(fd, out, room, is_open);
	close(fd);
	return len;
}

const char *
key_dir_why_not(int code)
{
	switch (code) {
	case ERR_FORMAT:
		return "is no regular file";
	case ERR_RANGE:
		return "is too long";
	case ERR_NOTFOUND:
		return "is missing";
	case ERR_IO:
		return "cannot be read";
	case ERR_RIGHTS:
		return "may not be read by the server's user";
	default:
		return errcode_text(code);
	}
}

static void
sync_dir(const struct key_dir *dir)
{
	int fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)fsync(fd);
	close(fd);
}

static int
write_file(const struct key_dir *dir, int fd, const char *text, size_t len)
{
	int rc = file_write(fd, text, len);

	return rc == ERR_OK && !dir->is_lazy && fsync(fd) != 0 ? errcode_from_errno(errno)
							       : rc;
}

int
key_dir_write(struct key_dir *dir, const char *name, const char *suffix, const char *text,
	      size_t len)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int fd, rc;

	if (!make_path(dir, name, suffix, path) || !make_path(dir, name, ".new", fresh))
		return ERR_RANGE;
	unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return errcode_from_errno(errno);
	rc = write_file(dir, fd, text, len);
	close(fd);
	if (rc == ERR_OK && rename(fresh, path) != 0)
		rc = errcode_from_errno(errno);
	if (rc != ERR_OK) {
		unlink(fresh);
		return rc;
	}
	if (strcmp(suffix, KEY_PRIVATE_SUFFIX) == 0)
		add_name(dir, name);
	if (dir->is_lazy)
		dir->is_unsynced = true;
	else
		sync_dir(dir);
	return ERR_OK;
}

void
key_dir_remove(struct key_dir *dir, const char *name, const char *suffix)
{
	char path[PATH_MAX];

	dir->listed_ns = 0; /* list it anew */
	if (make_path(dir, name, suffix, path))
		unlink(path);
}

void
key_dir_set_lazy(struct key_dir *dir, bool is_lazy)
{
	dir->is_lazy = is_lazy;
}

bool
key_dir_take_unsynced(struct key_dir *dir)
{
	bool is_unsynced = dir->is_unsynced;

	dir->is_unsynced = false;
	return is_unsynced;
}
