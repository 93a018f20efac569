/* See threads.h. */
#include "loader/zone/threads.h"

#include <sched.h>
#include <signal.h>

static unsigned
usable_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) < 0 || CPU_COUNT(&set) < 1)
		return 1;
	return (unsigned)CPU_COUNT(&set);
}

unsigned
threads_start(pthread_t *threads, unsigned max, void *(*run)(void *argument),
	      void *argument)
{
	unsigned cpus = usable_cpus(), wanted = cpus < max ? cpus : max, count = 0;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (count < wanted &&
	       pthread_create(&threads[count], NULL, run, argument) == 0)
		count++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return count;
}
