/* Verification at a distance. */
#include "loader/store/store_verify.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/generation.h"
#include "shm/title.h"

struct verdict {
	int result;
	char reason[STORE_VERIFY_REASON_MAX];
};

static struct verdict
judge(const char *dir)
{
	struct verdict verdict = { 0 };
	struct generation gen;

	verdict.result = generation_open(dir, GENERATION_LAZY, &gen);
	if (verdict.result == 0) {
		char found[256] = "";

		verdict.result = generation_verify(&gen, found);
		snprintf(verdict.reason, sizeof verdict.reason, "is damaged: %.*s",
			 (int)sizeof verdict.reason - 32, found);
	}
	if (verdict.result != ERR_DAMAGED || verdict.reason[0] == '\0')
		snprintf(verdict.reason, sizeof verdict.reason, "%s",
			 errcode_text(verdict.result));
	return verdict;
}

static _Noreturn void
run_child(const char *dir, int fd, pid_t parent)
{
	struct verdict verdict;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	title_set("checker");
	verdict = judge(dir);
	_exit(write(fd, &verdict, sizeof verdict) == (ssize_t)sizeof verdict ? 0 : 1);
}

static ssize_t
read_verdict(int fd, struct verdict *verdict)
{
	ssize_t got;

	do
		got = read(fd, verdict, sizeof *verdict);
	while (got < 0 && errno == EINTR);
	return got;
}

static int
await_child(pid_t child, int fd, char reason[STORE_VERIFY_REASON_MAX])
{
	struct verdict verdict;
	ssize_t got = read_verdict(fd, &verdict);
	int status = 0;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (got == (ssize_t)sizeof verdict) {
		memcpy(reason, verdict.reason, sizeof verdict.reason);
		return verdict.result;
	}
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) {
		snprintf(reason, STORE_VERIFY_REASON_MAX,
			 "is damaged: the device cannot read all of its files");
		return ERR_DAMAGED;
	}
	snprintf(reason, STORE_VERIFY_REASON_MAX,
		 "cannot be checked: the checking process ended with status 0x%x",
		 status);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV ? ERR_DAMAGED : ERR_IO;
}

int
store_verify(const char *dir, char reason[STORE_VERIFY_REASON_MAX])
{
	pid_t child, parent = getpid();
	int fds[2], result;

	if (pipe2(fds, 0) != 0)
		goto failed;
	child = fork();
	if (child == 0)
		run_child(dir, fds[1], parent);
	close(fds[1]);
	if (child < 0) {
		close(fds[0]);
		goto failed;
	}
	result = await_child(child, fds[0], reason);
	close(fds[0]);
	return result;
failed:
	result = errcode_from_errno(errno);
	snprintf(reason, STORE_VERIFY_REASON_MAX, "cannot be checked: %s",
		 strerror(errno));
	return result;
}
