/* Is a worker short of time, and how much of it may one zone have then?
 *
 * What waits in a receive queue is looked at (SO_MEMINFO) at most once a millisecond, and
 * only when batches have been full for so long.  How long it waits follows from how fast
 * those before it were taken.  The worker is short when
 *
 *	a queue is over half, or the kernel has dropped datagrams of it,
 *	or what is in it waits for over 8 ms, at each look for 100 ms (much as RFC 8289 has it),
 *	or, in the minute after a shortage, for over 1 ms once.
 *
 * From then on a zone may have a share of the worker's time, which comes down while a queue
 * stands (several full batches) and does not shrink, and grows when all are emptied: slowly
 * towards where one stood the last time.  While what is in a queue waits for over 1 ms a
 * zone may have next to nothing instead: what gathers while the worker did not run would
 * stand for long at a share that is just right.  Once a zone may have all of the time
 * twice, the shortage is over.
 */
#ifndef WORKER_QUEUE_WATCH_H
#define WORKER_QUEUE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

enum {
	QUEUE_SHARE_BITS = 16,		/* a share is so many binary places, 1 all of the time */
	QUEUE_SHARE_FIRST = 3 << (QUEUE_SHARE_BITS - 2),
	QUEUE_SHARE_AGAIN = 1 << (QUEUE_SHARE_BITS - 3),	/* the next time, at least */
	QUEUE_SHARE_LEAST = 1 << (QUEUE_SHARE_BITS - 8),
	QUEUE_SHARE_END = 2 << QUEUE_SHARE_BITS,
};

#define QUEUE_LOOK_NS UINT64_C(1000000)

/* Of one socket. */
struct queue_facts {
	uint64_t emptied_ns;		/* the last batch that was not full, */
	unsigned full_count;		/* and those since then */
	uint64_t looked_ns;
	unsigned looked_count;		/* of these, as of the last look */
	uint64_t late_ns;		/* since when all looks found a long wait; 0: not now */
	uint32_t drops;			/* as of the last look */
	uint32_t waiting_len;		/* memory in it then; 0 once it was emptied */
};

struct queue_watch {
	bool is_short;
	bool stands;			/* since the last step: a queue was not emptied for long, */
	bool grows;			/* one was found not to shrink, */
	bool waits;			/* to wait for some time, */
	bool runs_over;			/* or to be over half, to have dropped, to wait for long */
	bool drains;			/* as of the last step: short, and what is there waits */
	uint32_t share;			/* that one zone may have while the worker is short, unless it drains */
	uint32_t stood;			/* the share with which a queue stood the last time */
	uint64_t stepped_ns, lowered_ns;
	uint64_t ended_ns;		/* the last shortage; 0: there was none */
};

/* A batch was taken from the queue of `fd`. */
__attribute__((nonnull))
void queue_watch_batch(struct queue_watch *watch, struct queue_facts *queue, int fd,
		       bool is_full, uint64_t now_ns);

/* Take what was found since the last step into account, once a millisecond.
 * returns whether the worker has become short now. */
__attribute__((nonnull))
bool queue_watch_step(struct queue_watch *watch, uint64_t now_ns);

/* What one zone may have now. */
__attribute__((nonnull))
static inline uint32_t
queue_watch_share(const struct queue_watch *watch)
{
	return watch->drains ? QUEUE_SHARE_LEAST : watch->share;
}

#endif
