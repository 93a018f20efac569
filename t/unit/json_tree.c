/* json_tree: what is JSON, what it says, and how much of it is read. */
#include "loader/zone/json_tree.h"

#include <stdio.h>
#include <string.h>

#include "shm/errcode.h"
#include "t/json_compare.h"
#include "t/tap.h"

#define TEXT(literal) literal, sizeof literal - 1

struct text {
	const char *bytes;
	size_t len;
};

static const struct text good[] = {
	{ TEXT("{}") },
	{ TEXT(" [ ] \r\n\t") },
	{ TEXT("null") },
	{ TEXT("true") },
	{ TEXT("[false,true,null]") },
	{ TEXT("\"\"") },
	{ TEXT("0") },
	{ TEXT("-0") },
	{ TEXT("[0,-1,10,123456789012345678,-123456789012345678]") },
	{ TEXT("[0.5,-0.25,1e2,1E+2,10e-2,0e0]") },
	{ TEXT("{\"\":1,\"a\":{\"b\":[{\"c\":[]}]}}") },
	{ TEXT("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }") },
	{ TEXT("{\"a\":1,\"A\":2,\"a\":3}") },
	{ TEXT("{\"\\u0061\\n\":1}") },
	{ TEXT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"") },
	{ TEXT("\"\\u0000\\u0041\\u00e9\\u20ac\\ud83d\\ude00\\uDBFF\\uDFFF\\uabCD\"") },
	{ TEXT("\"a\\u0062c\\\\d\"") },
	{ TEXT("\"\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\"") },
};

static const struct text bad[] = {
	{ TEXT("") },
	{ TEXT(" ") },
	{ TEXT("{") },
	{ TEXT("[") },
	{ TEXT("[1") },
	{ TEXT("[1,") },
	{ TEXT("[1,]") },
	{ TEXT("[,1]") },
	{ TEXT("[1 2]") },
	{ TEXT("{\"a\":1,}") },
	{ TEXT("{,}") },
	{ TEXT("{\"a\"}") },
	{ TEXT("{\"a\":}") },
	{ TEXT("{\"a\" 1}") },
	{ TEXT("{a:1}") },
	{ TEXT("{1:1}") },
	{ TEXT("[}") },
	{ TEXT("{]") },
	{ TEXT("[]]") },
	{ TEXT("{} {}") },
	{ TEXT("nul") },
	{ TEXT("nulL") },
	{ TEXT("truee") },
	{ TEXT("-") },
	{ TEXT("+1") },
	{ TEXT("01") },
	{ TEXT("-01") },
	{ TEXT("1.") },
	{ TEXT(".5") },
	{ TEXT("1e") },
	{ TEXT("1e+") },
	{ TEXT("0x10") },
	{ TEXT("1,") },
	{ TEXT("\"") },
	{ TEXT("\"\\") },
	{ TEXT("\"\\\"") },
	{ TEXT("\"\\x41\"") },
	{ TEXT("\"\\u\"") },
	{ TEXT("\"\\u004\"") },
	{ TEXT("\"\\u00g0\"") },
	{ TEXT("\"\\ud800\"") },
	{ TEXT("\"\\ud800x\"") },
	{ TEXT("\"\\ud800\\n\"") },
	{ TEXT("\"\\ud800\\u0041\"") },
	{ TEXT("\"\\ud800\\ud800\"") },
	{ TEXT("\"\\udc00\"") },
	{ TEXT("{\"a\\u0000b\":1}") },
	{ TEXT("\"a\nb\"") },
	{ TEXT("\"a\tb\"") },
	{ TEXT("\"a\0b\"") },
	{ TEXT("[1\0]") },
	{ TEXT("1\0") },
	{ TEXT("\"\x80\"") },
	{ TEXT("\"\xc3\"") },
	{ TEXT("\"\xc0\xaf\"") },
	{ TEXT("\"\xe0\x80\xaf\"") },
	{ TEXT("\"\xed\xa0\x80\"") },
	{ TEXT("\"\xf4\x90\x80\x80\"") },
	{ TEXT("\"\\\xc3\xa9\"") },
	{ TEXT("\"\xff\"") },
	{ TEXT("\"\xf0\x9f\x98") },
	{ TEXT("\xef\xbb\xbf{}") },
};

static void
test_texts(const struct text *texts, size_t count, bool want)
{
	for (size_t i = 0; i < count; i++) {
		bool is_json,
			agree = json_compare(texts[i].bytes, texts[i].len, &is_json);

		ok(agree && is_json == want, "%s: %.*s", want ? "good" : "bad",
		   (int)strcspn(texts[i].bytes, "\n\\#\x80"), texts[i].bytes);
	}
}

/* Whether a text is within bounds. */
static bool
is_within(const char *text, struct json_bounds bounds)
{
	struct arena *arena = arena_new();
	const struct json_value *root = NULL;
	int code = json_tree_read(text, strlen(text), &bounds, arena, &root);

	arena_free(arena);
	ok(code == ERR_OK || (code == ERR_SYNTAX && !root), "%s: %d", text, code);
	return code == ERR_OK;
}

/* A container counts, each comma counts, and so does the whole. */
static void
test_bounds(void)
{
	ok(is_within("[1]", (struct json_bounds){ 3, 2, 1 }), "all of what is allowed");
	ok(!is_within("[1]", (struct json_bounds){ 2, 2, 1 }), "longer");
	ok(!is_within("[1]", (struct json_bounds){ 3, 1, 1 }), "of more values");
	ok(!is_within("[1]", (struct json_bounds){ 3, 2, 0 }), "deeper");
	ok(is_within("[[],[]]", (struct json_bounds){ 9, 5, 2 }), "side by side");
	ok(!is_within("[[],[]]", (struct json_bounds){ 9, 4, 2 }), "one too many");
	ok(!is_within("[[],[[]]]", (struct json_bounds){ 9, 9, 2 }), "one too deep");
	ok(!is_within("{\"a\":1,\"b\":2}", (struct json_bounds){ 99, 2, 1 }), "members");
	ok(is_within("{\"a\":1,\"b\":2}", (struct json_bounds){ 99, 3, 1 }), "members");
}

static void
test_wide_numbers(void)
{
	static const char text[] = "[1234567890123456789,1e999,-1e-999,0.1]";
	struct json_bounds bounds = { 99, 99, 9 };
	struct arena *arena = arena_new();
	const struct json_value *root = NULL;

	is_int(json_tree_read(text, strlen(text), &bounds, arena, &root), ERR_OK, "read");
	for (const struct json_value *at = root->first; at; at = at->next)
		is_int(at->kind, JSON_KIND_NUMBER, "a number that is not held");
	arena_free(arena);
}

int
main(void)
{
	test_texts(good, sizeof good / sizeof good[0], true);
	test_texts(bad, sizeof bad / sizeof bad[0], false);
	test_bounds();
	test_wide_numbers();
	return done_testing();
}
