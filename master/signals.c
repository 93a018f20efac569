/* Reads signals from a descriptor. */
#include "master/signals.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "master/poll_set.h"
#include "shm/errcode.h"
#include "shm/log.h"

static int signal_fd = -1;
static struct signals pending;

static void
on_signal(void *arg, short events)
{
	struct signalfd_siginfo info;

	(void)arg;
	(void)events;
	while (read(signal_fd, &info, sizeof info) == sizeof info) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			pending.terms++;
			break;
		case SIGHUP:
			pending.is_reload = true;
			break;
		case SIGUSR1:
			pending.is_reopen = true;
			break;
		case SIGCHLD:
			pending.is_child = true;
			break;
		}
	}
}

int
signals_open(void)
{
	static const int watched[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	/* a log file that grows beyond a limit is like one on a full disk */
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof watched / sizeof *watched; i++) {
		/* an ignored SIGCHLD, inherited, would reap for us */
		signal(watched[i], SIG_DFL);
		sigaddset(&set, watched[i]);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (signal_fd < 0) {
		log_error("cannot watch for signals");
		return errcode_from_errno(errno);
	}
	poll_set_add(signal_fd, POLLIN, on_signal, NULL);
	return 0;
}

struct signals
signals_take(void)
{
	struct signals taken = pending;

	pending = (struct signals){ 0 };
	return taken;
}
