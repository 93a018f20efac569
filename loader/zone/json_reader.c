/* JSON values as nodes that know their place. */
#include "loader/zone/json_reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "loader/zone/json_refusal.h"
#include "loader/zone/zone_messages.h"
#include "shm/errcode.h"

static const struct json_bounds value_bounds = {
	JSON_READER_LEN_MAX,
	JSON_READER_VALUES_MAX,
	JSON_READER_DEPTH_MAX,
};
static const struct json_bounds file_bounds = {
	JSON_READER_FILE_LEN_MAX,
	JSON_READER_FILE_VALUES_MAX,
	JSON_READER_DEPTH_MAX,
};

static const struct json_value *
value_or_null(const struct json_value *value)
{
	return value->kind == JSON_KIND_NULL ? NULL : value;
}

static int
open_bounded(const char *bytes, size_t len, const struct json_bounds *bounds,
	     struct json_node *root, struct json_fault *fault)
{
	struct arena *arena = arena_new();
	const struct json_value *value;
	int code = arena ? json_tree_read(bytes, len, bounds, arena, &value) : ERR_NOMEM;

	if (code == ERR_OK) {
		*root = (struct json_node){
			.value = value_or_null(value),
			.memory = arena,
		};
		return ERR_OK;
	}
	arena_free(arena);
	return code == ERR_SYNTAX ? json_refusal_tell(bytes, len, bounds, fault) : code;
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
	arena_free(root->memory);
	root->memory = NULL;
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

static bool
is_kind(const struct json_node *node, enum json_kind kind)
{
	return node->value && node->value->kind == kind;
}

bool
json_node_is_list(const struct json_node *node)
{
	return is_kind(node, JSON_KIND_LIST);
}

/* Go sets a field once for each member that matches, and leaves it alone for null. */
struct json_node
json_node_member(const struct json_node *object, const char *key)
{
	struct json_node member = { .outer = object, .key = key };
	uint32_t initial = json_tree_initial(key);

	if (!is_kind(object, JSON_KIND_OBJECT) || !(object->value->initials & initial))
		return member;
	for (const struct json_value *at = object->value->first; at; at = at->next)
		if (json_tree_initial(at->key) == initial &&
		    strcasecmp(at->key, key) == 0 && at->kind != JSON_KIND_NULL)
			member.value = at;
	return member;
}

/* Take a step over what `outer` holds.  returns false behind the last. */
static bool
walk(const struct json_node *outer, const struct json_value **at, struct json_node *out,
     size_t index)
{
	*at = *at ? (*at)->next : outer->value->first;
	if (!*at)
		return false;
	*out = (struct json_node){
		.outer = outer,
		.key = (*at)->key,
		.index = index,
		.value = value_or_null(*at),
	};
	return true;
}

bool
json_node_next(const struct json_node *object, const struct json_value **at,
	       struct json_node *out)
{
	return is_kind(object, JSON_KIND_OBJECT) && walk(object, at, out, 0);
}

bool
json_node_next_item(const struct json_node *list, const struct json_value **at,
		    struct json_node *out)
{
	return is_kind(list, JSON_KIND_LIST) &&
	       walk(list, at, out, *at ? out->index + 1 : 0);
}

void
json_reader_object(struct json_fault *fault, const struct json_node *node)
{
	if (node->value && !is_kind(node, JSON_KIND_OBJECT))
		json_reader_fail(fault, node, "must be an object");
}

void
json_reader_list(struct json_fault *fault, const struct json_node *node)
{
	if (node->value && !is_kind(node, JSON_KIND_LIST))
		json_reader_fail(fault, node, "must be a list");
}

uint32_t
json_reader_number(struct json_fault *fault, const struct json_node *node, uint32_t max,
		   uint32_t missing)
{
	if (!node->value)
		return missing;
	if (!is_kind(node, JSON_KIND_INTEGER) || node->value->integer < 0 ||
	    node->value->integer > (int64_t)max) {
		json_reader_fail(fault, node, "must be a whole number from 0 to %lu",
				 (unsigned long)max);
		return 0;
	}
	return (uint32_t)node->value->integer;
}

int
json_reader_signed(struct json_fault *fault, const struct json_node *node, int bound,
		   int missing)
{
	int64_t value;

	if (!node->value)
		return missing;
	json_reader_check_integer(fault, node);
	value = is_kind(node, JSON_KIND_INTEGER) ? node->value->integer : 0;
	return value > bound ? bound : value < -bound ? -bound : (int)value;
}

bool
json_reader_bool(struct json_fault *fault, const struct json_node *node, bool missing)
{
	if (!node->value)
		return missing;
	if (!is_kind(node, JSON_KIND_TRUE) && !is_kind(node, JSON_KIND_FALSE))
		json_reader_fail(fault, node, "must be true or false");
	return is_kind(node, JSON_KIND_TRUE);
}

struct json_text
json_reader_text(struct json_fault *fault, const struct json_node *node)
{
	if (is_kind(node, JSON_KIND_STRING))
		return node->value->text;
	if (node->value)
		json_reader_fail(fault, node, "must be a string");
	return (struct json_text){ "", 0 };
}

void
json_reader_check_integer(struct json_fault *fault, const struct json_node *node)
{
	if (node->value && !is_kind(node, JSON_KIND_INTEGER))
		json_reader_fail(fault, node, "must be a whole number");
}
