/* A ring of samples, and what was counted since the oldest. */
#include "master/recent.h"

#include <string.h>

#include "master/alloc.h"
#include "shm/clock.h"

static const uint64_t second_ns = UINT64_C(1000000000);

void
recent_init(struct recent *recent, unsigned worker_count)
{
	memset(recent, 0, sizeof *recent);
	recent->worker_count = worker_count;
	for (unsigned i = 0; i < RECENT_SAMPLES; i++)
		recent->samples[i].waited_ns = alloc_zero(worker_count, sizeof(uint64_t));
}

/* In all, also by workers that have ended. */
static void
sum_stage(const struct region *region, enum answer_stage stage, struct histogram *sum)
{
	memset(sum, 0, sizeof *sum);
	histogram_sum(sum, &region->retired_times.took[stage]);
	for (unsigned i = 0; i < region->worker_count; i++)
		histogram_sum(sum, &region->slots[i].times.took[stage]);
}

static uint64_t
waited_ns(const struct region *region, unsigned worker)
{
	return atomic_load_explicit(&region->slots[worker].times.spent_ns[STAGE_WAIT],
				    memory_order_relaxed);
}

/* Only the master counts them, and for all. */
static uint64_t
drops_of(const struct region *region)
{
	return atomic_load_explicit(&region->retired.value[STAT_udp_socket_drops],
				    memory_order_relaxed);
}

void
recent_sample(struct recent *recent, const struct region *region)
{
	struct recent_sample *sample = &recent->samples[recent->newest];
	uint64_t now_ns = clock_now_ns();

	if (sample->at_ns && now_ns - sample->at_ns < second_ns)
		return;
	recent->newest = (recent->newest + 1) % RECENT_SAMPLES;
	sample = &recent->samples[recent->newest];
	sample->at_ns = now_ns;
	sample->drops = drops_of(region);
	sum_stage(region, STAGE_SERVED, &sample->served);
	sum_stage(region, STAGE_QUEUE, &sample->queue);
	for (unsigned i = 0; i < recent->worker_count; i++)
		sample->waited_ns[i] = waited_ns(region, i);
}

static const struct recent_sample *
oldest(const struct recent *recent)
{
	unsigned i = (recent->newest + 1) % RECENT_SAMPLES;

	while (i != recent->newest && !recent->samples[i].at_ns)
		i = (i + 1) % RECENT_SAMPLES;
	return &recent->samples[i];
}

uint64_t
recent_take(const struct recent *recent, const struct region *region,
	    struct histogram *served, struct histogram *queue, uint64_t *drops)
{
	const struct recent_sample *then = oldest(recent);

	sum_stage(region, STAGE_SERVED, served);
	sum_stage(region, STAGE_QUEUE, queue);
	histogram_subtract(served, &then->served);
	histogram_subtract(queue, &then->queue);
	*drops = drops_of(region) - then->drops;
	return then->at_ns;
}

double
recent_busy(const struct recent *recent, const struct region *region, unsigned worker)
{
	const struct recent_sample *then = oldest(recent);
	uint64_t now = waited_ns(region, worker), before = then->waited_ns[worker];
	uint64_t elapsed_ns = clock_now_ns() - then->at_ns;
	double waited;

	if (!then->at_ns || elapsed_ns == 0)
		return 0;
	/* less than before: it has been started again */
	waited = (double)(now >= before ? now - before : now) / (double)elapsed_ns;
	return waited < 1 ? 1 - waited : 0;
}
