/* Forking a child, and hearing from it. */
#include "loader/job.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/attend.h"
#include "loader/job_watch.h"
#include "loader/sync_state.h"
#include "shm/errcode.h"
#include "shm/file_write.h"
#include "shm/log.h"
#include "shm/process_seat.h"
#include "shm/title.h"

enum { PIECE_LEN = 65536 };

/* Each message but the last is a question, answered by one uint64_t; behind the last one
 * comes the report. */
struct job_message {
	uint64_t is_last;
	uint64_t question;
};

/* Written last: without it the job was cut short. */
struct job_end {
	uint64_t report_len; /* octets in front of this */
	int32_t result;
	char reason[JOB_REASON_MAX];
};

/* ---- the child ---- */

static int sync_fd; /* to sync */

static int
compare_fds(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

/* Close all but stdio and `keep`: the master must see sync hang up when sync ends, and
 * so must a source.  Where the system cannot, they stay open as long as the child. */
static void
close_others(int *keep, size_t count)
{
	int next = STDERR_FILENO + 1;

	qsort(keep, count, sizeof *keep, compare_fds);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] > next)
			(void)close_range((unsigned)next, (unsigned)keep[i] - 1, 0);
		if (keep[i] >= next)
			next = keep[i] + 1;
	}
	(void)close_range((unsigned)next, ~0u, 0);
}

bool
job_ask(uint64_t question, uint64_t *answer)
{
	const struct job_message message = { .question = question };

	return file_write(sync_fd, &message, sizeof message) == ERR_OK &&
	       recv(sync_fd, answer, sizeof *answer, MSG_WAITALL) == sizeof *answer;
}

static bool
tell_end(int fd, const struct job_report *report, const struct job_end *end)
{
	const struct job_message last = { .is_last = 1 };

	return file_write(fd, &last, sizeof last) == ERR_OK &&
	       file_write(fd, report->octets, report->len) == ERR_OK &&
	       file_write(fd, end, sizeof *end) == ERR_OK;
}

static _Noreturn void
run_child(struct sync *sync, const struct job *job, int fd, pid_t parent)
{
	int keep[] = { fd, sync->log_fd, sync->reply.fd, sync->signer_fd };
	struct job_report report = { 0 };
	struct job_end end = { 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	title_set(job->name);
	log_set_process(job->name);
	process_seat_take(job->name);
	close_others(keep, sizeof keep / sizeof *keep);
	sync_fd = fd;
	end.result = job->run(job->context, &report, end.reason);
	if (end.result == 0 && report.is_broken) {
		end.result = ERR_NOMEM;
		snprintf(end.reason, sizeof end.reason, "%s", errcode_text(ERR_NOMEM));
	}
	if (end.result)
		report.len = 0;
	end.report_len = report.len;
	_exit(tell_end(fd, &report, &end) ? 0 : 1);
}

/* ---- sync ---- */

/* returns the child, with the descriptor to hear it by, or -1 with errno. */
static pid_t
start(struct sync *sync, const struct job *job, int *fd)
{
	pid_t child, parent = getpid();
	int fds[2], saved_errno;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	child = fork();
	if (child == 0)
		run_child(sync, job, fds[1], parent);
	saved_errno = errno;
	close(fds[1]);
	*fd = fds[0];
	if (child < 0)
		close(fds[0]);
	errno = saved_errno;
	return child;
}

/* A child at work, as sync sees it. */
struct working {
	struct sync *sync;
	const struct job *job;
	int fd; /* to hear it by */
	pid_t child;
	struct job_watch watch;
	bool is_stuck;
};

/* Wait for the child.  returns false when it is to be given up. */
static bool
wait_for(struct working *w)
{
	struct sync *sync = w->sync;

	while (!attend_wait(sync, w->fd, -1)) {
		if (w->job->yields && sync->has_request)
			return false;
		w->is_stuck = !job_watch_look(&w->watch, &sync->region->swap,
					      sync->settings->generations.stall_s);
		if (w->is_stuck)
			return false;
	}
	return true;
}

/* returns false when the child is gone, or given up, before it has written so much. */
static bool
receive(struct working *w, void *octets, size_t len)
{
	uint8_t *at = octets;

	while (len > 0) {
		ssize_t got;

		if (!wait_for(w))
			return false;
		got = recv(w->fd, at, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

/* Answer until no more is asked.  returns false as above. */
static bool
answer_questions(struct working *w)
{
	const struct job *job = w->job;
	struct job_message message;

	while (receive(w, &message, sizeof message)) {
		uint64_t answer = 0;

		if (message.is_last)
			return true;
		if (job->answer)
			answer = job->answer(w->sync, message.question);
		if (send(w->fd, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer)
			return false;
	}
	return false;
}

/* Take what the child writes until it hangs up. */
static void
hear(struct working *w, struct job_report *report)
{
	uint8_t piece[PIECE_LEN];
	ssize_t got;

	if (!answer_questions(w))
		return;
	while (wait_for(w)) {
		got = recv(w->fd, piece, sizeof piece, 0);
		if (got > 0)
			job_report_put(report, piece, (size_t)got);
		else if (got == 0 || errno != EINTR)
			return;
	}
}

static int
explain_death(const struct job *job, int status, char reason[JOB_REASON_MAX])
{
	if (WIFSIGNALED(status))
		snprintf(reason, JOB_REASON_MAX,
			 "the process that worked on this, %s, was killed by signal %d "
			 "(%s): nothing has changed",
			 job->name, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(reason, JOB_REASON_MAX,
			 "the process that worked on this, %s, ended early with status "
			 "%d: nothing has changed",
			 job->name, WEXITSTATUS(status));
	return ERR_CLOSED;
}

/* Judge how a child ended; what stays in the report is what it found. */
static int
conclude(const struct job *job, int status, struct job_report *report,
	 char reason[JOB_REASON_MAX])
{
	struct job_end end;

	if (report->is_broken) {
		snprintf(reason, JOB_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	if (report->len < sizeof end)
		return explain_death(job, status, reason);
	memcpy(&end, report->octets + report->len - sizeof end, sizeof end);
	if (end.report_len != report->len - sizeof end)
		return explain_death(job, status, reason);
	report->len = end.report_len;
	memcpy(reason, end.reason, sizeof end.reason);
	return end.result;
}

static void
end(const struct working *w, int *status)
{
	while (waitpid(w->child, status, 0) < 0 && errno == EINTR)
		;
}

static int
give_up(const struct working *w, char reason[JOB_REASON_MAX])
{
	kill(w->child, SIGKILL);
	end(w, NULL);
	if (!w->is_stuck) {
		snprintf(reason, JOB_REASON_MAX,
			 "%s was given up for a request that came in", w->job->name);
		return ERR_BUSY;
	}
	snprintf(reason, JOB_REASON_MAX,
		 "%s (pid %d) did nothing for %u s (generations.stall_s), stopped or "
		 "waiting for a disk, and was killed: nothing has changed",
		 w->job->name, (int)w->child, w->sync->settings->generations.stall_s);
	return ERR_TIMEOUT;
}

int
job_run(struct sync *sync, const struct job *job, struct job_report *report,
	char reason[JOB_REASON_MAX])
{
	struct working w = { .sync = sync, .job = job };
	int status = 0;

	*report = (struct job_report){ 0 };
	w.child = start(sync, job, &w.fd);
	if (w.child < 0) {
		snprintf(reason, JOB_REASON_MAX, "no process can be started for this: %s",
			 strerror(errno));
		return ERR_CLOSED;
	}
	job_watch_begin(&w.watch, &sync->region->swap, w.child);
	hear(&w, report);
	job_watch_end(&sync->region->swap);
	close(w.fd);
	if (w.is_stuck || (job->yields && sync->has_request))
		return give_up(&w, reason);
	end(&w, &status);
	return conclude(job, status, report, reason);
}
