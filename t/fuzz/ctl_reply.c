/* Replies of a hostile server through martletctl's layouts: the first octet picks the
 * command, the rest is the object. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/client/ctl_client_view.h"
#include "t/fuzz/target.h"

static const char *const commands[] = {
	"status", "ready",       "workers", "stats",          "zones",
	"errors", "generations", "diff",    "reload",         "rollback",
	"build",  "stop",        "changes", "zones --digest", "stats --per-worker",
	"other",
};

static void
lay_out(const char *command, int has_args, const char *text, size_t len, size_t piece)
{
	static FILE *nowhere;
	struct ctl_view *view;
	int code = 0;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (!nowhere)
		abort();
	view = ctl_view_new(command, has_args, nowhere, nowhere, 80);
	for (size_t at = 0; at < len && !code; at += piece)
		code = ctl_view_feed(view, text + at,
				     len - at < piece ? len - at : piece);
	code = ctl_view_end(view);
	(void)code;
	ctl_view_free(view);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t count = sizeof commands / sizeof *commands;
	char *copy;

	if (size < 1)
		return 0;
	copy = malloc(size - 1 ? size - 1 : 1);
	if (!copy)
		abort();
	memcpy(copy, data + 1, size - 1);
	lay_out(commands[data[0] / 2 % count], data[0] & 1, copy, size - 1, 65536);
	lay_out(commands[data[0] / 2 % count], data[0] & 1, copy, size - 1, 1);
	free(copy);
	return 0;
}
