/* A row a stage. */
#include "master/client/ctl_client_stages.h"

#include <string.h>

#include "master/client/ctl_client_table.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"

static const struct ctl_column columns[] = {
	{ "", "stage", false, true },         { "count", "count", true, false },
	{ "mean_ns", "mean", true, false },   { "p50_ns", "50 %", true, false },
	{ "p90_ns", "90 %", true, false },    { "p99_ns", "99 %", true, false },
	{ "p999_ns", "99.9 %", true, false }, { "max_ns", "max", true, false },
};

enum { COLUMNS = sizeof columns / sizeof *columns };

static void
add_stage(void *arg, const char *name, const struct ctl_json *stage)
{
	struct ctl_table *table = arg;
	char *cells[COLUMNS];

	if (!(ctl_json_number(ctl_json_member(stage, "count")) > 0))
		return;
	cells[0] = ctl_text_escape(name, strlen(name));
	for (unsigned i = 1; i < COLUMNS; i++)
		cells[i] = ctl_value_member(stage, columns[i].member);
	ctl_table_add(table, cells);
}

void
ctl_stages_print(FILE *out, const struct ctl_json *stages, size_t width)
{
	struct ctl_table table;

	if (ctl_json_kind(stages) != CTL_JSON_OBJECT)
		return;
	fputc('\n', out);
	ctl_table_init(&table, columns, COLUMNS, width, out);
	ctl_json_each(stages, add_stage, &table);
	ctl_table_fini(&table);
}
