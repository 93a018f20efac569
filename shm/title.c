/* Linux shows as the command line of a process whatever stands where its arguments were,
 * on into the environment when the last octet of the arguments is no NUL. */
#include "shm/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static char *room;
static size_t room_len;

/* The end of the strings that follow each other without a gap from `end` on. */
static char *
contiguous_end(char *const *strings, char *end)
{
	for (; *strings && *strings == end; strings++)
		end += strlen(*strings) + 1;
	return end;
}

/* Array and strings in one piece, which lasts as long as one of them is in use.
 * returns NULL when there is no memory */
static char **
copy_strings(char *const *strings)
{
	size_t count = 0, octets = 0;
	char **copy, *at;

	for (; strings[count]; count++)
		octets += strlen(strings[count]) + 1;
	copy = malloc((count + 1) * sizeof *copy + octets);
	if (!copy)
		return NULL;
	at = (char *)(copy + count + 1);
	for (size_t i = 0; i < count; i++) {
		copy[i] = at;
		at = stpcpy(at, strings[i]) + 1;
	}
	copy[count] = NULL;
	return copy;
}

void
title_init(int argc, char **argv)
{
	char **copy = argc > 0 ? copy_strings(environ) : NULL;
	char *end;

	if (!copy)
		return;
	end = contiguous_end(argv, argv[0]);
	end = contiguous_end(environ, end);
	environ = copy;
	room = argv[0];
	room_len = (size_t)(end - argv[0]);
}

void
title_set(const char *name)
{
	char short_name[16];

	snprintf(short_name, sizeof short_name, "%s", name);
	prctl(PR_SET_NAME, short_name);
	if (room_len == 0)
		return;
	memset(room, 0, room_len);
	snprintf(room, room_len, "martletd: %s", name);
}
