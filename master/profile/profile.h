/* The conductor: a short-lived process that carries out one profile or trace, and replies
 * with what was found (shm/ctl_proto.h). */
#ifndef MASTER_PROFILE_PROFILE_H
#define MASTER_PROFILE_PROFILE_H

#include "shm/heritage.h"

/* args: profile cpu|heap|memory|wait [SECONDS] [--folded], trace SECONDS, or schedtrace
 * [INTERVAL [COUNT]]; `fd` is the peer's connection. */
_Noreturn void profile_run(const struct heritage *heritage, int fd, int arg_count,
			   char **args);

#endif
