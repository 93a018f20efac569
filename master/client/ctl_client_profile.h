/* `martletctl profile` and `martletctl trace`: asks, names addresses by the symbols of the
 * program's own file, and writes files into the current directory. */
#ifndef MASTER_CLIENT_CTL_CLIENT_PROFILE_H
#define MASTER_CLIENT_CTL_CLIENT_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "master/client/ctl_client_json.h"
#include "master/client/ctl_client_link.h"

struct ctl_profile_options {
	const char *out; /* -o; NULL: named by kind and time */
	const char *since; /* --since; NULL: nothing is compared */
};

enum ctl_profile_kind {
	CTL_PROFILE_CPU,
	CTL_PROFILE_HEAP,
	CTL_PROFILE_MEMORY,
	CTL_PROFILE_WAIT,
	CTL_PROFILE_TRACE,
};

/* Where its files go. */
struct ctl_profile_files {
	enum ctl_profile_kind kind;
	bool is_given; /* by the user: links are followed */
	char *main; /* owned: the pprof file, or the one of JSON */
	char *stem; /* owned: without the ending; the others' begin */
};

/* returns the exit code; what is wrong was told on stderr. */
__attribute__((nonnull, warn_unused_result)) int
ctl_profile_run(const char *socket_path, const struct ctl_profile_options *options,
		int arg_count, char *const *args);

/* The reply as a call tree, written in three forms, and its summary printed. */
__attribute__((nonnull, warn_unused_result)) bool
ctl_profile_write_tree(const struct ctl_json *reply,
		       const struct ctl_profile_files *files, FILE *summary);

/* The reply as tables. */
__attribute__((nonnull(1, 3), warn_unused_result)) bool
ctl_profile_print_memory(const struct ctl_json *reply, const char *since, FILE *out);
__attribute__((nonnull)) void ctl_profile_print_wait(const struct ctl_json *reply,
						     FILE *out);

/* A reply to trace, taken in pieces, becomes a file for trace viewers. */
struct ctl_trace;
__attribute__((nonnull, warn_unused_result)) struct ctl_trace *
ctl_trace_new(FILE *file);
__attribute__((nonnull, warn_unused_result)) int
ctl_trace_feed(struct ctl_trace *trace, const char *data, size_t len);
/* returns the exit code. */
__attribute__((nonnull, warn_unused_result)) int
ctl_trace_end(struct ctl_trace *trace, const char *path, FILE *summary);
__attribute__((nonnull)) void ctl_trace_free(struct ctl_trace *trace);

/* Open a file of those to be written anew; told on stderr when that cannot be (-1). */
__attribute__((nonnull, warn_unused_result)) int
ctl_profile_open(const struct ctl_profile_files *files, const char *path);
__attribute__((nonnull, warn_unused_result)) FILE *
ctl_profile_create(const struct ctl_profile_files *files, const char *path);
/* Close it.  returns false, told as well, when not all could be written. */
__attribute__((nonnull, warn_unused_result)) bool ctl_profile_close(FILE *file,
								    const char *path);

#endif
