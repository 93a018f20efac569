/* The reporter's loop. */
#include "loader/report/reporter.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/loader.h"
#include "shm/clock.h"
#include "shm/fence.h"

enum {
	REPORTER_NICE = 10, /* queries come first */
	TURN_MS = 1000,
	TURN_ASKING_MS = 100,
};

static void
on_settled(void *arg)
{
	struct reporter *reporter = arg;

	http_server_wake(reporter->http);
}

static void
open_all(struct reporter *reporter)
{
	const struct heritage *heritage = reporter->heritage;

	reporter_answer_init(reporter);
	reporter->profiler = asker_new(heritage->settings->control_socket,
				       &reporter->profile, 1, on_settled, reporter);
	reporter->asker = asker_new(heritage->settings->control_socket, reporter->answers,
				    ASK_COUNT, on_settled, reporter);
	reporter->http = http_server_new(heritage->http_fd, &heritage->region->report,
					 reporter_answer, reporter);
	if (!reporter->asker || !reporter->profiler || !reporter->http)
		_exit(1);
}

static void
turn(struct reporter *reporter)
{
	struct pollfd fds[] = { { .fd = http_server_fd(reporter->http),
				  .events = POLLIN },
				{ .fd = -1 },
				{ .fd = -1 } };
	int wait_ms = TURN_MS;

	fds[1].fd = asker_fd(reporter->asker, &fds[1].events);
	fds[2].fd = asker_fd(reporter->profiler, &fds[2].events);
	if (fds[1].fd >= 0 || fds[2].fd >= 0)
		wait_ms = TURN_ASKING_MS;
	poll(fds, sizeof fds / sizeof *fds, http_server_wait_ms(reporter->http, wait_ms));
	atomic_store(&reporter->heritage->region->report.heartbeat_ns, clock_now_ns());
	http_server_turn(reporter->http);
	asker_turn(reporter->asker);
	asker_turn(reporter->profiler);
}

_Noreturn void
reporter_run(const struct heritage *heritage)
{
	static struct reporter reporter;

	heritage_enter(heritage, "reporter");
	fence_enter(heritage, FENCE_REPORTER,
		    &(const struct fence_gate){ false, NULL, NULL });
	clearenv();
	signal(SIGPIPE, SIG_IGN);
	sched_setscheduler(0, SCHED_BATCH, &(const struct sched_param){ 0 });
	setpriority(PRIO_PROCESS, 0, REPORTER_NICE);
	reporter.heritage = heritage;
	open_all(&reporter);
	for (;;)
		turn(&reporter);
}
