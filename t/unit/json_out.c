/* json_out: what it writes is read back by jansson. */
#include "shm/json_out.h"

#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "t/tap.h"

struct collected {
	char text[1 << 20];
	size_t len, pieces, largest;
	size_t fail_after; /* pieces; 0: never */
};

static struct collected all;

static int
collect(void *arg, const void *data, size_t len)
{
	struct collected *to = arg;

	if (to->fail_after && to->pieces >= to->fail_after)
		return ERR_CLOSED;
	memcpy(to->text + to->len, data, len);
	to->len += len;
	to->pieces++;
	if (len > to->largest)
		to->largest = len;
	return 0;
}

/* The string that comes back from the one value "text". */
static void
round_trip(const char *text, size_t len, const char *want, size_t want_len,
	   const char *what)
{
	char buffer[4096];
	struct json_out out;
	json_t *got;

	json_out_init(&out, buffer, sizeof buffer, NULL, NULL);
	json_out_text_len(&out, NULL, text, len);
	is_int(json_out_finish(&out), 0, "%s: written", what);
	got = json_loadb(buffer, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	if (ok(got && json_is_string(got), "%s: parses", what) &&
	    is_int(json_string_length(got), want_len, "%s: length", what))
		cmp_mem(json_string_value(got), want, want_len, "%s: content", what);
	json_decref(got);
}

static void
test_strings(void)
{
#define FFFD "\xef\xbf\xbd"
	static const struct {
		const char *text, *want, *what;
	} cases[] = {
		{ "", "", "empty" },
		{ "plain", "plain", "plain" },
		{ "a\"b\\c/", "a\"b\\c/", "quote and backslash" },
		{ "\b\t\n\f\r\001\037\177", "\b\t\n\f\r\001\037\177",
		  "control characters" },
		{ "M\xc3\xbcnchen \xe6\xbc\xa2 \xf0\x9f\x90\xa6",
		  "M\xc3\xbcnchen \xe6\xbc\xa2 \xf0\x9f\x90\xa6",
		  "two, three, four octets" },
		{ "\xc2\x9b"
		  "31m",
		  "\xc2\x9b"
		  "31m",
		  "C1" },
		{ "\xff", FFFD, "ff" },
		{ "a\x80z", "a" FFFD "z", "lone continuation" },
		{ "\xc3", FFFD, "cut two" },
		{ "\xe6\xbc", FFFD FFFD, "cut three" },
		{ "\xf0\x9f\x90", FFFD FFFD FFFD, "cut four" },
		{ "\xc0\xaf", FFFD FFFD, "overlong two" },
		{ "\xe0\x80\xaf", FFFD FFFD FFFD, "overlong three" },
		{ "\xf0\x80\x80\xaf", FFFD FFFD FFFD FFFD, "overlong four" },
		{ "\xed\xa0\x80", FFFD FFFD FFFD, "surrogate" },
		{ "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, "above U+10FFFF" },
		{ "\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD, "f5" },
		{ "\xe6"
		  "ab",
		  FFFD "ab", "ASCII where a continuation belongs" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		round_trip(cases[i].text, strlen(cases[i].text), cases[i].want,
			   strlen(cases[i].want), cases[i].what);
	round_trip("a\0b", 3, "a\0b", 3, "NUL inside");
}

static void
test_every_octet(void)
{
	char text[256];
	char buffer[4096];
	struct json_out out;
	json_t *got;

	for (unsigned i = 0; i < 256; i++)
		text[i] = (char)(255 - i);
	json_out_init(&out, buffer, sizeof buffer, NULL, NULL);
	json_out_text_len(&out, NULL, text, sizeof text);
	is_int(json_out_finish(&out), 0, "all 256 octets");
	for (size_t i = 0; i < out.len; i++)
		if ((unsigned char)buffer[i] < ' ' || buffer[i] == 0x7f)
			ok(false, "control octet %02x in the output", buffer[i]);
	got = json_loadb(buffer, out.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	ok(got, "they parse");
	json_decref(got);
}

static void
write_sample(struct json_out *out)
{
	json_out_begin_object(out, NULL);
	json_out_text(out, "version", "1.2");
	json_out_text(out, "a \"name\"", NULL);
	json_out_begin_array(out, "empty");
	json_out_end_array(out);
	json_out_begin_object(out, "none");
	json_out_end_object(out);
	json_out_begin_array(out, "list");
	json_out_int(out, NULL, INT64_MIN);
	json_out_uint(out, NULL, UINT64_MAX);
	json_out_double(out, NULL, 0.125, 3);
	json_out_double(out, NULL, NAN, 3);
	json_out_double(out, NULL, -INFINITY, 0);
	json_out_double(out, NULL, 1e308, 9);
	json_out_bool(out, NULL, true);
	json_out_bool(out, NULL, false);
	json_out_null(out, NULL);
	json_out_begin_object(out, NULL);
	json_out_int(out, "n", -1);
	json_out_end_object(out);
	json_out_end_array(out);
	json_out_end_object(out);
}

static void
test_shape(void)
{
	static const char head[] =
		"{\"version\":\"1.2\",\"a \\\"name\\\"\":null,\"empty\":[],"
		"\"none\":{},\"list\":[-9223372036854775808,"
		"18446744073709551615,0.125,null,null,";
	static const char tail[] = ",true,false,null,{\"n\":-1}]}";
	char buffer[4096];
	struct json_out out;

	json_out_init(&out, buffer, sizeof buffer, NULL, NULL);
	write_sample(&out);
	is_int(json_out_finish(&out), 0, "sample written");
	cmp_mem(buffer, head, sizeof head - 1, "its head");
	cmp_mem(buffer + out.len - (sizeof tail - 1), tail, sizeof tail - 1, "its tail");

	/* the same text, whatever the size of the pieces */
	for (size_t capacity = 1; capacity < 200; capacity++) {
		char small[200];
		struct json_out piecewise;

		memset(&all, 0, sizeof all);
		json_out_init(&piecewise, small, capacity, collect, &all);
		write_sample(&piecewise);
		if (json_out_finish(&piecewise) != 0 || all.len != out.len ||
		    memcmp(all.text, buffer, out.len) != 0 || all.largest > capacity)
			ok(false, "pieces of %zu", capacity);
	}
	ok(true, "the same in pieces of 1..199 octets");
}

static void
test_exact_buffer(void)
{
	char buffer[6];
	struct json_out out;

	json_out_init(&out, buffer, sizeof buffer, NULL, NULL);
	json_out_text(&out, NULL, "abcd");
	is_int(json_out_finish(&out), 0, "a text that fills the buffer exactly");
	cmp_mem(buffer, "\"abcd\"", 6, "is whole");

	json_out_init(&out, buffer, sizeof buffer, NULL, NULL);
	json_out_text(&out, NULL, "abcde");
	is_int(json_out_finish(&out), ERR_FULL, "one octet more is ERR_FULL");
}

static void
test_sticky_error(void)
{
	char buffer[16];
	struct json_out out;

	memset(&all, 0, sizeof all);
	all.fail_after = 2;
	json_out_init(&out, buffer, sizeof buffer, collect, &all);
	json_out_begin_array(&out, NULL);
	for (int i = 0; i < 1000; i++)
		json_out_int(&out, NULL, i);
	json_out_end_array(&out);
	is_int(json_out_finish(&out), ERR_CLOSED, "the flush's error sticks");
	is_int(all.pieces, 2, "nothing is flushed after it");
}

static void
test_long_list(void)
{
	char buffer[512];
	struct json_out out;
	json_t *got;

	memset(&all, 0, sizeof all);
	json_out_init(&out, buffer, sizeof buffer, collect, &all);
	json_out_begin_object(&out, NULL);
	json_out_begin_array(&out, "zones");
	for (int i = 0; i < 20000; i++) {
		json_out_begin_object(&out, NULL);
		json_out_text(&out, "name", "example.com.");
		json_out_int(&out, "serial", i);
		json_out_end_object(&out);
	}
	json_out_end_array(&out);
	json_out_end_object(&out);
	is_int(json_out_finish(&out), 0, "20,000 rows through 512 octets");
	got = json_loadb(all.text, all.len, 0, NULL);
	is_int(json_array_size(json_object_get(got, "zones")), 20000, "all come back");
	json_decref(got);
}

int
main(void)
{
	test_strings();
	test_every_octet();
	test_shape();
	test_exact_buffer();
	test_sticky_error();
	test_long_list();
	return done_testing();
}
