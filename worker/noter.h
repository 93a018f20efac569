/* Takes note of what is asked for, by whom, and how it was answered: the worker's board, see
 * shm/top_board.h. */
#ifndef WORKER_NOTER_H
#define WORKER_NOTER_H

#include "shm/name_hash.h"
#include "shm/top_board.h"
#include "worker/query.h"
#include "worker/random.h"

struct noter {
	struct top_board *board;
	struct top_window *window; /* the present one */
	uint64_t period_end_ns, second_end_ns;
	unsigned exact_left; /* queries of this second that are counted one by one */
	struct hash_seed seed; /* strangers choose names and addresses */
	struct random_source random;
	uint64_t drawn; /* bits: which of the next queries are counted */
	unsigned drawn_left;
};

/* `board` is borrowed for the noter's life; all of it is written once, so that a flood gives
 * it no further memory. */
__attribute__((nonnull)) void noter_init(struct noter *noter, struct top_board *board,
					 struct hash_seed seed);

/* A batch is answered, and its nodes are still there. */
__attribute__((nonnull)) void noter_take(struct noter *noter, const struct query *queries,
					 unsigned count, uint64_t now_ns);

#endif
