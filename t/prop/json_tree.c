/* Texts that are nearly JSON are read as jansson reads them, or refused as it refuses them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/draw.h"
#include "t/json_compare.h"
#include "t/tap.h"

enum { ROUNDS = 40000, ROOM = 4096, DEPTH = 4 };

static char text[ROOM];
static size_t text_len;

static void
put(const char *piece)
{
	size_t len = strlen(piece);

	if (text_len + len < sizeof text) {
		memcpy(text + text_len, piece, len);
		text_len += len;
	}
}

static void
put_one_of(const char *const *pieces, unsigned count)
{
	put(pieces[draw(count)]);
}

#define PUT_ONE_OF(...)                                                           \
	do {                                                                      \
		static const char *const pieces[] = { __VA_ARGS__ };              \
		put_one_of(pieces, (unsigned)(sizeof pieces / sizeof pieces[0])); \
	} while (0)

static void
put_blanks(void)
{
	PUT_ONE_OF("", "", "", "", "", " ", "\n", "\t ", "\r\n");
}

static void
put_string(void)
{
	put("\"");
	for (unsigned i = draw(5); i > 0; i--)
		PUT_ONE_OF("a", "ip", "192.0.2.1", "\\n", "\\\"", "\\\\", "\\/",
			   "\\u0041", "\\u0000", "\\ud83d\\ude00", "\xc3\xa9",
			   "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\b", "\\f", "\\r", "\\t",
			   "\x7f", "ttl");
	put("\"");
}

static void put_value(unsigned depth);

static void
put_inners(unsigned depth, bool is_object)
{
	for (unsigned i = draw(4); i > 0; i--) {
		put_blanks();
		if (is_object) {
			PUT_ONE_OF("\"a\"", "\"A\"", "\"ttl\"", "\"\"", "\"\\u0062\"");
			put_blanks();
			put(":");
			put_blanks();
		}
		put_value(depth - 1);
		put_blanks();
		put(i > 1 ? "," : "");
	}
	put_blanks();
}

static void
put_value(unsigned depth)
{
	unsigned kind = draw(depth > 0 ? 5 : 3);

	if (kind == 0)
		put_string();
	else if (kind == 1)
		PUT_ONE_OF("0", "-1", "4294967296", "12.5", "1e3", "-0",
			   "999999999999999999", "0.0E-1");
	else if (kind == 2)
		PUT_ONE_OF("true", "false", "null");
	else {
		put(kind == 3 ? "{" : "[");
		put_inners(depth, kind == 3);
		put(kind == 3 ? "}" : "]");
	}
}

/* Change, take out or double an octet or two. */
static void
spoil(void)
{
	static const char octets[] =
		"{}[]:,\"\\u0 19-+.eEtrufalsn/\x01\x80\xc3\xed\xa0\xff";

	for (unsigned i = draw(3); i > 0 && text_len > 0; i--) {
		size_t at = draw((unsigned)text_len);
		unsigned how = draw(3);

		if (how == 0) {
			text[at] = octets[draw(sizeof octets)];
		} else if (how == 1) {
			memmove(text + at, text + at + 1, --text_len - at);
		} else if (text_len + 1 < sizeof text) {
			memmove(text + at + 1, text + at, text_len++ - at);
		}
	}
}

/* In memory of its own size, so that reading past it is seen. */
static bool
compare_copy(bool *is_json)
{
	char *copy = malloc(text_len + !text_len);
	bool agree;

	memcpy(copy, text, text_len);
	agree = json_compare(copy, text_len, is_json);
	free(copy);
	return agree;
}

int
main(void)
{
	unsigned good = 0, differ = 0;

	draw_seed();
	for (unsigned i = 0; i < ROUNDS; i++) {
		bool is_json;

		text_len = 0;
		put_blanks();
		put_value(DEPTH);
		put_blanks();
		spoil();
		if (!compare_copy(&is_json)) {
			diag("differ: %.*s", (int)text_len, text);
			differ++;
		}
		good += is_json;
	}
	is_int(differ, 0, "%u texts, %u of them JSON, are to us what they are to jansson",
	       (unsigned)ROUNDS, good);
	ok(good > ROUNDS / 5 && good < ROUNDS / 5 * 4, "there are many of both");
	return done_testing();
}
