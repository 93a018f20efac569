/* The children: workers, sync, services, clerks.  Forks, pins, reaps and restarts them.
 *
 * A worker that dies is forked again at once, because its sockets still get their share
 * of the queries.  Only one that dies within a second of its start three times in a row
 * waits, from 1 s doubling to 10 s, and a neighbour serves its sockets meanwhile.  Sync
 * and services are treated alike.  A clerk is forked for one request and never again. */
#ifndef MASTER_PROCESS_H
#define MASTER_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "master/child.h"
#include "master/listen.h"
#include "master/service.h"
#include "shm/ctl_proto.h"
#include "shm/heritage.h"

/* What others do about a child's end; called from process_reap. */
struct process_events {
	void *arg;
	void (*sync_started)(void *arg, int link_fd); /* master's end, moved */
	void (*sync_ended)(void *arg);
	void (*reader_ended)(void *arg, pid_t pid); /* one that read the store */
	void (*clerk_ended)(void *arg, pid_t pid, bool is_crash);
};

struct process_table {
	struct heritage *heritage; /* borrowed; what children get when they are forked */
	struct listen_set *listen; /* borrowed */
	struct process_events events;
	unsigned worker_count;
	struct child *workers; /* owned */
	struct child sync;
	struct child services[SERVICE_COUNT];
	struct child clerks[CTL_PEERS_MAX];
	bool is_stopping;
};

/* Start sync, then all workers, which wait for its first generation. */
__attribute__((nonnull)) void process_start_all(struct process_table *table);

/* What a clerk is to do, with its end of the connection (moved); does not return. */
typedef void process_clerk_fn(const struct heritage *heritage, int fd, int arg_count,
			      char **args);

/* Fork a clerk for the connection `fd` (borrowed).  returns its pid, or an error code. */
__attribute__((nonnull, warn_unused_result)) pid_t
process_start_clerk(struct process_table *table, process_clerk_fn *run, int fd,
		    int arg_count, char **args);

/* Nobody waits for this clerk any more: end it. */
__attribute__((nonnull)) void process_end_clerk(struct process_table *table, pid_t pid);

/* Take notice of every child that has ended. */
__attribute__((nonnull)) void process_reap(struct process_table *table);

/* Fork what has waited long enough.  returns ms until the next one is due, at most
 * `limit_ms`. */
__attribute__((nonnull, warn_unused_result)) int
process_restart_due(struct process_table *table, int limit_ms);

/* Kill workers that stand still while queries wait in their sockets, and services that do. */
__attribute__((nonnull)) void process_watch(struct process_table *table);

/* End sync and fork it anew, with the settings that heritage has by then. */
__attribute__((nonnull)) void process_renew_sync(struct process_table *table);

/* Send `signal` to all children; from now on none is forked. */
__attribute__((nonnull)) void process_stop_all(struct process_table *table, int signal);

__attribute__((nonnull, warn_unused_result)) bool
process_all_ended(const struct process_table *table);

/* Before the server ever served: has a child died so often that it never will? */
__attribute__((nonnull, warn_unused_result)) bool
process_start_failed(const struct process_table *table);

#endif
