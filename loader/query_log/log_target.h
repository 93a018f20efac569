/* Where the query log is written to.
 *
 * Records are added while there is room, then flushed; the logger adds none before that is
 * done.  No call waits for long, so that a target whose other side has gone, is full or
 * stalls holds up nothing but itself: what workers write meanwhile stays in their rings as
 * far as it fits. */
#ifndef LOADER_QUERY_LOG_LOG_TARGET_H
#define LOADER_QUERY_LOG_LOG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/query_log/query_line.h"
#include "shm/settings.h"

enum { LOG_TARGET_WHY_MAX = 300 };

enum log_flush {
	LOG_FLUSH_DONE,			/* all that was added is taken */
	LOG_FLUSH_AGAIN,		/* not all: call it again, when `fd` is ready or later */
	LOG_FLUSH_LOST,			/* what was added is forgotten: add it again, later */
};

enum log_add {
	LOG_ADD_DONE,
	LOG_ADD_FULL,			/* flush first */
	LOG_ADD_NEVER,			/* no room will ever be enough for this one */
};

struct log_target;

struct log_target_calls {
	bool wants_line;		/* `line` is made for it */
	enum log_add (*add)(struct log_target *target, const struct query_record *record,
			    const struct query_line *line);
	enum log_flush (*flush)(struct log_target *target);
	void (*reopen)(struct log_target *target); /* SIGUSR1; NULL: means nothing here */
	void (*close)(struct log_target *target);
};

/* The beginning of each target's own struct. */
struct log_target {
	const struct log_target_calls *calls;
	int fd;				/* for poll with LOG_FLUSH_AGAIN; -1: none */
	short events;
	unsigned opened_count;		/* times that it was opened */
	char why[LOG_TARGET_WHY_MAX];	/* "": it takes what comes; else why not, and the remedy */
};

/* Make the target that the settings name, which are borrowed; it is opened by the first
 * flush.  returns NULL without memory. */
__attribute__((nonnull, warn_unused_result)) struct log_target *
log_target_new(const struct settings *settings);

/* The kinds. */
__attribute__((nonnull)) struct log_target *log_file_new(const char *path);
struct log_target *log_syslog_new(void);
__attribute__((nonnull)) struct log_target *log_redis_new(const struct settings *settings);
__attribute__((nonnull)) struct log_target *log_dnstap_new(const struct settings *settings);

/* Set `why`, in printf's way. */
__attribute__((nonnull, format(printf, 2, 3))) void log_target_fail(struct log_target *target,
								    const char *format, ...);

#endif
