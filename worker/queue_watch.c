/* The receive queues, and the share that follows from them. */
#include "worker/queue_watch.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

enum { STEPS_MAX = 128 };

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
}

void
queue_watch_batch(struct queue_watch *watch, struct queue_facts *queue, int fd,
		  bool is_full, uint64_t now_ns)
{
	if (!is_full) {
		queue->emptied_ns = now_ns;
		return;
	}
	if (now_ns - queue->emptied_ns < QUEUE_LOOK_NS)
		return;
	watch->stands = true;
	if (now_ns - queue->looked_ns < QUEUE_LOOK_NS)
		return;
	queue->looked_ns = now_ns;
	look(watch, queue, fd);
}

/* Less by a quarter when it is urgent, by a 16th else; more by a 32nd. */
static void
set_share(struct queue_watch *watch, uint64_t elapsed_ns)
{
	unsigned steps = elapsed_ns / QUEUE_LOOK_NS < STEPS_MAX
				 ? (unsigned)(elapsed_ns / QUEUE_LOOK_NS)
				 : STEPS_MAX;

	if (watch->runs_over)
		watch->share -= watch->share / 4;
	else if (watch->stands)
		watch->share -= watch->share / 16;
	else
		for (unsigned i = 0; i < steps; i++)
			watch->share += watch->share / 32;
	if (watch->share < QUEUE_SHARE_LEAST)
		watch->share = QUEUE_SHARE_LEAST;
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
	if (was_short) {
		set_share(watch, elapsed_ns);
	} else if (watch->runs_over) {
		watch->is_short = true;
		watch->share = QUEUE_SHARE_FIRST;
	}
	watch->stands = watch->runs_over = false;
	watch->stepped_ns = now_ns;
	return watch->is_short && !was_short;
}
