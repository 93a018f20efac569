/* Going into the background, and telling whoever started us how the start went. */
#ifndef MASTER_DAEMON_H
#define MASTER_DAEMON_H

/* Descriptors 0 to 2 are open from now on: nothing else gets these numbers. */
void daemon_hold_streams(void);

/* Fork; the child returns, in a session of its own.  The parent stays until the child
 * calls daemon_ready, then exits 0, or 1 when the child ends before that, having said
 * why on stderr. */
void daemon_start(void);

/* The server serves.  `keep_stderr` when the log goes there.  Without daemon_start this
 * does nothing. */
void daemon_ready(int keep_stderr);

/* In a forked child: the parent waits for the master alone, and whoever started us must
 * not wait for the end of our streams. */
void daemon_enter_child(void);

#endif
