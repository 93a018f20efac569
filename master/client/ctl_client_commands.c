/* The table of martletctl's commands. */
#include "master/client/ctl_client_commands.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "master/settings/settings_schema.h"
#include "shm/dname.h"
#include "shm/profile_area.h"
#include "shm/rrtype.h"

enum { CTL_ID_DIGITS_MAX = 19 };

/* clang-format off */
static const struct ctl_command commands[] = {
	/* name, arguments min, max, kind, flag, local, patience in s */
	{"status", 0, 0, CTL_ARG_ZONE, NULL, false, 10, "",
	 "state, zones, problems; exit 0 only without problems"},
	{"ready", 0, 0, CTL_ARG_ZONE, NULL, false, 10, "",
	 "exit 0 while queries are answered"},
	{"workers", 0, 0, CTL_ARG_ZONE, NULL, false, 10, "",
	 "a row for each worker"},
	{"stats", 0, 0, CTL_ARG_ZONE, "per-worker", false, 10, "[--per-worker]",
	 "every counter"},
	{"zones", 0, 1, CTL_ARG_ZONE, "digest", false, 600, "[--digest] [NAME]",
	 "a row for each zone, or all about one"},
	{"errors", 0, 0, CTL_ARG_ZONE, NULL, false, 60, "",
	 "what is served from older data or not at all, and why"},
	{"changes", 0, 0, CTL_ARG_ZONE, NULL, false, 10, "",
	 "the last change sets, and how soon they were served"},
	{"limits", 0, 0, CTL_ARG_ZONE, NULL, false, 10, "",
	 "who is limited now, and why"},
	{"top", 0, 0, CTL_ARG_ZONE, "no-clients", false, 10, "[--no-clients]",
	 "what is asked for most, live on a terminal"},
	{"explain", 2, 2, CTL_ARG_QUESTION, NULL, false, 60,
	 "NAME TYPE",
	 "the answer, and each step that led to it"},
	{"simulate", 3, 3, CTL_ARG_QUESTION, NULL, false, 600,
	 "NAME TYPE FILE",
	 "how answers share out, and what would shift"},
	{"reload", 0, 1, CTL_ARG_ZONE, NULL, false, 0, "[ZONE]",
	 "read settings and zone files again, or one zone's"},
	{"build", 1, 1, CTL_ARG_DIR, NULL, true, 0, "DIR",
	 "build a generation into DIR; needs no server"},
	{"swap", 1, 1, CTL_ARG_DIR, NULL, false, 0, "DIR",
	 "serve the generation in DIR"},
	{"generations", 0, 0, CTL_ARG_ZONE, NULL, false, 60, "",
	 "a row for each generation kept"},
	{"rollback", 0, 1, CTL_ARG_ID, NULL, false, 0, "[ID]",
	 "serve an earlier generation"},
	{"resume", 0, 0, CTL_ARG_ZONE, NULL, false, 0, "",
	 "end rollback and swap: back to the configured sources"},
	{"diff", 2, 2, CTL_ARG_STATE, "rrsig", false, 600, "A B [--rrsig]",
	 "changes from generation A to B, or to \"live\""},
	{"held", 0, 0, CTL_ARG_ZONE, NULL, false, 60, "",
	 "changes that would remove much, and wait for accept"},
	{"accept", 1, 1, CTL_ARG_HELD, NULL, false, 0, "ID",
	 "serve a change that is held"},
	{"keys", 0, 4, CTL_ARG_ZONE, "split", false, 0, "[[WHAT] ZONE ...]",
	 "keys of zones; WHAT: generate, roll, ds-seen, unsign"},
	{"export", 0, 1, CTL_ARG_ZONE, NULL, false, 600, "[ZONE]",
	 "what is served, as zone files"},
	{"import", 1, INT_MAX, CTL_ARG_FILE, NULL, true, 0, "FILE...",
	 "write files <origin>.zone, or ORIGIN=PATH, into Redis"},
	{"profile", 1, 2, CTL_ARG_PROFILE, NULL, false, 0, "KIND [SECONDS]",
	 "what the server does: cpu, heap, memory, wait"},
	{"trace", 1, 1, CTL_ARG_SECONDS, NULL, false, 0, "SECONDS",
	 "each stage of each batch, for a trace viewer"},
	{"schedtrace", 0, 2, CTL_ARG_SECONDS, NULL, false, 0, "[INTERVAL [COUNT]]",
	 "a line about the workers each second"},
	{"stop", 0, 0, CTL_ARG_ZONE, NULL, false, 60, "",
	 "stop the server"},
};
/* clang-format on */

const struct ctl_command *
ctl_command_find(const char *name)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

void
ctl_command_unknown(const char *name)
{
	char choices[512] = "", nearest[SETTINGS_NAME_MAX + 1];
	size_t len = 0;

	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		len += (size_t)snprintf(choices + len, sizeof choices - len, "%s%s",
					len ? "|" : "", commands[i].name);
	settings_choice_nearest(choices, name, nearest);
	fprintf(stderr,
		"martletctl: unknown command '%.100s', nearest is '%s': see martletctl "
		"-h\n",
		name, nearest);
}

static bool
is_number(const char *arg)
{
	return *arg && strspn(arg, "0123456789") == strlen(arg) &&
	       strlen(arg) <= CTL_ID_DIGITS_MAX;
}

/* What is wrong with the argument, NULL when nothing is. */
static const char *
complaint(enum ctl_arg_kind kind, const char *arg)
{
	uint8_t name[DNAME_MAX];
	uint16_t type;

	switch (kind) {
	case CTL_ARG_ZONE:
		return dname_from_text(arg, name) ? NULL : "is no domain name";
	case CTL_ARG_HELD:
		return is_number(arg) ? NULL : "is no id, see 'martletctl held'";
	case CTL_ARG_STATE:
		if (strcmp(arg, "live") == 0)
			return NULL;
		__attribute__((fallthrough));
	case CTL_ARG_ID:
		return is_number(arg) ? NULL
				      : "is no generation's number, see 'martletctl "
					"generations'";
	case CTL_ARG_FILE:
		return *arg ? NULL : "is no file";
	case CTL_ARG_DIR:
		return *arg && strlen(arg) < PATH_MAX ? NULL : "is no directory";
	case CTL_ARG_PROFILE:
		return strcmp(arg, "cpu") == 0 || strcmp(arg, "heap") == 0 ||
				       strcmp(arg, "memory") == 0 ||
				       strcmp(arg, "wait") == 0
			       ? NULL
			       : "is none of cpu, heap, memory, wait";
	case CTL_ARG_SECONDS:
		return is_number(arg) && strtoul(arg, NULL, 10) >= 1 &&
				       strtoul(arg, NULL, 10) <= PROFILE_SECONDS_MAX
			       ? NULL
			       : "is no number of seconds from 1 to 300";
	case CTL_ARG_QUESTION:
		return rrtype_from_text(arg, &type) ? NULL : "is no type of records";
	}
	return NULL;
}

/* What argument `at` of a command is; of a question, CTL_ARG_QUESTION is the type. */
static enum ctl_arg_kind
kind_of(const struct ctl_command *command, int at)
{
	if (command->arg_kind == CTL_ARG_PROFILE)
		return at == 0 ? CTL_ARG_PROFILE : CTL_ARG_SECONDS;
	if (command->arg_kind != CTL_ARG_QUESTION || at == 1)
		return command->arg_kind;
	return at == 0 ? CTL_ARG_ZONE : CTL_ARG_FILE;
}

/* `keys` alone has commands of its own. */
static const char keys_usage[] =
	"[ZONE], keys generate ZONE [--split], keys roll ZONE [ksk | zsk | algorithm N], "
	"keys ds-seen ZONE TAG [TTL], keys unsign ZONE";

static bool
roll_fits(int arg_count, char *const *args)
{
	if (arg_count == 3)
		return strcmp(args[2], "ksk") == 0 || strcmp(args[2], "zsk") == 0;
	return arg_count == 2 || (arg_count == 4 && strcmp(args[2], "algorithm") == 0 &&
				  is_number(args[3]));
}

static bool
ds_seen_fits(int arg_count, char *const *args)
{
	return (arg_count == 3 || arg_count == 4) && is_number(args[2]) &&
	       (arg_count == 3 || is_number(args[3]));
}

static bool
keys_fit(int arg_count, char *const *args)
{
	const char *what = arg_count > 0 ? args[0] : "";

	if (strcmp(what, "generate") == 0 || strcmp(what, "unsign") == 0)
		return arg_count == 2;
	if (strcmp(what, "roll") == 0)
		return roll_fits(arg_count, args);
	if (strcmp(what, "ds-seen") == 0)
		return ds_seen_fits(arg_count, args);
	return arg_count <= 1;
}

static bool
complain_of_usage(const char *name, const char *usage)
{
	fprintf(stderr, "martletctl: usage: martletctl %s%s%s\n", name, *usage ? " " : "",
		usage);
	return false;
}

bool
ctl_command_check(const struct ctl_command *command, int arg_count, char *const *args)
{
	bool is_keys = strcmp(command->name, "keys") == 0;

	if (arg_count < command->args_min || arg_count > command->args_max ||
	    (is_keys && !keys_fit(arg_count, args)))
		return complain_of_usage(command->name,
					 is_keys ? keys_usage : command->usage);
	for (int i = 0; i < arg_count; i++) {
		const char *text = complaint(kind_of(command, i), args[i]);

		if (text) {
			fprintf(stderr, "martletctl: %s: '%s' %s\n", command->name,
				args[i], text);
			return false;
		}
	}
	return true;
}

void
ctl_command_list(FILE *out)
{
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		char left[32];

		snprintf(left, sizeof left, "%s %s", commands[i].name, commands[i].usage);
		fprintf(out, "  %-23s %s\n", left, commands[i].help);
	}
}
