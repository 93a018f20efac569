/* Types and their names; rdata by type: names in it, well-formed or not. */
#include "shm/rrtype.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/rdata.h"
#include "t/tap.h"

static void
test_names(void)
{
	static const struct {
		const char *text;
		int type; /* -1: no type */
		const char *back;
	} cases[] = {
		{ "A", 1, "A" },
		{ "aaaa", 28, "AAAA" },
		{ "NULL", 10, "NULL" },
		{ "nsap-ptr", 23, "NSAP-PTR" },
		{ "ANY", 255, "ANY" },
		{ "NSEC3PARAM", 51, "NSEC3PARAM" },
		{ "TYPE1", 1, "A" },
		{ "type54", 54, "TYPE54" },
		{ "TYPE65535", 65535, "TYPE65535" },
		{ "DLV", 32769, "DLV" },
		{ "TYPE0", 0, "TYPE0" },
		{ "TYPE65536", -1, NULL },
		{ "TYPE", -1, NULL },
		{ "TYPE-1", -1, NULL },
		{ "TYPE1x", -1, NULL },
		{ "", -1, NULL },
		{ "AA", -1, NULL },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		uint16_t type = 0;
		bool known = rrtype_from_text(cases[i].text, &type);
		char back[RRTYPE_TEXT_MAX];

		is_int(known ? type : -1, cases[i].type, "number of '%s'", cases[i].text);
		rrtype_to_text(type, back);
		if (known)
			is(back, cases[i].back, "name of %u", type);
	}
}

static void
test_text_is_identity(void)
{
	unsigned wrong = 0;

	for (unsigned type = 0; type <= 65535; type++) {
		char text[RRTYPE_TEXT_MAX];
		uint16_t back;

		rrtype_to_text((uint16_t)type, text);
		wrong += !rrtype_from_text(text, &back) || back != type;
	}
	is_int(wrong, 0, "every type survives text and back");
}

static void
test_meta(void)
{
	static const struct {
		uint16_t type;
		bool meta;
	} cases[] = {
		{ 0, true },    { 1, false },     { 41, true },  { 43, false },
		{ 127, false }, { 128, true },    { 250, true }, { 255, true },
		{ 256, false }, { 65535, false },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		is_int(rrtype_is_meta(cases[i].type), cases[i].meta, "meta: %u",
		       cases[i].type);
}

#define RDATA(text) (const uint8_t *)(text), sizeof(text) - 1

struct rdata_case {
	uint16_t type;
	bool valid;
	const uint8_t *rdata;
	size_t len;
	const char *names; /* "at+len", then c for compressible, t for a target */
};

/* clang-format off */
static const struct rdata_case rdata_cases[] = {
	{ 1, true, RDATA("\300\000\002\001"), "" },
	{ 1, false, RDATA("\300\000\002"), "" },
	{ 1, false, RDATA("\300\000\002\001\001"), "" },
	{ 28, true, RDATA("0123456789abcdef"), "" },
	{ 28, false, RDATA(""), "" },
	{ 2, true, RDATA("\002ns\000"), "0+4ct" },
	{ 2, false, RDATA("\002ns"), "" },
	{ 2, false, RDATA("\002ns\300\014"), "" },
	{ 2, false, RDATA("\002ns\000\000"), "0+4ct" },
	{ 5, true, RDATA("\001a\000"), "0+3c" },
	{ 6, true, RDATA("\001a\000\001b\000" "12345678901234567890"), "0+3c 3+3c" },
	{ 6, true, RDATA("\000\000" "12345678901234567890"), "0+1c 1+1c" },
	{ 6, false, RDATA("\001a\000\001b\000" "1234567890123456789"), "0+3c 3+3c" },
	{ 6, false, RDATA("\001a\000\001b"), "0+3c" },
	{ 12, true, RDATA("\001a\000"), "0+3c" },
	{ 13, true, RDATA("\001a\000"), "" },
	{ 13, false, RDATA("\001a"), "" },
	{ 14, true, RDATA("\001a\000\000"), "0+3c 3+1c" },
	{ 15, true, RDATA("\000\012\001m\000"), "2+3ct" },
	{ 15, true, RDATA("\000\000\000"), "2+1c" },
	{ 15, false, RDATA("\000"), "" },
	{ 16, true, RDATA("\000"), "" },
	{ 16, true, RDATA("\001a\002bc"), "" },
	{ 16, false, RDATA(""), "" },
	{ 16, false, RDATA("\001a\002b"), "" },
	{ 17, true, RDATA("\001a\000\001b\000"), "0+3 3+3" },
	{ 18, true, RDATA("\000\001\001a\000"), "2+3" },
	{ 26, true, RDATA("\000\001\001a\000\001b\000"), "2+3 5+3" },
	{ 29, true, RDATA("0123456789abcdef"), "" },
	{ 33, true, RDATA("\000\001\000\001\000\065\001a\000"), "6+3t" },
	{ 33, true, RDATA("\000\001\000\001\000\065\000"), "6+1" },
	{ 33, false, RDATA("\000\001\000\001\000"), "" },
	{ 35, true, RDATA("\000\001\000\001\001a\000\000\001h\000"), "8+3t" },
	{ 35, true, RDATA("\000\001\000\001\001A\000\000\001h\000"), "8+3t" },
	{ 35, true, RDATA("\000\001\000\001\001s\000\000\001h\000"), "8+3" },
	{ 35, true, RDATA("\000\001\000\001\000\000\000\001h\000"), "7+3" },
	{ 35, false, RDATA("\000\001\000\001\001a\000\000"), "" },
	{ 35, false, RDATA("\000\001\000\001\377a"), "" },
	{ 39, true, RDATA("\001d\000"), "0+3" },
	{ 42, true, RDATA(""), "" },
	{ 42, true, RDATA("\000\001\030\203\300\000\002"), "" },
	{ 42, false, RDATA("\000\001\030\204\300\000\002"), "" },
	{ 42, false, RDATA("\000\001\030"), "" },
	{ 43, true, RDATA("\000\001\010\001" "12345678901234567890"), "" },
	{ 43, false, RDATA("\000\001\010\001" "1234567890123456789"), "" },
	{ 43, false, RDATA("\000\001\010\002" "12345678901234567890"), "" },
	{ 43, true, RDATA("\000\001\010\377x"), "" },
	{ 43, false, RDATA("\000\001\010\377"), "" },
	{ 43, false, RDATA("\000\001\010"), "" },
	{ 59, true, RDATA("\000\000\000\000\000"), "" },
	{ 45, true, RDATA("\001\000\002key"), "" },
	{ 45, true, RDATA("\001\001\002\300\000\002\001key"), "" },
	{ 45, true, RDATA("\001\003\002\001g\000key"), "" },
	{ 45, false, RDATA("\001\003\002\300\014key"), "" },
	{ 45, false, RDATA("\001\004\002key"), "" },
	{ 45, false, RDATA("\001\002\002key"), "" },
	{ 46, true, RDATA("\000\0012345678901234567\001s\000sig"), "18+3" },
	{ 47, true, RDATA("\001n\000\000\001\100"), "0+3" },
	{ 47, true, RDATA("\001n\000"), "0+3" },
	{ 47, false, RDATA("\001n\000\000\000"), "0+3" },
	{ 47, false, RDATA("\001n\000\001\001\100\000\001\100"), "0+3" },
	{ 47, false, RDATA("\001n\000\000\041\100"), "0+3" },
	{ 47, false, RDATA("\001n\000\000\002\100"), "0+3" },
	{ 50, true, RDATA("\001\000\000\012\001s\002hh\000\001\100"), "" },
	{ 50, true, RDATA("\001\000\000\012\000\002hh"), "" },
	{ 50, false, RDATA("\001\000\000\012\001s\000"), "" },
	{ 51, true, RDATA("\001\000\000\000\000"), "" },
	{ 51, false, RDATA("\001\000\000\000\001"), "" },
	{ 55, true, RDATA("\002\001\000\003hhkkk\001r\000\001s\000"), "" },
	{ 55, false, RDATA("\002\001\000\003hhkkk\001r"), "" },
	{ 55, false, RDATA("\002\001\000\003hh"), "" },
	{ 64, true, RDATA("\000\000\001s\000"), "2+3t" },
	{ 65, true, RDATA("\000\001\000"), "2+1" },
	{ 65, true, RDATA("\000\001\000\000\001\000\003\002h2\000\003\000\002\001\273"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\003\000\002\001\273\000\001\000\003\002h2"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\001\000\003\003h2"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\001\000\004\002h2"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\003\000\001\001"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\004\000\000"), "2+1" },
	{ 65, true, RDATA("\000\001\000\000\004\000\004\300\000\002\001"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000\000\000\002\000\000"), "2+1" },
	{ 65, true, RDATA("\000\001\000\000\000\000\002\000\003\000\003\000\002\001\273"), "2+1" },
	{ 65, false, RDATA("\000\001\000\377\377\000\000"), "2+1" },
	{ 65, false, RDATA("\000\001\000\000"), "2+1" },
	{ 257, true, RDATA("\000\005issueca.example"), "" },
	{ 257, false, RDATA("\000\000ca.example"), "" },
	{ 260, true, RDATA("\001\203\001r\000"), "" },
	{ 260, true, RDATA("\001\000"), "" },
	{ 260, false, RDATA("\001\001"), "" },
	{ 260, false, RDATA("\001\177"), "" },
	{ 54, true, RDATA(""), "" },
	{ 65280, true, RDATA("\300\014anything"), "" },
};
/* clang-format on */

static void
names_to_text(const struct rdata_name *names, unsigned count, char out[64])
{
	size_t len = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < count; i++)
		len += (size_t)snprintf(out + len, 64 - len, "%s%u+%u%s%s", i ? " " : "",
					names[i].at, names[i].len,
					names[i].may_compress ? "c" : "",
					names[i].is_target ? "t" : "");
}

static void
test_rdata(void)
{
	for (size_t i = 0; i < sizeof rdata_cases / sizeof rdata_cases[0]; i++) {
		const struct rdata_case *row = &rdata_cases[i];
		struct rdata_name names[RDATA_NAMES_MAX];
		uint8_t *exact = malloc(row->len + !row->len);
		char text[64];

		memcpy(exact, row->rdata, row->len);
		is_int(rdata_is_valid(row->type, exact, row->len), row->valid,
		       "type %u, case %zu: valid", row->type, i);
		names_to_text(names, rdata_names(row->type, exact, row->len, names),
			      text);
		is(text, row->names, "type %u, case %zu: names", row->type, i);
		free(exact);
	}
}

/* Every valid case cut short anywhere is still safe to walk. */
static void
test_rdata_truncated(void)
{
	unsigned beyond = 0, valid = 0;

	for (size_t i = 0; i < sizeof rdata_cases / sizeof rdata_cases[0]; i++) {
		for (size_t len = 0; len < rdata_cases[i].len; len++) {
			struct rdata_name names[RDATA_NAMES_MAX];
			uint8_t *exact = malloc(len + !len);
			unsigned count;

			memcpy(exact, rdata_cases[i].rdata, len);
			valid += rdata_is_valid(rdata_cases[i].type, exact, len);
			count = rdata_names(rdata_cases[i].type, exact, len, names);
			for (unsigned n = 0; n < count; n++)
				beyond += names[n].at + (size_t)names[n].len > len;
			free(exact);
		}
	}
	ok(valid > 0, "some truncated rdata is valid: %u", valid);
	is_int(beyond, 0, "no name is reported past the end of truncated rdata");
}

int
main(void)
{
	test_names();
	test_text_is_identity();
	test_meta();
	test_rdata();
	test_rdata_truncated();
	return done_testing();
}
