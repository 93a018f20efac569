/* Log lines through the pipe: form, level, controls, length, a full pipe. */
#include "shm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "t/tap.h"

static int ends[2];

static const char *
next_line(void)
{
	static char line[PIPE_BUF];
	ssize_t len = read(ends[0], line, sizeof line - 1);

	if (len <= 0)
		return "(nothing)";
	line[len] = '\0';
	return line;
}

static void
test_form(void)
{
	log_info("zone %s", "example.com.");
	is(next_line(), "<2>worker 3: zone example.com.\n", "level, process, text");
	errno = ENOENT;
	log_error("cannot open %s", "/x");
	is_int(errno, ENOENT, "errno is kept");
	is(next_line(), "<0>worker 3: cannot open /x: No such file or directory\n",
	   "the errno text is appended");
	log_warnx("a\nb\033[31m\x7f");
	is(next_line(), "<1>worker 3: a?b?[31m?\n", "one event is one line");
	log_debug("not now");
	is(next_line(), "(nothing)", "below the level: nothing");
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("now");
	is(next_line(), "<3>worker 3: now\n", "after a change of level");
}

static void
test_long(void)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	log_error("%s", text);
	line = next_line();
	ok(strlen(line) <= LOG_LINE_MAX, "a long line is cut (%zu)", strlen(line));
	is_int(line[strlen(line) - 1], '\n', "and ended");
}

static void
test_full(void)
{
	unsigned written = 0;

	while (log_dropped() == 0 && written < 100000) {
		log_info("line %u", written);
		written++;
	}
	is_int(log_dropped(), 1, "a full pipe drops and counts, after %u lines", written);
	log_info("another one");
	is_int(log_dropped(), 2, "and goes on counting");
}

int
main(void)
{
	if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
		bail_out("pipe2: %s", strerror(errno));
	log_set_process("worker 3");
	log_to_pipe(ends[1]);
	test_form();
	test_long();
	test_full();
	return done_testing();
}
