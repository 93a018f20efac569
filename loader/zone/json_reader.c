/* JSON values as nodes that know their place. */
#include "loader/zone/json_reader.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

enum { NUMBER_LEN_MAX = 18 }; /* digits and sign that always fit 64 bits */

/* How much of it is read. */
struct bounds {
	size_t len_max, values_max;
	const char *too_long, *too_many;
};

static const struct bounds value_bounds = {
	JSON_READER_LEN_MAX,
	JSON_READER_VALUES_MAX,
	"is longer than 4 MiB",
	"holds more than 100000 values",
};
static const struct bounds file_bounds = {
	JSON_READER_FILE_LEN_MAX,
	JSON_READER_FILE_VALUES_MAX,
	"is longer than 64 MiB",
	"holds more than 1000000 values",
};

/* What a look at the text tells before it is parsed. */
struct outline {
	const char *excess; /* what is beyond the bounds; NULL: nothing */
	bool has_wide_numbers;
};

/* returns the index of the quote that ends the string whose first octet is at `at`,
 * or `len`. */
static size_t
string_end(const char *bytes, size_t len, size_t at)
{
	while (at < len && bytes[at] != '"')
		at += bytes[at] == '\\' ? 2 : 1;
	return at < len ? at : len;
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

static bool
starts_number(char octet)
{
	return octet == '-' || (octet >= '0' && octet <= '9');
}

static struct outline
look_over(const char *bytes, size_t len, const struct bounds *bounds)
{
	struct outline outline = { 0 };
	size_t depth = 0, values = 1;

	for (size_t at = 0; at < len && !outline.excess; at++) {
		bool is_wide;

		if (bytes[at] == '"') {
			at = string_end(bytes, len, at + 1);
		} else if (starts_number(bytes[at])) {
			at = number_end(bytes, len, at, &is_wide) - 1;
			outline.has_wide_numbers |= is_wide;
		} else if (bytes[at] == '{' || bytes[at] == '[') {
			values++;
			if (++depth > JSON_READER_DEPTH_MAX)
				outline.excess = "is nested more than 64 deep";
		} else if (bytes[at] == '}' || bytes[at] == ']') {
			depth -= depth > 0;
		} else if (bytes[at] == ',') {
			values++;
		}
		if (values > bounds->values_max)
			outline.excess = bounds->too_many;
	}
	return outline;
}

/* Numbers that jansson would not hold cost the whole text there.  No member that we know
 * has such: as strings they cost only what they stand in.  They have two octets at
 * least, which become the quotes. */
static char *
without_wide_numbers(const char *bytes, size_t len)
{
	char *copy = malloc(len);

	if (!copy)
		return NULL;
	memcpy(copy, bytes, len);
	for (size_t at = 0; at < len; at++) {
		size_t end;
		bool is_wide;

		if (bytes[at] == '"') {
			at = string_end(bytes, len, at + 1);
		} else if (starts_number(bytes[at])) {
			end = number_end(bytes, len, at, &is_wide);
			if (is_wide)
				copy[at] = copy[end - 1] = '"';
			at = end - 1;
		}
	}
	return copy;
}

/* Note a fault that a parser of the text has found, `at` octets into it. */
static void
fail_text(struct json_fault *fault, const char *reason, uint32_t at)
{
	if (fault->found)
		return;
	fault->found = true;
	fault->at = at;
	fault->path[0] = '\0';
	zone_message_printable(reason, fault->reason, sizeof fault->reason);
}

static int
translate_error(const json_error_t *error, struct json_fault *fault)
{
	char reason[JSON_REASON_MAX];
	enum json_error_code code = json_error_code(error);

	if (code == json_error_out_of_memory)
		return ERR_NOMEM;
	snprintf(reason, sizeof reason, "is not JSON: %s", error->text);
	fail_text(fault, reason, error->position > 0 ? (uint32_t)error->position : 0);
	return ERR_SYNTAX;
}

static struct json_t *
value_or_null(json_t *value)
{
	return json_is_null(value) ? NULL : value;
}

static int
parse(const char *bytes, size_t len, json_t **out, struct json_fault *fault)
{
	json_error_t error;

	*out = json_loadb(bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	return *out ? ERR_OK : translate_error(&error, fault);
}

static int
parse_narrowed(const char *bytes, size_t len, json_t **out, struct json_fault *fault)
{
	char *narrowed = without_wide_numbers(bytes, len);
	int code = narrowed ? parse(narrowed, len, out, fault) : ERR_NOMEM;

	free(narrowed);
	return code;
}

static int
open_bounded(const char *bytes, size_t len, const struct bounds *bounds,
	     struct json_node *root, struct json_fault *fault)
{
	struct outline outline = { 0 };
	json_t *value = NULL;
	int code;

	if (len > bounds->len_max)
		outline.excess = bounds->too_long;
	else
		outline = look_over(bytes, len, bounds);
	if (outline.excess) {
		fail_text(fault, outline.excess, 0);
		return ERR_SYNTAX;
	}
	code = outline.has_wide_numbers ? parse_narrowed(bytes, len, &value, fault)
					: parse(bytes, len, &value, fault);
	if (code == ERR_OK)
		*root = (struct json_node){ .value = value_or_null(value) };
	return code;
}

int
json_reader_open(const char *bytes, size_t len, struct json_node *root,
		 struct json_fault *fault)
{
	return open_bounded(bytes, len, &value_bounds, root, fault);
}

int
json_reader_open_file(const char *bytes, size_t len, struct json_node *root,
		      struct json_fault *fault)
{
	return open_bounded(bytes, len, &file_bounds, root, fault);
}

void
json_reader_close(struct json_node *root)
{
	json_decref(root->value);
	root->value = NULL;
}

/* Write the way to `node`; returns its length, less than `room`. */
static size_t
write_path(const struct json_node *node, char *out, size_t room)
{
	size_t len;
	int more;

	if (!node->outer) {
		out[0] = '\0';
		return 0;
	}
	len = write_path(node->outer, out, room);
	if (node->key)
		more = snprintf(out + len, room - len, "%s%.40s", len ? "." : "",
				node->key);
	else
		more = snprintf(out + len, room - len, "[%zu]", node->index);
	return more < 0 || (size_t)more >= room - len ? room - 1 : len + (size_t)more;
}

void
json_reader_fail(struct json_fault *fault, const struct json_node *node,
		 const char *format, ...)
{
	char raw[JSON_REASON_MAX];
	va_list args;

	if (fault->found)
		return;
	fault->found = true;
	fault->at = 0;
	write_path(node, raw, JSON_PATH_MAX);
	zone_message_printable(raw, fault->path, sizeof fault->path);
	va_start(args, format);
	vsnprintf(raw, sizeof raw, format, args);
	va_end(args);
	zone_message_printable(raw, fault->reason, sizeof fault->reason);
}

bool
json_node_is_list(const struct json_node *node)
{
	return json_is_array(node->value);
}

/* Could it be the same key in either case?  Most keys are told apart by their first octet. */
static bool
may_match(const char *name, const char *key)
{
	return ((name[0] ^ key[0]) & ~0x20) == 0;
}

/* The bit of a key's first octet, the same in either case. */
static uint32_t
initial(const char *key)
{
	return UINT32_C(1) << (key[0] & 0x1f);
}

void
json_node_survey(struct json_node *object)
{
	void *at = json_object_iter(object->value); /* NULL for anything else */

	for (; at; at = json_object_iter_next(object->value, at))
		object->initials |= initial(json_object_iter_key(at));
}

/* Go sets a field once for each member that matches, and leaves it alone for null. */
struct json_node
json_node_member(const struct json_node *object, const char *key)
{
	struct json_node member = { .outer = object, .key = key };
	void *at;

	if (object->initials != 0 && !(object->initials & initial(key)))
		return member;
	at = json_object_iter(object->value); /* NULL for anything else */
	for (; at; at = json_object_iter_next(object->value, at)) {
		const char *name = json_object_iter_key(at);
		json_t *value;

		if (!may_match(name, key) || strcasecmp(name, key) != 0)
			continue;
		value = json_object_iter_value(at);
		if (!json_is_null(value))
			member.value = value;
	}
	return member;
}

bool
json_node_next(const struct json_node *object, void **at, struct json_node *out)
{
	if (!json_is_object(object->value))
		return false;
	*at = *at ? json_object_iter_next(object->value, *at)
		  : json_object_iter(object->value);
	if (!*at)
		return false;
	*out = (struct json_node){
		.outer = object,
		.key = json_object_iter_key(*at),
		.value = value_or_null(json_object_iter_value(*at)),
	};
	return true;
}

void
json_reader_object(struct json_fault *fault, const struct json_node *node)
{
	if (node->value && !json_is_object(node->value))
		json_reader_fail(fault, node, "must be an object");
}

size_t
json_reader_list(struct json_fault *fault, const struct json_node *node)
{
	if (!node->value)
		return 0;
	if (!json_is_array(node->value))
		json_reader_fail(fault, node, "must be a list");
	return json_array_size(node->value);
}

struct json_node
json_node_item(const struct json_node *list, size_t index)
{
	return (struct json_node){
		.outer = list,
		.index = index,
		.value = value_or_null(json_array_get(list->value, index)),
	};
}

uint32_t
json_reader_number(struct json_fault *fault, const struct json_node *node, uint32_t max,
		   uint32_t missing)
{
	json_int_t value = json_integer_value(node->value);

	if (!node->value)
		return missing;
	if (!json_is_integer(node->value) || value < 0 || value > (json_int_t)max) {
		json_reader_fail(fault, node, "must be a whole number from 0 to %lu",
				 (unsigned long)max);
		return 0;
	}
	return (uint32_t)value;
}

int
json_reader_signed(struct json_fault *fault, const struct json_node *node, int bound,
		   int missing)
{
	json_int_t value = json_integer_value(node->value);

	if (!node->value)
		return missing;
	json_reader_check_integer(fault, node);
	return value > bound ? bound : value < -bound ? -bound : (int)value;
}

bool
json_reader_bool(struct json_fault *fault, const struct json_node *node, bool missing)
{
	if (!node->value)
		return missing;
	if (!json_is_boolean(node->value))
		json_reader_fail(fault, node, "must be true or false");
	return json_is_true(node->value);
}

struct json_text
json_reader_text(struct json_fault *fault, const struct json_node *node)
{
	if (!node->value)
		return (struct json_text){ "", 0 };
	if (!json_is_string(node->value)) {
		json_reader_fail(fault, node, "must be a string");
		return (struct json_text){ "", 0 };
	}
	return (struct json_text){ json_string_value(node->value),
				   json_string_length(node->value) };
}

void
json_reader_check_integer(struct json_fault *fault, const struct json_node *node)
{
	if (node->value && !json_is_integer(node->value))
		json_reader_fail(fault, node, "must be a whole number");
}
