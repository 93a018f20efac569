/* Steered RRsets in a response. */
#ifndef WORKER_ANSWER_STEERED_H
#define WORKER_ANSWER_STEERED_H

#include "worker/answering.h"

/* Choose among the records of a BLOCK_STEERED and append those that are chosen, signed if
 * their zone is; there may be none.
 * node  that has the block; NULL: they are answered for another name, without signatures */
enum step answer_steered(struct answering *a, const struct node *node,
			 const struct block *block, enum section section,
			 const struct rrset_place *place);

#endif
