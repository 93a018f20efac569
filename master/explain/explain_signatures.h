/* Which key signed what is answered, and until when. */
#ifndef EXPLAIN_EXPLAIN_SIGNATURES_H
#define EXPLAIN_EXPLAIN_SIGNATURES_H

#include "master/explain/explain_steps.h"

/* A step for each signature of the answer. */
__attribute__((nonnull))
void explain_signatures(struct explain_steps *steps, const struct explain_answer *answer);

#endif
