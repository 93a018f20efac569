/* What is due next: a binary heap of whatever has a struct due_entry in it. */
#ifndef LOADER_HEALTH_DUE_QUEUE_H
#define LOADER_HEALTH_DUE_QUEUE_H

#include <stddef.h>
#include <stdint.h>

/* In the caller's struct; all zero: in no queue. */
struct due_entry {
	uint64_t due_ms;
	size_t place;			/* in the heap, from 1 on; 0: none */
};

struct due_queue {
	struct due_entry **heap;	/* owned; from 1 on */
	size_t count, room;
};

/* The first moment after `now_ms` that is `phase_ms` into one of the intervals that follow
 * each other since time 0. */
uint64_t due_queue_next(uint64_t now_ms, uint64_t interval_ms, uint64_t phase_ms);

/* Put an entry, or move it.  returns 0 or ERR_NOMEM, and it is in no queue. */
__attribute__((nonnull, warn_unused_result))
int due_queue_put(struct due_queue *queue, struct due_entry *entry, uint64_t due_ms);

/* Take it out, wherever it is; one that is in no queue may be given. */
__attribute__((nonnull))
void due_queue_drop(struct due_queue *queue, struct due_entry *entry);

/* The first one, which stays; NULL: there is none. */
__attribute__((nonnull, pure))
struct due_entry *due_queue_first(const struct due_queue *queue);

__attribute__((nonnull))
void due_queue_fini(struct due_queue *queue);

#endif
