/* What limits would have a worker do with an explained query: as things are now, and
 * without anything being taken from anybody. */
#ifndef EXPLAIN_EXPLAIN_LIMITS_H
#define EXPLAIN_EXPLAIN_LIMITS_H

#include "master/explain/explain_steps.h"

/* The steps "limit", behind all others. */
__attribute__((nonnull))
void explain_limits_tell(struct explain_steps *steps, const struct explain_answer *answer);

#endif
