/* Steered RRsets in a response. */
#ifndef WORKER_ANSWER_STEERED_H
#define WORKER_ANSWER_STEERED_H

#include "worker/answering.h"

/* Choose among the records of a BLOCK_STEERED and append those that are chosen; there may be
 * none. */
enum step answer_steered(struct answering *a, const struct block *block, enum section section,
			 const struct rrset_place *place);

#endif
