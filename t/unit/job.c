/* Work done by a child of sync. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/job.h"
#include "loader/sync_state.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/region.h"
#include "t/tap.h"

enum { BIG_LEN = 5000000 };

static const struct settings settings = { .generations = { .stall_s = 2 } };
static struct sync sync_state = { .settings = &settings,
				  .request_fd = -1,
				  .log_fd = STDERR_FILENO,
				  .news_fd = -1,
				  .reply = { .fd = -1 } };

static int
find_much(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	uint32_t *numbers = calloc(BIG_LEN, 1);

	(void)reason;
	for (unsigned i = 0; i < BIG_LEN / 4; i++)
		numbers[i] = i;
	job_report_put_text(report, context);
	job_report_put(report, numbers, BIG_LEN);
	job_report_put_text(report, "");
	free(numbers);
	return 0;
}

static int
fail(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	(void)context;
	job_report_put_text(report, "half a result");
	strcpy(reason, "it did not work");
	return ERR_NOSPACE;
}

static int
die(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	(void)reason;
	job_report_put_text(report, "half a result");
	signal(*(int *)context, SIG_DFL); /* a sanitizer would catch it */
	raise(*(int *)context);
	return 0;
}

/* Three seconds of work now and then, then none for ever. */
static int
stand_still(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	const struct timespec pause = { .tv_nsec = 50000000 };

	(void)report;
	(void)reason;
	for (unsigned i = 0; i < *(unsigned *)context; i++)
		nanosleep(&pause, NULL);
	raise(SIGSTOP);
	return 0;
}

static int
leave(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	(void)context;
	(void)report;
	(void)reason;
	_exit(7);
}

/* What is open in the child besides stdio and the way back. */
static int
count_open(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	int count = 0;

	(void)context;
	(void)reason;
	for (int fd = 3; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	job_report_put(report, &count, sizeof count);
	return 0;
}

static int
run_job(int (*work)(void *, struct job_report *, char *), void *context,
	struct job_report *report, char reason[JOB_REASON_MAX])
{
	const struct job job = { "worked", work, context, NULL, false };

	reason[0] = '\0';
	return job_run(&sync_state, &job, report, reason);
}

static void
test_results(void)
{
	char reason[JOB_REASON_MAX], text[] = "what was found", *found;
	struct job_report report;
	uint32_t *numbers = calloc(BIG_LEN, 1);
	unsigned wrong = 0;

	is_int(run_job(find_much, text, &report, reason), 0, "a job is done");
	found = job_report_take_text(&report);
	is(found, text, "a text comes back");
	free(found);
	job_report_take(&report, numbers, BIG_LEN);
	for (unsigned i = 0; i < BIG_LEN / 4; i++)
		wrong += numbers[i] != i;
	is_int(wrong, 0, "and millions of octets");
	found = job_report_take_text(&report);
	is(found, "", "and an empty text");
	free(found);
	ok(!report.is_broken && report.at == report.len, "that is all");
	job_report_take(&report, text, 1);
	ok(report.is_broken && text[0] == '\0', "what is not there cannot be taken");
	ok(!job_report_take_text(&report), "no more after that");
	job_report_fini(&report);
	free(numbers);
	is_int(run_job(fail, NULL, &report, reason), ERR_NOSPACE, "a job fails");
	is(reason, "it did not work", "with its reason");
	is_int((long long)report.len, 0, "and without a result");
	job_report_fini(&report);
}

static void
test_deaths(void)
{
	static const int signals[] = { SIGKILL, SIGSEGV, SIGBUS, SIGTERM };
	char reason[JOB_REASON_MAX];
	struct job_report report;

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		int number = signals[i];

		is_int(run_job(die, &number, &report, reason), ERR_CLOSED, "signal %d",
		       number);
		ok(strstr(reason, "killed by signal") && strstr(reason, "worked"),
		   "said: %s", reason);
		job_report_fini(&report);
	}
	is_int(run_job(leave, NULL, &report, reason), ERR_CLOSED, "an early end");
	ok(strstr(reason, "status 7"), "said: %s", reason);
	job_report_fini(&report);
}

static void
test_standstill(void)
{
	char reason[JOB_REASON_MAX];
	struct job_report report;
	unsigned pauses = 60;
	uint64_t begun_ms = clock_now_ms();

	is_int(run_job(stand_still, &pauses, &report, reason), ERR_TIMEOUT,
	       "a child that was stopped is killed");
	ok(strstr(reason, "did nothing for 2 s"), "said: %s", reason);
	ok(clock_now_ms() - begun_ms >= 4500, "but not while it did a little");
	is_int(atomic_load(&sync_state.region->swap.job_pid), 0, "status has no child");
	job_report_fini(&report);
}

static int
ask(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	uint64_t answer = 0, sum = 0;

	(void)context;
	(void)reason;
	for (uint64_t i = 0; i < 100; i++) {
		if (!job_ask(i, &answer))
			return ERR_CLOSED;
		sum += answer;
	}
	job_report_put(report, &sum, sizeof sum);
	return 0;
}

static unsigned answers;

static uint64_t
answer(struct sync *sync, uint64_t question)
{
	answers += sync == &sync_state;
	return question * 2;
}

static void
test_questions(void)
{
	char reason[JOB_REASON_MAX];
	struct job_report report;
	const struct job job = { "worked", ask, NULL, answer, false };
	uint64_t sum;

	is_int(job_run(&sync_state, &job, &report, reason), 0, "a job asks");
	job_report_take(&report, &sum, sizeof sum);
	is_int((long long)sum, 9900, "and is answered");
	is_int(answers, 100, "each time");
	job_report_fini(&report);
}

static void
test_descriptors(void)
{
	char reason[JOB_REASON_MAX];
	struct job_report report;
	int fds[2], low, count = -1;

	if (pipe(fds) != 0)
		bail_out("no pipe");
	low = dup2(fds[0], 90);
	sync_state.reply.fd = fds[1];
	sync_state.request_fd = low;
	is_int(run_job(count_open, NULL, &report, reason), 0, "a job looks around");
	job_report_take(&report, &count, sizeof count);
	is_int(count, 2, "it has the way back and the peer");
	job_report_fini(&report);
	sync_state.reply.fd = sync_state.request_fd = -1;
}

int
main(void)
{
	sync_state.region = region_create(1);
	if (!sync_state.region)
		bail_out("no region");
	test_results();
	test_deaths();
	test_standstill();
	test_questions();
	test_descriptors();
	return done_testing();
}
