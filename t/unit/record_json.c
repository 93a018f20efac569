/* Values of redins and z42: what is served from them. */
#include "loader/zone/record_json.h"

#include "t/unit/value_bed.h"

static struct value_bed bed;

static const char listing_zone[] =
	"$TTL 300\n"
	"@ NS ns1\n@ NS ns2\n@ MX 10 mx1\n@ A 192.0.2.1\n"
	"www A 192.0.2.2\nwww A 192.0.2.3\nwww AAAA 2001:db8::2\n"
	"alias CNAME www\n"
	"t TXT hello\nt TXT second\n"
	"_sip._tcp SRV 10 100 5060 www\n"
	"c CAA 0 issue \"ca.example.net\"\n"
	"_443._tcp TLSA 1 1 1 1CFC98A706BCF3683015\n"
	"*.wild A 192.0.2.9\n"
	"sub NS ns1.sub\nsub DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n";

#define WWW_A                                                                           \
	"{\"ttl\":300,\"filter\":{\"count\":\"multi\",\"order\":\"rr\",\"geo_filter\":" \
	"\"country\"},\"health_check\":{\"enable\":true,\"protocol\":\"http\",\"uri\":" \
	"\"/\",\"port\":80,\"timeout\":1000,\"up_count\":3,\"down_count\":-3},"         \
	"\"records\":[{\"ip\":\"192.0.2.2\",\"country\":\"US\",\"asn\":444,\"weight\":" \
	"10},{\"ip\":\"192.0.2.3\",\"country\":[\"DE\",\"\"],\"asn\":[47447,0]}]}"

/* clang-format off */
/* The labels that redins's own examples set, split by type for z42. */
static const struct {
	const char *label, *type, *value;
} listing[] = {
	{ "@", "ns", "{\"ttl\":300,\"records\":[{\"host\":\"ns1.example.com.\"},"
		     "{\"host\":\"ns2.example.com.\"}]}" },
	{ "@", "mx", "{\"ttl\":300,\"records\":[{\"host\":\"mx1.example.com.\","
		     "\"preference\":10}]}" },
	{ "@", "a", "{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"}]}" },
	{ "www", "a", WWW_A },
	{ "www", "aaaa", "{\"ttl\":300,\"records\":[{\"ip\":\"2001:db8::2\"}]}" },
	{ "alias", "cname", "{\"ttl\":300,\"host\":\"www.example.com.\"}" },
	{ "t", "txt", "{\"ttl\":300,\"records\":[{\"text\":\"hello\"},"
		      "{\"text\":\"second\"}]}" },
	{ "_sip._tcp", "srv", "{\"ttl\":300,\"records\":[{\"target\":\"www.example.com.\","
			      "\"port\":5060,\"priority\":10,\"weight\":100}]}" },
	{ "c", "caa", "{\"ttl\":300,\"records\":[{\"tag\":\"issue\","
		      "\"value\":\"ca.example.net\",\"flag\":0}]}" },
	{ "_443._tcp", "tlsa", "{\"ttl\":300,\"records\":[{\"usage\":1,\"selector\":1,"
			       "\"matching_type\":1,\"certificate\":"
			       "\"1CFC98A706BCF3683015\"}]}" },
	{ "*.wild", "a", "{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.9\"}]}" },
	{ "sub", "ns", "{\"ttl\":300,\"records\":[{\"host\":\"ns1.sub.example.com.\"}]}" },
	{ "sub", "ds", "{\"ttl\":300,\"records\":[{\"key_tag\":57855,\"algorithm\":5,"
		       "\"digest_type\":1,\"digest\":"
		       "\"B6DCD485719ADCA18E5F3D48A2331627FDD3636B\"}]}" },
};
/* clang-format on */

enum { LISTING_COUNT = sizeof listing / sizeof listing[0] };

static void
test_z42_listing(void)
{
	bed_start_zone(&bed, "example.com");
	for (size_t i = 0; i < LISTING_COUNT; i++)
		bed_read_good(&bed, listing[i].label, listing[i].type, listing[i].value);
	bed_is_zone(&bed, listing_zone, "the listing in the schema of z42");
}

/* Lines of one label become one object. */
static void
test_redins_listing(void)
{
	bed_start_zone(&bed, "example.com");
	for (size_t i = 0; i < LISTING_COUNT;) {
		const char *label = listing[i].label;
		char value[2048];
		size_t len = 0;

		for (; i < LISTING_COUNT && strcmp(listing[i].label, label) == 0; i++)
			len += (size_t)snprintf(value + len, sizeof value - len,
						"%c\"%s\":%s", len ? ',' : '{',
						listing[i].type, listing[i].value);
		snprintf(value + len, sizeof value - len, "}");
		bed_read_good(&bed, label, NULL, value);
	}
	bed_is_zone(&bed, listing_zone, "the listing in the schema of redins");
	bed_start_zone(&bed, "0.0.127.in-addr.arpa");
	bed_read_good(&bed, "1", NULL,
		      "{\"ptr\":{\"ttl\":300,\"domain\":\"localhost\"}}");
	bed_is_zone(&bed, "1 300 PTR localhost.\n", "PTR, final dot added");
}

static void
test_aname(void)
{
	bed_check(&bed, "ANAME", "{\"aname\":{\"location\":\"www.example.net.\"}}", "",
		  "");
	is_int(bed.zone->count, 1, "a mark tells of it");
	bed_check(
		&bed, "ANAME beside A",
		"{\"aname\":{\"location\":\"x.\"},\"a\":{\"records\":[{\"ip\":\"192.0.2."
		"1\"}]}}",
		"www 3600 A 192.0.2.1\n", "");
	bed_check(&bed, "ANAME to itself",
		  "{\"aname\":{\"location\":\"WWW.example.com\"}}", "",
		  "MAILA aname.location: is the name itself|");
	bed_check(&bed, "ANAME to no name", "{\"aname\":{\"location\":\"a..b\"}}", "",
		  "MAILA aname.location: \"a..b\" is no name: labels of 1 to 63 octets, "
		  "255 in all, "
		  "separated by single dots|");
	bed_check(&bed, "ANAME beside CNAME",
		  "{\"aname\":{\"location\":\"x.\"},\"cname\":{\"host\":\"y.\"}}",
		  "www 3600 CNAME y.\n",
		  "MAILA shadowed: stands beside a CNAME, which wins|");
	bed_check(&bed, "ANAME without a target",
		  "{\"aname\":{\"location\":\"\"},\"ANAME\":{}}", "", "");
	bed_check(&bed, "ANAME of another kind", "{\"aname\":5}", "",
		  "MAILA aname: must be an object|");
	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	bed_read_text(&bed, "an", "aname",
		      "{\"location\":\"www.example.net.\",\"ttl\":5}");
	is_int(bed.result.count, 1, "ANAME in z42");
	is_int(bed.result.rrsets[0].state, RECORD_GOOD, "is served");
	bed_read_text(&bed, "an", "aname", "{\"location\":\"\"}");
	is_int(bed.result.count, 1, "without a target it is not");
}

static void
test_generic(void)
{
	bed_check(&bed, "types that redins lacks",
		  "{\"https\":{\"ttl\":60,\"rdata\":[\"1 . alpn=h2 ipv4hint=192.0.2.1\","
		  "\"2 svc.example.net\"]},"
		  "\"SVCB\":{\"rdata\":[\"0 x.\"]},"
		  "\"naptr\":{\"rdata\":[\"100 10 \\\"S\\\" \\\"SIP+D2U\\\" \\\"\\\" "
		  "_sip._udp.example.com\"]},"
		  "\"sshfp\":{\"rdata\":[\"4 2 (0123 4567)\"]},"
		  "\"type65280\":{\"rdata\":[\"\\\\# 3 010203\"]},"
		  "\"dname\":{\"rdata\":[\"other.example\"]}}",
		  "$TTL 3600\nwww 60 HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1\n"
		  "www 60 HTTPS 2 svc.example.net.\nwww SVCB 0 x.\n"
		  "www NAPTR 100 10 S SIP+D2U \"\" _sip._udp.example.com.\n"
		  "www SSHFP 4 2 01234567\nwww TYPE65280 \\# 3 010203\n"
		  "www DNAME other.example.\n",
		  "");
	bed_check(&bed, "its own types too, by name and by number",
		  "{\"TYPE1\":{\"rdata\":[\"192.0.2.7\"]},\"txt\":{\"rdata\":[\"a \\\"b "
		  "c\\\"\"],"
		  "\"records\":[{\"text\":\"d\"}]},\"type65\":{\"rdata\":[\"1 . "
		  "port=1\"]}}",
		  "$TTL 3600\nwww A 192.0.2.7\nwww TXT a \"b c\"\nwww TXT d\n"
		  "www HTTPS 1 . port=1\n",
		  "");
	bed_check(&bed, "no data, no RRset",
		  "{\"https\":{\"rdata\":[]},\"loc\":{\"rdata\":[null]}}", "", "");
	bed_check(&bed, "a name as it stands in a zone file",
		  "{\"mx\":{\"rdata\":[\"0 .\",\"5 A\\\\.b.example ; why\"]}}",
		  "$TTL 3600\nwww MX 0 .\nwww MX 5 A\\.b.example.\n", "");
}

static void
test_ttl(void)
{
	static const struct {
		uint32_t max_ttl;
		const char *member;
		unsigned want_redins, want_z42;
	} cases[] = {
		{ 3600, "\"ttl\":300,", 300, 300 },
		{ 3600, "\"ttl\":7200,", 3600, 3600 },
		{ 3600, "\"ttl\":4294967295,", 3600, 3600 },
		{ 3600, "\"ttl\":0,", 3600, 0 },
		{ 3600, "", 3600, 3600 },
		{ 3600, "\"ttl\":null,", 3600, 3600 },
		{ 0, "\"ttl\":7200,", 7200, 7200 },
		{ 0, "\"ttl\":0,", 0, 0 },
		{ 0, "", 0, 0 },
		{ 0, "\"ttl\":4294967295,", 2147483647, 2147483647 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char rrset[200], label[300];

		snprintf(rrset, sizeof rrset, "{%s\"records\":[{\"ip\":\"192.0.2.1\"}]}",
			 cases[i].member);
		snprintf(label, sizeof label, "{\"a\":%s}", rrset);
		bed_start_zone(&bed, "example.com");
		record_result_clear(&bed.result);
		bed_read(&bed, "www", NULL, label, strlen(label), cases[i].max_ttl);
		bed_read(&bed, "www", "a", rrset, strlen(rrset), cases[i].max_ttl);
		is_int(bed.zone->count, 2, "%s of %u is good", cases[i].member,
		       (unsigned)cases[i].max_ttl);
		is_int(bed.zone->records[0].ttl, cases[i].want_redins, "in redins");
		is_int(bed.zone->records[1].ttl, cases[i].want_z42, "in z42");
	}
}

static void
test_go_rules(void)
{
	bed_check(&bed, "keys in either case",
		  "{\"A\":{\"TTL\":5,\"Records\":[{\"IP\":\"192.0.2.1\",\"WEIGHT\":1}]}}",
		  "www 5 A 192.0.2.1\n", "");
	bed_check(
		&bed, "the last of several spellings",
		"{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"}]},"
		"\"A\":{\"ttl\":7,\"Ttl\":8,\"tTL\":null,\"records\":[{\"ip\":\"192.0.2."
		"2\"}]},"
		"\"TyPe1\":null}",
		"www 8 A 192.0.2.2\n", "");
	bed_check(&bed, "the last of several members",
		  "{\"a\":{\"records\":[{\"ip\":\"x\",\"ip\":\"192.0.2.1\"}],\"ttl\":3,"
		  "\"ttl\":4}}",
		  "www 4 A 192.0.2.1\n", "");
	bed_check(&bed, "unknown keys",
		  "{\"comment\":[1,2,{\"a\":1e999}],\"a\":{\"x\":{},\"records\":[{\"ip\":"
		  "\"192.0.2.1\",\"y\":99999999999999999999999999}]}}",
		  "www 3600 A 192.0.2.1\n", "");
	bed_check(
		&bed, "null is as good as missing",
		"{\"aaaa\":null,\"mx\":{\"records\":null},\"a\":{\"filter\":null,"
		"\"health_"
		"check\":"
		"null,\"records\":[null,{\"ip\":null},{\"ip\":\"192.0.2.1\",\"country\":"
		"null,"
		"\"asn\":null,\"weight\":null}]}}",
		"www 3600 A 192.0.2.1\n", "");
	bed_check(&bed, "empty hosts, addresses and texts are passed over",
		  "{\"a\":{\"records\":[{\"ip\":\"\"},{}]},\"aaaa\":{\"records\":[{}]},"
		  "\"ns\":{\"records\":[{\"host\":\"\"}]},\"mx\":{\"records\":[{"
		  "\"preference\":5}]},"
		  "\"srv\":{\"records\":[{\"port\":5}]},\"txt\":{\"records\":[{\"text\":"
		  "\"\"}"
		  "]},"
		  "\"cname\":{\"ttl\":5},\"ptr\":{\"domain\":\"\"}}",
		  "", "");
	bed_check(&bed, "a value of nothing", "{}", "", "");
	bed_check(&bed, "a value of null", "null", "", "");
}

static void
test_fields(void)
{
	bed_check(&bed, "names with and without the final dot",
		  "{\"ns\":{\"records\":[{\"host\":\"ns1.Example.com\"},{\"host\":"
		  "\"a\\\\.b."
		  "c.\"}]},"
		  "\"mx\":{\"records\":[{\"host\":\".\"}]}}",
		  "$TTL 3600\nwww NS ns1.Example.com.\nwww NS a\\.b.c.\nwww MX 0 .\n",
		  "");
	bed_check(
		&bed, "escapes in texts",
		"{\"txt\":{\"records\":[{\"text\":"
		"\"a\\\\\\\"b\\\\\\\\c\\\\065\\\\x\\\\7\\u0000\\\\000"
		"\xc3\xa9 \\\"\"},{\"text\":\"end\\\\\"}]}}",
		"$TTL 3600\nwww TXT \"a\\\"b\\\\cAx7\\000\\000\\195\\169 \\\"\"\nwww TXT "
		"end\n",
		"");
	bed_check(&bed, "CAA",
		  "{\"caa\":{\"records\":[{\"tag\":\"iodef\",\"value\":\"\"},"
		  "{\"flag\":128,\"tag\":\"issueWILD\",\"value\":\"a\\\\\\\"b\"}]}}",
		  "$TTL 3600\nwww CAA 0 iodef \"\"\nwww CAA 128 issueWILD \"a\\\"b\"\n",
		  "");
	bed_check(&bed, "an IPv4 address in the clothes of IPv6",
		  "{\"a\":{\"records\":[{\"ip\":\"::ffff:192.0.2.1\"}]},"
		  "\"aaaa\":{\"records\":[{\"ip\":\"::FFFF:192.0.2.1\"}]}}",
		  "$TTL 3600\nwww A 192.0.2.1\nwww AAAA ::ffff:192.0.2.1\n", "");
	bed_check(
		&bed, "largest numbers",
		"{\"srv\":{\"records\":[{\"target\":\"a\",\"port\":65535,\"priority\":"
		"65535,"
		"\"weight\":65535}]},\"tlsa\":{\"records\":[{\"usage\":255,\"selector\":"
		"255,"
		"\"matching_type\":255,\"certificate\":\"aB\"}]}}",
		"$TTL 3600\nwww SRV 65535 65535 65535 a.\nwww TLSA 255 255 255 AB\n", "");
}

/* Texts around the length of one string: no empty one is added. */
static void
test_long_texts(void)
{
	static const size_t lens[] = { 1, 254, 255, 256, 510, 511, 3000 };
	char value[4000];

	for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
		size_t len = lens[i], strings = (len + 254) / 255;
		const struct zone_record *record;

		snprintf(value, sizeof value, "{\"records\":[{\"text\":\"%0*d\"}]}",
			 (int)len, 0);
		bed_start_zone(&bed, "example.com");
		bed_read_text(&bed, "t", "txt", value);
		record = bed.zone->records;
		is_int(record->rdata_len, len + strings, "%zu octets of text", len);
		is_int(record->rdata[0], len < 255 ? len : 255,
		       "the first string is full");
		is_int(record->rdata[(strings - 1) * 256], len - (strings - 1) * 255,
		       "the last one has the rest");
	}
	snprintf(value, sizeof value,
		 "{\"records\":[{\"text\":\"%0254d\\\\048\\\\048\"}]}", 0);
	bed_read_text(&bed, "t2", "txt", value);
	is_int(bed.zone->records[1].rdata_len, 258, "strings are cut after escapes");
}

static void
test_cname_wins(void)
{
	bed_check(&bed, "CNAME beside other data",
		  "{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"}]},\"cname\":{\"host\":"
		  "\"x\"},"
		  "\"mx\":{\"records\":[{\"host\":\"y\"}]},\"aaaa\":{}}",
		  "www 3600 CNAME x.\n",
		  "A shadowed: stands beside a CNAME, which wins|"
		  "MX shadowed: stands beside a CNAME, which wins|");
	is_int(bed.result.rrsets[1].first, 0, "its record is found where it is now");
	is_int(bed.result.rrsets[1].count, 1, "and is one");
	bed_check(&bed, "a bad CNAME does not win",
		  "{\"cname\":{\"host\":\"x "
		  "y\"},\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"}]}}",
		  "www 3600 A 192.0.2.1\n",
		  "CNAME cname.host: \"x y\" is no name: it contains a space or control "
		  "character|");
	bed_check(&bed, "signatures may stand beside it",
		  "{\"cname\":{\"host\":\"x\"},\"nsec\":{\"rdata\":[\"b.example.com. "
		  "CNAME\"]}}",
		  "$TTL 3600\nwww CNAME x.\nwww NSEC b.example.com. CNAME\n", "");
	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	bed_read_text(
		&bed, "@", NULL,
		"{\"cname\":{\"host\":\"x\"},\"ns\":{\"records\":[{\"host\":\"y\"}]}}");
	bed_is_zone(&bed, "@ 3600 NS y.\n", "at the apex it is bad, and the others stay");
}

int
main(void)
{
	test_z42_listing();
	test_redins_listing();
	test_aname();
	test_generic();
	test_ttl();
	test_go_rules();
	test_fields();
	test_long_texts();
	test_cname_wins();
	bed_fini(&bed);
	return done_testing();
}
