/* What proc(5) tells of the scheduler. */
#include "master/runnable.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TURN_MS = 100 }; /* of CPU time: more than a loop needs to turn once */

static bool
read_line(pid_t pid, const char *name, char *line, int room)
{
	char path[64];
	FILE *file;
	bool is_read;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	is_read = fgets(line, room, file) != NULL;
	fclose(file);
	return is_read;
}

/* returns the letter of its state, 0: unknown. */
static char
state_of(pid_t pid)
{
	char line[256];
	const char *name_end;

	if (!read_line(pid, "stat", line, sizeof line))
		return 0;
	/* names have brackets and blanks as they like */
	name_end = strrchr(line, ')');
	return name_end && name_end[1] == ' ' ? name_end[2] : 0;
}

uint64_t
runnable_cpu_ns(pid_t pid)
{
	char line[128];
	uint64_t cpu_ns;

	if (!read_line(pid, "schedstat", line, sizeof line) ||
	    sscanf(line, "%" SCNu64, &cpu_ns) != 1)
		return 0;
	return cpu_ns;
}

bool
runnable_is_starved(pid_t pid, uint64_t since_cpu_ns)
{
	uint64_t cpu_ns = runnable_cpu_ns(pid);

	return cpu_ns > 0 && state_of(pid) == 'R' &&
	       cpu_ns - since_cpu_ns < TURN_MS * UINT64_C(1000000);
}
