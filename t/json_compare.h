/* Is a text read as jansson reads it?  Where that is another question it is not asked:
 * numbers that it does not hold, its depth, and NULs behind numbers, which it goes over. */
#ifndef T_JSON_COMPARE_H
#define T_JSON_COMPARE_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "loader/zone/json_tree.h"

static inline bool json_compare_values(const struct json_value *ours, json_t *theirs);

static inline bool
json_compare_lists(const struct json_value *ours, json_t *theirs)
{
	const struct json_value *at = ours->first;
	size_t count = 0;

	for (; at; at = at->next, count++)
		if (!json_compare_values(at, json_array_get(theirs, count)))
			return false;
	return json_is_array(theirs) && json_array_size(theirs) == count &&
	       ours->count == count;
}

/* Of members of one name jansson keeps the last. */
static inline bool
json_compare_objects(const struct json_value *ours, json_t *theirs)
{
	size_t distinct = 0, count = 0;

	for (const struct json_value *at = ours->first; at; at = at->next, count++) {
		const struct json_value *later = at->next;

		while (later && strcmp(later->key, at->key) != 0)
			later = later->next;
		if (!(ours->initials & json_tree_initial(at->key)))
			return false;
		if (later)
			continue;
		distinct++;
		if (!json_compare_values(at, json_object_get(theirs, at->key)))
			return false;
	}
	return json_is_object(theirs) && json_object_size(theirs) == distinct &&
	       ours->count == count;
}

static inline bool
json_compare_values(const struct json_value *ours, json_t *theirs)
{
	switch (ours->kind) {
	case JSON_KIND_NULL:
		return json_is_null(theirs);
	case JSON_KIND_FALSE:
		return json_is_false(theirs);
	case JSON_KIND_TRUE:
		return json_is_true(theirs);
	case JSON_KIND_INTEGER:
		return json_is_integer(theirs) &&
		       json_integer_value(theirs) == ours->integer;
	case JSON_KIND_NUMBER:
		return json_is_number(theirs);
	case JSON_KIND_STRING:
		return json_is_string(theirs) &&
		       json_string_length(theirs) == ours->text.len &&
		       memcmp(json_string_value(theirs), ours->text.bytes,
			      ours->text.len + 1) == 0;
	case JSON_KIND_LIST:
		return json_compare_lists(ours, theirs);
	case JSON_KIND_OBJECT:
		return json_compare_objects(ours, theirs);
	}
	return false;
}

/* Is what the two say of a text no contradiction? */
static inline bool
json_compare_verdicts(const char *bytes, size_t len, bool is_json,
		      const json_error_t *error)
{
	enum json_error_code code = json_error_code(error);

	if (is_json)
		return code == json_error_numeric_overflow ||
		       code == json_error_stack_overflow;
	return len > 0 && memchr(bytes, '\0', len);
}

/* Read it both ways.
 * is_json  whether it was accepted
 * returns  whether both agree. */
static inline bool
json_compare(const char *bytes, size_t len, bool *is_json)
{
	const struct json_bounds bounds = { 1 << 20, 1 << 20, 4096 };
	struct arena *arena = arena_new();
	const struct json_value *ours = NULL;
	json_error_t error = { .position = 0 };
	json_t *theirs = json_loadb(bytes, len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	bool agree;

	*is_json = arena && json_tree_read(bytes, len, &bounds, arena, &ours) == 0;
	if (*is_json && theirs)
		agree = json_compare_values(ours, theirs);
	else if (*is_json || theirs)
		agree = json_compare_verdicts(bytes, len, *is_json, &error);
	else
		agree = true;
	json_decref(theirs);
	arena_free(arena);
	return agree;
}

#endif
