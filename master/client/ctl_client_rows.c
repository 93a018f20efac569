/* Cuts a JSON reply into the items of its lists. */
#include "master/client/ctl_client_rows.h"

#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "shm/errcode.h"

void
ctl_rows_init(struct ctl_rows *rows,
	      int (*row)(void *arg, const char *list, const char *text, size_t len),
	      void *arg)
{
	memset(rows, 0, sizeof *rows);
	rows->row = row;
	rows->arg = arg;
}

static void
append(struct ctl_rows *rows, struct ctl_bytes *to, size_t limit, char octet)
{
	if (to->len == limit) {
		rows->error = ERR_FULL;
		return;
	}
	if (to->len == to->capacity) {
		to->capacity = to->capacity ? 2 * to->capacity : 1024;
		to->data = alloc_again(to->data, to->capacity, 1);
	}
	to->data[to->len++] = octet;
}

static void
keep(struct ctl_rows *rows, char octet)
{
	if (rows->in_list)
		append(rows, &rows->item, CTL_ROW_MAX, octet);
	else
		append(rows, &rows->rest, CTL_REST_MAX, octet);
}

static bool
is_space(char octet)
{
	return octet == ' ' || octet == '\t' || octet == '\n' || octet == '\r';
}

/* An item is complete; none at all between "[" and "]" is no item. */
static void
hand_out(struct ctl_rows *rows, bool may_be_empty)
{
	size_t blank = 0;

	while (blank < rows->item.len && is_space(rows->item.data[blank]))
		blank++;
	if (blank < rows->item.len)
		rows->error =
			rows->row(rows->arg, rows->name, rows->item.data, rows->item.len);
	else if (!may_be_empty)
		rows->error = ERR_SYNTAX;
	rows->item.len = 0;
}

static void
take_in_string(struct ctl_rows *rows, char octet)
{
	keep(rows, octet);
	if (rows->in_escape)
		rows->in_escape = false;
	else if (octet == '\\')
		rows->in_escape = true;
	else if (octet == '"')
		rows->in_string = false;
	if (rows->depth == 1 && rows->in_string &&
	    rows->name_len < CTL_LIST_NAME_MAX - 1) {
		rows->name[rows->name_len++] = octet;
		rows->name[rows->name_len] = '\0';
	}
}

static void
take_opening(struct ctl_rows *rows, char octet)
{
	if (rows->depth == CTL_NESTING_MAX) {
		rows->error = ERR_SYNTAX;
		return;
	}
	keep(rows, octet);
	if (rows->depth++ == 1 && octet == '[')
		rows->in_list = true;
}

static void
take_closing(struct ctl_rows *rows, char octet)
{
	if (rows->depth == 0) {
		rows->error = ERR_SYNTAX;
		return;
	}
	if (--rows->depth == 1 && rows->in_list) {
		hand_out(rows, true);
		rows->in_list = false;
	}
	keep(rows, octet);
}

static void
take(struct ctl_rows *rows, char octet)
{
	if (rows->in_string) {
		take_in_string(rows, octet);
	} else if (octet == '"') {
		keep(rows, octet);
		rows->in_string = true;
		if (rows->depth == 1) {
			rows->name_len = 0;
			rows->name[0] = '\0';
		}
	} else if (octet == '{' || octet == '[') {
		take_opening(rows, octet);
	} else if (octet == '}' || octet == ']') {
		take_closing(rows, octet);
	} else if (octet == ',' && rows->in_list && rows->depth == 2) {
		hand_out(rows, false);
	} else {
		keep(rows, octet);
	}
}

int
ctl_rows_feed(struct ctl_rows *rows, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !rows->error; i++)
		take(rows, data[i]);
	return rows->error;
}

int
ctl_rows_end(struct ctl_rows *rows)
{
	if (!rows->error && (rows->depth != 0 || rows->in_string))
		rows->error = ERR_SYNTAX;
	return rows->error;
}

void
ctl_rows_fini(struct ctl_rows *rows)
{
	free(rows->item.data);
	free(rows->rest.data);
}
