/* Columns that fit the terminal. */
#include "master/client/ctl_client_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_text.h"

void
ctl_table_init(struct ctl_table *table, const struct ctl_column *columns,
	       size_t column_count, size_t width, FILE *out)
{
	assert(column_count > 0 && column_count <= CTL_TABLE_COLUMNS_MAX);
	memset(table, 0, sizeof *table);
	table->columns = columns;
	table->column_count = column_count;
	table->width = width;
	table->out = out;
	table->sample = alloc_zero(CTL_TABLE_SAMPLE_MAX * column_count, sizeof(char *));
}

static void
widen(size_t *width, const char *cell)
{
	size_t columns = cell ? ctl_text_columns(cell) : 0;

	if (columns > *width)
		*width = columns;
}

/* Take places from the widest column that may shrink until all fit. */
static void
shrink(struct ctl_table *table)
{
	size_t total = 2 * (table->column_count - 1);

	for (size_t i = 0; i < table->column_count; i++)
		total += table->widths[i];
	while (total > table->width) {
		size_t *widest = NULL;

		for (size_t i = 0; i < table->column_count; i++)
			if (table->columns[i].may_shrink &&
			    table->widths[i] > CTL_TABLE_NARROW &&
			    (!widest || table->widths[i] > *widest))
				widest = &table->widths[i];
		if (!widest)
			return;
		--*widest;
		total--;
	}
}

static void
print_cell(const struct ctl_table *table, size_t column, const char *text)
{
	bool is_last = column + 1 == table->column_count;
	size_t width = table->widths[column], have;
	int pad;
	char *cut;

	if (table->columns[column].may_shrink && table->width != CTL_WIDTH_ENDLESS)
		cut = ctl_text_cut(text, width < 4 ? 4 : width);
	else
		cut = ctl_text_cut(text, strlen(text) + 4);
	have = ctl_text_columns(cut);
	pad = have < width ? (int)(width - have) : 0;
	if (table->columns[column].is_right)
		fprintf(table->out, "%*s%s", pad, "", cut);
	else
		fprintf(table->out, "%s%*s", cut, is_last ? 0 : pad, "");
	fputs(is_last ? "\n" : "  ", table->out);
	free(cut);
}

static void
print_row(const struct ctl_table *table, char *const *cells)
{
	for (size_t i = 0; i < table->column_count; i++)
		print_cell(table, i, cells[i] ? cells[i] : "");
	for (size_t i = 0; i < table->column_count; i++)
		free(cells[i]);
}

static void
start(struct ctl_table *table)
{
	table->is_started = true;
	for (size_t i = 0; i < table->column_count; i++) {
		if (table->columns[0].title)
			widen(&table->widths[i], table->columns[i].title);
		for (size_t row = 0; row < table->sample_rows; row++)
			widen(&table->widths[i],
			      table->sample[row * table->column_count + i]);
	}
	shrink(table);
	for (size_t i = 0; table->columns[0].title && i < table->column_count; i++)
		print_cell(table, i, table->columns[i].title);
	for (size_t row = 0; row < table->sample_rows; row++)
		print_row(table, table->sample + row * table->column_count);
	table->sample_rows = 0;
}

void
ctl_table_add(struct ctl_table *table, char **cells)
{
	if (!table->is_started && table->sample_rows == CTL_TABLE_SAMPLE_MAX)
		start(table);
	if (table->is_started) {
		print_row(table, cells);
		return;
	}
	memcpy(table->sample + table->sample_rows++ * table->column_count, cells,
	       table->column_count * sizeof *cells);
}

void
ctl_table_fini(struct ctl_table *table)
{
	if (!table->is_started && table->sample_rows > 0)
		start(table);
	free(table->sample);
	table->sample = NULL;
}
