/* runnable: who hangs, and who is not let run. */
#include "master/runnable.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/tap.h"

enum { PATIENCE_MS = 20000 };

static pid_t
start(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* brackets, as a process may call itself */
		prctl(PR_SET_NAME, "a) S (b");
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run();
		_exit(0);
	}
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void
loop(void)
{
	for (volatile unsigned i = 0;; i++)
		;
}

static void
sleep_on(void)
{
	for (;;)
		pause();
}

/* Comes after everybody else on its CPU. */
static void
loop_last(void)
{
	struct sched_param param = { 0 };

	sched_setscheduler(0, SCHED_IDLE, &param);
	loop();
}

/* Whether it comes to be seen as `want`, and stays so, since it had used `cpu_ns`. */
static bool
comes_to_be(bool want, pid_t pid, uint64_t cpu_ns)
{
	uint64_t end_ms = clock_now_ms() + PATIENCE_MS;
	unsigned in_a_row = 0;

	while (in_a_row < 5 && clock_now_ms() < end_ms) {
		in_a_row = runnable_is_starved(pid, cpu_ns) == want ? in_a_row + 1 : 0;
		usleep(2000);
	}
	return in_a_row == 5;
}

static void
test_loop(void)
{
	pid_t pid = start(loop);

	ok(comes_to_be(false, pid, 0), "what goes round and round hangs");
	end(pid);
}

static void
test_waiting(void)
{
	pid_t pid = start(sleep_on);

	ok(comes_to_be(false, pid, 0), "so does what waits");
	end(pid);
	pid = start(loop);
	kill(pid, SIGSTOP);
	ok(comes_to_be(false, pid, runnable_cpu_ns(pid)), "and what was stopped");
	end(pid);
}

/* Both stay on one CPU, of which one has nearly all. */
static void
test_starved(void)
{
	cpu_set_t before, one;
	pid_t last, first;

	sched_getaffinity(0, sizeof before, &before);
	CPU_ZERO(&one);
	CPU_SET((unsigned)sched_getcpu(), &one);
	sched_setaffinity(0, sizeof one, &one);
	first = start(loop);
	last = start(loop_last);
	ok(comes_to_be(true, last, runnable_cpu_ns(last)), "what is not let run starves");
	end(last);
	end(first);
	sched_setaffinity(0, sizeof before, &before);
}

int
main(void)
{
	if (runnable_cpu_ns(getpid()) == 0)
		skip_all("the kernel does not tell of its scheduler");
	test_loop();
	test_waiting();
	test_starved();
	ok(!runnable_is_starved(0, 0), "a process that there is not");
	return done_testing();
}
