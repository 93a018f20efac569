/* Writes log lines to their target without ever waiting. */
#include "master/log_sinks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/poll_set.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	BUFFER_LEN = 64 * 1024,
	PREFIX_MAX = 64,
};

enum kind { KIND_STDERR, KIND_FILE, KIND_SYSLOG };

static struct {
	enum kind kind;
	char *path; /* of KIND_FILE, owned */
	int fd;
	bool is_journal; /* stderr is systemd's journal */
	bool is_starting;
	bool is_watched; /* in the poll set, to go on with the buffer */
	char buffer[BUFFER_LEN];
	size_t len;
	uint64_t dropped, dropped_told;
} sink = { .fd = STDERR_FILENO, .is_starting = true };

static const struct {
	const char *name;
	int priority; /* as in syslog */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

enum { SYSLOG_DAEMON = 3 << 3 };

/* poll() tells of pipes and terminals whether a line fits; files always take it. */
static bool
is_writable(int fd, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };

	return poll(&wait, 1, timeout_ms) > 0 && (wait.revents & POLLOUT);
}

static void watch_sink(bool on);

static void
lose_buffer(void)
{
	for (size_t i = 0; i < sink.len; i++)
		sink.dropped += sink.buffer[i] == '\n';
	sink.len = 0;
}

/* Write as much of the buffer as the target takes now, whole lines where it can. */
static void
write_buffer(int timeout_ms)
{
	while (sink.len > 0 && is_writable(sink.fd, timeout_ms)) {
		/* of a pipe, poll() promises no more than PIPE_BUF */
		size_t step = sink.len < PIPE_BUF ? sink.len : PIPE_BUF;
		ssize_t done = write(sink.fd, sink.buffer, step);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && errno == EAGAIN)
			break;
		if (done <= 0) {
			lose_buffer(); /* a full disk, a reader that has gone */
			break;
		}
		sink.len -= (size_t)done;
		memmove(sink.buffer, sink.buffer + done, sink.len);
	}
	watch_sink(sink.len > 0);
}

static void
on_writable(void *arg, short events)
{
	(void)arg;
	if (events & (POLLERR | POLLNVAL))
		lose_buffer();
	write_buffer(0);
}

static void
watch_sink(bool on)
{
	if (on == sink.is_watched)
		return;
	sink.is_watched = on;
	if (on)
		poll_set_add(sink.fd, POLLOUT, on_writable, NULL);
	else
		poll_set_remove(sink.fd);
}

static void
append(const char *text, size_t len)
{
	if (len > sizeof sink.buffer - sink.len) {
		sink.dropped++;
		return;
	}
	memcpy(sink.buffer + sink.len, text, len);
	sink.len += len;
}

static void
tell_dropped(void)
{
	char text[128];
	int len;

	if (sink.dropped == sink.dropped_told || sink.len > sizeof sink.buffer / 2)
		return;
	len = snprintf(text, sizeof text,
		       "warning: master: %llu log lines were lost: the log was full\n",
		       (unsigned long long)(sink.dropped - sink.dropped_told));
	sink.dropped_told = sink.dropped;
	append(text, (size_t)len);
}

/* "2024-11-21T04:20:00.123Z " */
static size_t
print_time(char out[PREFIX_MAX])
{
	struct timespec now;
	struct tm parts;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	len = strftime(out, PREFIX_MAX, "%Y-%m-%dT%H:%M:%S", &parts);
	return len + (size_t)snprintf(out + len, PREFIX_MAX - len, ".%03dZ ",
				      (int)(now.tv_nsec / 1000000));
}

static void
put_stream(enum log_level level, const char *line)
{
	char text[PREFIX_MAX + LOG_LINE_MAX + 32];
	size_t len = 0;

	if (sink.kind == KIND_FILE)
		len = print_time(text);
	else if (sink.is_journal)
		len = (size_t)snprintf(text, sizeof text, "<%d>", levels[level].priority);
	len += (size_t)snprintf(text + len, sizeof text - len, "%s: %.*s\n",
				levels[level].name, LOG_LINE_MAX, line);
	tell_dropped();
	append(text, len);
	write_buffer(0);
}

static int
connect_syslog(void)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX,
					     .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* RFC 3164, as the C library writes it. */
static void
put_syslog(enum log_level level, const char *line)
{
	char text[PREFIX_MAX + LOG_LINE_MAX + 64], when[32];
	time_t now = time(NULL);
	struct tm parts;
	int len;

	localtime_r(&now, &parts);
	strftime(when, sizeof when, "%b %e %H:%M:%S", &parts);
	len = snprintf(text, sizeof text, "<%d>%s martletd[%d]: %.*s",
		       SYSLOG_DAEMON | levels[level].priority, when, (int)getpid(),
		       LOG_LINE_MAX, line);
	/* the daemon may have been started, or started anew, since the last line */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (sink.fd < 0)
			sink.fd = connect_syslog();
		if (sink.fd >= 0 && send(sink.fd, text, (size_t)len, MSG_NOSIGNAL) == len)
			return;
		if (sink.fd >= 0 && errno == EAGAIN)
			break;
		if (sink.fd >= 0)
			close(sink.fd);
		sink.fd = -1;
	}
	sink.dropped++;
}

void
log_sinks_put(enum log_level level, const char *line)
{
	if (sink.is_starting && level == LOG_LEVEL_ERROR && sink.kind != KIND_STDERR &&
	    is_writable(STDERR_FILENO, 0))
		dprintf(STDERR_FILENO, "error: %s\n", line);
	if (sink.kind == KIND_SYSLOG)
		put_syslog(level, line);
	else
		put_stream(level, line);
}

/* Is stderr the stream that JOURNAL_STREAM ("device:inode") names? */
static bool
stderr_is_journal(void)
{
	const char *named = getenv("JOURNAL_STREAM");
	struct stat status;
	char ours[64];

	if (!named || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(ours, sizeof ours, "%llu:%llu", (unsigned long long)status.st_dev,
		 (unsigned long long)status.st_ino);
	return strcmp(named, ours) == 0;
}

void
log_sinks_init(void)
{
	sink.is_journal = stderr_is_journal();
	log_to_sink(log_sinks_put);
}

/* Leave the present target for another one. */
static void
change(enum kind kind, int fd, char *path)
{
	write_buffer(0);
	watch_sink(false);
	if (sink.kind != KIND_STDERR && sink.fd >= 0)
		close(sink.fd);
	free(sink.path);
	sink.kind = kind;
	sink.fd = fd;
	sink.path = path;
}

static int
open_file(const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		      0640);

	if (fd < 0) {
		int saved = errno;

		log_error(
			"log.target: cannot open %s%s", path,
			saved == ENOENT || saved == EACCES
				? ": its directory must exist, and the server's user be "
				  "able to write there"
				: "");
		return errcode_from_errno(saved);
	}
	change(KIND_FILE, fd, alloc_text(path));
	return 0;
}

/* Said to the target that we leave, which at the start is who starts us. */
static void
change_to_syslog(void)
{
	int fd = connect_syslog();

	if (fd < 0)
		log_warnx("log.target: nobody listens on /dev/log, and log lines are "
			  "lost until somebody does: start a syslog daemon, or set "
			  "log.target to a file");
	change(KIND_SYSLOG, fd, NULL);
}

int
log_sinks_open(const char *target, bool is_daemon)
{
	if (target[0] == '\0')
		target = is_daemon ? "syslog" : "stderr";
	if (strcmp(target, "stderr") == 0)
		change(KIND_STDERR, STDERR_FILENO, NULL);
	else if (strcmp(target, "syslog") == 0)
		change_to_syslog();
	else
		return open_file(target);
	return 0;
}

void
log_sinks_reopen(void)
{
	char *path;

	if (sink.kind != KIND_FILE)
		return;
	path = alloc_text(sink.path);
	if (open_file(path) == 0)
		log_info("log file opened anew");
	free(path);
}

void
log_sinks_tell_starter(const char *format, ...)
{
	va_list args;

	if (!sink.is_starting || sink.kind == KIND_STDERR ||
	    !is_writable(STDERR_FILENO, 0))
		return;
	va_start(args, format);
	vdprintf(STDERR_FILENO, format, args);
	va_end(args);
}

void
log_sinks_started(void)
{
	sink.is_starting = false;
}

void
log_sinks_flush(int timeout_ms)
{
	uint64_t end_ms = clock_now_ms() + (uint64_t)timeout_ms;

	while (sink.kind != KIND_SYSLOG && sink.len > 0 && clock_now_ms() < end_ms)
		write_buffer(100);
}

const char *
log_sinks_trouble(void)
{
	return sink.kind == KIND_SYSLOG && sink.fd < 0
		       ? "nobody listens on /dev/log; start a syslog daemon, or set "
			 "log.target"
		       : "the log's target is slow or full";
}

uint64_t
log_sinks_dropped(void)
{
	return sink.dropped;
}
