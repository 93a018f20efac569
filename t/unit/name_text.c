/* Names, mailboxes and labels as people write them into Redis. */
#include "loader/zone/name_text.h"

#include <string.h>

#include "t/tap.h"

typedef size_t parse_name(const char *text, size_t len, uint8_t out[DNAME_MAX],
			  const char **reason);

static size_t
parse_label(const char *text, size_t len, uint8_t out[DNAME_MAX], const char **reason)
{
	return name_text_parse_label(text, len, (const uint8_t *)"\007example", 9, out,
				     reason);
}

/* want   the name in presentation form, or the start of the reason. */
static void
check(parse_name *parse, const char *text, size_t len, const char *want)
{
	uint8_t name[DNAME_MAX];
	char got[DNAME_TEXT_MAX];
	const char *reason = NULL;
	size_t name_len = parse(text, len, name, &reason);

	if (name_len == 0) {
		ok(reason && strncmp(reason, want, strlen(want)) == 0, "\"%s\" %s", text,
		   reason);
		return;
	}
	dname_to_text(name, got);
	is(got, want, "\"%s\"", text);
	is_int(dname_len(name, name_len), name_len, "is a whole name");
}

struct name_case {
	const char *text, *want;
};

static void
check_cases(parse_name *parse, const struct name_case *cases)
{
	for (; cases->text; cases++)
		check(parse, cases->text, strlen(cases->text), cases->want);
}

static void
test_names(void)
{
	static const struct name_case cases[] = {
		{ "a.Example", "a.Example." },
		{ "a.example.", "a.example." },
		{ ".", "." },
		{ "_x.*", "_x.*." },
		{ "a\\.b.c", "a\\.b.c." },
		{ "a\\032b", "a\\032b." },
		{ "", "is no name: labels" },
		{ "..", "is no name: labels" },
		{ ".a", "is no name: labels" },
		{ "a..", "is no name: labels" },
		{ "a\\256", "is no name: labels" },
		{ "a\\", "is no name: labels" },
		{ "a b", "is no name: it contains a space" },
		{ "a\tb", "is no name: it contains a space" },
		{ "\xc3\xa4", "is no name: characters beyond ASCII" },
		{ NULL, NULL },
	};

	check_cases(name_text_parse, cases);
	check(name_text_parse, "a\0b", 3, "is no name: it contains a space or control");
}

static void
test_mailboxes(void)
{
	static const struct name_case cases[] = {
		{ "hostmaster.example.com.", "hostmaster.example.com." },
		{ "hostmaster.example.com", "hostmaster.example.com." },
		{ "admin@example.com", "admin.example.com." },
		{ "first.last@example.com.", "first\\.last.example.com." },
		{ "first\\.last@example.com", "first\\.last.example.com." },
		{ "a\\@b.example", "a\\@b.example." },
		{ "a@b@c", "a.b\\@c." },
		{ "@example.com", "is no name: labels" },
		{ "admin@", "admin." },
		{ "", "is no name: labels" },
		{ NULL, NULL },
	};
	char dots[1100];

	check_cases(name_text_parse_mailbox, cases);
	check(name_text_parse_mailbox, "a@b\0c", 5, "is no name: it contains a space");
	memset(dots, '.', sizeof dots);
	for (size_t len = 1000; len < sizeof dots; len++) {
		dots[len - 1] = '@';
		dots[len] = '\0';
		check(name_text_parse_mailbox, dots, len, "is no name: labels");
		dots[len - 1] = '.';
	}
}

static void
test_labels(void)
{
	static const struct name_case cases[] = {
		{ "@", "example." },
		{ "www", "www.example." },
		{ "WWW", "www.example." },
		{ "a.B", "a.b.example." },
		{ "*", "*.example." },
		{ "*.wild", "*.wild.example." },
		{ "sub.*", "sub.*.example." },
		{ "_sip._tcp", "_sip._tcp.example." },
		{ "a\\.b", "a\\.b.example." },
		{ "a\\.", "a\\..example." },
		{ "a\\032b", "a\\032b.example." },
		{ "x@y", "x\\@y.example." },
		{ "", "is no name: labels" },
		{ "www.", "ends in a dot: labels are relative" },
		{ "www.example.", "ends in a dot" },
		{ ".", "ends in a dot" },
		{ "a\\\\.", "ends in a dot" },
		{ "a..b", "is no name: labels" },
		{ ".a", "is no name: labels" },
		{ "a b", "is no name: it contains a space" },
		{ "b\xc3\xbc"
		  "cher",
		  "is no name: characters beyond ASCII" },
		{ NULL, NULL },
	};

	check_cases(parse_label, cases);
	check(parse_label, "@\0", 2, "is no name: it contains a space");
}

/* Labels of 63 octets and one more: 255 with "example." is the most. */
static void
test_length(void)
{
	char text[DNAME_MAX + 10];
	uint8_t name[DNAME_MAX];
	const char *reason = NULL;
	size_t longest = 255 - 9 - 1;

	memset(text, 'a', sizeof text);
	for (size_t dot = 63; dot < longest; dot += 64)
		text[dot] = '.';
	text[longest] = '\0';
	is_int(parse_label(text, longest, name, &reason), 255, "255 octets are a name");
	is_int(dname_len(name, sizeof name), 255, "a whole one");
	text[longest] = 'a';
	text[longest + 1] = '\0';
	is_int(parse_label(text, longest + 1, name, &reason), 0, "256 are not");
	is(reason, "makes a name that is longer than 255 octets", "which is said");
	memset(text, 'a', 64);
	text[64] = '\0';
	is_int(parse_label(text, 64, name, &reason), 0, "nor is a label of 64");
}

int
main(void)
{
	test_names();
	test_mailboxes();
	test_labels();
	test_length();
	return done_testing();
}
