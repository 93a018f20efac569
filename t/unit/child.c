/* When a child that died is forked again. */
#include "master/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/log.h"
#include "t/tap.h"

static char last_line[512];

static void
keep_line(enum log_level level, const char *line)
{
	snprintf(last_line, sizeof last_line, "%d %s", (int)level, line);
}

/* It lived `age_ms`, and was killed by SIGSEGV.  returns ms until it is forked again. */
static int
wait_after(struct child *child, uint64_t age_ms)
{
	int wait_ms = 60000;

	child_note_start(child, 77);
	child->started_ms = clock_now_ms() - age_ms;
	child_note_death(child, SIGSEGV, CHILD_BACKOFF_MAX_MS, "; meanwhile");
	if (child_is_due(child, clock_now_ms(), &wait_ms))
		return 0;
	return (wait_ms + 50) / 100 * 100;
}

int
main(void)
{
	static const int waits[] = { 0, 0, 1000, 2000, 4000, 8000, 10000, 10000, 10000 };
	struct child child = { .name = "worker 3" };
	int next_ms = 60000;
	char how[128];

	log_to_sink(keep_line);
	for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
		is_int(wait_after(&child, 10), waits[i], "quick death %zu", i + 1);
	ok(strstr(last_line, "0 worker 3 (pid 77) died after 0.0 s: killed by signal 11 "
			     "(Segmentation fault); 9 times in a row, started again in "
			     "10.0 s; meanwhile"),
	   "as an error: %s", last_line);
	is_int(wait_after(&child, 1500), 0, "one that lived longer starts at once");
	is(last_line,
	   "1 worker 3 (pid 77) died after 1.5 s: killed by signal 11 (Segmentation "
	   "fault); started again",
	   "as a warning");
	is_int(wait_after(&child, 10), 0, "and the count begins anew");
	is_int(child.deaths, 11, "all deaths are counted");

	child_describe_end(3 << 8, how, sizeof how);
	is(how, "exit status 3", "an exit");
	child_describe_end(SIGABRT | 0x80, how, sizeof how);
	is(how, "killed by signal 6 (Aborted), core dumped", "a core");

	errno = EAGAIN;
	child_note_failure(&child);
	is(last_line, "0 cannot start worker 3: Resource temporarily unavailable",
	   "no process to be had");
	ok(!child_is_due(&child, clock_now_ms(), &next_ms) && next_ms <= 1000,
	   "is tried again in a second");
	child.state = CHILD_ENDING;
	ok(!child_is_due(&child, UINT64_MAX, &next_ms), "one that ends is not");
	return done_testing();
}
