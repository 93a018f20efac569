/* The descriptors that the master waits for, each with what to do.  One set per
 * process; a child closes all of them after fork. */
#ifndef MASTER_POLL_SET_H
#define MASTER_POLL_SET_H

enum { POLL_SET_MAX = 64 };

/* Called with the events that came (POLLHUP and POLLERR unasked); may add and remove
 * watches, its own too. */
typedef void poll_set_fn(void *arg, short events);

/* Watch `fd` (borrowed) for `events`.  More than POLL_SET_MAX is our bug. */
void poll_set_add(int fd, short events, poll_set_fn *ready, void *arg);

/* Wait for other events from now on. */
void poll_set_change(int fd, short events);

/* Forget `fd`; to be called before it is closed.  Not watched is allowed. */
void poll_set_remove(int fd);

/* Wait, at most `timeout_ms`, and call what is ready. */
void poll_set_run(int timeout_ms);

/* In a child: close all watched descriptors but `keep` (-1: none). */
void poll_set_close_all(int keep);

#endif
