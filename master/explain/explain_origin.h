/* Where a node comes from: the file, line or key that it was read from. */
#ifndef EXPLAIN_EXPLAIN_ORIGIN_H
#define EXPLAIN_EXPLAIN_ORIGIN_H

#include "master/explain/explain_steps.h"

/* Members "stored", "source", "line" and "change" of a node in the present zone. */
__attribute__((nonnull))
void explain_origin_print(struct explain_steps *steps, const struct node *node);

/* "in the generation" or "changed live". */
__attribute__((nonnull, returns_nonnull))
const char *explain_origin_words(const struct explain_steps *steps, const struct node *node);

#endif
