/* The additional section: addresses of the names that an RRset points at. */
#ifndef WORKER_ADDITIONAL_H
#define WORKER_ADDITIONAL_H

#include "worker/answering.h"

/* Append A and AAAA RRsets of the targets of a->additional, as far as they fit.
 * returns STEP_FULL only when the glue that a referral cannot do without, that of name
 * servers at or below the cut, does not all fit (RFC 9471, section 3.1). */
enum step additional_add(struct answering *a);

#endif
