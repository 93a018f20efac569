/* Memory and waiting as tables; a reply of before to compare with. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_profile.h"
#include "master/client/ctl_client_table.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"

enum { WIDTH = 80, SNAPSHOT_MAX = 64 << 20 };

#define COLUMN_COUNT(list) (sizeof(list) / sizeof *(list))

static const struct ctl_column process_columns[] = {
	{ "process", "process", false, true },
	{ "mapped_bytes", "mapped", true, false },
	{ "resident_bytes", "resident", true, false },
	{ "proportional_bytes", "share", true, false },
	{ "shared_bytes", "shared", true, false },
	{ "private_bytes", "private", true, false },
	{ "swap_bytes", "swap", true, false },
};

static const struct ctl_column generation_columns[] = {
	{ "generation", "generation", true, false },
	{ "processes", "processes", true, false },
	{ "mapped_bytes", "mapped", true, false },
	{ "resident_bytes", "resident", true, false },
	{ "proportional_bytes", "share", true, false },
	{ "private_bytes", "private", true, false },
};

static const struct ctl_column wait_columns[] = {
	{ "worker", "worker", true, false },
	{ "wall_ms", "time", true, false },
	{ "receive_ms", "receive", true, false },
	{ "run_queue_ms", "run queue", true, false },
	{ "user_ms", "user", true, false },
	{ "system_ms", "system", true, false },
	{ "receive_waits", "waits", true, false },
	{ "involuntary_switches", "preempted", true, false },
	{ "minor_faults", "faults", true, false },
	{ "major_faults", "from disk", true, false },
};

static void
print_table(const struct ctl_json *list, const struct ctl_column *columns,
	    size_t column_count, FILE *out)
{
	struct ctl_table table;

	ctl_table_init(&table, columns, column_count, WIDTH, out);
	for (size_t i = 0; i < ctl_json_count(list); i++) {
		char *cells[CTL_TABLE_COLUMNS_MAX];

		for (size_t at = 0; at < column_count; at++)
			cells[at] = ctl_value_member(ctl_json_item(list, i),
						     columns[at].member);
		ctl_table_add(&table, cells);
	}
	ctl_table_fini(&table);
}

/* ---- what has changed ---- */

static struct ctl_json *
read_snapshot(const char *path)
{
	FILE *file = fopen(path, "re");
	struct ctl_json *snapshot = NULL;
	char *text = NULL;
	size_t len = 0;

	if (!file) {
		fprintf(stderr, "martletctl: cannot read %s: %s\n", path,
			strerror(errno));
		return NULL;
	}
	text = alloc_zero(SNAPSHOT_MAX, 1);
	len = fread(text, 1, SNAPSHOT_MAX, file);
	fclose(file);
	snapshot = ctl_json_parse(text, len);
	free(text);
	if (ctl_json_kind(ctl_json_member(snapshot, "processes")) == CTL_JSON_ARRAY)
		return snapshot;
	fprintf(stderr, "martletctl: %s is no file of profile memory\n", path);
	ctl_json_free(snapshot);
	return NULL;
}

static const struct ctl_json *
find_process(const struct ctl_json *list, const struct ctl_json *wanted)
{
	size_t len, wanted_len;
	const char *name = ctl_json_text(ctl_json_member(wanted, "process"), &wanted_len);

	for (size_t i = 0; i < ctl_json_count(list); i++) {
		const struct ctl_json *item = ctl_json_item(list, i);
		const char *text = ctl_json_text(ctl_json_member(item, "process"), &len);

		if (name && text && strcmp(name, text) == 0)
			return item;
	}
	return NULL;
}

/* A change as "+1.5 MiB". */
static char *
print_change(const struct ctl_json *before, const struct ctl_json *now,
	     const char *member)
{
	double change = ctl_json_number(ctl_json_member(now, member)) -
			ctl_json_number(ctl_json_member(before, member));
	char figure[CTL_FIGURE_MAX];

	ctl_text_bytes(fabs(change), figure);
	return alloc_printf("%s%s", change > 0 ? "+" : change < 0 ? "-" : "", figure);
}

static void
add_change(struct ctl_table *table, const struct ctl_json *before,
	   const struct ctl_json *now)
{
	char *cells[CTL_TABLE_COLUMNS_MAX];

	cells[0] = ctl_value_member(now ? now : before, "process");
	for (size_t i = 1; i < COLUMN_COUNT(process_columns); i++)
		cells[i] = print_change(before, now, process_columns[i].member);
	ctl_table_add(table, cells);
}

static void
print_changes(const struct ctl_json *before, const struct ctl_json *now, FILE *out)
{
	struct ctl_table table;

	ctl_table_init(&table, process_columns, COLUMN_COUNT(process_columns), WIDTH,
		       out);
	for (size_t i = 0; i < ctl_json_count(now); i++)
		add_change(&table, find_process(before, ctl_json_item(now, i)),
			   ctl_json_item(now, i));
	for (size_t i = 0; i < ctl_json_count(before); i++)
		if (!find_process(now, ctl_json_item(before, i)))
			add_change(&table, ctl_json_item(before, i), NULL);
	ctl_table_fini(&table);
}

bool
ctl_profile_print_memory(const struct ctl_json *reply, const char *since, FILE *out)
{
	const struct ctl_json *processes = ctl_json_member(reply, "processes");
	struct ctl_json *before = since ? read_snapshot(since) : NULL;

	if (since && !before)
		return false;
	print_table(processes, process_columns, COLUMN_COUNT(process_columns), out);
	fputc('\n', out);
	print_table(ctl_json_member(reply, "generations"), generation_columns,
		    COLUMN_COUNT(generation_columns), out);
	if (ctl_json_number(ctl_json_member(reply, "silent")) > 0)
		fprintf(out, "processes that did not tell in time: %.0f\n",
			ctl_json_number(ctl_json_member(reply, "silent")));
	if (before) {
		fprintf(out, "\nsince %s:\n", since);
		print_changes(ctl_json_member(before, "processes"), processes, out);
	}
	ctl_json_free(before);
	return true;
}

void
ctl_profile_print_wait(const struct ctl_json *reply, FILE *out)
{
	print_table(ctl_json_member(reply, "waits"), wait_columns,
		    COLUMN_COUNT(wait_columns), out);
}
