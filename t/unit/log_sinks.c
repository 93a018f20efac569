/* Log targets: their forms, the children's pipe, slow and vanished readers. */
#include "master/log_sinks.h"
#include "master/log_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/poll_set.h"
#include "shm/log.h"
#include "t/tap.h"

static char dir[] = "/tmp/martlet-log-XXXXXX";
static char path[64], moved[64];

static const char *
content(const char *file)
{
	static char text[8192];
	int fd = open(file, O_RDONLY);
	ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	text[len > 0 ? len : 0] = '\0';
	return text;
}

static void
test_file(void)
{
	struct stat status;
	const char *text;

	is_int(log_sinks_open(path, true), 0, "a file is opened");
	log_set_process("master");
	log_warnx("one %d", 1);
	text = content(path);
	ok(strlen(text) > 25 && text[4] == '-' && text[10] == 'T' && text[23] == 'Z',
	   "time first: %.24s", text);
	is(text + 25, "warning: master: one 1\n", "then level, process, text");
	ok(stat(path, &status) == 0 && (status.st_mode & 07777) == 0640, "mode 0640");

	if (rename(path, moved) != 0)
		bail_out("rename: %s", strerror(errno));
	log_warnx("two");
	ok(strstr(content(moved), "two"), "a rotated file is still written");
	log_sinks_reopen();
	log_warnx("three");
	ok(strstr(content(path), "three") && !strstr(content(moved), "three"),
	   "until it is opened anew");

	ok(log_sinks_open("/nowhere/log", true) != 0, "a file that cannot be opened");
	ok(strstr(content(path), "error: master: log.target: cannot open /nowhere/log"),
	   "is said to the earlier one");
	log_warnx("four");
	ok(strstr(content(path), "four"), "which stays");
}

static void
test_children(void)
{
	static const char lines[] =
		"<0>worker 3: bad\n<2>sync: fine\nodd\n<9>odder\n<1>half";
	int fd = log_pipe_open();

	ok(fd >= 0, "a pipe for the children");
	if (write(fd, lines, sizeof lines - 1) < 0)
		bail_out("write");
	poll_set_run(1000);
	ok(strstr(content(path), "error: worker 3: bad\n"), "an error line");
	ok(strstr(content(path), "info: sync: fine\n"), "an info line");
	ok(strstr(content(path), "warning: odd\n"), "a line without level");
	ok(strstr(content(path), "warning: <9>odder\n"), "a level that is none");
	ok(!strstr(content(path), "half"), "half a line waits");
	if (write(fd, " a line\n", 8) != 8)
		bail_out("write");
	log_pipe_drain();
	ok(strstr(content(path), "warning: half a line\n"), "for the rest");
	close(fd);
}

/* stderr is a pipe whose reader sleeps, reads again, and goes away. */
static void
test_stderr(void)
{
	static char text[1 << 20];
	int ends[2], keep = dup(STDERR_FILENO);
	unsigned lines = 0;
	size_t len = 0;
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC) != 0)
		bail_out("pipe");
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	if (log_sinks_open("stderr", false) != 0)
		bail_out("stderr");
	while (log_sinks_dropped() == 0 && lines < 100000)
		log_info("line %u of a log that nobody reads at the moment", lines++);
	ok(log_sinks_dropped() == 1, "after %u lines one is dropped, nothing blocks",
	   lines);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while ((got = read(ends[0], text + len, sizeof text - 1 - len)) > 0) {
		len += (size_t)got;
		poll_set_run(0);
	}
	log_info("now");
	got = read(ends[0], text + len, sizeof text - 1 - len);
	len += got > 0 ? (size_t)got : 0;
	text[len] = '\0';
	ok(strstr(text, "info: master: line 0 of"), "the first line comes");
	ok(strstr(text, "1 log lines were lost"), "and that one was lost");
	ok(strstr(text, "info: master: now\n"), "and what is logged later");
	close(ends[0]);
	for (unsigned i = 0; i < 5; i++)
		log_info("to nobody");
	poll_set_run(0);
	ok(log_sinks_dropped() >= 2, "a reader that has gone: dropped and counted");
	dup2(keep, STDERR_FILENO);
	close(keep);
}

int
main(void)
{
	if (!mkdtemp(dir))
		bail_out("mkdtemp: %s", strerror(errno));
	snprintf(path, sizeof path, "%s/a", dir);
	snprintf(moved, sizeof moved, "%s/b", dir);
	umask(0);
	signal(SIGPIPE, SIG_IGN);
	log_sinks_init();
	log_sinks_started();
	test_file();
	test_children();
	test_stderr();
	unlink(path);
	unlink(moved);
	rmdir(dir);
	return done_testing();
}
