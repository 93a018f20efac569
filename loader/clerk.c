/* The clerk process: one reading request, then the end. */
#include "loader/clerk.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/store/state_paths.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum {
	CLERK_IDLE_S = 60, /* without progress */
	CLERK_STALL_MS = 50000, /* for the peer to take more, so below the former */
	CLERK_WAIT_MS = 600000, /* of all waiting for the peer */
	CLERK_NICE = 10,
};

static const struct {
	const char *name;
	unsigned (*run)(struct clerk *clerk);
	int args_min, args_max; /* the command counted */
	const char *usage;
} commands[] = {
	{ "zones", clerk_zones, 1, 3, "zones [--digest] [NAME]" },
	{ "errors", clerk_errors, 1, 1, "errors" },
	{ "generations", clerk_generations, 1, 1, "generations" },
	{ "diff", clerk_diff, 3, 4, "diff A B [--rrsig]" },
	{ "held", clerk_held, 1, 1, "held" },
	{ "export", clerk_export, 1, 2, "export [ZONE]" },
	{ "keys", clerk_keys, 1, 4, "keys [ZONE], keys generate ZONE [--split]" },
};

unsigned
clerk_refuse(struct clerk *clerk, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	json_out_begin_object(clerk->json, NULL);
	json_out_text(clerk->json, "error", text);
	json_out_end_object(clerk->json);
	return 1;
}

int
clerk_open_served(const struct clerk *clerk, struct store_walk **out, char reason[256])
{
	const struct region_swap *swap = &clerk->heritage->region->swap;
	uint64_t id = 0, seen;
	char path[PATH_MAX];
	int result;

	/* a swap may come in between, and the one that we open be removed */
	do {
		seen = id;
		id = atomic_load(&swap->published_id);
		if (id == 0) {
			snprintf(reason, 256, "no generation is served yet");
			return ERR_NOTFOUND;
		}
		result = ERR_RANGE;
		if (state_path_generation(clerk->heritage->settings->state_dir, id, path))
			result = store_walk_open_live(path, out);
	} while (result != 0 && id != seen);
	if (result)
		snprintf(reason, 256, "generation %" PRIu64 " %s", id,
			 errcode_text(result));
	return result;
}

unsigned
clerk_find_zone(struct clerk *clerk, struct store_walk *walk, const char *text,
		struct node *apex)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(text, name);
	int result;

	if (len == 0)
		return clerk_refuse(clerk, "'%s' is no domain name", text);
	dname_lower(name, len);
	result = store_walk_find(walk, CATALOGUE_ID, name, apex);
	if (result == ERR_NOTFOUND)
		return clerk_refuse(clerk,
				    "zone %s is not served here: `martletctl zones` "
				    "lists those that are",
				    text);
	if (result)
		return clerk_refuse(clerk, "zone %s is damaged in the generation", text);
	return 0;
}

void
clerk_go_on(struct clerk *clerk)
{
	alarm(CLERK_IDLE_S);
	if (!reply_is_heard(&clerk->reply))
		_exit(0);
}

void
clerk_print_time(int64_t unix_s, char out[CLERK_TIME_MAX])
{
	time_t at = (time_t)unix_s;
	struct tm parts;

	if (!gmtime_r(&at, &parts) ||
	    strftime(out, CLERK_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		out[0] = '\0';
}

static unsigned
run_command(struct clerk *clerk)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, clerk->args[0]) != 0)
			continue;
		if (clerk->arg_count < commands[i].args_min ||
		    clerk->arg_count > commands[i].args_max)
			return clerk_refuse(clerk, "usage: %s", commands[i].usage);
		return commands[i].run(clerk);
	}
	return clerk_refuse(clerk, "unknown command '%s'", clerk->args[0]);
}

/* Told to end while nobody waits any more: no failure. */
static void
end_quietly(int number)
{
	(void)number;
	_exit(0);
}

_Noreturn void
clerk_run(const struct heritage *heritage, int fd, int arg_count, char **args)
{
	static struct clerk clerk;
	struct sched_param param = { 0 };
	unsigned status;

	heritage_enter(heritage, "clerk");
	signal(SIGTERM, end_quietly);
	alarm(CLERK_IDLE_S);
	/* workers come first; where that is not granted, we go on as we are */
	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, 0, CLERK_NICE);
	clerk.heritage = heritage;
	clerk.arg_count = arg_count;
	clerk.args = args;
	clerk.json = &clerk.reply.json;
	reply_open(&clerk.reply, fd, CLERK_STALL_MS, CLERK_WAIT_MS);
	status = run_command(&clerk);
	reply_close(&clerk.reply, status);
	_exit(0);
}
