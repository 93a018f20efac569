/* Texts that are not JSON, or too much of it.  The one file of the loader that knows
 * jansson. */
#include "loader/zone/json_refusal.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

enum { NUMBER_LEN_MAX = 18 }; /* digits and sign that always fit 64 bits */

/* A text, and what it is allowed. */
struct text {
	const char *bytes;
	size_t len;
	const struct json_bounds *bounds;
};

/* Note a fault that stands `at` octets into the text. */
__attribute__((format(printf, 3, 4))) static void
fail_text(struct json_fault *fault, uint32_t at, const char *format, ...)
{
	char reason[JSON_REASON_MAX];
	va_list args;

	if (fault->found)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	fault->found = true;
	fault->at = at;
	fault->path[0] = '\0';
	zone_message_printable(reason, fault->reason, sizeof fault->reason);
}

/* returns the index of the quote that ends the string whose first octet is at `at`,
 * or `len`. */
static size_t
string_end(const char *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] != '"')
		at += bytes[at] == '\\' ? 2 : 1;
	return at < len ? at : len;
}

static bool
is_beyond(const struct text *text, struct json_fault *fault)
{
	size_t depth = 0, values = 1;

	if (text->len > text->bounds->len_max) {
		fail_text(fault, 0, "is longer than %zu MiB",
			  text->bounds->len_max >> 20);
		return true;
	}
	for (size_t at = 0; at < text->len; at++) {
		char octet = text->bytes[at];
		bool opens = octet == '{' || octet == '[';

		if (octet == '"')
			at = string_end(text->bytes, text->len, at + 1);
		else if (octet == '}' || octet == ']')
			depth -= depth > 0;
		values += opens || octet == ',';
		depth += opens;
		if (depth > text->bounds->depth_max)
			fail_text(fault, 0, "is nested more than %u deep",
				  text->bounds->depth_max);
		else if (values > text->bounds->values_max)
			fail_text(fault, 0, "holds more than %zu values",
				  text->bounds->values_max);
		else
			continue;
		return true;
	}
	return false;
}

static bool
starts_number(char octet)
{
	return octet == '-' || (octet >= '0' && octet <= '9');
}

/* returns the index behind the number at `at`; `is_wide`: jansson might not hold it. */
static size_t
number_end(const char *bytes, size_t len, size_t at, bool *is_wide)
{
	size_t start = at;

	*is_wide = false;
	for (; at < len && bytes[at] != '\0' && strchr("0123456789+-.eE", bytes[at]);
	     at++)
		*is_wide |= (bytes[at] | 0x20) == 'e';
	*is_wide |= at - start > NUMBER_LEN_MAX;
	return at;
}

/* Numbers that jansson would not hold are a fault to it, and none to us: they become
 * strings in its copy.  They have two octets at least, which become the quotes. */
static void
hide_wide_numbers(char *bytes, size_t len)
{
	for (size_t at = 0; at < len; at++) {
		size_t end;
		bool is_wide;

		if (bytes[at] == '"') {
			at = string_end(bytes, len, at + 1);
		} else if (starts_number(bytes[at])) {
			end = number_end(bytes, len, at, &is_wide);
			if (is_wide)
				bytes[at] = bytes[end - 1] = '"';
			at = end - 1;
		}
	}
}

static int
translate_error(const json_error_t *error, struct json_fault *fault)
{
	if (json_error_code(error) == json_error_out_of_memory)
		return ERR_NOMEM;
	fail_text(fault, error->position > 0 ? (uint32_t)error->position : 0,
		  "is not JSON: %s", error->text);
	return ERR_SYNTAX;
}

/* jansson goes over a NUL behind a number; nothing else that we refuse pleases it. */
static int
tell_nul(struct json_fault *fault)
{
	fail_text(fault, 0, "is not JSON: it has a NUL octet behind a number");
	return ERR_SYNTAX;
}

int
json_refusal_tell(const char *bytes, size_t len, const struct json_bounds *bounds,
		  struct json_fault *fault)
{
	const struct text text = { bytes, len, bounds };
	json_error_t error = { .position = 0 };
	char *copy;
	json_t *value;
	int code;

	if (is_beyond(&text, fault))
		return ERR_SYNTAX;
	copy = malloc(len + !len);
	if (!copy)
		return ERR_NOMEM;
	memcpy(copy, bytes, len);
	hide_wide_numbers(copy, len);
	value = json_loadb(copy, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	code = value ? tell_nul(fault) : translate_error(&error, fault);
	json_decref(value);
	free(copy);
	return code;
}
