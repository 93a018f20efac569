/* Formats one line per event and hands it to the pipe, a sink, or stderr. */
#include "shm/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
	char process[32];
	enum log_level level;
	int pipe_fd;
	void (*sink)(enum log_level level, const char *line);
	uint64_t dropped;
} logger = { .level = LOG_LEVEL_INFO, .pipe_fd = -1 };

void
log_set_process(const char *name)
{
	snprintf(logger.process, sizeof logger.process, "%s", name);
}

void
log_set_level(enum log_level level)
{
	logger.level = level;
}

void
log_to_pipe(int fd)
{
	logger.pipe_fd = fd;
	logger.sink = NULL;
}

void
log_to_sink(void (*sink)(enum log_level level, const char *line))
{
	logger.sink = sink;
}

uint64_t
log_dropped(void)
{
	return logger.dropped;
}

/* Texts may quote a file: what would break a line or drive a terminal becomes '?'. */
static void
replace_controls(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			*text = '?';
}

/* Octets that were stored, when snprintf into `room` wanted `wanted`. */
static size_t
stored(int wanted, size_t room)
{
	if (wanted < 0)
		return 0;
	return (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* A line for the pipe is shorter than PIPE_BUF, so it arrives whole or not at all. */
static void
hand_over(enum log_level level, char *line, size_t len)
{
	if (logger.sink) {
		logger.sink(level, line + 3);
		return;
	}
	line[len] = '\n';
	if (logger.pipe_fd < 0) {
		if (write(STDERR_FILENO, line + 3, len + 1 - 3) < 0)
			logger.dropped++;
	} else if (write(logger.pipe_fd, line, len + 1) < 0) {
		logger.dropped++;
	}
}

__attribute__((format(printf, 3, 0))) static void
emit(enum log_level level, int saved_errno, const char *format, va_list args)
{
	char line[LOG_LINE_MAX];
	const size_t room = sizeof line - 1; /* '\n' behind it */
	size_t len;

	if (level > logger.level)
		return;
	len = stored(snprintf(line, room, "<%d>%s%s", (int)level, logger.process,
			      logger.process[0] ? ": " : ""),
		     room);
	len += stored(vsnprintf(line + len, room - len, format, args), room - len);
	if (saved_errno)
		len += stored(
			snprintf(line + len, room - len, ": %s", strerror(saved_errno)),
			room - len);
	replace_controls(line);
	hand_over(level, line, len);
}

#define EMIT(level, saved_errno)                        \
	do {                                            \
		int keep_errno = errno;                 \
		va_list args;                           \
		va_start(args, format);                 \
		emit(level, saved_errno, format, args); \
		va_end(args);                           \
		errno = keep_errno;                     \
	} while (0)

void
log_error(const char *format, ...)
{
	EMIT(LOG_LEVEL_ERROR, keep_errno);
}

void
log_warn(const char *format, ...)
{
	EMIT(LOG_LEVEL_WARNING, keep_errno);
}

void
log_errorx(const char *format, ...)
{
	EMIT(LOG_LEVEL_ERROR, 0);
}

void
log_warnx(const char *format, ...)
{
	EMIT(LOG_LEVEL_WARNING, 0);
}

void
log_info(const char *format, ...)
{
	EMIT(LOG_LEVEL_INFO, 0);
}

void
log_debug(const char *format, ...)
{
	EMIT(LOG_LEVEL_DEBUG, 0);
}
