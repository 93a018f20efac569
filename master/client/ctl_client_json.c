/* The one file that knows jansson's types. */
#include "master/client/ctl_client_json.h"

#include <jansson.h>
#include <stdio.h>

static const json_t *
inside(const struct ctl_json *value)
{
	return (const json_t *)(const void *)value;
}

static const struct ctl_json *
outside(const json_t *value)
{
	return (const struct ctl_json *)(const void *)value;
}

struct ctl_json *
ctl_json_parse(const char *text, size_t len)
{
	return (struct ctl_json *)(void *)json_loadb(
		text, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
}

void
ctl_json_free(struct ctl_json *root)
{
	json_decref((json_t *)(void *)root);
}

enum ctl_json_kind
ctl_json_kind(const struct ctl_json *value)
{
	if (!value)
		return CTL_JSON_NULL;
	switch (json_typeof(inside(value))) {
	case JSON_OBJECT:
		return CTL_JSON_OBJECT;
	case JSON_ARRAY:
		return CTL_JSON_ARRAY;
	case JSON_STRING:
		return CTL_JSON_TEXT;
	case JSON_INTEGER:
		return CTL_JSON_INTEGER;
	case JSON_REAL:
		return CTL_JSON_REAL;
	case JSON_TRUE:
	case JSON_FALSE:
		return CTL_JSON_BOOL;
	case JSON_NULL:
		break;
	}
	return CTL_JSON_NULL;
}

const struct ctl_json *
ctl_json_member(const struct ctl_json *object, const char *name)
{
	return outside(json_object_get(inside(object), name));
}

size_t
ctl_json_count(const struct ctl_json *value)
{
	if (ctl_json_kind(value) == CTL_JSON_OBJECT)
		return json_object_size(inside(value));
	return json_array_size(inside(value));
}

const struct ctl_json *
ctl_json_item(const struct ctl_json *array, size_t index)
{
	return outside(json_array_get(inside(array), index));
}

void
ctl_json_each(const struct ctl_json *object,
	      void (*each)(void *arg, const char *name, const struct ctl_json *value),
	      void *arg)
{
	/* jansson's iterators want a value that may change; ours stays as it is */
	union {
		const struct ctl_json *from;
		json_t *to;
	} value = { .from = object };
	void *at;

	if (ctl_json_kind(object) != CTL_JSON_OBJECT)
		return;
	for (at = json_object_iter(value.to); at;
	     at = json_object_iter_next(value.to, at))
		each(arg, json_object_iter_key(at), outside(json_object_iter_value(at)));
}

bool
ctl_json_is_true(const struct ctl_json *value)
{
	return value && json_is_true(inside(value));
}

double
ctl_json_number(const struct ctl_json *value)
{
	return json_number_value(inside(value));
}

const char *
ctl_json_text(const struct ctl_json *value, size_t *len)
{
	*len = json_string_length(inside(value));
	return json_string_value(inside(value));
}

void
ctl_json_integer(const struct ctl_json *value, char out[24])
{
	snprintf(out, 24, "%" JSON_INTEGER_FORMAT, json_integer_value(inside(value)));
}
