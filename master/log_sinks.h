/* Where log lines go in the end: stderr, syslog or a file.  Only the master writes
 * them, its own and those that its children send through the pipe, and it never waits
 * for a reader: what does not fit a bounded buffer is dropped and counted.
 *
 *	stderr   "warning: worker 3: text"; with "<4>" before it for systemd's journal
 *	file     the same behind the time in UTC
 *	syslog   daemon facility, over /dev/log
 */
#ifndef MASTER_LOG_SINKS_H
#define MASTER_LOG_SINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/settings.h"

/* Take over this process's log lines; they go to stderr until log_sinks_open. */
void log_sinks_init(void);

/* Send lines to `target` from now on: "stderr", "syslog", or an absolute path, opened
 * as the user that we are; "" stands for stderr or, when `is_daemon`, syslog.  The
 * earlier target stays when this one cannot be had, with one line that says so.
 * returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result)) int log_sinks_open(const char *target,
								bool is_daemon);

/* Open the file anew, after a rotation; as log_sinks_open. */
void log_sinks_reopen(void);

/* Until told that starting is over, errors also go to stderr, whatever the target. */
void log_sinks_started(void);

/* Until then: one line for who waits, when stderr is not the target. */
__attribute__((nonnull, format(printf, 1, 2))) void log_sinks_tell_starter(const char *format,
									   ...);

/* Write one line: the sink of shm/log.h. */
__attribute__((nonnull)) void log_sinks_put(enum log_level level, const char *line);

/* Write what is buffered, waiting for a slow reader at most `timeout_ms`. */
void log_sinks_flush(int timeout_ms);

/* Lines that were dropped because the target was full or failed; and what is the matter
 * with it, with the remedy. */
uint64_t log_sinks_dropped(void);
const char *log_sinks_trouble(void);

#endif
