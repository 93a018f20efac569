/* A martletd in which an answer, and nothing else, takes longer: linked into a daemon of
 * the tests in the place of answer_fast (see GNUmakefile), so that one sender can ask for
 * more than a worker answers.  MARTLET_ANSWER_NS: so much longer each (5000). */
#include <stdlib.h>
#include <time.h>

#include "shm/clock.h"
#include "worker/answer_fast.h"

enum { SLEEP_MIN_NS = 200000 };

uint64_t __real_answer_fast(struct query *queries, const struct stage *stages,
			    unsigned count, const struct zone_store *store,
			    const struct answer_options *options,
			    struct stats_block *stats);
uint64_t __wrap_answer_fast(struct query *queries, const struct stage *stages,
			    unsigned count, const struct zone_store *store,
			    const struct answer_options *options,
			    struct stats_block *stats);

static uint64_t
answer_ns(void)
{
	static uint64_t ns;

	if (ns == 0) {
		const char *text = getenv("MARTLET_ANSWER_NS");

		ns = text ? strtoull(text, NULL, 10) : 5000;
	}
	return ns;
}

/* What takes long enough to be slept through costs no CPU time. */
static void
wait_until(uint64_t end_ns)
{
	const struct timespec end = { (time_t)(end_ns / 1000000000),
				      (long)(end_ns % 1000000000) };

	if (end_ns > clock_now_ns() + SLEEP_MIN_NS)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
	while (clock_now_ns() < end_ns)
		;
}

uint64_t
__wrap_answer_fast(struct query *queries, const struct stage *stages, unsigned count,
		   const struct zone_store *store, const struct answer_options *options,
		   struct stats_block *stats)
{
	uint64_t answers = 0, end_ns;

	for (unsigned i = 0; i < count; i++)
		answers += queries[i].verdict != QUERY_DROP;
	end_ns = clock_now_ns() + answers * answer_ns();
	wait_until(end_ns);
	return __real_answer_fast(queries, stages, count, store, options, stats);
}
