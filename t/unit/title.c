/* What /proc shows of a process that has named itself. */
#include "shm/title.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/tap.h"

static char text[4096];

static const char *
read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t len = file ? fread(text, 1, sizeof text - 1, file) : 0;

	if (file)
		fclose(file);
	text[len] = '\0';
	return text;
}

static const char *
command_line(void)
{
	return read_text("/proc/self/cmdline");
}

int
main(int argc, char **argv)
{
	if (argc == 1) {
		/* arguments and environment of a known length */
		char *const args[] = { argv[0], (char[]){ "again" }, NULL };
		char *const env[] = { (char[]){ "LONG=0123456789012345678901234567890" },
				      NULL };

		execve(argv[0], args, env);
		return 1;
	}
	title_set("nobody");
	is(read_text("/proc/self/comm"), "nobody\n", "the short name needs no room");
	is(command_line(), argv[0], "the command line stays as it is");

	title_init(argc, argv);
	ok(getenv("LONG") && strlen(getenv("LONG")) == 31, "the environment is there");
	is(argv[1], "again", "the arguments are, too");
	title_set("worker 12");
	is(command_line(), "martletd: worker 12", "a title is shown");
	ok(getenv("LONG") && strlen(getenv("LONG")) == 31, "the environment has moved");
	title_set("sync");
	is(command_line(), "martletd: sync", "nothing is left of a longer one");
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	title_set(text);
	ok(strncmp(command_line(), "martletd: xxx", 13) == 0,
	   "one that is too long is cut");
	ok(getenv("LONG") && strlen(getenv("LONG")) == 31, "and harms nothing");
	return done_testing();
}
