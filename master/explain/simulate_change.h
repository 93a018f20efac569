/* An RRset as it would be: records down, other weights. */
#ifndef EXPLAIN_SIMULATE_CHANGE_H
#define EXPLAIN_SIMULATE_CHANGE_H

#include "master/explain/simulate_args.h"
#include "shm/board.h"

/* A copy of a steered RRset of its own. */
struct simulate_rrset {
	uint8_t *payload;		/* owned */
	struct steered steered;
	uint32_t weights[STEERED_MAX];	/* of one that is changed */
	uint64_t targets[STEERED_MAX];
};

/* Copy the RRset of a block.  returns 0, ERR_NOMEM or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int simulate_rrset_copy(const struct block *block, struct simulate_rrset *out);

__attribute__((nonnull))
void simulate_rrset_free(struct simulate_rrset *rrset);

/* Make the changes that a question asks for.  A record is down on a board of the RRset's own,
 * which takes over what `board`, which may be NULL, says of the others; it is down also when
 * it is not probed, and then those beside it are up.
 * *out     receives that board, or `board` when nothing is down
 * returns  0; ERR_NOTFOUND, *missing being the address that is none of the RRset's; ERR_NOMEM */
__attribute__((nonnull(1, 2, 4, 5), warn_unused_result))
int simulate_rrset_change(struct simulate_rrset *rrset, const struct simulate_question *question,
			  const struct board *board, const struct board **out,
			  const struct geo_address **missing);

#endif
