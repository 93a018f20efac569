/* JSON to a tree, by recursive descent over a copy of the text with a NUL behind it: at an
 * octet that it does not expect, as this NUL, it ends. */
#include "loader/zone/json_tree.h"

#include <stdbool.h>
#include <string.h>

#include "shm/errcode.h"

enum { INTEGER_DIGITS_MAX = 18 }; /* that always fit 64 bits */

struct reading {
	char *at;
	struct arena *arena;
	size_t values_left;
	unsigned depth_left;
};

static int read_value(struct reading *r, struct json_value *value);

static void
skip_blanks(struct reading *r)
{
	while (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')
		r->at++;
}

static bool
is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

/* Go over digits; returns how many there are. */
static size_t
skip_digits(struct reading *r)
{
	const char *start = r->at;

	while (is_digit(*r->at))
		r->at++;
	return (size_t)(r->at - start);
}

/* Behind the whole part of a number.  returns false when what is there is none. */
static bool
skip_fraction(struct reading *r, struct json_value *value)
{
	if (*r->at == '.') {
		r->at++;
		value->kind = JSON_KIND_NUMBER;
		if (skip_digits(r) == 0)
			return false;
	}
	if ((*r->at | 0x20) == 'e') {
		r->at++;
		value->kind = JSON_KIND_NUMBER;
		r->at += *r->at == '+' || *r->at == '-';
		return skip_digits(r) > 0;
	}
	return true;
}

/* Go over the whole part of a number: no digit stands behind a 0 that begins it. */
static size_t
skip_whole(struct reading *r)
{
	if (*r->at != '0')
		return skip_digits(r);
	r->at++;
	return 1;
}

static int
read_number(struct reading *r, struct json_value *value)
{
	bool is_negative = *r->at == '-';
	const char *digits = r->at += is_negative;
	size_t count = skip_whole(r);
	int64_t integer = 0;

	for (size_t i = 0; i < count && i < INTEGER_DIGITS_MAX; i++)
		integer = integer * 10 + (digits[i] - '0');
	value->kind = count > INTEGER_DIGITS_MAX ? JSON_KIND_NUMBER : JSON_KIND_INTEGER;
	value->integer = is_negative ? -integer : integer;
	return count > 0 && skip_fraction(r, value) ? ERR_OK : ERR_SYNTAX;
}

static int
read_word(struct reading *r, struct json_value *value, const char *word,
	  enum json_kind kind)
{
	size_t len = strlen(word);

	if (strncmp(r->at, word, len) != 0)
		return ERR_SYNTAX;
	r->at += len;
	value->kind = kind;
	return ERR_OK;
}

static int
read_string(struct reading *r, struct json_value *value)
{
	r->at++;
	value->kind = JSON_KIND_STRING;
	return json_string_take(&r->at, &value->text) ? ERR_OK : ERR_SYNTAX;
}

static int
read_key(struct reading *r, struct json_value *object, struct json_value *member)
{
	struct json_text key;

	if (*r->at++ != '"' || !json_string_take(&r->at, &key) ||
	    memchr(key.bytes, '\0', key.len))
		return ERR_SYNTAX;
	member->key = key.bytes;
	object->initials |= json_tree_initial(key.bytes);
	skip_blanks(r);
	if (*r->at != ':')
		return ERR_SYNTAX;
	r->at++;
	skip_blanks(r);
	return ERR_OK;
}

/* An item of a list, a member of an object, and the blanks behind it. */
static int
read_inner(struct reading *r, struct json_value *outer, struct json_value **out)
{
	struct json_value *inner = arena_take_items(r->arena, 1, sizeof *inner);
	int code = ERR_OK;

	if (!inner)
		return ERR_NOMEM;
	*inner = (struct json_value){ .next = NULL };
	*out = inner;
	outer->count++;
	if (outer->kind == JSON_KIND_OBJECT)
		code = read_key(r, outer, inner);
	if (code == ERR_OK)
		code = read_value(r, inner);
	skip_blanks(r);
	return code;
}

/* All of them, from the first on. */
static int
read_inners(struct reading *r, struct json_value *outer)
{
	const struct json_value **place = &outer->first;
	struct json_value *inner;

	for (;;) {
		int code = read_inner(r, outer, &inner);

		if (code != ERR_OK)
			return code;
		*place = inner;
		place = &inner->next;
		if (*r->at != ',')
			return ERR_OK;
		if (r->values_left-- == 0)
			return ERR_SYNTAX;
		r->at++;
		skip_blanks(r);
	}
}

static int
read_container(struct reading *r, struct json_value *value, enum json_kind kind, char end)
{
	int code = ERR_OK;

	value->kind = kind;
	value->count = 0;
	if (r->depth_left-- == 0 || r->values_left-- == 0)
		return ERR_SYNTAX;
	r->at++;
	skip_blanks(r);
	if (*r->at != end)
		code = read_inners(r, value);
	if (code != ERR_OK)
		return code;
	r->depth_left++;
	return *r->at++ == end ? ERR_OK : ERR_SYNTAX;
}

static int
read_value(struct reading *r, struct json_value *value)
{
	switch (*r->at) {
	case '"':
		return read_string(r, value);
	case '{':
		return read_container(r, value, JSON_KIND_OBJECT, '}');
	case '[':
		return read_container(r, value, JSON_KIND_LIST, ']');
	case 't':
		return read_word(r, value, "true", JSON_KIND_TRUE);
	case 'f':
		return read_word(r, value, "false", JSON_KIND_FALSE);
	case 'n':
		return read_word(r, value, "null", JSON_KIND_NULL);
	default:
		return read_number(r, value);
	}
}

static int
read_text(struct reading *r, const char *end, struct json_value *root)
{
	int code;

	skip_blanks(r);
	code = read_value(r, root);
	if (code != ERR_OK)
		return code;
	skip_blanks(r);
	return r->at == end ? ERR_OK : ERR_SYNTAX;
}

int
json_tree_read(const char *bytes, size_t len, const struct json_bounds *bounds,
	       struct arena *arena, const struct json_value **root)
{
	struct reading r = {
		.arena = arena,
		.values_left = bounds->values_max - 1,
		.depth_left = bounds->depth_max,
	};
	struct json_value *value;
	int code;

	if (len > bounds->len_max)
		return ERR_SYNTAX;
	value = arena_take_items(arena, 1, sizeof *value);
	r.at = arena_take(arena, len + 1);
	if (!value || !r.at)
		return ERR_NOMEM;
	memcpy(r.at, bytes, len);
	r.at[len] = '\0';
	*value = (struct json_value){ .next = NULL };
	code = read_text(&r, r.at + len, value);
	if (code == ERR_OK)
		*root = value;
	return code;
}
