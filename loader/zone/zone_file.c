/* Reading zone files, and keeping $INCLUDE inside its directory. */
#include "loader/zone/zone_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shm/errcode.h"

enum { SIZE_OF_NO_CONCERN = 16 << 20 };

/* More than half of the machine's memory would be the end of it: the text is held
 * once, and the records take as much again. */
static bool
size_is_bearable(off_t size)
{
	long pages, page_len;

	if (size < SIZE_OF_NO_CONCERN)
		return true;
	pages = sysconf(_SC_PHYS_PAGES);
	page_len = sysconf(_SC_PAGESIZE);
	if (pages <= 0 || page_len <= 0)
		return true;
	return (uint64_t)size / 2 < (uint64_t)pages * (uint64_t)page_len / 4;
}

/* Room for `size` octets and one line end. */
static int
reserve(struct zone_file *file, size_t size)
{
	file->len = 0;
	if (size < file->room)
		return ERR_OK;
	free(file->bytes);
	file->room = size + 1;
	file->bytes = malloc(file->room);
	if (!file->bytes)
		file->room = 0;
	return file->bytes ? ERR_OK : ERR_NOMEM;
}

static int
read_all(int fd, struct zone_file *file, size_t size)
{
	while (file->len < size) {
		ssize_t got = read(fd, file->bytes + file->len, size - file->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		file->len += (size_t)got;
	}
	return 0;
}

/* Some editors put it in front: U+FEFF in UTF-8. */
static void
drop_byte_order_mark(struct zone_file *file)
{
	static const char mark[] = { '\xef', '\xbb', '\xbf' };

	if (file->len < sizeof mark || memcmp(file->bytes, mark, sizeof mark) != 0)
		return;
	file->len -= sizeof mark;
	memmove(file->bytes, file->bytes + sizeof mark, file->len);
}

/* Files from other systems: the scanner knows no carriage returns.  The last line may
 * lack its end, which the scanner sees to by guessing; there is room for it here. */
static void
normalize_lines(struct zone_file *file)
{
	char *from = memchr(file->bytes, '\r', file->len), *to = from;
	const char *end = file->bytes + file->len;

	if (from) {
		for (; from < end; from++)
			if (*from != '\r' || from + 1 == end || from[1] != '\n')
				*to++ = *from;
		file->len = (size_t)(to - file->bytes);
	}
	if (file->len > 0 && file->bytes[file->len - 1] != '\n')
		file->bytes[file->len++] = '\n';
}

static int
fail(const char **reason, int code, const char *text)
{
	*reason = text;
	return code;
}

static int
read_open_file(int fd, struct zone_file *file, const char **reason)
{
	if (fstat(fd, &file->status) < 0)
		return fail(reason, ERR_IO, strerrordesc_np(errno));
	if (!S_ISREG(file->status.st_mode))
		return fail(reason, ERR_FORMAT, "is not a regular file");
	if (!size_is_bearable(file->status.st_size))
		return fail(reason, ERR_NOMEM, "is larger than half of the memory");
	if (reserve(file, (size_t)file->status.st_size) != ERR_OK)
		return fail(reason, ERR_NOMEM, "does not fit into memory");
	if (read_all(fd, file, (size_t)file->status.st_size) < 0)
		return fail(reason, ERR_IO, "cannot be read");
	drop_byte_order_mark(file);
	normalize_lines(file);
	return ERR_OK;
}

int
zone_file_read(struct zone_file *file, const char *path, const char **reason)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int code;

	if (fd < 0) {
		int saved_errno = errno;

		return fail(reason, errcode_from_errno(saved_errno),
			    saved_errno == EACCES
				    ? "Permission denied: the server's user must be able "
				      "to read it"
				    : strerrordesc_np(saved_errno));
	}
	code = read_open_file(fd, file, reason);
	close(fd);
	return code;
}

int
zone_file_copy(struct zone_file *file, const char *bytes, size_t len)
{
	int code = reserve(file, len);

	if (code == ERR_OK) {
		memcpy(file->bytes, bytes, len);
		file->len = len;
		drop_byte_order_mark(file);
		normalize_lines(file);
	}
	return code;
}

void
zone_file_fini(struct zone_file *file)
{
	free(file->bytes);
	*file = (struct zone_file){ 0 };
}

char *
zone_file_directory(const char *path)
{
	char *real = realpath(path, NULL);

	if (real) {
		char *slash = strrchr(real, '/');

		slash[slash == real] = '\0';
	}
	return real;
}

static bool
has_parent_step(const char *name)
{
	for (const char *part = name; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (part[0] == '.' && part[1] == '.' &&
		    (part[2] == '/' || part[2] == '\0'))
			return true;
	}
	return false;
}

/* Below, not equal to, the directory `top`. */
static bool
is_below(const char *top, const char *real)
{
	size_t len = strlen(top);

	if (len == 1)
		return real[1] != '\0';
	return strncmp(top, real, len) == 0 && real[len] == '/';
}

int
zone_file_find_include(const char *top, const char *dir, const char *name, char *found,
		       char *real)
{
	int len;

	if (name[0] == '\0' || has_parent_step(name))
		return ERR_NOTFOUND;
	if (name[0] == '/')
		len = snprintf(found, PATH_MAX, "%s", name);
	else
		len = snprintf(found, PATH_MAX, "%s/%s", dir, name);
	if (len < 0 || len >= PATH_MAX || !realpath(found, real) || !is_below(top, real))
		return ERR_NOTFOUND;
	return ERR_OK;
}
