/* One request, then the end. */
#include "master/profile/profile.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "master/profile/conductor.h"
#include "shm/clock.h"

enum {
	IDLE_S = 120, /* beside what was asked for */
	STALL_MS = 50000, /* for the peer to take more */
	WAIT_MS = 600000, /* of all waiting for the peer */
	DEFAULT_S = 10,
	NICE = 5,
};

static struct conductor conductor;

static const struct {
	const char *name;
	unsigned (*run)(struct conductor *c);
	unsigned default_s; /* 0: it takes no time */
} kinds[] = {
	{ "cpu", conduct_cpu, DEFAULT_S },
	{ "heap", conduct_heap, 0 },
	{ "memory", conduct_memory, 0 },
	{ "wait", conduct_wait, DEFAULT_S },
};

void
conductor_pause(struct conductor *c, unsigned ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000l };

	nanosleep(&pause, NULL);
	if (reply_is_heard(&c->reply))
		return;
	profile_area_release(c->area, getpid());
	_exit(0);
}

void
conductor_begin(struct conductor *c, const char *kind)
{
	struct json_out *json = &c->reply.json;

	json_out_begin_object(json, NULL);
	json_out_text(json, "kind", kind);
	json_out_text(json, "version", MARTLET_VERSION);
	json_out_int(json, "begun_us", c->begun_us);
	json_out_uint(json, "seconds", c->seconds);
	json_out_uint(json, "workers", c->area->worker_count);
}

static unsigned
refuse(struct conductor *c, const char *text)
{
	json_out_begin_object(&c->reply.json, NULL);
	json_out_text(&c->reply.json, "error", text);
	json_out_end_object(&c->reply.json);
	return 1;
}

static bool
parse_seconds(const char *text, unsigned *out)
{
	if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 5)
		return false;
	*out = (unsigned)atoi(text);
	return *out >= 1 && *out <= PROFILE_SECONDS_MAX;
}

/* returns what is wrong with the arguments behind the kind, NULL: nothing. */
static const char *
take_options(struct conductor *c, unsigned default_s, int arg_count, char **args)
{
	bool is_given = false;

	c->seconds = default_s;
	for (int i = 0; i < arg_count; i++) {
		if (strcmp(args[i], "--folded") == 0)
			c->is_folded = true;
		else if (default_s == 0)
			return "this profile takes no seconds";
		else if (is_given || !parse_seconds(args[i], &c->seconds))
			return "the seconds must be one number from 1 to 300";
		else
			is_given = true;
	}
	return NULL;
}

static unsigned
hold_and_run(struct conductor *c, unsigned (*run)(struct conductor *c))
{
	unsigned status;
	char text[160];

	if (!profile_area_hold(c->area, getpid())) {
		snprintf(text, sizeof text,
			 "busy: another profile or trace runs (pid %d), one at a time: "
			 "try again when it is over",
			 (int)atomic_load(&c->area->holder));
		return refuse(c, text);
	}
	alarm(c->seconds + IDLE_S);
	c->begun_us = clock_wall_us();
	modules_read(&c->modules);
	status = run(c);
	profile_area_release(c->area, getpid());
	return status;
}

/* schedtrace [INTERVAL [COUNT]]: beside whatever else runs, for as long as it is wanted. */
static unsigned
run_sched(struct conductor *c, int arg_count, char **args)
{
	unsigned count = 0;

	c->seconds = 1;
	c->begun_us = clock_wall_us();
	if ((arg_count > 1 && !parse_seconds(args[1], &c->seconds)) ||
	    (arg_count > 2 && !parse_seconds(args[2], &count)))
		return refuse(c, "interval and count must be numbers from 1 to 300");
	return conduct_sched(c, count);
}

static unsigned
run_command(struct conductor *c, int arg_count, char **args)
{
	const char *complaint;

	if (strcmp(args[0], "schedtrace") == 0)
		return run_sched(c, arg_count, args);
	if (strcmp(args[0], "trace") == 0) {
		if (arg_count != 2)
			return refuse(c, "usage: trace SECONDS");
		complaint = take_options(c, DEFAULT_S, 1, args + 1);
		return complaint ? refuse(c, complaint) : hold_and_run(c, conduct_trace);
	}
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		if (arg_count < 2 || strcmp(args[1], kinds[i].name) != 0)
			continue;
		complaint = take_options(c, kinds[i].default_s, arg_count - 2, args + 2);
		return complaint ? refuse(c, complaint) : hold_and_run(c, kinds[i].run);
	}
	return refuse(c, "usage: profile cpu [SECONDS] | heap | memory | wait [SECONDS]");
}

_Noreturn void
profile_run(const struct heritage *heritage, int fd, int arg_count, char **args)
{
	struct sched_param param = { 0 };
	struct conductor *c = &conductor;
	unsigned status;

	heritage_enter(heritage, "profile");
	signal(SIGTERM, SIG_DFL);
	/* workers come first; where that is not granted, we go on as we are */
	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, 0, NICE);
	c->heritage = heritage;
	c->area = heritage->profile;
	reply_open(&c->reply, fd, STALL_MS, WAIT_MS);
	status = run_command(c, arg_count, args);
	reply_close(&c->reply, status);
	_exit(0);
}
