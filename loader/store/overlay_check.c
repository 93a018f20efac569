/* Reading an overlay through, in a process that LMDB may take down with it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/store/overlay.h"
#include "shm/errcode.h"
#include "shm/title.h"

static int
check_node(void *context, const struct node *node)
{
	const char *wrong = node->head.flags & NODE_DELETED ? node_check_tombstone(node)
							    : node_check(node);

	(void)context;
	return wrong ? ERR_DAMAGED : 0;
}

static int
check_note(void *context, const char *name, const void *value, size_t len)
{
	(void)context;
	(void)name;
	(void)value;
	(void)len;
	return 0;
}

static int
read_through(const char *dir)
{
	struct overlay *overlay;
	int result = overlay_open_snapshot(dir, &overlay);

	if (result)
		return result;
	result = overlay_walk(overlay, check_node, NULL);
	if (result == 0)
		result = overlay_walk_notes(overlay, check_note, NULL);
	if (result == 0)
		result = overlay_check_free(overlay);
	overlay_close(overlay);
	return result;
}

static _Noreturn void
run_child(const char *dir, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	title_set("checker");
	_exit(-read_through(dir));
}

static bool
is_death_by_damage(int status)
{
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS ||
		WTERMSIG(status) == SIGABRT);
}

int
overlay_check(const char *dir, char reason[OVERLAY_CHECK_REASON_MAX])
{
	pid_t parent = getpid(), child = fork();
	int status = 0, result = ERR_IO;

	if (child == 0)
		run_child(dir, parent);
	if (child > 0)
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	if (child > 0 && WIFEXITED(status))
		result = -WEXITSTATUS(status);
	else if (child > 0 && is_death_by_damage(status))
		result = ERR_DAMAGED;
	if (result)
		snprintf(reason, OVERLAY_CHECK_REASON_MAX, "%s", errcode_text(result));
	return result;
}
