/* A file, or a pipe that has a name: a line of JSON for each query. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/query_log/log_target.h"

enum { BUFFER_LEN = 256 * 1024, FILE_MODE = 0640 };

struct log_file {
	struct log_target target;
	const char *path;
	size_t len, done; /* octets in the buffer, and of these in the file */
	char buffer[BUFFER_LEN];
};

static enum log_add
add(struct log_target *target, const struct query_record *record,
    const struct query_line *line)
{
	struct log_file *file = (struct log_file *)target;
	size_t len = query_line_print(line, file->buffer + file->len,
				      sizeof file->buffer - file->len);

	(void)record;
	if (len == 0)
		return file->len > 0 ? LOG_ADD_FULL : LOG_ADD_NEVER;
	file->len += len;
	return LOG_ADD_DONE;
}

static void
close_file(struct log_file *file)
{
	if (file->target.fd >= 0)
		close(file->target.fd);
	file->target.fd = -1;
}

/* Of a line that has begun elsewhere nothing more is written here. */
static void
drop_begun_line(struct log_file *file)
{
	const char *end;

	if (file->done == 0 || file->buffer[file->done - 1] == '\n')
		return;
	end = memchr(file->buffer + file->done, '\n', file->len - file->done);
	file->done = end ? (size_t)(end + 1 - file->buffer) : file->len;
}

/* What a process that was killed, or a full disk, has left may end within a line. */
static void
end_torn_line(int fd)
{
	struct stat status;
	char last;

	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0 &&
	    pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n')
		(void)!write(fd, "\n", 1);
}

/* A file is read too, to see how it ends, where it is not ours to write only; a pipe that
 * is open for reading would never tell that its reader has gone. */
static int
open_path(const char *path)
{
	const int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	struct stat status;
	int fd;

	if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))
		return open(path, O_WRONLY | flags, FILE_MODE);
	fd = open(path, O_RDWR | flags, FILE_MODE);
	return fd < 0 && errno == EACCES ? open(path, O_WRONLY | flags, FILE_MODE) : fd;
}

static bool
open_file(struct log_file *file)
{
	int fd = open_path(file->path);

	if (fd < 0) {
		log_target_fail(&file->target, "cannot open %s: %s%s", file->path,
				strerror(errno),
				errno == ENOENT || errno == EACCES
					? ": its directory must exist, and the server's "
					  "user be able to write there"
				: errno == ENXIO ? ": nobody reads from it"
						 : "");
		return false;
	}
	end_torn_line(fd);
	drop_begun_line(file);
	file->target.fd = fd;
	file->target.events = POLLOUT;
	file->target.opened_count++;
	return true;
}

static void
tell_failure(struct log_file *file)
{
	int saved = errno;

	log_target_fail(&file->target, "cannot write to %s: %s%s", file->path,
			strerror(saved),
			saved == ENOSPC || saved == EDQUOT || saved == EFBIG
				? ": make room, or log less (query_log.sample)"
				: "");
	/* a disk may have room again; all else is opened anew */
	if (saved != ENOSPC && saved != EDQUOT && saved != EFBIG)
		close_file(file);
}

static enum log_flush
flush(struct log_target *target)
{
	struct log_file *file = (struct log_file *)target;

	if (target->fd < 0 && !open_file(file))
		return LOG_FLUSH_AGAIN;
	while (file->done < file->len) {
		ssize_t len = write(target->fd, file->buffer + file->done,
				    file->len - file->done);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return LOG_FLUSH_AGAIN;
		if (len < 0) {
			tell_failure(file);
			return LOG_FLUSH_AGAIN;
		}
		file->done += (size_t)len;
	}
	file->len = file->done = 0;
	target->why[0] = '\0';
	return LOG_FLUSH_DONE;
}

static void
reopen(struct log_target *target)
{
	struct log_file *file = (struct log_file *)target;

	close_file(file);
	open_file(file);
}

static void
free_file(struct log_target *target)
{
	close_file((struct log_file *)target);
	free(target);
}

static const struct log_target_calls calls = { true, add, flush, reopen, free_file };

struct log_target *
log_file_new(const char *path)
{
	struct log_file *file = calloc(1, sizeof *file);

	if (!file)
		return NULL;
	file->target.calls = &calls;
	file->target.fd = -1;
	file->path = path;
	return &file->target;
}
