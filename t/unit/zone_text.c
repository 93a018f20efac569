/* Master files: what is read from them, what is said about them, where $INCLUDE may go. */
#include "loader/zone/zone_text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "t/tap.h"
#include "t/unit/zone_dump.h"

static const uint8_t origin[] = "\007example";

static char dir[PATH_MAX / 2];
static struct zone_text *text;

static void
make_path(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

static void
write_bytes(const char *name, const char *bytes, size_t len)
{
	char path[PATH_MAX];
	FILE *file;

	make_path(path, name);
	file = fopen(path, "w");
	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
		bail_out("cannot write %s", path);
}

static void
write_file(const char *name, const char *content)
{
	write_bytes(name, content, strlen(content));
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

/* Load "zone" of our directory and compare records and messages. */
static void
check_load(const char *what, int want_code, const char *want_records,
	   const char *want_messages)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char path[PATH_MAX], *records = NULL, *said;
	int code;

	make_path(path, "zone");
	code = zone_text_load(text, path, origin, sizeof origin, &zone, &messages);
	is_int(code, want_code, "%s: code", what);
	if (want_records) {
		records = zone ? dump_records(zone) : strdup("no zone");
		is(records, want_records, "%s: records", what);
	}
	said = dump_messages(&messages, path);
	is(said, want_messages, "%s: messages", what);
	free(records);
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct text_case {
	const char *what, *text, *records, *messages;
};

/* clang-format off */
static const struct text_case good_cases[] = {
	{ "an empty file", "", "", "" },
	{ "a comment", "; nothing", "", "" },
	{ "no last newline", "@ 1 A 192.0.2.1", "example. 1 A c0000201|", "" },
	{ "names", "$TTL 1\n@ A 192.0.2.1\nWww A 192.0.2.2\n A 192.0.2.3\n"
	  "abs.Example. A 192.0.2.4\na\\046b\\.c A 192.0.2.5\n*.x A 192.0.2.6\n",
	  "example. 1 A c0000201|www.example. 1 A c0000202|www.example. 1 A c0000203|"
	  "abs.example. 1 A c0000204|a\\.b\\.c.example. 1 A c0000205|*.x.example. 1 A c0000206|",
	  "" },
	{ "$ORIGIN", "$TTL 1\n$ORIGIN sub.example.\na NS b\n$ORIGIN example.\na NS b\n",
	  "a.sub.example. 1 NS 0162037375620765" "78616d706c6500|a.example. 1 NS 0162076578616d706c6500|", "" },
	{ "relative $ORIGIN", "$TTL 1\n$ORIGIN sub\na NS b\n$ORIGIN @\n@ NS .\n"
	  "$ORIGIN example.\n$ORIGIN x\n\n$origin\ty ; z\n@ NS .\n$ORIGIN w\\.\n@ NS .\n",
	  "a.sub.example. 1 NS 016203737562076578616d706c6500|sub.example. 1 NS 00|"
	  "y.x.example. 1 NS 00|w\\..y.x.example. 1 NS 00|", "" },
	{ "$ORIGIN without a line end", "$TTL 1\n$ORIGIN sub", "", "" },
	{ "case in rdata is kept", "$TTL 1\n@ NS Ns.EXAMPLE.\n",
	  "example. 1 NS 024e73074558414d504c4500|", "" },
	{ "parentheses", "@ 1 TXT ( \"a\" ; one\n\n b )\n", "example. 1 TXT 01610162|", "" },
	{ "CR LF", "$TTL 1\r\n@ A 192.0.2.1\r\n@ TXT (\r\n a )\r\n",
	  "example. 1 A c0000201|example. 1 TXT 0161|", "" },
	{ "TTL and class in either order", "a 1h30m IN A 192.0.2.1\nb IN 5 A 192.0.2.1\n",
	  "a.example. 5400 A c0000201|b.example. 5 A c0000201|", "" },
	{ "$TTL wins", "a 7 A 192.0.2.1\n$TTL 9\nb A 192.0.2.1\nc 8 A 192.0.2.1\nd A 192.0.2.1\n",
	  "a.example. 7 A c0000201|b.example. 9 A c0000201|c.example. 8 A c0000201|"
	  "d.example. 9 A c0000201|", "" },
	{ "else the last TTL", "a 7 A 192.0.2.1\nb A 192.0.2.1\nc 8 A 192.0.2.1\nd A 192.0.2.1\n",
	  "a.example. 7 A c0000201|b.example. 7 A c0000201|c.example. 8 A c0000201|"
	  "d.example. 8 A c0000201|", "" },
	{ "else the SOA's minimum", "@ SOA . . 1 2 3 4 300\nb A 192.0.2.1\n",
	  "example. 300 SOA 0000000000010000000200000003000000040000012c|"
	  "b.example. 300 A c0000201|", "" },
	{ "a SOA with a TTL states one", "@ 60 SOA . . 1 2 3 4 300\nb A 192.0.2.1\n",
	  "example. 60 SOA 0000000000010000000200000003000000040000012c|"
	  "b.example. 60 A c0000201|", "" },
	{ "TTL 0 and the largest", "a 0 A 192.0.2.1\nb 2147483647 A 192.0.2.1\n",
	  "a.example. 0 A c0000201|b.example. 2147483647 A c0000201|", "" },
	{ "unknown types", "$TTL 1\n@ TYPE65280 \\# 3 aabb cc\n@ TYPE1 192.0.2.1\n"
	  "@ A \\# 4 c0000201\n@ TYPE65281 \\# 0\n@ MB \\# 3 016100\n",
	  "example. 1 TYPE65280 aabbcc|example. 1 A c0000201|example. 1 A c0000201|"
	  "example. 1 TYPE65281 |example. 1 MB 016100|", "" },
	{ "octets in names that the scanner wants as numbers",
	  "$TTL 1\na!#$%&'+,:<=>?[]^`{|}~b CNAME h@+c\n+ MX 1 =\n\tMX 2 @\n\303\274 SRV 1 2 3 a\\.=.\n"
	  "\"q b\" NAPTR 1 2 s x+y \"\" n:1\n@ SOA a b@c. 1 2 3 4 5\n  A 192.0.2.1\n",
	  "a!#\\$%&'+,:<=>?[]^`{|}~b.example. 1 CNAME 0468402b63076578616d706c6500|"
	  "+.example. 1 MX 0001013d076578616d706c6500|+.example. 1 MX 0002076578616d706c6500|"
	  "\\195\\188.example. 1 SRV 000100020003" "03612e3d00|"
	  "q\\032b.example. 1 NAPTR 0001000201730378" "2b7900036e3a31076578616d706c6500|"
	  "example. 1 SOA 0161076578616d706c650003624063000000000100000002000000030000000400000005|"
	  "example. 1 A c0000201|", "" },
	{ "octets in texts", "@ 1 TXT \"\303\274\001\" \303\274 \"a\"\"b\"c \\\303\274\n",
	  "example. 1 TXT 03c3bc0102c3bc0161016201" "6302c3bc|", "" },
	{ "over many lines, with comments", "$TTL 1\na+b MX ( 1 ; ( \"\n\n m+n ) ; c\n\n MX 2 o\nc A 192.0.2.1\n",
	  "a+b.example. 1 MX 0001036d2b6e076578616d706c6500|a+b.example. 1 MX 0002016f076578616d706c6500|"
	  "c.example. 1 A c0000201|", "" },
	{ "parentheses in parentheses, or first of all", "$TTL 1\na TXT ( b ( c\n) ) d\n( b 5 A\n192.0.2.1 )\n",
	  "a.example. 1 TXT 016201630164|b.example. 5 A c0000201|", "" },
	{ "CLASS1", "@ 1 CLASS1 A 192.0.2.1\n", "example. 1 A c0000201|", "" },
	{ "newer parameters of SVCB", "@ 1 SVCB 1 a+b dohpath=\"/q{?dns}\" alpn=\"h2,h3\"\n@ 1 HTTPS 1 . ohttp alpn=h2\n",
	  "example. 1 SVCB 000103612b62076578616d706c6500" "000100060268320268330007" "00082f717b3f646e737d|"
	  "example. 1 HTTPS 000100" "00010003026832" "00080000|", "" },
	{ "types that are written like others", "$TTL 1\n@ AVC \"a\" b\n@ MB a\n@ TALINK a. b.\n@ DLV 1 2 3 00\n@ GPOS 1 2 3\n"
	  "@ X25 1234\n", NULL, "E5: the data is not what this type has: example. DLV|" },
	{ "$GENERATE", "$TTL 1\n$GENERATE 8-10/2 a$ 5 IN A 192.0.2.$ ; c\n$generate 1-2 $ CNAME ${10,4,x}.${0,3}${-1}$$\\$ \n"
	  "$GENERATE 26-26 ${0,7,n} PTR ${0,3,N}.${0,0,X}\n$GENERATE 1-1 m$ MX \"10 m$\"\n"
	  "$GENERATE 1-1 t TXT \"\\\"a b$\\\" c\"\n$GENERATE 3-3 u$ SRV 1 2 $ u+$\n",
	  "a8.example. 5 A c0000208|a10.example. 5 A c000020a|"
	  "1.example. 1 CNAME 043030306206" "303031302424076578616d706c6500|"
	  "2.example. 1 CNAME 043030306306" "303032312424076578616d706c6500|"
	  "a.1.0.0.example. 1 PTR 01410131023141076578616d706c6500|"
	  "m1.example. 1 MX 000a026d31076578616d706c6500|t.example. 1 TXT 046120623101" "63|"
	  "u3.example. 1 SRV 00010002000303752b33076578616d706c6500|", "" },
	{ "a byte order mark", "\357\273\277$TTL 1\n@ A 192.0.2.1\n", "example. 1 A c0000201|", "" },
	{ "outside the zone", "$TTL 1\nexample.com. A 192.0.2.1\nxexample. A 192.0.2.1\n. A 192.0.2.1\n@ A 192.0.2.1\n",
	  "example. 1 A c0000201|",
	  "W2: the owner is outside the zone, the record is left out: example.com. A|"
	  "W3: the owner is outside the zone, the record is left out: xexample. A|"
	  "W4: the owner is outside the zone, the record is left out: . A|" },
};

static const struct text_case bad_cases[] = {
	{ "many errors", "$TTL 1\n@ A 192.0.2\n@ A 192.0.2.1\n@ FOO bar\n@ CH TXT x\n@ MX 10\n"
	  "@ AAAA 1::2::3\n@ TXT \"open\n@ A 192.0.2.1 junk\n", NULL,
	  "E2: invalid IPv4 address|"
	  "E4: invalid number, or unknown record type|"
	  "E5: unknown record type, TTL, or class other than IN; a type that has no name "
	  "here is written as TYPEn \\# (RFC 3597)|"
	  "E6: invalid number, or unknown record type|"
	  "E7: invalid IPv6 address|"
	  "E8: invalid text: a quote without its end|"
	  "E9: unexpected data|" },
	{ "no TTL", "@ A 192.0.2.1\n@ SOA . . 1 2 3 4 5\nb A 192.0.2.1\n", NULL,
	  "E1: no TTL: state one, or put $TTL before the first record|" },
	{ "TTL too large", "@ 2147483648 A 192.0.2.1\n@ 5000000000 A 192.0.2.1\n", NULL,
	  "E1: the TTL is larger than 2147483647: example. A|E2: number is bigger than 32 bits|" },
	{ "relative $ORIGIN, too long", "$TTL 1\n$ORIGIN " L63 "." L63 "\n$ORIGIN " L63 "." L63 "\n", NULL,
	  "E3: invalid name in $ORIGIN|" },
	{ "$ORIGIN in parentheses", "$TTL 1\n$ORIGIN ( sub )\n", NULL,
	  "E2: invalid name in $ORIGIN|E3: the file ends inside parentheses|" },
	{ "directives", "$TTL x\n$ORIGIN a b\n$DATE\n$TTL 1\n@ A 1.2.3\n", NULL,
	  "E1: invalid number, or unknown record type|"
	  "E2: invalid name in $ORIGIN|"
	  "E3: unknown directive: only $ORIGIN, $TTL, $INCLUDE and $GENERATE exist|"
	  "E5: invalid IPv4 address|" },
	{ "beyond repair", "$INCLUDE\n@ 1 A 1.2.3\n", NULL,
	  "E1: syntax error, the lines below were not read|" },
	{ "open parenthesis", "$TTL 1\n@ TXT ( a\n b\n", NULL, "E4: the file ends inside parentheses|" },
	{ "parentheses within", "$TTL 1\n@ TXT ( ( a\n@ A 1.2.3\n", NULL,
	  "E2: too many left parentheses|E4: the file ends inside parentheses|" },
	{ "names", "$TTL 1\na..b A 192.0.2.1\na+..b A 192.0.2.1\n A 192.0.2.1\n@ NS +..\n@ NS \"a\"\n"
	  "@ NS a\"b\n", NULL,
	  "E2: invalid name: labels have 1 to 63 octets, with one dot between them|"
	  "E3: invalid name: labels have 1 to 63 octets, with one dot between them|"
	  "E4: previous owner is invalid|"
	  "E5: invalid name: labels have 1 to 63 octets, with one dot between them|"
	  "E6: invalid record data|"
	  "E7: invalid name: labels have 1 to 63 octets, with one dot between them|" },
	{ "what is left when an entry was mended", "$TTL 1\na+b A 192.0.2\nb MX x h@c\nc ( ( A 192.0.2.1 )\n"
	  "d TXT \"\303\274\nd A 1 ; )\n", NULL,
	  "E2: invalid IPv4 address|E3: invalid number, or unknown record type|"
	  "E4: too many left parentheses|" },
	{ "$GENERATE", "$TTL 1\n$GENERATE\n$GENERATE 1-2\n$GENERATE 2-1 a A 192.0.2.1\n$GENERATE 1-2/0 a A 192.0.2.1\n"
	  "$GENERATE 1-2 a$ A\n$GENERATE 1-2 a${x} A 192.0.2.1\n$GENERATE 1-2 a${0,256} A 192.0.2.1\n"
	  "$GENERATE 255-400 a$ A 192.0.2.$\n$GENERATE 0-1048576 a$ CNAME a\n$GENERATE 1-2 a TXT ( b\n", NULL,
	  "E2: the range of $GENERATE must be start-stop or start-stop/step|"
	  "E3: $GENERATE needs a range, an owner, a type and rdata|"
	  "E4: the range of $GENERATE must be start-stop or start-stop/step|"
	  "E5: the range of $GENERATE must be start-stop or start-stop/step|"
	  "E6: $GENERATE needs a range, an owner, a type and rdata|"
	  "E7: what follows $ in $GENERATE is not {offset,width,base}, the base one of d, o, x, X, n, N|"
	  "E8: what follows $ in $GENERATE is not {offset,width,base}, the base one of d, o, x, X, n, N|"
	  "E9: invalid IPv4 address|"
	  "E10: more than 1048576 records are generated|"
	  "E11: $GENERATE needs a range, an owner, a type and rdata|" },
	{ "malformed rdata in hex", "$TTL 1\n@ A \\# 3 c00002\n@ NS \\# 2 c00c\n@ MX \\# 2 0001\n"
	  "@ TXT \\# 2 0261\n@ A \\# 5 c0000201\n", NULL,
	  "E2: the data is not what this type has: example. A|"
	  "E3: the data is not what this type has: example. NS|"
	  "E4: the data is not what this type has: example. MX|"
	  "E5: the data is not what this type has: example. TXT|"
	  "E6: the rdata length statement is incorrect|" },
	{ "types that are no data", "$TTL 1\n@ TYPE0 \\# 0\n@ TYPE41 \\# 0\n@ TYPE250 \\# 0\n@ TYPE255 \\# 0\n", NULL,
	  "E2: a type that cannot stand in a zone: example. TYPE0|"
	  "E3: a type that cannot stand in a zone: example. OPT|"
	  "E4: a type that cannot stand in a zone: example. TSIG|"
	  "E5: a type that cannot stand in a zone: example. ANY|" },
	{ "terminal escapes", "$TTL 1\n\\027\\[31m\\010.com. A 192.0.2.1\n@ A 1\n", NULL,
	  "W2: the owner is outside the zone, the record is left out: \\027[31m\\010.com. A|"
	  "E3: invalid IPv4 address|" },
};
/* clang-format on */

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof good_cases / sizeof good_cases[0]; i++) {
		const struct text_case *row = &good_cases[i];

		write_file("zone", row->text);
		check_load(row->what, row->records ? ERR_OK : ERR_SYNTAX, row->records,
			   row->messages);
	}
	for (size_t i = 0; i < sizeof bad_cases / sizeof bad_cases[0]; i++) {
		write_file("zone", bad_cases[i].text);
		check_load(bad_cases[i].what, ERR_SYNTAX, NULL, bad_cases[i].messages);
	}
}

/* One record of each type that the scanner reads as text. */
static void
test_all_types(void)
{
	static const char *const lines[] = {
		"A 192.0.2.1",
		"NS ns",
		"CNAME c",
		"SOA a b 1 2 3 4 5",
		"PTR p",
		"HINFO a b",
		"MINFO a b",
		"MX 1 m",
		"TXT \"a\" b",
		"RP a b",
		"AFSDB 1 a",
		"RT 1 a",
		"KEY 256 3 8 AwEAAQ==",
		"AAAA 2001:db8::1",
		"LOC 1 2 3 N 4 5 6 E 7m 8m 9m 10m",
		"SRV 1 2 3 s",
		"NAPTR 1 2 \"u\" \"E2U+sip\" \"!^.*$!sip:a@b!\" .",
		"KX 1 k",
		"CERT 1 2 3 AAAA",
		"DNAME d",
		"APL 1:192.0.2.0/24 !2:2001:db8::/32",
		"DS 1 8 1 0123456789012345678901234567890123456789",
		"SSHFP 1 1 aabb",
		"IPSECKEY 1 3 2 gw AAAA",
		"IPSECKEY 1 0 0 .",
		"IPSECKEY 1 1 2 192.0.2.1 AAAA",
		"RRSIG A 8 1 60 20300101000000 20200101000000 1 example. AAAA",
		"NSEC n.example. A TYPE65280",
		"DNSKEY 256 3 8 AwEAAQ==",
		"DHCID AAAA",
		"NSEC3 1 0 1 aabb 0123456789abcdefghijklmnopqrstuv A RRSIG",
		"NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstuv",
		"NSEC3PARAM 1 0 1 aabb",
		"TLSA 1 1 1 aabb",
		"SMIMEA 1 1 1 aabb",
		"CDS 0 0 0 00",
		"CDNSKEY 0 3 0 AA==",
		"OPENPGPKEY AAAA",
		"CSYNC 1 3 A NS",
		"ZONEMD 1 1 1 aabb",
		"SVCB 0 s",
		"HTTPS 1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1 mandatory=alpn",
		"SPF a",
		"NID 1 0001:0002:0003:0004",
		"L32 1 192.0.2.1",
		"L64 1 0001:0002:0003:0004",
		"LP 1 l",
		"EUI48 00-00-5e-00-53-2a",
		"EUI64 00-00-5e-ef-10-00-00-2a",
		"URI 1 2 \"http://a/\"",
		"CAA 0 issue \"ca\"",
		"TYPE65280 \\# 1 aa",
	};
	enum { COUNT = sizeof lines / sizeof lines[0] };
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char *bytes, *said;
	size_t len;
	FILE *stream = open_memstream(&bytes, &len);

	for (size_t i = 0; i < COUNT; i++)
		fprintf(stream, "n%zu 60 %s\n", i, lines[i]);
	fclose(stream);
	is_int(zone_text_parse(text, "t", bytes, len, origin, sizeof origin, &zone,
			       &messages),
	       ERR_OK, "all types are read");
	said = dump_messages(&messages, "t");
	is(said, "", "and all are found well-formed");
	is_int(zone ? zone->count : 0, COUNT, "none is lost");
	free(bytes);
	free(said);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

static void
test_bytes(void)
{
	char huge[70000];

	write_bytes("zone", "@ 1 A 192.0.2.1\n\0@ 1 A 192.0.2.2\n", 33);
	check_load("a NUL", ERR_SYNTAX, NULL,
		   "E2: invalid name: labels have 1 to 63 octets, with one dot between "
		   "them|");
	write_bytes("zone", "\\", 1);
	check_load("a lone backslash", ERR_SYNTAX, NULL,
		   "E1: invalid name: labels have 1 to 63 octets, with one dot between "
		   "them|");
	memset(huge, 'a', sizeof huge);
	memcpy(huge, "@ 1 TXT ", 8);
	write_bytes("zone", huge, sizeof huge);
	check_load("a text beyond all bounds", ERR_SYNTAX, NULL, "E1: text is too long|");
	huge[8 + 65000] = '\n';
	write_bytes("zone", huge, 8 + 65000 + 1);
	check_load("a very long text", ERR_OK, NULL, "");
}

static void
test_many_errors(void)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char bytes[3000];

	for (size_t i = 0; i < 1000; i++)
		memcpy(bytes + 3 * i, "a!\n", 3);
	is_int(zone_text_parse(text, "t", bytes, sizeof bytes, origin, sizeof origin,
			       &zone, &messages),
	       ERR_SYNTAX, "a thousand bad lines");
	is_int(messages.kept_count, ZONE_MESSAGES_KEPT, "a hundred are kept");
	is_int(zone_messages_lost(&messages, ZONE_ERROR), 900, "the others are counted");
	zone_messages_fini(&messages);
}

static void
test_files(void)
{
	char path[PATH_MAX];

	make_path(path, "zone");
	unlink(path);
	check_load("a missing file", ERR_NOTFOUND, NULL,
		   "E0: No such file or directory|");
	mkdir(path, 0755);
	check_load("a directory", ERR_FORMAT, NULL, "E0: is not a regular file|");
	rmdir(path);
	mkfifo(path, 0600);
	check_load("a pipe without a writer", ERR_FORMAT, NULL,
		   "E0: is not a regular file|");
	unlink(path);
	symlink("/dev/zero", path);
	check_load("an endless device", ERR_FORMAT, NULL, "E0: is not a regular file|");
	unlink(path);
	symlink("zone", path);
	check_load("a link to itself", ERR_IO, NULL,
		   "E0: Too many levels of symbolic links|");
	unlink(path);
}

#define NOT_BELOW \
	"the included file is not a readable file below the zone file's directory"

static void
test_include(void)
{
	write_file("a.inc",
		   "x A 192.0.2.1\n$ORIGIN deep.example.\n$TTL 5\ny A 192.0.2.2\n");
	write_file("zone", "$TTL 1\nfirst A 192.0.2.9\n$INCLUDE a.inc\n A 192.0.2.3\nz A "
			   "192.0.2.4\n");
	check_load("origin, owner and TTL are restored", ERR_OK,
		   "first.example. 1 A c0000209|x.example. 1 A c0000201|"
		   "y.deep.example. 5 A c0000202|first.example. 1 A c0000203|z.example. "
		   "1 A c0000204|",
		   "");
	write_file(
		"zone",
		"first 1 A 192.0.2.9\n$INCLUDE a.inc sub.example. ; so\nz A 192.0.2.4\n");
	check_load("an origin for the file", ERR_OK,
		   "first.example. 1 A c0000209|x.sub.example. 1 A c0000201|"
		   "y.deep.example. 5 A c0000202|z.example. 1 A c0000204|",
		   "");
	write_file("b.inc", " A 192.0.2.1\n");
	write_file("b.inc", "$ORIGIN a\n$ORIGIN b\n@ A 192.0.2.1\n");
	write_file("zone",
		   "$TTL 1\n$ORIGIN sub\n$INCLUDE b.inc\n$ORIGIN c\n@ A 192.0.2.2\n"
		   "$INCLUDE b.inc x.example.\n");
	check_load("relative origins in and around an included file", ERR_OK,
		   "b.a.sub.example. 1 A c0000201|c.sub.example. 1 A c0000202|"
		   "b.a.x.example. 1 A c0000201|",
		   "");
	write_file("b.inc", " A 192.0.2.1\n");
	write_file("zone", "$TTL 1\nfirst A 192.0.2.9\n$INCLUDE \"b.inc\"");
	check_load("the owner is handed on; no last newline", ERR_OK,
		   "first.example. 1 A c0000209|first.example. 1 A c0000201|", "");
	write_file("zone", "$TTL 1\n$INCLUDE b.inc\n$INCLUDE a.inc sub\n");
	check_load("no owner to hand on", ERR_SYNTAX, NULL,
		   "E b.inc 1: previous owner is invalid|");
	write_file("zone", "$TTL 1\n$INCLUDE a.inc a..b\n");
	check_load("no origin", ERR_SYNTAX, NULL, "E2: invalid origin in $INCLUDE|");
	write_file("sub.inc", "c A 192.0.2.2\n");
	write_file("zone", "$TTL 1\n$ORIGIN o\nb A 192.0.2.1\n$INCLUDE sub.inc "
			   "s.u-b;c\nd A 192.0.2.3\n");
	check_load("a relative origin", ERR_OK,
		   "b.o.example. 1 A c0000201|c.s.u-b.o.example. 1 A c0000202|"
		   "d.o.example. 1 A c0000203|",
		   "");
}

static void
test_include_many(void)
{
	char zone[2000] = "$TTL 1\n";

	write_file("c.inc", "; nothing\n");
	for (unsigned i = 0; i < 60; i++)
		strcat(zone, "$INCLUDE c.inc\n");
	strcat(zone, "bad A 1\n@ A 192.0.2.1\n$TTL 2\n");
	write_file("zone", zone);
	check_load("many one after the other", ERR_SYNTAX, NULL,
		   "E62: invalid IPv4 address|");
}

static void
test_include_places(void)
{
	char path[PATH_MAX], content[2 * PATH_MAX];

	make_path(path, "sub");
	mkdir(path, 0755);
	write_file("sub/d.inc", "d A 192.0.2.1\n$INCLUDE e.inc\n");
	write_file("sub/e.inc", "e A 192.0.2.2\n");
	write_file("zone", "$TTL 1\n$INCLUDE sub/d.inc\n");
	check_load("relative to the including file", ERR_OK,
		   "d.example. 1 A c0000201|e.example. 1 A c0000202|", "");
	snprintf(content, sizeof content, "$TTL 1\n$INCLUDE %s/sub/e.inc\n", dir);
	write_file("zone", content);
	check_load("absolute, but inside", ERR_OK, "e.example. 1 A c0000202|", "");
	make_path(path, "sub/in.inc");
	symlink("e.inc", path);
	make_path(path, "sub/out.inc");
	symlink("/etc/hostname", path);
	make_path(path, "sub/up");
	symlink("../..", path);
	write_file("zone",
		   "$TTL 1\n$INCLUDE sub/in.inc\n$INCLUDE sub/out.inc\n"
		   "$INCLUDE sub/../sub/e.inc\n$INCLUDE ../x\n$INCLUDE /etc/hostname\n"
		   "$INCLUDE /etc/nothing\n$INCLUDE sub\n$INCLUDE missing\n"
		   "$INCLUDE sub/up/tmp\n$INCLUDE \"\"\n@ A 192.0.2.1\n");
	check_load("links inside, and all ways out", ERR_SYNTAX, NULL,
		   "E3: " NOT_BELOW "|E4: " NOT_BELOW "|E5: " NOT_BELOW "|E6: " NOT_BELOW
		   "|E7: " NOT_BELOW "|E8: " NOT_BELOW "|E9: " NOT_BELOW
		   "|E10: " NOT_BELOW "|E11: " NOT_BELOW "|");
	make_path(path, "sub/pipe");
	mkfifo(path, 0600);
	write_file("zone", "$INCLUDE sub/pipe\n");
	check_load("a pipe", ERR_SYNTAX, NULL, "E1: " NOT_BELOW "|");
}

static void
test_include_depth(void)
{
	char name[16], content[40];

	for (int i = 1; i <= 9; i++) {
		snprintf(name, sizeof name, "n%d", i);
		snprintf(content, sizeof content, "l%d 1 A 192.0.2.1\n$INCLUDE n%d\n", i,
			 i + 1);
		write_file(name, i == 9 ? "l9 1 A 192.0.2.1\n" : content);
	}
	write_file("zone", "$INCLUDE n2\n");
	check_load("eight deep", ERR_OK,
		   "l2.example. 1 A c0000201|l3.example. 1 A c0000201|l4.example. 1 A "
		   "c0000201|"
		   "l5.example. 1 A c0000201|l6.example. 1 A c0000201|l7.example. 1 A "
		   "c0000201|"
		   "l8.example. 1 A c0000201|l9.example. 1 A c0000201|",
		   "");
	write_file("zone", "$INCLUDE n1\n");
	check_load("nine deep", ERR_SYNTAX, NULL,
		   "E n8 2: files include files more than 8 deep|");
	write_file("zone", "@ 1 A 192.0.2.1\n$INCLUDE zone\n");
	check_load("itself", ERR_SYNTAX, NULL,
		   "E2: the file is included from within itself|");
	write_file("p", "$INCLUDE q\n$INCLUDE q\n");
	write_file("q", "$INCLUDE p\n$INCLUDE p\n");
	write_file("zone", "$INCLUDE p\n");
	check_load("each other", ERR_SYNTAX, NULL,
		   "E q 1: the file is included from within itself|"
		   "E q 2: the file is included from within itself|"
		   "E q 1: the file is included from within itself|"
		   "E q 2: the file is included from within itself|");
}

/* Ten files that each include the next one ten times would be 10^8 files. */
static void
test_include_bomb(void)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char path[PATH_MAX], name[16], line[32], content[400] = "";

	for (int i = 1; i <= 8; i++) {
		content[0] = '\0';
		snprintf(line, sizeof line, "$INCLUDE z%d\n", i + 1);
		for (int n = 0; n < 10 && i < 8; n++)
			strcat(content, line);
		snprintf(name, sizeof name, "z%d", i);
		write_file(name, content);
	}
	make_path(path, "z1");
	is_int(zone_text_load(text, path, origin, sizeof origin, &zone, &messages),
	       ERR_SYNTAX, "a bomb of includes ends");
	is(messages.kept[0].reason, "more than 4096 files are included",
	   "by their number");
	zone_messages_fini(&messages);
}

/* An included file may be a stranger's: nothing of it is shown. */
static void
test_include_secrets(void)
{
	write_file("secret", "secret-owner.com. 1 A 192.0.2.1\nsecret-bad A 1\n"
			     "$INCLUDE secret-name\nsecret.example. 1 TSIG \\# 0\n"
			     "secret 1 TYPE250 \\# 0\n");
	write_file("zone", "$INCLUDE secret\n");
	check_load("what an included file holds is not quoted", ERR_SYNTAX, NULL,
		   "W secret 1: the owner is outside the zone, the record is left out|"
		   "E secret 2: invalid IPv4 address|E secret 3: " NOT_BELOW "|"
		   "E secret 4: unknown record type, TTL, or class other than IN; a type "
		   "that has no name here is written as TYPEn \\# (RFC 3597)|"
		   "E secret 5: a type that cannot stand in a zone|");
}

static void
test_paths_and_stamp(void)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;
	char path[PATH_MAX];

	write_file("zone",
		   "$TTL 1\n$INCLUDE sub/e.inc\n$INCLUDE a.inc\n$INCLUDE sub/e.inc\n");
	make_path(path, "zone");
	if (zone_text_load(text, path, origin, sizeof origin, &zone, &messages) != ERR_OK)
		bail_out("%s", messages.kept[0].reason);
	is_int(zone->path_count, 3, "each file is listed once");
	is(zone->paths[0], path, "the zone file first");
	ok(strstr(zone->paths[1], "/sub/e.inc"), "then the others");
	is(zone_records_path(zone, &zone->records[0]), zone->paths[1],
	   "records know theirs");
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

int
main(void)
{
	snprintf(dir, sizeof dir, "%s/zone_text.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	text = zone_text_new();
	if (!text || !mkdtemp(dir))
		bail_out("cannot make a directory");
	alarm(60); /* whatever blocks is a failure */
	test_cases();
	test_all_types();
	test_bytes();
	test_many_errors();
	test_files();
	test_include();
	test_include_many();
	test_include_places();
	test_include_depth();
	test_include_bomb();
	test_include_secrets();
	test_paths_and_stamp();
	zone_text_free(text);
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	return done_testing();
}
