/* From the pieces of a reply to its layout. */
#include "master/client/ctl_client_view.h"

#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_layout.h"
#include "master/client/ctl_client_rows.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"
#include "shm/errcode.h"

enum { VIEW_NOTES_MAX = 1000 };

/* An item of a list of texts: "problems", "notices". */
struct note {
	char list[CTL_LIST_NAME_MAX];
	char *text; /* owned, harmless */
};

struct ctl_view {
	const char *command;
	FILE *err;
	struct ctl_page page;
	struct ctl_rows rows;
	struct note notes[VIEW_NOTES_MAX];
	size_t note_count, note_skipped;
};

static void
keep_note(struct ctl_view *view, const char *list, const struct ctl_json *item)
{
	struct note *note = &view->notes[view->note_count];

	if (view->note_count == VIEW_NOTES_MAX) {
		view->note_skipped++;
		return;
	}
	view->note_count++;
	snprintf(note->list, sizeof note->list, "%s", list);
	note->text = ctl_value_print("", item);
}

static int
take_row(void *arg, const char *list, const char *text, size_t len)
{
	struct ctl_view *view = arg;
	const struct ctl_layout *layout = view->page.layout;
	struct ctl_json *item = ctl_json_parse(text, len);

	if (!item)
		return ERR_SYNTAX;
	if (ctl_json_kind(item) == CTL_JSON_TEXT) {
		keep_note(view, list, item);
	} else if (layout->list && strcmp(layout->list, list) == 0) {
		layout->row(&view->page, item);
		view->page.row_count++;
	}
	ctl_json_free(item);
	return 0;
}

struct ctl_view *
ctl_view_new(const char *command, bool has_args, FILE *out, FILE *err, size_t width)
{
	struct ctl_view *view = alloc_zero(1, sizeof *view);

	view->command = command;
	view->err = err;
	view->page.layout = ctl_layout_find(command, has_args);
	view->page.out = out;
	view->page.width = width;
	ctl_rows_init(&view->rows, take_row, view);
	return view;
}

int
ctl_view_feed(struct ctl_view *view, const char *data, size_t len)
{
	return ctl_rows_feed(&view->rows, data, len);
}

/* "problems" -> "problem: ..." */
static void
print_notes(struct ctl_view *view)
{
	for (size_t i = 0; i < view->note_count; i++) {
		const struct note *note = &view->notes[i];
		char *label = ctl_text_escape(note->list, strlen(note->list));
		size_t len = strlen(label);

		if (len > 0 && label[len - 1] == 's')
			label[len - 1] = '\0';
		fprintf(view->page.out, "%s: ", label);
		ctl_text_wrap(view->page.out, note->text, strlen(label) + 2,
			      view->page.width);
		free(label);
	}
	if (view->note_skipped > 0)
		fprintf(view->page.out, "and %zu more, see --json\n", view->note_skipped);
}

static void
print_end(struct ctl_view *view, const struct ctl_json *object)
{
	bool has_error = ctl_value_has_text(object, "error");
	char *error;

	/* an error alone is no table */
	if (!has_error || ctl_json_count(object) > 1)
		view->page.layout->end(&view->page, object);
	print_notes(view);
	if (!has_error)
		return;
	error = ctl_value_member(object, "error");
	fflush(view->page.out);
	fprintf(view->err, "martletctl: %s: %s\n", view->command, error);
	free(error);
}

int
ctl_view_end(struct ctl_view *view)
{
	int code = ctl_rows_end(&view->rows);
	struct ctl_json *object;

	if (view->page.has_table) {
		ctl_table_fini(&view->page.table);
		view->page.has_table = false;
	}
	if (code)
		return code;
	object = ctl_json_parse(view->rows.rest.len ? view->rows.rest.data : "",
				view->rows.rest.len);
	if (ctl_json_kind(object) != CTL_JSON_OBJECT)
		code = ERR_SYNTAX;
	else
		print_end(view, object);
	ctl_json_free(object);
	return code;
}

void
ctl_view_free(struct ctl_view *view)
{
	if (view->page.has_table)
		ctl_table_fini(&view->page.table);
	free(view->page.heading);
	for (size_t i = 0; i < view->note_count; i++)
		free(view->notes[i].text);
	ctl_rows_fini(&view->rows);
	free(view);
}
