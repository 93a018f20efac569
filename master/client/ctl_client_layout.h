/* What each command's reply looks like to people: a table, lines, a sentence. */
#ifndef MASTER_CLIENT_CTL_CLIENT_LAYOUT_H
#define MASTER_CLIENT_CTL_CLIENT_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "master/client/ctl_client_json.h"
#include "master/client/ctl_client_table.h"

struct ctl_layout;

/* Where a reply is being printed. */
struct ctl_page {
	const struct ctl_layout *layout;
	FILE *out; /* borrowed */
	size_t width; /* places of the terminal */
	size_t row_count; /* printed of layout->list */
	struct ctl_table table;
	bool has_table;
	char *heading; /* the last one that was printed, owned; NULL: none */
};

struct ctl_layout {
	const char *command;
	const char *list; /* the member whose items `row` prints; NULL: none */
	bool is_detail; /* for the command with an argument */
	void (*row)(struct ctl_page *page, const struct ctl_json *item);
	/* `object` has its lists empty; ctl_page.table is complete and printed */
	void (*end)(struct ctl_page *page, const struct ctl_json *object);
	const char *empty; /* said when the list had no items */
	const struct ctl_column *columns;
	size_t column_count;
};

/* Begin the table of the layout's columns, unless one is there. */
__attribute__((nonnull)) void ctl_page_open_table(struct ctl_page *page);

/* The layout of a command, with or without arguments; plain lines for any other. */
__attribute__((nonnull, returns_nonnull)) const struct ctl_layout *
ctl_layout_find(const char *command, bool has_args);

#endif
