/* The commands of martletctl: arguments, help, patience. */
#ifndef MASTER_CLIENT_CTL_CLIENT_COMMANDS_H
#define MASTER_CLIENT_CTL_CLIENT_COMMANDS_H

#include <stdbool.h>
#include <stdio.h>

enum ctl_arg_kind {
	CTL_ARG_ZONE,
	CTL_ARG_ID,
	CTL_ARG_STATE, /* a generation's number, or "live" */
	CTL_ARG_HELD, /* an id that `held` lists */
	CTL_ARG_FILE, /* <origin>.zone or ORIGIN=PATH */
	CTL_ARG_DIR,
	CTL_ARG_PROFILE, /* what to profile, and maybe for how many seconds */
	CTL_ARG_SECONDS, /* of a profile or trace */
	CTL_ARG_QUESTION, /* a domain name, a type of records, and maybe a file */
};

struct ctl_command {
	const char *name;
	int args_min, args_max;
	enum ctl_arg_kind arg_kind; /* of all its arguments, or CTL_ARG_QUESTION */
	const char *flag; /* the one that it knows, as "per-worker"; NULL: none */
	bool is_local; /* needs no server */
	int patience_s; /* longest silence of the server; 0: reports progress, any */
	const char *usage; /* arguments, "" for none */
	const char *help;
};

/* returns NULL for an unknown name. */
__attribute__((nonnull)) const struct ctl_command *ctl_command_find(const char *name);

/* Say on stderr, in one line, that there is no command `name`. */
__attribute__((nonnull)) void ctl_command_unknown(const char *name);

/* Check number and form of the arguments.
 * returns false after one line on stderr. */
__attribute__((nonnull, warn_unused_result)) bool
ctl_command_check(const struct ctl_command *command, int arg_count, char *const *args);

/* All commands, a line each. */
__attribute__((nonnull)) void ctl_command_list(FILE *out);

#endif
