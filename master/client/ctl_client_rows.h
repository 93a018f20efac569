/* Cuts a reply that arrives in pieces into rows, so that a list of a million zones
 * never stands in memory as a whole.
 *
 * The items of every list that is a member of the object are handed out one by one;
 * all else is kept, with those lists left empty, until the end. */
#ifndef MASTER_CLIENT_CTL_CLIENT_ROWS_H
#define MASTER_CLIENT_CTL_CLIENT_ROWS_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CTL_ROW_MAX = 16 << 20, /* octets of one item */
	CTL_REST_MAX = 4 << 20, /* of all that is no item */
	CTL_LIST_NAME_MAX = 32,
	CTL_NESTING_MAX = 32,
};

struct ctl_bytes {
	char *data; /* owned */
	size_t len, capacity;
};

struct ctl_rows {
	/* `text`, `len` octets, is borrowed for the call.  returns 0 or an error code */
	int (*row)(void *arg, const char *list, const char *text, size_t len);
	void *arg;
	struct ctl_bytes item, rest;
	char name[CTL_LIST_NAME_MAX]; /* the last string at the object's own level */
	size_t name_len;
	unsigned depth;
	bool in_list, in_string, in_escape;
	int error;
};

__attribute__((nonnull(1, 2))) void
ctl_rows_init(struct ctl_rows *rows,
	      int (*row)(void *arg, const char *list, const char *text, size_t len),
	      void *arg);

/* The next `len` octets of the reply.  Brackets and strings are followed, nothing else
 * is checked: items and rest are for a JSON parser to judge.
 * returns 0, ERR_SYNTAX, ERR_FULL past a limit, or what `row` returned; sticky. */
__attribute__((nonnull, warn_unused_result)) int
ctl_rows_feed(struct ctl_rows *rows, const char *data, size_t len);

/* returns 0 when the reply was complete (or empty), else ERR_SYNTAX or the first error.
 * rows->rest is then the object without its items. */
__attribute__((nonnull, warn_unused_result)) int ctl_rows_end(struct ctl_rows *rows);

__attribute__((nonnull)) void ctl_rows_fini(struct ctl_rows *rows);

#endif
