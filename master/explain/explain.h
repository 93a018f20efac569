/* The process that answers `explain` and `simulate`: a worker's answering, told by a clerk. */
#ifndef EXPLAIN_EXPLAIN_H
#define EXPLAIN_EXPLAIN_H

#include "shm/heritage.h"

/* Answer one request in this (just forked) process.  `fd` is the peer's connection, args[0]
 * the command: explain or simulate. */
_Noreturn void explain_run(const struct heritage *heritage, int fd, int arg_count, char **args);

#endif
