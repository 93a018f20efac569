/* Where replies go: as they came with --json, laid out for people without. */
#ifndef MASTER_CLIENT_CTL_CLIENT_OUTPUT_H
#define MASTER_CLIENT_CTL_CLIENT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "master/client/ctl_client_view.h"

struct ctl_output {
	const char *command;
	struct ctl_view *view; /* NULL with --json */
	bool has_data; /* with --json: some octets are out */
	char last; /* the last of them */
};

__attribute__((nonnull)) void ctl_output_open(struct ctl_output *output,
					      const char *command, bool has_args,
					      bool is_json);

/* A piece of the object.  returns 0, or an error code when it is no JSON. */
__attribute__((nonnull, warn_unused_result)) int
ctl_output_data(struct ctl_output *output, const char *data, size_t len);

/* A line of progress, to stderr. */
__attribute__((nonnull)) void ctl_output_progress(struct ctl_output *output,
						  const char *text, size_t len);

/* The object is complete.  returns 0, or an error code when it is none. */
__attribute__((nonnull, warn_unused_result)) int
ctl_output_end(struct ctl_output *output);

/* There is no complete reply: one line on stderr, and with --json the object
 * {"error": text} unless a part of another one is out already. */
__attribute__((nonnull)) void ctl_output_fail(struct ctl_output *output,
					      const char *text);

/* The same when stderr has been told already: the object only. */
__attribute__((nonnull)) void ctl_output_fail_told(struct ctl_output *output,
						   const char *text);

/* returns false after a line on stderr when not all could be written to stdout. */
__attribute__((nonnull, warn_unused_result)) bool
ctl_output_close(struct ctl_output *output);

#endif
