/* The algorithm of RFC 1034, section 4.3.2, as RFC 4592, 6672 and 4035 refine it. */
#ifndef WORKER_RESOLVE_H
#define WORKER_RESOLVE_H

#include "worker/answering.h"

/* Answer the question of a->q, whose zone was found to be a->zone: fills the sections,
 * a->rcode, a->authoritative. */
enum step resolve(struct answering *a);

#endif
