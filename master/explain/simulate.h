/* simulate: how answers share out among records for many clients, and what shifts if
 * something were otherwise. */
#ifndef EXPLAIN_SIMULATE_H
#define EXPLAIN_SIMULATE_H

#include "master/explain/explainer.h"
#include "loader/reply.h"

/* Write the whole reply, from what comes behind the request on `fd`.  `explainer` is open.
 * returns the exit code. */
__attribute__((nonnull))
unsigned simulate_run(struct explainer *explainer, struct reply *reply, int fd, int arg_count,
		      char **args);

#endif
