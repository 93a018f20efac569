/* The part of the configuration that answers depend on, as workers follow it. */
#ifndef WORKER_ANSWER_OPTIONS_H
#define WORKER_ANSWER_OPTIONS_H

#include "shm/region.h"
#include "worker/answer.h"

/* Take over what the master has published; all else in `options` stays.  Its steerer, which
 * it must have, follows too. */
__attribute__((nonnull))
void answer_options_follow(struct answer_options *options, const struct region_live *live);

#endif
