/* martletctl's side of explain and simulate: their options, and what a reply looks like. */
#ifndef MASTER_CTL_CLIENT_EXPLAIN_H
#define MASTER_CTL_CLIENT_EXPLAIN_H

#include <stdbool.h>

#include "master/ctl_client_layout.h"

enum { CTL_EXPLAIN_OPTIONS_MAX = 24 };

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

/* The layout of explain's reply: its steps, then the answer. */
__attribute__((nonnull)) void ctl_explain_print(struct ctl_page *page,
						const struct ctl_json *object);

#endif
