/* Log calls.  One line per event, the process name set once per process.
 *
 * The master owns the target (stderr, syslog, file); children write whole lines of
 * at most LOG_LINE_MAX octets into a pipe that the master drains:
 *
 *	<2>worker 3: text\n
 *
 * that is enum log_level, the process name, the text with control characters replaced
 * by '?'.  A full pipe drops the line and counts it: logging never blocks.  Before
 * log_to_pipe or log_to_sink is called, lines go to stderr, without the level. */
#ifndef SHM_LOG_H
#define SHM_LOG_H

#include <stdint.h>

#include "shm/settings.h"

enum { LOG_LINE_MAX = 1024 };

/* The name that leads every line of this process, e.g. "worker 3"; copied. */
void log_set_process(const char *name);

/* Lines above `level` are dropped. */
void log_set_level(enum log_level level);

/* From now on write to `fd`, the pipe to the master (non-blocking, borrowed). */
void log_to_pipe(int fd);

/* From now on hand lines to `sink` (the master's own targets): with the process name,
 * without level and line end. */
void log_to_sink(void (*sink)(enum log_level level, const char *line));

/* The form for failures with an errno: its text is appended. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Without errno. */
void log_errorx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Lines that this process dropped because the pipe was full. */
uint64_t log_dropped(void);

#endif
