/* JSON values that a server sent, as martletctl reads them: jansson behind one file.
 * A NULL value reads as null everywhere, so that missing members need no care. */
#ifndef MASTER_CLIENT_CTL_CLIENT_JSON_H
#define MASTER_CLIENT_CTL_CLIENT_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct ctl_json;

enum ctl_json_kind {
	CTL_JSON_NULL,
	CTL_JSON_BOOL,
	CTL_JSON_INTEGER,
	CTL_JSON_REAL,
	CTL_JSON_TEXT,
	CTL_JSON_ARRAY,
	CTL_JSON_OBJECT,
};

/* Parse one value of any kind.
 * returns the root (owned by the caller, ctl_json_free), NULL when it is no JSON. */
__attribute__((nonnull, warn_unused_result)) struct ctl_json *
ctl_json_parse(const char *text, size_t len);

void ctl_json_free(struct ctl_json *root);

enum ctl_json_kind ctl_json_kind(const struct ctl_json *value);

/* Borrowed from the root, like all below. */
const struct ctl_json *ctl_json_member(const struct ctl_json *object, const char *name);

/* Items of an array, members of an object, else 0. */
size_t ctl_json_count(const struct ctl_json *value);
const struct ctl_json *ctl_json_item(const struct ctl_json *array, size_t index);

/* Call `each` for every member in the order of the text. */
__attribute__((nonnull(2))) void ctl_json_each(const struct ctl_json *object,
					       void (*each)(void *arg, const char *name,
							    const struct ctl_json *value),
					       void *arg);

bool ctl_json_is_true(const struct ctl_json *value);

/* The number, 0 for other kinds. */
double ctl_json_number(const struct ctl_json *value);

/* UTF-8, NUL-terminated but may hold NULs, *len octets; NULL for other kinds. */
__attribute__((nonnull(2))) const char *ctl_json_text(const struct ctl_json *value,
						      size_t *len);

/* The exact integer as text in `out`, for other kinds "0". */
__attribute__((nonnull(2))) void ctl_json_integer(const struct ctl_json *value,
						  char out[24]);

#endif
