/* martletctl's side of explain and simulate: their options, and what a reply looks like. */
#ifndef MASTER_CLIENT_CTL_CLIENT_EXPLAIN_H
#define MASTER_CLIENT_CTL_CLIENT_EXPLAIN_H

#include <stdbool.h>

#include "master/client/ctl_client_layout.h"
#include "master/client/ctl_client_link.h"

enum { CTL_EXPLAIN_OPTIONS_MAX = 30 }; /* fewer than a request has arguments */

/* Options as they were given, in their order. */
struct ctl_explain_options {
	unsigned count;
	struct {
		const char *name; /* as "client", without dashes */
		const char *value; /* NULL: it takes none */
	} list[CTL_EXPLAIN_OPTIONS_MAX];
};

/* Keep one.  returns false after a line on stderr when there are too many. */
__attribute__((nonnull(1, 2), warn_unused_result)) bool
ctl_explain_keep(struct ctl_explain_options *options, const char *name,
		 const char *value);

/* Does the command know all of them, and are their values what they should be?
 * returns false after a line on stderr. */
__attribute__((nonnull, warn_unused_result)) bool
ctl_explain_check(const struct ctl_explain_options *options, const char *command);

/* The files that simulate sends: opened before anything is asked. */
struct ctl_simulate_files {
	unsigned count;
	struct {
		int fd;
		const char *name;
	} list[3];
};

/* Open what the options name, and the file of clients, "-" for standard input.
 * returns false after a line on stderr. */
__attribute__((nonnull, warn_unused_result)) bool
ctl_simulate_open(const struct ctl_explain_options *options, const char *clients,
		  struct ctl_simulate_files *out);

/* Send them behind the request, and close them.  returns as ctl_link_send_file. */
__attribute__((nonnull, warn_unused_result)) int
ctl_simulate_send(struct ctl_simulate_files *files, struct ctl_link *link);

/* The layout of simulate's reply: a row, and what stands below. */
__attribute__((nonnull)) void ctl_simulate_row(struct ctl_page *page,
					       const struct ctl_json *item);
__attribute__((nonnull)) void ctl_simulate_end(struct ctl_page *page,
					       const struct ctl_json *object);

/* The layout of explain's reply: its steps, then the answer. */
__attribute__((nonnull)) void ctl_explain_print(struct ctl_page *page,
						const struct ctl_json *object);

#endif
