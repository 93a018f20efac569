/* Lets go of what is not a child's; restarts at once, and backs off. */
#include "master/child.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "master/daemon.h"
#include "master/poll_set.h"
#include "shm/clock.h"
#include "shm/log.h"

enum {
	QUICK_DEATH_MS = 1000,
	BACKOFF_MS = 1000,
	FORK_RETRY_MS = 1000,
};

/* state_dir's lock stays, on purpose: no other server starts while one of us lives. */
void
child_enter(int keep_fd)
{
	poll_set_close_all(keep_fd);
	daemon_enter_child();
}

void
child_close_icmp(const struct heritage *heritage)
{
	for (unsigned i = 0; i < 2; i++)
		if (heritage->icmp_fds[i] >= 0)
			close(heritage->icmp_fds[i]);
}

void
child_close_http(const struct heritage *heritage)
{
	if (heritage->http_fd >= 0)
		close(heritage->http_fd);
}

void
child_close_signer(const struct heritage *heritage)
{
	close(heritage->signer_fds[0]);
	close(heritage->signer_fds[1]);
}

void
child_close_signer_end(const struct heritage *heritage)
{
	close(heritage->signer_fds[1]);
}

void
child_note_start(struct child *child, pid_t pid)
{
	child->pid = pid;
	child->state = CHILD_RUNNING;
	child->started_ms = clock_now_ms();
	child->still_since_ms = 0;
}

void
child_note_failure(struct child *child)
{
	log_error("cannot start %s", child->name);
	child->state = CHILD_WAITING;
	child->restart_ms = clock_now_ms() + FORK_RETRY_MS;
}

void
child_describe_end(int status, char *out, size_t room)
{
	if (WIFSIGNALED(status))
		snprintf(out, room, "killed by signal %d (%s)%s", WTERMSIG(status),
			 strsignal(WTERMSIG(status)),
			 WCOREDUMP(status) ? ", core dumped" : "");
	else
		snprintf(out, room, "exit status %d", WEXITSTATUS(status));
}

static uint64_t
backoff_ms(unsigned quick_deaths)
{
	uint64_t wait_ms = BACKOFF_MS;

	if (quick_deaths < CHILD_QUICK_DEATHS_MAX)
		return 0;
	while (quick_deaths-- > CHILD_QUICK_DEATHS_MAX && wait_ms < CHILD_BACKOFF_MAX_MS)
		wait_ms *= 2;
	return wait_ms < CHILD_BACKOFF_MAX_MS ? wait_ms : CHILD_BACKOFF_MAX_MS;
}

void
child_note_death(struct child *child, int status, uint64_t max_wait_ms,
		 const char *meanwhile)
{
	uint64_t now_ms = clock_now_ms(), age_ms = now_ms - child->started_ms;
	uint64_t wait_ms;
	char how[128];

	child_describe_end(status, how, sizeof how);
	child->deaths++;
	child->quick_deaths = age_ms < QUICK_DEATH_MS ? child->quick_deaths + 1 : 0;
	wait_ms = backoff_ms(child->quick_deaths);
	if (wait_ms > max_wait_ms)
		wait_ms = max_wait_ms;
	child->state = CHILD_WAITING;
	child->restart_ms = now_ms + wait_ms;
	if (wait_ms == 0)
		log_warnx("%s (pid %d) died after %.1f s: %s; started again", child->name,
			  (int)child->pid, (double)age_ms / 1000, how);
	else
		log_errorx(
			"%s (pid %d) died after %.1f s: %s; %u times in a row, started "
			"again in %.1f s%s",
			child->name, (int)child->pid, (double)age_ms / 1000, how,
			child->quick_deaths, (double)wait_ms / 1000, meanwhile);
}

bool
child_is_due(const struct child *child, uint64_t now_ms, int *next_ms)
{
	if (child->state != CHILD_WAITING)
		return false;
	if (child->restart_ms <= now_ms)
		return true;
	if (child->restart_ms - now_ms < (uint64_t)*next_ms)
		*next_ms = (int)(child->restart_ms - now_ms);
	return false;
}
