/* One child of the master: what it must not hold, what became of it, when it is forked
 * again. */
#ifndef MASTER_CHILD_H
#define MASTER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/heritage.h"

enum child_state {
	CHILD_NONE, /* was never started, or ended for good */
	CHILD_RUNNING,
	CHILD_WAITING, /* dead; forked again at restart_ms */
	CHILD_ENDING, /* told to end; sync is forked again unless all are stopped */
};

struct child {
	enum child_state state;
	pid_t pid;
	char name[24]; /* "worker 3", as in log lines */
	uint64_t started_ms, restart_ms;
	unsigned quick_deaths; /* in a row */
	unsigned deaths;
	uint64_t still_heartbeat_ns, still_since_ms, still_cpu_ns; /* see process_watch.c */
	bool is_starved;
};

/* Deaths within a second of the start, in a row, after which a child has to wait. */
enum { CHILD_QUICK_DEATHS_MAX = 3, CHILD_BACKOFF_MAX_MS = 10000 };

/* Called first in the child: it must not hold the master's own descriptors, but for
 * `keep_fd` (-1: none). */
void child_enter(int keep_fd);

/* In all children but the prober: echoes are its alone. */
__attribute__((nonnull)) void child_close_icmp(const struct heritage *heritage);

/* In all children but the reporter: who asks for pages is its alone. */
__attribute__((nonnull)) void child_close_http(const struct heritage *heritage);

/* In all children that have nothing signed. */
__attribute__((nonnull)) void child_close_signer(const struct heritage *heritage);

/* In those that have, but are not the signer. */
__attribute__((nonnull)) void child_close_signer_end(const struct heritage *heritage);

/* It was forked just now. */
__attribute__((nonnull)) void child_note_start(struct child *child, pid_t pid);

/* It could not be forked; errno says why.  Tried again in a second. */
__attribute__((nonnull)) void child_note_failure(struct child *child);

/* It has died, with `status` as from waitpid: log that, and settle when it is forked
 * again: in `max_wait_ms` at most.  `meanwhile` ends the line when it has to wait. */
__attribute__((nonnull)) void child_note_death(struct child *child, int status,
					       uint64_t max_wait_ms,
					       const char *meanwhile);

/* "killed by signal 11 (Segmentation fault), core dumped" */
__attribute__((nonnull)) void child_describe_end(int status, char *out, size_t room);

/* Is it to be forked again now?  If only later, *next_ms is lowered to that time. */
__attribute__((nonnull, warn_unused_result)) bool
child_is_due(const struct child *child, uint64_t now_ms, int *next_ms);

#endif
