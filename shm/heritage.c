/* The first steps of every child after fork. */
#include "shm/heritage.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shm/log.h"
#include "shm/process_seat.h"
#include "shm/title.h"

/* The master blocks signals and reads them from a descriptor; a child starts with
 * defaults.  A terminal sends SIGINT and SIGHUP to all processes: these are the master's
 * business, like SIGUSR1.  SIGPIPE: peers and the log may go away at any time.  SIGXFSZ: a
 * file that grows beyond a limit is an error like a full disk. */
static void
reset_signals(void)
{
	static const int ignored[] = {
		SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ
	};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
heritage_enter(const struct heritage *heritage, const char *name)
{
	/* setuid clears the death signal, hence it is asked for here, after the rights
	 * are dropped; a master that died before this line is seen by the check. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != heritage->master_pid)
		_exit(0);
	title_set(name);
	log_set_process(name);
	log_set_level(heritage->settings->log.level);
	log_to_pipe(heritage->log_fd);
	reset_signals();
	process_seat_take(name);
}
