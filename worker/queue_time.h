/* How long datagrams have waited in a socket's queue: nobody tells, hence estimated from the
 * length of the queue, and from when it was emptied last. */
#ifndef WORKER_QUEUE_TIME_H
#define WORKER_QUEUE_TIME_H

#include <stdbool.h>
#include <stdint.h>

enum {
	QUEUE_DATAGRAM_LEN = 768, /* memory that the kernel counts for a small one */
};

/* Of one socket. */
struct queue_time {
	uint64_t received_ns; /* the batch before, */
	unsigned count; /* and its datagrams */
	uint64_t emptied_ns; /* the last batch that took all there was */
};

static inline uint64_t
queue_time_least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A batch of `count` was received.  `waiting_len` octets of memory were in the queue when it
 * was looked at, 0 when it was not since it was emptied; the worker woke at `woken_ns`.
 * returns about how long each has waited: when the queue was empty before, half of the time
 * since then; else as long as those before it took, and not since before it was empty. */
static inline uint64_t
queue_time_take(struct queue_time *queue, unsigned count, bool is_full,
		uint64_t waiting_len, uint64_t woken_ns, uint64_t now_ns)
{
	uint64_t since_ns = queue->received_ns > woken_ns ? queue->received_ns : woken_ns;
	uint64_t took_ns = now_ns > since_ns ? now_ns - since_ns : 0,
		 wait_ns = took_ns / 2;

	if (queue->emptied_ns != queue->received_ns) {
		uint64_t bound_ns = now_ns - queue->emptied_ns;

		wait_ns = bound_ns / 2;
		if (waiting_len > 0 && queue->count > 0)
			wait_ns = took_ns / 2 + waiting_len / QUEUE_DATAGRAM_LEN *
							(now_ns - queue->received_ns) /
							queue->count;
		wait_ns = queue_time_least(wait_ns, bound_ns);
	}
	queue->received_ns = now_ns;
	queue->count = count;
	if (!is_full)
		queue->emptied_ns = now_ns;
	return wait_ns;
}

#endif
