/* Rows of cells in columns that fit the terminal.
 *
 * The first TABLE_SAMPLE_MAX rows decide the widths, so that a list of any length
 * prints as it comes. */
#ifndef MASTER_CLIENT_CTL_CLIENT_TABLE_H
#define MASTER_CLIENT_CTL_CLIENT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CTL_TABLE_COLUMNS_MAX = 16, CTL_TABLE_SAMPLE_MAX = 1000, CTL_TABLE_NARROW = 8 };

struct ctl_column {
	const char *member; /* where its cells come from; not used here */
	const char *title; /* NULL in the first one: no line of titles */
	bool is_right; /* figures */
	bool may_shrink; /* cut in the middle, down to CTL_TABLE_NARROW */
};

struct ctl_table {
	const struct ctl_column *columns; /* borrowed */
	size_t column_count, width;
	FILE *out; /* borrowed */
	char **sample; /* owned cells, row by row, until the widths are set */
	size_t sample_rows;
	bool is_started; /* title printed, widths set */
	size_t widths[CTL_TABLE_COLUMNS_MAX];
};

/* width   places of the terminal */
__attribute__((nonnull)) void ctl_table_init(struct ctl_table *table,
					     const struct ctl_column *columns,
					     size_t column_count, size_t width,
					     FILE *out);

/* Add a row of column_count cells, each moved here (free), NULL for an empty one. */
__attribute__((nonnull)) void ctl_table_add(struct ctl_table *table, char **cells);

/* Print what is left.  A table without rows prints nothing. */
__attribute__((nonnull)) void ctl_table_fini(struct ctl_table *table);

#endif
