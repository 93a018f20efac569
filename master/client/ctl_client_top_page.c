/* Head, then the lists. */
#include "master/client/ctl_client_top_page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"

enum {
	HEAD_LINES = 5,
	LISTS = 3,
	LIST_EXTRA = 1, /* a title a list */
	ROWS_LEAST = 2,
	FIGURES_WIDTH = 40, /* of a row behind its name */
	NAME_LEAST = 16,
	LINE_MAX_LEN = 1024,
};

struct page {
	FILE *out;
	const char *line_end;
	size_t width;
	size_t left; /* lines that may follow */
};

/* Print a line, cut to the page; none when that is full. */
__attribute__((format(printf, 2, 3))) static void
put_line(struct page *page, const char *format, ...)
{
	char text[LINE_MAX_LEN];
	va_list args;

	if (page->left == 0)
		return;
	page->left--;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (strlen(text) > page->width)
		text[page->width] = '\0';
	fprintf(page->out, "%s%s", text, page->line_end);
}

static double
number(const struct ctl_json *object, const char *name)
{
	return ctl_json_number(ctl_json_member(object, name));
}

/* ---- the head ---- */

static void
put_times(struct page *page, const char *title, const struct ctl_json *times)
{
	static const char *const members[] = { "p50_ns", "p90_ns", "p99_ns", "p999_ns",
					       "max_ns" };
	char *cells[sizeof members / sizeof *members];

	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		cells[i] = ctl_value_member(times, members[i]);
	put_line(page, "%-9s 50 %% %-8s 90 %% %-8s 99 %% %-8s 99.9 %% %-8s max %s", title,
		 cells[0], cells[1], cells[2], cells[3], cells[4]);
	for (size_t i = 0; i < sizeof members / sizeof *members; i++)
		free(cells[i]);
}

static void
put_workers(struct page *page, const struct ctl_json *workers)
{
	char text[LINE_MAX_LEN] = "";
	size_t len = 0;

	for (size_t i = 0; i < ctl_json_count(workers) && len < sizeof text - 64; i++) {
		const struct ctl_json *worker = ctl_json_item(workers, i);

		len += (size_t)snprintf(text + len, sizeof text - len,
					"  %.0f: %.0f q/s %.0f %%", number(worker, "id"),
					number(worker, "qps"),
					number(worker, "busy") * 100);
	}
	put_line(page, "%-8s%s", "workers", text);
}

static void
put_rcodes(struct page *page, const struct ctl_json *rcodes)
{
	char text[LINE_MAX_LEN] = "";
	double total = 0;
	size_t len = 0;

	for (size_t i = 0; i < ctl_json_count(rcodes); i++)
		total += number(ctl_json_item(rcodes, i), "queries");
	for (size_t i = 0; i < ctl_json_count(rcodes) && len < sizeof text - 64; i++) {
		const struct ctl_json *rcode = ctl_json_item(rcodes, i);
		char *name = ctl_value_member(rcode, "rcode");

		len += (size_t)snprintf(text + len, sizeof text - len, "  %.16s %.1f %%",
					strcmp(name, "-") == 0 ? "no answer" : name,
					total > 0 ? number(rcode, "queries") * 100 / total
						  : 0);
		free(name);
	}
	put_line(page, "%-8s%s", "answers", text);
}

static void
put_head(struct page *page, const struct ctl_json *top)
{
	put_line(page,
		 "martlet   %.1f q/s, of the last %.1f s; %.0f dropped in full queues",
		 number(top, "qps"), number(top, "window_s"), number(top, "dropped"));
	put_times(page, "served", ctl_json_member(top, "receive_to_send"));
	put_times(page, "queued", ctl_json_member(top, "queue"));
	put_workers(page, ctl_json_member(top, "workers"));
	put_rcodes(page, ctl_json_member(ctl_json_member(top, "top"), "rcodes"));
}

/* ---- the lists ---- */

static void
put_row(struct page *page, const struct ctl_json *row, const char *member,
	size_t name_width)
{
	char *name = ctl_value_member(row, member), *cut = ctl_text_cut(name, name_width);
	double queries = number(row, "queries");

	put_line(page, "%-*s %10.1f %9.1f %% %9.1f %%", (int)name_width, cut,
		 number(row, "qps"),
		 queries > 0 ? number(row, "error") * 100 / queries : 0,
		 queries > 0 ? number(row, "nxdomain") * 100 / queries : 0);
	free(name);
	free(cut);
}

static void
put_list(struct page *page, const struct ctl_json *list, const char *member,
	 const char *title, size_t rows)
{
	size_t name_width = page->width > NAME_LEAST + FIGURES_WIDTH
				    ? page->width - FIGURES_WIDTH
				    : NAME_LEAST;

	put_line(page, "%-*s %10s %11s %11s", (int)name_width, title, "q/s", "+-",
		 "NXDOMAIN");
	for (size_t i = 0; i < rows; i++)
		if (i < ctl_json_count(list))
			put_row(page, ctl_json_item(list, i), member, name_width);
}

void
ctl_top_print(FILE *out, const struct ctl_json *top, const char *line_end, size_t width,
	      size_t height)
{
	static const struct {
		const char *list, *member, *title;
	} lists[LISTS] = {
		{ "zones", "zone", "ZONES" },
		{ "names", "name", "NAMES" },
		{ "sources", "client", "CLIENTS" },
	};
	struct page page = { out, line_end, width < LINE_MAX_LEN ? width : 200, height };
	const struct ctl_json *inner = ctl_json_member(top, "top");
	size_t fixed = HEAD_LINES + LISTS * LIST_EXTRA;
	size_t rows = height > fixed ? (height - fixed) / LISTS : 0;

	put_head(&page, top);
	for (unsigned i = 0; i < LISTS; i++)
		if (ctl_json_kind(ctl_json_member(inner, lists[i].list)) ==
		    CTL_JSON_ARRAY)
			put_list(&page, ctl_json_member(inner, lists[i].list),
				 lists[i].member, lists[i].title,
				 rows < ROWS_LEAST ? ROWS_LEAST : rows);
}
