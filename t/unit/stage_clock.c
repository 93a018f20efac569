/* The stage clock: where time goes, who waits for it, who is told. */
#include "worker/stage_clock.h"

#include "shm/clock.h"
#include "t/tap.h"

static struct stage_times times, retired;
static struct stage_clock stage_clock;

static struct {
	unsigned calls, count;
	enum answer_stage stage;
	uint64_t start_ns, end_ns;
} traced;

static void
record(void *arg, enum answer_stage stage, uint64_t start_ns, uint64_t end_ns,
       unsigned count)
{
	ok(arg == &traced, "the trace has its argument");
	traced.calls++;
	traced.stage = stage;
	traced.start_ns = start_ns;
	traced.end_ns = end_ns;
	traced.count = count;
}

static unsigned
present(void)
{
	return atomic_load(&times.present);
}

static void
test_stages(void)
{
	uint64_t before_ns, now_ns;

	stage_clock_init(&stage_clock, &times);
	is_int(present(), STAGE_UPKEEP, "begins between batches");
	before_ns = stage_clock.entered_ns;
	now_ns = stage_clock_move(&stage_clock, STAGE_LOOKUP, 7);
	ok(now_ns >= before_ns && now_ns <= clock_now_ns(), "the time is told");
	is_int(present(), STAGE_LOOKUP, "another stage");
	is_int(histogram_count(&times.took[STAGE_UPKEEP]), 0,
	       "nobody waited for the first");
	is_int(atomic_load(&times.spent_ns[STAGE_UPKEEP]),
	       (long long)(now_ns - before_ns), "which took time");
	before_ns = now_ns;
	now_ns = stage_clock_move(&stage_clock, STAGE_ANSWER, 7);
	is_int(histogram_count(&times.took[STAGE_LOOKUP]), 7,
	       "7 queries went through it");
	is_int(atomic_load(&times.took[STAGE_LOOKUP].sum_ns),
	       (long long)(7 * (now_ns - before_ns)), "each waited for all of it");
	stage_clock_enter(NULL, STAGE_SEND, 1);
	is_int(present(), STAGE_ANSWER, "no clock, no stage");
}

static void
test_trace(void)
{
	uint64_t before_ns = stage_clock.entered_ns, now_ns;

	stage_clock.trace = record;
	stage_clock.trace_arg = &traced;
	now_ns = stage_clock_move(&stage_clock, STAGE_SEND, 5);
	is_int(traced.calls, 1, "the end of a stage is traced");
	is_int(traced.stage, STAGE_ANSWER, "which");
	is_int(traced.count, 7, "for how many");
	ok(traced.start_ns == before_ns && traced.end_ns == now_ns, "from when to when");
	stage_clock.trace = NULL;
	stage_clock_move(&stage_clock, STAGE_UPKEEP, 0);
	is_int(traced.calls, 1, "no longer");
}

static void
test_retire(void)
{
	uint64_t spent_ns = atomic_load(&times.spent_ns[STAGE_SEND]);

	stage_times_retire(&retired, &times);
	is_int(histogram_count(&retired.took[STAGE_SEND]), 5,
	       "times outlive their worker");
	is_int(atomic_load(&retired.spent_ns[STAGE_SEND]), (long long)spent_ns,
	       "all of them");
	is_int(histogram_count(&times.took[STAGE_SEND]), 0, "the slot starts from 0");
	is_int(atomic_load(&times.spent_ns[STAGE_SEND]), 0, "here too");
}

int
main(void)
{
	test_stages();
	test_trace();
	test_retire();
	is(answer_stage_name(STAGE_SERVED), "receive_to_send", "stages have names");
	return done_testing();
}
