/* The worker process: owns one UDP and one TCP socket per address, answers. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "shm/heritage.h"

/* Run worker `id` in this (just forked) process until SIGTERM (drain TCP for at most
 * 5 s, then exit 0), a second SIGTERM or SIGKILL.  Called after the rights are
 * dropped and the CPU is set.  Waits for a first published generation, then serves;
 * serves a neighbour's sockets too while that one's slot says WORKER_BACKOFF. */
_Noreturn void worker_run(const struct heritage *heritage, unsigned id);

#endif
