/* The receive queues, and the share that follows from them. */
#include "worker/queue_watch.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include "worker/answer.h"
#include "worker/queue_time.h"

/* Batches may take long, too. */
enum { STEPS_MAX = 8, STANDING_BATCHES = 4 };

#define LOWER_NS UINT64_C(4000000)
/* What waits for longer at each look, for so long, is no burst. */
#define LATE_NS UINT64_C(8000000)
#define LATE_FOR_NS UINT64_C(100000000)
/* What is too long in a shortage, and in the minute after one, which may not be all of it. */
#define WAIT_NS UINT64_C(1000000)
#define AGAIN_NS UINT64_C(60000000000)

/* How long will what is in the queue have waited when it is taken as those were that were
 * taken since the last look? */
static uint64_t
estimate_wait(const struct queue_facts *queue, uint64_t now_ns)
{
	uint64_t since_ns = queue->looked_ns > queue->emptied_ns ? queue->looked_ns
								 : queue->emptied_ns;
	uint64_t taken =
		(uint64_t)(queue->full_count - queue->looked_count) * ANSWER_BATCH;

	return queue->waiting_len / QUEUE_DATAGRAM_LEN * (now_ns - since_ns) / taken;
}

/* returns whether what is in the queue has waited for too long for too long. */
static bool
is_late(struct queue_facts *queue, uint64_t wait_ns, uint64_t now_ns)
{
	if (wait_ns < LATE_NS)
		queue->late_ns = 0;
	else if (queue->late_ns == 0)
		queue->late_ns = now_ns;
	return queue->late_ns != 0 && now_ns - queue->late_ns >= LATE_FOR_NS;
}

static void
look(struct queue_watch *watch, struct queue_facts *queue, int fd, uint64_t now_ns)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 }, before_len = queue->waiting_len;
	socklen_t len = sizeof info;
	uint64_t wait_ns;

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0)
		return;
	queue->waiting_len = info[SK_MEMINFO_RMEM_ALLOC];
	wait_ns = estimate_wait(queue, now_ns);
	if (queue->waiting_len >= before_len - before_len / 16)
		watch->grows = true;
	if (wait_ns >= WAIT_NS)
		watch->waits = true;
	if (info[SK_MEMINFO_DROPS] != queue->drops ||
	    queue->waiting_len > info[SK_MEMINFO_RCVBUF] / 2 ||
	    is_late(queue, wait_ns, now_ns))
		watch->runs_over = true;
	queue->drops = info[SK_MEMINFO_DROPS];
}

void
queue_watch_batch(struct queue_watch *watch, struct queue_facts *queue, int fd,
		  bool is_full, uint64_t now_ns)
{
	if (!is_full) {
		queue->emptied_ns = now_ns;
		queue->full_count = queue->looked_count = 0;
		queue->late_ns = 0;
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
	look(watch, queue, fd, now_ns);
	queue->looked_ns = now_ns;
	queue->looked_count = queue->full_count;
}

/* Less by half when it is urgent, by an eighth else, and then some time for the queue to
 * become shorter. */
static void
lower_share(struct queue_watch *watch, uint64_t now_ns)
{
	if (now_ns - watch->lowered_ns < LOWER_NS)
		return;
	watch->lowered_ns = now_ns;
	watch->stood = watch->share;
	watch->share -= watch->share / (watch->runs_over ? 2 : 8);
	if (watch->share < QUEUE_SHARE_LEAST)
		watch->share = QUEUE_SHARE_LEAST;
}

/* For each millisecond a 32nd more, but slowly towards where a queue stood the last time. */
static void
raise_share(struct queue_watch *watch, uint64_t elapsed_ns, uint64_t now_ns)
{
	uint64_t steps = elapsed_ns / QUEUE_LOOK_NS;

	for (unsigned i = 0; i < steps && i < STEPS_MAX; i++)
		watch->share += watch->share < watch->stood / 4 * 3 ? watch->share / 32
								    : watch->share / 256;
	if (watch->share < QUEUE_SHARE_END)
		return;
	watch->is_short = false;
	watch->ended_ns = now_ns;
}

static void
begin(struct queue_watch *watch, uint32_t share, uint64_t now_ns)
{
	watch->is_short = true;
	watch->share = watch->stood = share;
	watch->lowered_ns = now_ns;
}

/* A little less than where a queue stood in the shortage before. */
static uint32_t
share_again(const struct queue_watch *watch)
{
	uint32_t share = watch->stood - watch->stood / 8;

	if (share < QUEUE_SHARE_AGAIN)
		return QUEUE_SHARE_AGAIN;
	return share < QUEUE_SHARE_FIRST ? share : QUEUE_SHARE_FIRST;
}

bool
queue_watch_step(struct queue_watch *watch, uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns - watch->stepped_ns;
	bool was_short = watch->is_short;
	bool is_lately = watch->ended_ns != 0 && now_ns - watch->ended_ns < AGAIN_NS;

	if (elapsed_ns < QUEUE_LOOK_NS)
		return false;
	if (was_short && !watch->stands && !watch->runs_over)
		raise_share(watch, elapsed_ns, now_ns);
	else if (was_short && watch->grows)
		lower_share(watch, now_ns);
	else if (!was_short && is_lately && watch->waits)
		begin(watch, share_again(watch), now_ns);
	else if (!was_short && watch->runs_over)
		begin(watch, QUEUE_SHARE_FIRST, now_ns);
	watch->drains = watch->is_short && watch->waits;
	watch->stands = watch->grows = watch->waits = watch->runs_over = false;
	watch->stepped_ns = now_ns;
	return watch->is_short && !was_short;
}
