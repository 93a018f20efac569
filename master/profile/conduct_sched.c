/* A line for each interval: what the workers did in it, in figures that they keep anyway.
 * Nothing is asked of them, so that any number of these may run beside a profile. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "master/profile/conductor.h"
#include "shm/clock.h"
#include "shm/stages.h"

enum { LINE_LEN = 500, WORKERS_SHOWN = 8 };

struct figures {
	uint64_t queries, batches, drops, wait_ns, queue_ns;
};

static uint64_t
stat_of(const struct worker_slot *slot, enum stat_id which)
{
	return atomic_load_explicit(&slot->stats.value[which], memory_order_relaxed);
}

/* ns in the run queue; 0 where the system hides it. */
static uint64_t
read_queue_ns(pid_t pid)
{
	char path[64], text[128] = "";
	uint64_t ran, queued = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/schedstat", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (!fgets(text, sizeof text, file) ||
	    sscanf(text, "%" SCNu64 " %" SCNu64, &ran, &queued) != 2)
		queued = 0;
	fclose(file);
	return queued;
}

static void
read_figures(const struct worker_slot *slot, struct figures *out)
{
	out->queries = stat_of(slot, STAT_udp_queries) + stat_of(slot, STAT_tcp_queries);
	out->batches = stat_of(slot, STAT_batches);
	out->drops = stat_of(slot, STAT_udp_socket_drops);
	out->wait_ns = atomic_load_explicit(&slot->times.spent_ns[STAGE_WAIT],
					    memory_order_relaxed);
	out->queue_ns = read_queue_ns(atomic_load(&slot->pid));
}

/* Since the last line; of a worker that was started anew, since its start. */
static uint64_t
grown(uint64_t now, uint64_t before)
{
	return now >= before ? now - before : now;
}

static int
print_worker(char *out, size_t room, unsigned id, const struct worker_slot *slot,
	     const struct figures *before, const struct figures *now, double took_ns)
{
	double busy = 100 - 100 * (double)grown(now->wait_ns, before->wait_ns) / took_ns;
	uint64_t batches = grown(now->batches, before->batches);
	uint64_t queries = grown(now->queries, before->queries);
	uint32_t state = atomic_load(&slot->state);
	uint32_t stage = atomic_load(&slot->times.present);

	if (state != WORKER_SERVING)
		return snprintf(out, room, " %u[%s]", id,
				worker_state_name((enum worker_state)state));
	return snprintf(out, room,
			" %u[qps=%.0f batch=%.1f busy=%.0f%% runqueue=%.1fms stage=%s]",
			id, (double)queries * 1e9 / took_ns,
			batches ? (double)queries / (double)batches : 0.0,
			busy < 0 ? 0 : busy,
			(double)grown(now->queue_ns, before->queue_ns) / 1e6,
			stage < STAGE_COUNT ? answer_stage_name((enum answer_stage)stage)
					    : "unknown");
}

static void
print_line(struct conductor *c, uint64_t begun_ns, double took_ns,
	   struct figures before[])
{
	const struct region *region = c->heritage->region;
	uint64_t queries = 0, drops = 0;
	char workers[LINE_LEN] = "";
	unsigned serving = 0;
	size_t len = 0;

	for (unsigned i = 0; i < region->worker_count; i++) {
		const struct worker_slot *slot = &region->slots[i];
		struct figures now;

		read_figures(slot, &now);
		queries += grown(now.queries, before[i].queries);
		drops += grown(now.drops, before[i].drops);
		serving += atomic_load(&slot->state) == WORKER_SERVING;
		if (i < WORKERS_SHOWN && len < sizeof workers)
			len += (size_t)print_worker(workers + len, sizeof workers - len,
						    i, slot, &before[i], &now, took_ns);
		before[i] = now;
	}
	reply_progress(&c->reply,
		       "SCHED %" PRIu64
		       "ms: workers=%u serving=%u qps=%.0f drops=%" PRIu64
		       " generation=%" PRIu64 "%s%s",
		       (clock_now_ns() - begun_ns) / 1000000, region->worker_count,
		       serving, (double)queries * 1e9 / took_ns, drops,
		       atomic_load(&region->swap.published_id), workers,
		       region->worker_count > WORKERS_SHOWN ? " ..." : "");
}

unsigned
conduct_sched(struct conductor *c, unsigned count)
{
	static struct figures before[SETTINGS_WORKERS_MAX];
	uint64_t begun_ns = clock_now_ns(), last_ns = begun_ns, now_ns;

	for (unsigned i = 0; i < c->area->worker_count; i++)
		read_figures(&c->heritage->region->slots[i], &before[i]);
	for (unsigned i = 0; count == 0 || i < count; i++) {
		conductor_pause(c, c->seconds * 1000);
		now_ns = clock_now_ns();
		print_line(c, begun_ns, (double)(now_ns - last_ns), before);
		last_ns = now_ns;
	}
	conductor_begin(c, "schedtrace");
	json_out_uint(&c->reply.json, "lines", count);
	json_out_end_object(&c->reply.json);
	return 0;
}
