/* The rules of a zone: what is an error, what is mended, what is worth a warning. */
#include "loader/zone/zone_check.h"

#include "loader/zone/zone_sort.h"
#include "loader/zone/zone_text.h"
#include "shm/errcode.h"
#include "shm/node.h"
#include "t/tap.h"
#include "t/unit/zone_dump.h"

static const uint8_t origin[] = "\007example";

static struct zone_text *text;

/* Parse, sort and check.  returns the code; zone and messages are the caller's. */
static int
check_text(const char *bytes, size_t len, struct zone_records **zone,
	   struct zone_messages *messages)
{
	int code = zone_text_parse(text, "z", bytes, len, origin, sizeof origin, zone,
				   messages);

	if (code == ERR_OK && zone_sort(*zone) != ERR_OK)
		bail_out("no memory");
	return code == ERR_OK ? zone_check(*zone, messages) : code;
}

struct check_case {
	const char *what;
	const char *lines; /* behind $TTL 1, SOA and one NS: lines 1 to 3 */
	const char *records; /* NULL: not compared; else without those two */
	const char *messages;
};

#define HEAD "$TTL 1\n@ SOA . . 1 2 3 4 5\n@ NS ns.example.net.\n"
#define HEAD_RECORDS                                      \
	"example. 1 NS 026e73076578616d706c65036e657400|" \
	"example. 1 SOA 00000000000100000002000000030000000400000005|"

/* clang-format off */
static const struct check_case cases[] = {
	{ "a plain zone", "a A 192.0.2.1\n", "a.example. 1 A c0000201|", "" },
	{ "order and duplicates",
	  "b A 192.0.2.2\na A 192.0.2.2\nb A 192.0.2.1\nB A 192.0.2.2\na A 192.0.2.2\n",
	  "a.example. 1 A c0000202|b.example. 1 A c0000201|b.example. 1 A c0000202|", "" },
	{ "duplicates but for case",
	  "a NS x.Net.\na NS x.net.\na NS X.NET.\na NS w.net.\n",
	  "a.example. 1 NS 0177036e657400|a.example. 1 NS 0178034e657400|", "" },
	{ "text is no name", "a TXT a\na TXT A\n", "a.example. 1 TXT 0141|a.example. 1 TXT 0161|", "" },
	{ "TTLs of an RRset", "a 7 A 192.0.2.2\na 5 A 192.0.2.1\na 9 TXT a\na 3 A 192.0.2.2\n",
	  "a.example. 3 A c0000201|a.example. 3 A c0000202|a.example. 9 TXT 0161|",
	  "W5: the TTLs of the RRset differ, 3 is used: a.example. A|" },
	{ "an identical SOA twice", "@ SOA . . 1 2 3 4 5\n", "", "" },
	{ "two SOAs", "@ SOA . . 2 2 3 4 5\n", NULL, "E4: more than one SOA: example. SOA|" },
	{ "a SOA below", "a SOA . . 2 2 3 4 5\n", NULL,
	  "E4: a SOA below the top of the zone: a.example. SOA|" },
	{ "CNAME and data", "a CNAME b\na A 192.0.2.1\n", NULL,
	  "E5: other data beside a CNAME: a.example. A|" },
	{ "CNAME at the top", "@ CNAME b\n", NULL,
	  "E2: other data beside a CNAME: example. SOA|" },
	{ "CNAME and DNAME", "a CNAME b\na DNAME c\n", NULL,
	  "E5: other data beside a CNAME: a.example. DNAME|" },
	{ "CNAME and what may be beside it",
	  "a CNAME b\na RRSIG CNAME 8 2 1 20300101000000 20200101000000 1 example. AAAA\n"
	  "a NSEC b CNAME RRSIG NSEC\na KEY 0 3 8 AAAA\n", NULL, "" },
	{ "several CNAMEs", "a CNAME b\na CNAME c\n", NULL, "E5: more than one CNAME: a.example. CNAME|" },
	{ "the same CNAME twice", "a CNAME b\na CNAME B\n", NULL, "" },
	{ "several DNAMEs", "a DNAME b\na DNAME c\n", NULL, "E5: more than one DNAME: a.example. DNAME|" },
	{ "DNAME and NS", "a DNAME b\na NS ns.example.net.\n", NULL,
	  "E4: a DNAME at a delegation: a.example. DNAME|" },
	{ "DNAME at the top", "@ DNAME b.test.\n", NULL, "" },
	{ "data below a DNAME", "a DNAME b\nx.a A 192.0.2.1\ny.a A 192.0.2.1\nb A 192.0.2.1\n", NULL,
	  "W5: hidden by a DNAME above it: x.a.example. A|" },
	{ "NSEC3 below a DNAME", "@ DNAME b.test.\n"
	  "0123456789abcdefghijklmnopqrstuv NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv\n", NULL, "" },
	{ "DS", "a DS 1 8 1 0123456789012345678901234567890123456789\na NS ns.example.net.\n"
	  "b DS 1 8 1 0123456789012345678901234567890123456789\n"
	  "@ DS 1 8 1 0123456789012345678901234567890123456789\n", NULL,
	  "W7: DS at the top of a zone: it belongs into the parent zone: example. DS|"
	  "W6: DS without NS: b.example. DS|" },
	{ "wildcards", "* A 192.0.2.1\na.* A 192.0.2.1\n*.b.*.c TXT x\n", NULL, "" },
	{ "NSEC3PARAM", "@ NSEC3PARAM 1 0 50 -\n", NULL, "" },
	{ "iterations", "@ NSEC3PARAM 1 0 51 -\n@ NSEC3PARAM 1 0 500 -\n@ NSEC3PARAM 1 0 501 -\n", NULL,
	  "W4: more than 50 iterations, many resolvers treat the zone as unsigned: sign with 0 (RFC 9276): example. NSEC3PARAM|"
	  "W5: more than 50 iterations, many resolvers treat the zone as unsigned: sign with 0 (RFC 9276): example. NSEC3PARAM|"
	  "E6: more than 500 iterations: sign with 0 (RFC 9276): example. NSEC3PARAM|" },
	{ "NS and DNAME at wildcards", "*.a NS ns.example.net.\n*.b DNAME c.test.\na.*.c NS ns.example.net.\n*.d A 192.0.2.1\n", NULL,
	  "W4: NS at a wildcard delegates nothing (RFC 4592, section 4.2), and cannot be validated in a signed zone: *.a.example. NS|"
	  "W5: DNAME at a wildcard redirects nothing below the names that the wildcard stands for (RFC 4592, section 4.4): *.b.example. DNAME|" },
	{ "keys of SHA-1, told once", "@ DNSKEY 257 3 8 AQID\n@ DNSKEY 256 3 7 AQID\n@ DNSKEY 257 3 5 AQID\na DNSKEY 257 3 5 AQID\n", NULL,
	  "W5: a key of algorithm 5 or 7, whose signatures are over SHA-1: they are served as they are, but many validators treat the zone as unsigned (RFC 9905): example. DNSKEY|" },
	{ "keys of SHA-1 below the top", "a DNSKEY 257 3 5 AQID\n@ DNSKEY 257 3 8 AQID\n", NULL, "" },
	{ "NSEC3PARAM that means nothing", "@ NSEC3PARAM 2 0 9999 -\n@ NSEC3PARAM 1 1 9999 -\na NSEC3PARAM 1 0 9999 -\n", NULL,
	  "W5: flags are set, this chain is not used (RFC 5155, section 4.1.2): example. NSEC3PARAM|"
	  "W4: unknown hash algorithm, this chain cannot prove anything: example. NSEC3PARAM|"
	  "W6: NSEC3PARAM below the top of the zone means nothing: a.example. NSEC3PARAM|" },
	{ "signatures' TTLs", "a 9 A 192.0.2.1\n"
	  "a 8 RRSIG A 8 2 1 20300101000000 20200101000000 1 example. AAAA\n"
	  "a 7 RRSIG TXT 8 2 1 20300101000000 20200101000000 1 example. AAAA\n"
	  "a 5 CAA 0 issue \"\"\n"
	  "a 5 RRSIG CAA 8 2 1 20300101000000 20200101000000 1 example. AAAA\n",
	  "a.example. 9 A c0000201|"
	  "a.example. 9 RRSIG 000108020000000170dbd8805e0be1000001076578616d706c6500000000|"
	  "a.example. 7 RRSIG 001008020000000170dbd8805e0be1000001076578616d706c6500000000|"
	  "a.example. 5 RRSIG 010108020000000170dbd8805e0be1000001076578616d706c6500000000|"
	  "a.example. 5 CAA 00056973737565|",
	  "W5: the TTLs of RRset and signature differ, 9 is used: a.example. RRSIG|" },
	{ "glue", "a NS ns.a\nb NS ns.b\nns.b A 192.0.2.1\nc NS ns.b\nd NS x.ns.d\nx.ns.d AAAA ::1\ne NS e\n", NULL,
	  "W4: the target ns.a.example. has no address here: a.example. NS|"
	  "W10: the target e.example. has no address here: e.example. NS|" },
	{ "name servers of the zone", "@ NS a\n@ NS b\n@ NS c.w\n@ NS d.s\n@ NS e.d\n@ NS f\na A 192.0.2.1\n"
	  "f TXT x\n*.w A 192.0.2.1\ns NS ns.example.net.\nd DNAME x.test.\n", NULL,
	  "W5: the target b.example. has no address here: example. NS|"
	  "W9: the target f.example. has no address here: example. NS|" },
	{ "a final dot is missing", "@ NS a.example\n@ NS example\n@ NS b.w.example\n@ NS b.examples\nb.w.example A 192.0.2.1\n", NULL,
	  "W4: the target a.example.example. has no address here; is its final dot missing?: example. NS|"
	  "W7: the target b.examples.example. has no address here: example. NS|"
	  "W5: the target example.example. has no address here; is its final dot missing?: example. NS|" },
	{ "of other types", "a CNAME b.example\nc MX 1 d.example\ne SRV 1 2 3 f.example\ng PTR h.example\n"
	  "i CNAME j.w.example\nk CNAME l.example\nl.example TXT x\nm CNAME n\n*.w.example TXT x\no PTR EXAMPLE\n", NULL,
	  "W4: the target b.example.example. does not exist; is its final dot missing?: a.example. CNAME|"
	  "W5: the target d.example.example. does not exist; is its final dot missing?: c.example. MX|"
	  "W6: the target f.example.example. does not exist; is its final dot missing?: e.example. SRV|"
	  "W7: the target h.example.example. does not exist; is its final dot missing?: g.example. PTR|"
	  "W13: the target example.example. does not exist; is its final dot missing?: o.example. PTR|" },
	{ "aliases", "@ NS a\n@ MX 1 A\nb MX 1 a\nb MX 1 c\nc A 192.0.2.1\na CNAME c\n", NULL,
	  "W4: the target a.example. is an alias (RFC 2181, section 10.3): example. NS|"
	  "W5: the target a.example. is an alias (RFC 2181, section 10.3): example. MX|"
	  "W6: the target a.example. is an alias (RFC 2181, section 10.3): b.example. MX|" },
	{ "null MX", "a MX 0 .\n", NULL, "" },
};
/* clang-format on */

static void
test_case(const struct check_case *row)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *bytes, *said, *records, *want;
	int code;

	if (asprintf(&bytes, "%s%s", HEAD, row->lines) < 0 ||
	    asprintf(&want, "%s%s", HEAD_RECORDS, row->records ? row->records : "") < 0)
		bail_out("no memory");
	code = check_text(bytes, strlen(bytes), &zone, &messages);
	is_int(code, messages.counts[ZONE_ERROR] ? ERR_SYNTAX : ERR_OK, "%s: code",
	       row->what);
	said = dump_messages(&messages, "z");
	is(said, row->messages, "%s: messages", row->what);
	records = dump_records(zone);
	if (row->records)
		is(records, want, "%s: records", row->what);
	free(bytes);
	free(want);
	free(said);
	free(records);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

static void
test_no_apex(void)
{
	static const char lines[] = "$TTL 1\na SOA . . 1 2 3 4 5\na NS b\n";
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *said;

	is_int(check_text("", 0, &zone, &messages), ERR_SYNTAX, "an empty zone");
	zone_records_free(zone);
	zone = NULL;
	is_int(check_text(lines, sizeof lines - 1, &zone, &messages), ERR_SYNTAX,
	       "no apex");
	said = dump_messages(&messages, "z");
	is(said,
	   "E0: no SOA at the top of the zone|E0: no NS at the top of the zone|"
	   "E2: a SOA below the top of the zone: a.example. SOA|"
	   "E0: no SOA at the top of the zone|E0: no NS at the top of the zone|",
	   "say what is missing");
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

static void
test_mailbox(void)
{
	static const char lines[] = "$TTL 1\n@ SOA . me@example.net. 1 2 3 4 5\n"
				    "@ NS ns.example.net.\n";
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *said;

	is_int(check_text(lines, sizeof lines - 1, &zone, &messages), ERR_OK,
	       "a mailbox with a '@'");
	said = dump_messages(&messages, "z");
	is(said,
	   "W2: the mailbox has a '@': a '.' stands for it (RFC 1035, section 8): "
	   "example. SOA|",
	   "is warned of");
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

/* TXT records that fill a message to its last octet: 12 + (3 + 7 + 1 + 1) + 4 of head,
 * then RRs of 12 + rdata. */
static void
test_size(size_t over, const char *want_messages, size_t want_faults)
{
	enum { OWNER_LEN = 11, BIG_RR = 12 + 256, COUNT = 244 };
	const size_t rest = 65535 - 12 - OWNER_LEN - 4 - COUNT * BIG_RR - 12;
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *bytes, *said;
	size_t len;
	FILE *stream = open_memstream(&bytes, &len);

	fprintf(stream, "%s", HEAD);
	for (unsigned i = 0; i < COUNT; i++)
		fprintf(stream, "a TXT %03u%0*u\n", i, 252, 0);
	fprintf(stream, "a TXT %0*u\n", (int)(rest - 1 + over), 0);
	fprintf(stream, "a A 192.0.2.1\n");
	fclose(stream);
	is_int(check_text(bytes, len, &zone, &messages), ERR_OK,
	       "a huge RRset costs no zone");
	said = dump_messages(&messages, "z");
	is(said, want_messages, "%zu octets too many: messages", over);
	is_int(zone->count, 2 + COUNT + 2, "%zu octets too many: records", over);
	is_int(zone->fault_count, want_faults, "%zu octets too many: faults", over);
	free(bytes);
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

/* The set fits, the signatures fit, but not together. */
static void
test_signatures_size(void)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *bytes, *said;
	size_t len;
	FILE *stream = open_memstream(&bytes, &len);

	fprintf(stream, "%s", HEAD);
	for (unsigned i = 0; i < 200; i++)
		fprintf(stream, "a TXT %03u%0*u\n", i, 252, 0);
	for (unsigned i = 0; i < 100; i++)
		fprintf(stream,
			"a RRSIG TXT 8 2 1 20300101000000 20200101000000 %u example. "
			"%0*u\n",
			i, 200, 0);
	fprintf(stream,
		"a RRSIG CAA 8 2 1 20300101000000 20200101000000 1 example. AAAA\n");
	fprintf(stream, "a URI 1 2 \"x\"\n");
	fclose(stream);
	is_int(check_text(bytes, len, &zone, &messages), ERR_OK, "too many signatures");
	said = dump_messages(&messages, "z");
	is(said,
	   "D4: with its signatures the RRset fits no DNS message (65535 octets): it is "
	   "served without them: a.example. TXT|",
	   "are named");
	is_int(zone->fault_count, 1, "one fault");
	is_int(zone->faults[0].kind, FAULT_UNSIGNED, "of the signatures");
	free(bytes);
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

/* Targets anywhere in a zone: close to what names them, far before it and far behind. */
static void
test_far_targets(void)
{
	enum { NAMES = 200, ALIAS_EVERY = 10, STRIDE = 37 };
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *bytes;
	size_t len;
	FILE *stream = open_memstream(&bytes, &len);

	if (!stream)
		bail_out("no memory");
	fputs(HEAD, stream);
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned to = i * STRIDE % NAMES;

		fprintf(stream,
			to % ALIAS_EVERY ? "h%03u A 192.0.2.1\n" : "h%03u CNAME .\n", to);
		fprintf(stream, "m%03u MX 1 h%03u\n%03u MX 1 h%03u\n", i, to, i, to);
		fprintf(stream, "h%03u.x MX 1 h%03u\n", i, i);
	}
	fclose(stream);
	is_int(check_text(bytes, len, &zone, &messages), ERR_OK,
	       "a zone of many targets");
	is_int(messages.counts[ZONE_WARNING], 3 * NAMES / ALIAS_EVERY,
	       "all aliases are found, and nothing else");
	zone_records_free(zone);
	zone_messages_fini(&messages);
	free(bytes);
}

int
main(void)
{
	text = zone_text_new();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		test_case(&cases[i]);
	test_no_apex();
	test_mailbox();
	test_size(0, "", 0);
	test_size(1,
		  "D248: the RRset fits no DNS message (65535 octets): it answers "
		  "SERVFAIL: a.example. TXT|",
		  1);
	test_signatures_size();
	test_far_targets();
	zone_text_free(text);
	return done_testing();
}
