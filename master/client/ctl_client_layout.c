/* One layout for each command. */
#include "master/client/ctl_client_layout.h"

#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_explain.h"
#include "master/client/ctl_client_stages.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_times.h"
#include "master/client/ctl_client_value.h"

enum { MEMBER_NAME_MAX = 64 };

/* Is it a time of which people want to know how long ago it was? */
static bool
is_age(const char *member)
{
	return strcmp(member, "loaded_at") == 0 || strcmp(member, "served") == 0 ||
	       strcmp(member, "since") == 0;
}

void
ctl_page_open_table(struct ctl_page *page)
{
	const struct ctl_layout *layout = page->layout;

	if (!page->has_table)
		ctl_table_init(&page->table, layout->columns, layout->column_count,
			       page->width, page->out);
	page->has_table = true;
}

/* A list as a table. */
static void
row_in_table(struct ctl_page *page, const struct ctl_json *item)
{
	const struct ctl_layout *layout = page->layout;
	char *cells[CTL_TABLE_COLUMNS_MAX];

	ctl_page_open_table(page);
	for (size_t i = 0; i < layout->column_count; i++) {
		const char *member = layout->columns[i].member;

		if (is_age(member))
			cells[i] = ctl_value_age(item, member);
		else
			cells[i] = ctl_value_member(item, member);
	}
	ctl_table_add(&page->table, cells);
}

static void
end_of_list(struct ctl_page *page, const struct ctl_json *object)
{
	if (page->row_count == 0 && !ctl_value_has_text(object, "error"))
		fprintf(page->out, "%s\n", page->layout->empty);
}

/* The sum over all zones stands last, for a glance. */
static void
end_of_digests(struct ctl_page *page, const struct ctl_json *object)
{
	char *digest = ctl_value_member(object, "digest");

	end_of_list(page, object);
	if (ctl_value_has_text(object, "digest"))
		fprintf(page->out, "all zones: %s\n", digest);
	free(digest);
}

static void
end_of_generations(struct ctl_page *page, const struct ctl_json *object)
{
	const struct ctl_json *chosen = ctl_json_member(object, "chosen");
	char id[24];

	end_of_list(page, object);
	if (ctl_json_kind(chosen) != CTL_JSON_INTEGER)
		return;
	ctl_json_integer(chosen, id);
	fprintf(page->out,
		"generation %s was chosen: the configured sources wait for "
		"'martletctl resume'\n",
		id);
}

static void
end_of_limits(struct ctl_page *page, const struct ctl_json *object)
{
	const struct ctl_json *log_only = ctl_json_member(object, "log_only");

	end_of_list(page, object);
	if (ctl_json_kind(log_only) == CTL_JSON_BOOL && ctl_json_is_true(log_only))
		fputs("limit.log_only: clients and networks are answered all the same\n",
		      page->out);
}

/* An object as lines "name  value", members of an inner one as "outer.name". */
struct member_lines {
	struct ctl_table table;
	const char *prefix;
	bool skips_error; /* it goes to stderr */
};

static void
add_member(void *arg, const char *name, const struct ctl_json *value)
{
	struct member_lines *lines = arg;
	char label[MEMBER_NAME_MAX];
	char *cells[2];

	if (ctl_json_kind(value) == CTL_JSON_ARRAY || strcmp(name, "stages") == 0 ||
	    (!*lines->prefix && strcmp(name, "error") == 0 && lines->skips_error))
		return;
	snprintf(label, sizeof label, "%s%s%s", lines->prefix, *lines->prefix ? "." : "",
		 name);
	if (ctl_json_kind(value) == CTL_JSON_OBJECT && !*lines->prefix) {
		lines->prefix = label;
		ctl_json_each(value, add_member, lines);
		lines->prefix = "";
	} else {
		cells[0] = ctl_text_escape(label, strlen(label));
		cells[1] = ctl_value_print(name, value);
		ctl_table_add(&lines->table, cells);
	}
}

static void
print_members(struct ctl_page *page, const struct ctl_json *object, bool is_right,
	      bool skips_error)
{
	const struct ctl_column columns[] = {
		{ "", NULL, false, true },
		{ "", NULL, is_right, true },
	};
	struct member_lines lines = { .prefix = "", .skips_error = skips_error };

	ctl_table_init(&lines.table, columns, 2, page->width, page->out);
	ctl_json_each(object, add_member, &lines);
	ctl_table_fini(&lines.table);
}

static void
row_in_lines(struct ctl_page *page, const struct ctl_json *item)
{
	if (page->row_count > 0)
		fputc('\n', page->out);
	print_members(page, item, false, false);
}

static void
end_in_lines(struct ctl_page *page, const struct ctl_json *object)
{
	print_members(page, object, false, true);
}

static void
row_of_stats(struct ctl_page *page, const struct ctl_json *item)
{
	print_members(page, item, true, false);
	ctl_stages_print(page->out, ctl_json_member(item, "stages"), page->width);
	fputc('\n', page->out);
}

static void
end_of_stats(struct ctl_page *page, const struct ctl_json *object)
{
	if (page->row_count > 0)
		fputs("all workers, ended ones too\n", page->out);
	print_members(page, object, true, true);
	ctl_stages_print(page->out, ctl_json_member(object, "stages"), page->width);
	ctl_times_print(page->out, "by the change stream, from written to served",
			ctl_json_member(object, "stream_propagation"), page->width);
	ctl_times_print(page->out, "by notifications, from heard of to served",
			ctl_json_member(object, "event_propagation"), page->width);
}

static void
end_of_ready(struct ctl_page *page, const struct ctl_json *object)
{
	bool is_ready = ctl_json_is_true(ctl_json_member(object, "ready"));

	fprintf(page->out, "%s\n", is_ready ? "ready" : "unready");
}

static void
end_of_stop(struct ctl_page *page, const struct ctl_json *object)
{
	if (!ctl_value_has_text(object, "error"))
		fputs("stopped\n", page->out);
}

static void
end_of_change(struct ctl_page *page, const struct ctl_json *object)
{
	const struct ctl_json *took = ctl_json_member(object, "took_ms");
	const struct ctl_json *in_error = ctl_json_member(object, "zones_in_error");
	const struct ctl_json *rrsets = ctl_json_member(object, "rrsets_in_error");
	char *generation = ctl_value_member(object, "generation");
	char *zones = ctl_value_member(object, "zones");
	char *records = ctl_value_member(object, "records");
	char duration[CTL_FIGURE_MAX];

	if (ctl_json_member(object, "generation")) {
		ctl_text_duration(ctl_json_number(took) / 1e3, duration);
		fprintf(page->out, "serving generation %s: %s zones, %s records",
			generation, zones, records);
		fprintf(page->out, took ? " (%s)\n" : "\n", duration);
	}
	if (ctl_json_number(in_error) > 0)
		fprintf(page->out, "zones in error: %.0f, see 'martletctl errors'\n",
			ctl_json_number(in_error));
	if (ctl_json_number(rrsets) > 0)
		fprintf(page->out, "RRsets in error: %.0f, see 'martletctl errors'\n",
			ctl_json_number(rrsets));
	free(generation);
	free(zones);
	free(records);
}

static void
end_of_build(struct ctl_page *page, const struct ctl_json *object)
{
	char *dir = ctl_value_member(object, "dir"),
	     *zones = ctl_value_member(object, "zones");
	char *records = ctl_value_member(object, "records");
	char *bytes = ctl_value_member(object, "bytes");

	if (!ctl_value_has_text(object, "error"))
		fprintf(page->out, "built %s: %s zones, %s records, %s\n", dir, zones,
			records, bytes);
	free(dir);
	free(zones);
	free(records);
	free(bytes);
}

static void
end_of_import(struct ctl_page *page, const struct ctl_json *object)
{
	static const char *const members[] = { "zones", "records", "server" };
	double in_error = ctl_json_number(ctl_json_member(object, "zones_in_error"));
	char *texts[3];

	for (size_t i = 0; i < 3; i++)
		texts[i] = ctl_value_member(object, members[i]);
	if (!ctl_value_has_text(object, "error") && ctl_value_has_text(object, "server"))
		fprintf(page->out, "imported %s zones, %s records into %s\n", texts[0],
			texts[1], texts[2]);
	if (in_error > 0)
		fprintf(page->out, "zones in error, not imported: %.0f\n", in_error);
	for (size_t i = 0; i < 3; i++)
		free(texts[i]);
}

/* A line above rows that have it in common.  `heading` is taken. */
static void
head_rows(struct ctl_page *page, char *heading)
{
	if (!page->heading || strcmp(page->heading, heading) != 0)
		fprintf(page->out, "%s\n", heading);
	free(page->heading);
	page->heading = heading;
}

/* As a compiler says it, since the reason is what is looked for. */
static void
row_of_errors(struct ctl_page *page, const struct ctl_json *item)
{
	static const char *const members[] = { "zone",  "state", "source", "line",
					       "owner", "type",  "reason" };
	enum { ZONE, STATE, SOURCE, LINE, OWNER, TYPE, REASON, MEMBERS };
	char *texts[MEMBERS], *sentence;
	bool has_line = ctl_json_number(ctl_json_member(item, "line")) > 0;
	bool has_zone = ctl_value_has_text(item, "zone");
	bool has_owner = ctl_value_has_text(item, "owner");
	bool has_type = has_owner && ctl_value_has_text(item, "type");

	for (size_t i = 0; i < MEMBERS; i++)
		texts[i] = ctl_value_member(item, members[i]);
	sentence =
		alloc_printf("%s%s%s: %s%s%s%s%s", texts[SOURCE], has_line ? ":" : "",
			     has_line ? texts[LINE] : "", has_owner ? texts[OWNER] : "",
			     has_type ? " " : "", has_type ? texts[TYPE] : "",
			     has_owner ? ": " : "", texts[REASON]);
	head_rows(page, alloc_printf("%s (%s)", has_zone ? texts[ZONE] : "the server",
				     texts[STATE]));
	fputs("    ", page->out);
	ctl_text_wrap(page->out, sentence, 4, page->width);
	for (size_t i = 0; i < MEMBERS; i++)
		free(texts[i]);
	free(sentence);
}

static void
end_of_errors(struct ctl_page *page, const struct ctl_json *object)
{
	double unlisted = ctl_json_number(ctl_json_member(object, "unlisted"));

	end_of_list(page, object);
	if (unlisted > 0)
		fprintf(page->out, "and %.0f RRsets more\n", unlisted);
}

static void
print_signed(struct ctl_page *page, const struct ctl_json *lines, char sign)
{
	for (size_t i = 0; i < ctl_json_count(lines); i++) {
		char *line = ctl_value_print("", ctl_json_item(lines, i));

		fprintf(page->out, "%c%s\n", sign, line);
		free(line);
	}
}

static void
row_of_diff(struct ctl_page *page, const struct ctl_json *item)
{
	char *name = ctl_value_member(item, "name"),
	     *zone = ctl_value_member(item, "zone");

	fprintf(page->out, "@@ %s in zone %s @@\n", name, zone);
	print_signed(page, ctl_json_member(item, "removed"), '-');
	print_signed(page, ctl_json_member(item, "added"), '+');
	free(name);
	free(zone);
}

static void
print_held_zone(struct ctl_page *page, const struct ctl_json *zone)
{
	char *name = ctl_value_member(zone, "zone"), *served, *offered;

	served = ctl_value_member(zone, "served");
	offered = ctl_value_member(zone, "offered");
	fprintf(page->out, "    %s: %s records -> %s\n", name, served, offered);
	free(name);
	free(served);
	free(offered);
}

/* What would vanish, where, and how to let it. */
static void
row_of_held(struct ctl_page *page, const struct ctl_json *item)
{
	static const char *const members[] = { "id", "reason", "served", "offered",
					       "zones" };
	const struct ctl_json *first = ctl_json_member(item, "first");
	char *texts[5], *age = ctl_value_age(item, "since");

	for (size_t i = 0; i < 5; i++)
		texts[i] = ctl_value_member(item, members[i]);
	fprintf(page->out, "%s  held %s ago: %s\n", texts[0], age, texts[1]);
	fprintf(page->out, "    zones: %s, records: %s -> %s\n", texts[4], texts[2],
		texts[3]);
	for (size_t i = 0; i < ctl_json_count(first); i++)
		print_held_zone(page, ctl_json_item(first, i));
	if (ctl_json_number(ctl_json_member(item, "zones")) >
	    (double)ctl_json_count(first))
		fputs("    and more\n", page->out);
	fprintf(page->out, "    to serve it all the same: martletctl accept %s\n",
		texts[0]);
	for (size_t i = 0; i < 5; i++)
		free(texts[i]);
	free(age);
}

static void
end_of_accept(struct ctl_page *page, const struct ctl_json *object)
{
	if (!ctl_value_has_text(object, "error"))
		fputs("accepted and served\n", page->out);
}

/* Lines of zone files; where a zone begins, a comment says so. */
static void
row_of_export(struct ctl_page *page, const struct ctl_json *item)
{
	const struct ctl_json *lines = ctl_json_member(item, "records");
	char *zone = ctl_value_member(item, "zone");

	if (ctl_json_is_true(ctl_json_member(item, "apex")))
		fprintf(page->out, "; zone %s\n", zone);
	free(zone);
	for (size_t i = 0; i < ctl_json_count(lines); i++) {
		char *line = ctl_value_print("", ctl_json_item(lines, i));

		fprintf(page->out, "%s\n", line);
		free(line);
	}
}

static void
end_of_export(struct ctl_page *page, const struct ctl_json *object)
{
	if (page->row_count == 0 && !ctl_value_has_text(object, "error"))
		fputs("; no zones\n", page->out);
}

/* clang-format off */
static const struct ctl_column worker_columns[] = {
	/* member      title       right  shrinks */
	{"id",         "id",       true,  false},
	{"pid",        "pid",      true,  false},
	{"cpu",        "cpu",      true,  false},
	{"state",      "state",    false, true},
	{"restarts",   "restarts", true,  false},
	{"uptime_s",   "uptime",   true,  false},
	{"qps",        "qps",      true,  false},
	{"queries",    "queries",  true,  false},
	{"generation", "gen",      true,  false},
	{"rss_bytes",  "rss",      true,  false},
};

static const struct ctl_column zone_columns[] = {
	{"name",       "zone",     false, true},
	{"serial",     "serial",   true,  false},
	{"records",    "records",  true,  false},
	{"state",      "state",    false, true},
	{"loaded_at",  "loaded",   true,  false},
	{"error",      "error",    false, true},
};

static const struct ctl_column digest_columns[] = {
	{"name",       "zone",     false, true},
	{"serial",     "serial",   true,  false},
	{"records",    "records",  true,  false},
	{"digest",     "digest",   false, false},
};

static const struct ctl_column change_columns[] = {
	{"served",     "ago",      true,  false},
	{"id",         "id",       false, false},
	{"cause",      "cause",    false, false},
	{"zone",       "zone",     false, true},
	{"zones",      "zones",    true,  false},
	{"added",      "added",    true,  false},
	{"removed",    "removed",  true,  false},
	{"took_us",    "took",     true,  false},
};

static const struct ctl_column limit_columns[] = {
	{"client",     "client",   false, false},
	{"class",      "class",    false, false},
	{"reason",     "reason",   false, false},
	{"count",      "count",    true,  false},
	{"since",      "for",      true,  false},
	{"name",       "name",     false, true},
};

static const struct ctl_column simulate_columns[] = {
	{"address",        "record",         false, true},
	{"share",          "first",          true,  false},
	{"share_after",    "then",           true,  false},
	{"change",         "change",         true,  false},
	{"answered",       "answered",       true,  false},
	{"answered_after", "then",           true,  false},
};

static const struct ctl_column generation_columns[] = {
	{"id",         "id",       true,  false},
	{"created",    "created",  false, true},
	{"zones",      "zones",    true,  false},
	{"records",    "records",  true,  false},
	{"bytes",      "size",     true,  false},
	{"serving",    "serving",  false, false},
	{"state",      "state",    false, true},
};

static const struct ctl_column key_columns[] = {
	{"zone",           "zone",      false, true},
	{"tag",            "tag",       true,  false},
	{"algorithm_name", "algorithm", false, false},
	{"role",           "role",      false, false},
	{"state",          "state",     false, false},
	{"created",        "created",   false, false},
	{"dnskey_size",    "DNSKEY answer", true, false},
};

#define COLUMNS(table) (table), sizeof (table) / sizeof *(table)
#define NO_COLUMNS NULL, 0

static const struct ctl_layout layouts[] = {
	/* command, list, detail, row, end, when empty, columns */
	{"status", NULL, false, NULL, end_in_lines, NULL, NO_COLUMNS},
	{"ready", NULL, false, NULL, end_of_ready, NULL, NO_COLUMNS},
	{"workers", "workers", false, row_in_table, end_of_list, "no workers",
	 COLUMNS(worker_columns)},
	{"stats", NULL, false, NULL, end_of_stats, NULL, NO_COLUMNS},
	{"stats --per-worker", "stats", false, row_of_stats, end_of_stats, NULL, NO_COLUMNS},
	{"zones", "zones", false, row_in_table, end_of_list, "no zones", COLUMNS(zone_columns)},
	{"zones", "zones", true, row_in_lines, end_of_list, "no such zone", NO_COLUMNS},
	{"changes", "changes", false, row_in_table, end_of_list, "no changes yet",
	 COLUMNS(change_columns)},
	{"limits", "limits", false, row_in_table, end_of_limits, "nobody is limited",
	 COLUMNS(limit_columns)},
	{"zones --digest", "zones", false, row_in_table, end_of_digests, "no zones",
	 COLUMNS(digest_columns)},
	{"zones --digest", "zones", true, row_in_table, end_of_digests, "no such zone",
	 COLUMNS(digest_columns)},
	{"errors", "errors", false, row_of_errors, end_of_errors, "no errors", NO_COLUMNS},
	{"generations", "generations", false, row_in_table, end_of_generations,
	 "no generations", COLUMNS(generation_columns)},
	{"diff", "diff", true, row_of_diff, end_of_list, "no difference", NO_COLUMNS},
	{"diff --rrsig", "diff", true, row_of_diff, end_of_list, "no difference", NO_COLUMNS},
	{"held", "held", false, row_of_held, end_of_list, "nothing is held", NO_COLUMNS},
	{"accept", NULL, true, NULL, end_of_accept, NULL, NO_COLUMNS},
	{"export", "export", false, row_of_export, end_of_export, NULL, NO_COLUMNS},
	{"export", "export", true, row_of_export, end_of_export, NULL, NO_COLUMNS},
	{"explain", NULL, true, NULL, ctl_explain_print, NULL, NO_COLUMNS},
	{"simulate", "simulate", true, ctl_simulate_row, ctl_simulate_end, NULL,
	 COLUMNS(simulate_columns)},
	{"keys", "keys", false, row_in_table, end_of_list, "no keys", COLUMNS(key_columns)},
	{"keys", "keys", true, row_in_lines, end_of_list, "the zone has no keys", NO_COLUMNS},
	{"keys --split", "keys", true, row_in_lines, end_of_list, "no keys", NO_COLUMNS},
	{"reload", "errors", false, row_of_errors, end_of_change, NULL, NO_COLUMNS},
	{"reload", "errors", true, row_of_errors, end_of_change, NULL, NO_COLUMNS},
	{"swap", NULL, true, NULL, end_of_change, NULL, NO_COLUMNS},
	{"rollback", NULL, false, NULL, end_of_change, NULL, NO_COLUMNS},
	{"rollback", NULL, true, NULL, end_of_change, NULL, NO_COLUMNS},
	{"resume", "errors", false, row_of_errors, end_of_change, NULL, NO_COLUMNS},
	{"build", NULL, true, NULL, end_of_build, NULL, NO_COLUMNS},
	{"import", NULL, true, NULL, end_of_import, NULL, NO_COLUMNS},
	{"stop", NULL, false, NULL, end_of_stop, NULL, NO_COLUMNS},
};
/* clang-format on */

const struct ctl_layout *
ctl_layout_find(const char *command, bool has_args)
{
	static const struct ctl_layout plain = { .end = end_in_lines };

	for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
		if (strcmp(layouts[i].command, command) == 0 &&
		    layouts[i].is_detail == has_args)
			return &layouts[i];
	return &plain;
}
