/* The receive queues, and the share that follows from them. */
#include "worker/queue_watch.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

/* Batches may take long, too. */
enum { STEPS_MAX = 8, STANDING_BATCHES = 4 };

#define LOWER_NS UINT64_C(4000000)

static void
look(struct queue_watch *watch, struct queue_facts *queue, int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof info;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
		return;
	if (info[SK_MEMINFO_DROPS] != queue->drops ||
	    info[SK_MEMINFO_RMEM_ALLOC] > info[SK_MEMINFO_RCVBUF] / 2)
		watch->runs_over = true;
	queue->drops = info[SK_MEMINFO_DROPS];
	queue->waiting_len = info[SK_MEMINFO_RMEM_ALLOC];
}

void
queue_watch_batch(struct queue_watch *watch, struct queue_facts *queue, int fd,
		  bool is_full, uint64_t now_ns)
{
	if (!is_full) {
		queue->emptied_ns = now_ns;
		queue->full_count = 0;
		queue->waiting_len = 0;
		return;
	}
	queue->full_count++;
	if (now_ns - queue->emptied_ns < QUEUE_LOOK_NS)
		return;
	if (queue->full_count >= STANDING_BATCHES)
		watch->stands = true;
	if (now_ns - queue->looked_ns < QUEUE_LOOK_NS)
		return;
	queue->looked_ns = now_ns;
	look(watch, queue, fd);
}

/* Less by a quarter when it is urgent, by an eighth else, and then some time for the queue to
 * become shorter. */
static void
lower_share(struct queue_watch *watch, uint64_t now_ns)
{
	if (now_ns - watch->lowered_ns < LOWER_NS)
		return;
	watch->lowered_ns = now_ns;
	watch->stood = watch->share;
	watch->share -= watch->share / (watch->runs_over ? 4 : 8);
	if (watch->share < QUEUE_SHARE_LEAST)
		watch->share = QUEUE_SHARE_LEAST;
}

/* For each millisecond a 32nd more, but slowly towards where a queue stood the last time. */
static void
raise_share(struct queue_watch *watch, uint64_t elapsed_ns)
{
	uint64_t steps = elapsed_ns / QUEUE_LOOK_NS;

	for (unsigned i = 0; i < steps && i < STEPS_MAX; i++)
		watch->share += watch->share < watch->stood / 4 * 3 ? watch->share / 32
								    : watch->share / 256;
	if (watch->share >= QUEUE_SHARE_END)
		watch->is_short = false;
}

bool
queue_watch_step(struct queue_watch *watch, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns - watch->stepped_ns;
	bool was_short = watch->is_short;

	if (elapsed_ns < QUEUE_LOOK_NS)
		return false;
	if (was_short && (watch->stands || watch->runs_over)) {
		lower_share(watch, now_ns);
	} else if (was_short) {
		raise_share(watch, elapsed_ns);
	} else if (watch->runs_over) {
		watch->is_short = true;
		watch->share = watch->stood = QUEUE_SHARE_FIRST;
		watch->lowered_ns = now_ns;
	}
	watch->stands = watch->runs_over = false;
	watch->stepped_ns = now_ns;
	return watch->is_short && !was_short;
}
