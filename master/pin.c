/* Which CPU is whose. */
#include "master/pin.h"

#include <sched.h>

int
pin_worker_cpu(const struct settings *settings, unsigned id)
{
	cpu_set_t allowed;
	unsigned left;

	if (settings->workers.cpu_count > 0)
		return settings->workers.cpus[id % settings->workers.cpu_count];
	if (sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
	    CPU_COUNT(&allowed) == 0)
		return -1;
	left = id % (unsigned)CPU_COUNT(&allowed);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET((size_t)cpu, &allowed) && left-- == 0)
			return cpu;
	return -1;
}
