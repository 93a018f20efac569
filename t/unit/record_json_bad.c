/* Bad values of redins and z42: what is said about them, and what they do not cost. */
#include "loader/zone/record_json.h"

#include "t/unit/value_bed.h"

static struct value_bed bed;

static void
test_bad_generic(void)
{
	bed_check(&bed, "more than a line",
		  "{\"a\":{\"rdata\":[\"192.0.2.1\\n. 0 TYPE1 192.0.2.2\"]}}", "",
		  "A a.rdata[0]: contains a line end or another control character|");
	bed_check(&bed, "a parenthesis that is not closed",
		  "{\"a\":{\"rdata\":[\"(192.0.2.1\"]}}", "",
		  "A a.rdata[0]: the file ends inside parentheses|");
	bed_check(&bed, "a quote that is not closed",
		  "{\"txt\":{\"rdata\":[\"\\\"abc\"]}}", "",
		  "TXT txt.rdata[0]: invalid text: a quote without its end|");
	bed_check(&bed, "malformed data of an unknown form",
		  "{\"a\":{\"rdata\":[\"192.0.2.1\",\"\\\\# 3 010203\"]}}", "",
		  "A a.rdata[1]: the data is not what this type has: . A|");
	bed_check(&bed, "not a text", "{\"https\":{\"rdata\":[5]}}", "",
		  "HTTPS https.rdata[0]: must be a string|");
	bed_check(&bed, "not a list", "{\"https\":{\"rdata\":\"1 .\"}}", "",
		  "HTTPS https.rdata: must be a list|");
	bed_check(&bed, "nothing", "{\"txt\":{\"rdata\":[\"\"]}}", "",
		  "TXT txt.rdata[0]: invalid record data|");
	bed_check(&bed, "a misspelt type",
		  "{\"htps\":{\"rdata\":[\"1 .\"]},\"note\":{\"ttl\":1}}", "",
		  "TYPE0 htps: is no record type|");
	bed_check(&bed, "a type that is only asked for",
		  "{\"any\":{\"rdata\":[\"\\\\# 0\"]}}", "",
		  "ANY any: is not a type that a zone can hold|");
	bed_check(&bed, "a SOA", "{\"soa\":{\"rdata\":[\"a. b. 1 2 3 4 5\"]}}", "",
		  "SOA soa: cannot be set here: the SOA comes with the zone's config|");
	bed_check(&bed, "a SOA as old versions of redins had it",
		  "{\"soa\":{\"ttl\":300,\"records\":[]}}", "", "");
	bed_check(&bed, "members for fields that there are not",
		  "{\"https\":{\"records\":[{\"target\":\".\"}]},\"key\":{\"id\":1},"
		  "\"null\":"
		  "7}",
		  "", "HTTPS https: needs \"rdata\", a list of texts as in zone files|");
	bed_check(&bed, "two DNAMEs", "{\"dname\":{\"rdata\":[\"a.\",\"b.\"]}}", "",
		  "DNAME dname: has more than one target|");
	bed_check(&bed, "two CNAMEs", "{\"cname\":{\"host\":\"a.\",\"rdata\":[\"b.\"]}}",
		  "", "CNAME cname: has more than one target|");
}

static void
test_steering(void)
{
	bed_check(&bed, "scalars, lists and nothing",
		  "{\"a\":{\"filter\":{\"count\":\"what\",\"order\":\"\",\"geo_filter\":"
		  "\"asn\"},"
		  "\"health_check\":{\"down_count\":3,\"x\":1},\"records\":["
		  "{\"ip\":\"192.0.2.1\",\"country\":[],\"asn\":[]},"
		  "{\"ip\":\"192.0.2.2\",\"country\":[\"\",null],\"asn\":4294967295},"
		  "{\"ip\":\"192.0.2.3\",\"weight\":-1}]}}",
		  "www 3600 A 192.0.2.1\nwww 3600 A 192.0.2.2\nwww 3600 A 192.0.2.3\n",
		  "A warning a.filter.count: \"what\" is not known here: it means "
		  "\"multi\"|"
		  "A warning a.records[2].weight: is not from 0 to 2147483648; none is "
		  "asked for|");
#define BAD_A(members, fault)                                                       \
	bed_check(&bed, members,                                                    \
		  "{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"," members "}]}}", "", \
		  "A a.records[0]." fault "|")
	BAD_A("\"weight\":\"10\"", "weight: must be a whole number");
	BAD_A("\"weight\":1.5", "weight: must be a whole number");
	BAD_A("\"country\":5", "country: must be a string");
	BAD_A("\"country\":[\"DE\",5]", "country[1]: must be a string");
	BAD_A("\"asn\":\"5\"", "asn: must be a whole number from 0 to 4294967295");
	BAD_A("\"asn\":[1,-1]", "asn[1]: must be a whole number from 0 to 4294967295");
	BAD_A("\"asn\":{}", "asn: must be a whole number from 0 to 4294967295");
	bed_check(&bed, "filter", "{\"aaaa\":{\"filter\":\"none\"}}", "",
		  "AAAA aaaa.filter: must be an object|");
	bed_check(&bed, "order", "{\"a\":{\"filter\":{\"order\":1}}}", "",
		  "A a.filter.order: must be a string|");
	bed_check(&bed, "health_check", "{\"a\":{\"health_check\":{\"enable\":\"yes\"}}}",
		  "", "A a.health_check.enable: must be true or false|");
	bed_check(&bed, "port", "{\"a\":{\"health_check\":{\"port\":\"80\"}}}", "",
		  "A a.health_check.port: must be a whole number|");
}

static void
test_bad_fields(void)
{
	static const struct {
		const char *value, *fault;
	} cases[] = {
		{ "{\"a\":[]}", "A a: must be an object|" },
		{ "{\"a\":\"192.0.2.1\"}", "A a: must be an object|" },
		{ "{\"a\":{\"records\":{}}}", "A a.records: must be a list|" },
		{ "{\"a\":{\"records\":[\"192.0.2.1\"]}}",
		  "A a.records[0]: must be an object|" },
		{ "{\"a\":{\"ttl\":-1}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"ttl\":4294967296}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"ttl\":\"300\"}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"ttl\":1e2}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"ttl\":1e999}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"ttl\":999999999999999999999}}",
		  "A a.ttl: must be a whole number from 0 to 4294967295|" },
		{ "{\"a\":{\"records\":[{\"ip\":\"2001:db8::1\"}]}}",
		  "A a.records[0].ip: \"2001:db8::1\" is no IPv4 address: IPv6 addresses "
		  "stand under \"aaaa\"|" },
		{ "{\"aaaa\":{\"records\":[{\"ip\":\"192.0.2.1\"}]}}",
		  "AAAA aaaa.records[0].ip: \"192.0.2.1\" is no IPv6 address: IPv4 "
		  "addresses "
		  "stand under \"a\"|" },
		{ "{\"a\":{\"records\":[{\"ip\":\"192.0.2.256\"},{\"ip\":\"::\"}]}}",
		  "A a.records[0].ip: \"192.0.2.256\" is no IPv4 address|" },
		{ "{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\\u0000x\"}]}}",
		  "A a.records[0].ip: \"192.0.2.1\" is no IPv4 address|" },
		{ "{\"aaaa\":{\"records\":[{\"ip\":\"fe80::1%eth0\"}]}}",
		  "AAAA aaaa.records[0].ip: \"fe80::1%eth0\" is no IPv6 address|" },
		{ "{\"a\":{\"records\":[{\"ip\":3221225985}]}}",
		  "A a.records[0].ip: must be a string|" },
		{ "{\"mx\":{\"records\":[{\"host\":\"a.\"},{\"host\":\"b.\","
		  "\"preference\":"
		  "65536}]}}",
		  "MX mx.records[1].preference: must be a whole number from 0 to "
		  "65535|" },
		{ "{\"mx\":{\"records\":[{\"host\":\"a..b\"}]}}",
		  "MX mx.records[0].host: \"a..b\" is no name: labels of 1 to 63 octets, "
		  "255 "
		  "in all, separated by single dots|" },
		{ "{\"ns\":{\"records\":[{\"host\":\"a b\"}]}}",
		  "NS ns.records[0].host: \"a b\" is no name: it contains a space or "
		  "control "
		  "character|" },
		{ "{\"ns\":{\"records\":[{\"host\":\"a\\u0000b\"}]}}",
		  "NS ns.records[0].host: \"a\" is no name: it contains a space or "
		  "control "
		  "character|" },
		{ "{\"cname\":{\"host\":\"b\xc3\xbc"
		  "cher.example\"}}",
		  "CNAME cname.host: \"b\\195\\188cher.example\" is no name: characters "
		  "beyond ASCII are written in the xn-- form (IDNA)|" },
		{ "{\"srv\":{\"records\":[{\"target\":\"a\",\"port\":\"80\"}]}}",
		  "SRV srv.records[0].port: must be a whole number from 0 to 65535|" },
		{ "{\"caa\":{\"records\":[{\"tag\":\"is sue\",\"value\":\"x\"}]}}",
		  "CAA caa.records[0].tag: must be 1 to 15 letters and digits|" },
		{ "{\"caa\":{\"records\":[{}]}}",
		  "CAA caa.records[0].tag: must be 1 to 15 letters and digits|" },
		{ "{\"caa\":{\"records\":[{\"flag\":256,\"tag\":\"issue\"}]}}",
		  "CAA caa.records[0].flag: must be a whole number from 0 to 255|" },
		{ "{\"txt\":{\"records\":[{\"text\":\"a\\\\256\"}]}}",
		  "TXT txt.records[0].text: \"\\256\" is beyond \\255|" },
		{ "{\"tlsa\":{\"records\":[{\"certificate\":\"abc\"}]}}",
		  "TLSA tlsa.records[0].certificate: must be hexadecimal digits, two for "
		  "each "
		  "octet|" },
		{ "{\"tlsa\":{\"records\":[{\"usage\":1}]}}",
		  "TLSA tlsa.records[0].certificate: must be hexadecimal digits, two for "
		  "each "
		  "octet|" },
		{ "{\"tlsa\":{\"records\":[{\"certificate\":\"ab 1\"}]}}",
		  "TLSA tlsa.records[0].certificate: \" 1\" is not hexadecimal digits|" },
		{ "{\"ds\":{\"records\":[{\"digest_type\":2,\"digest\":\"abcd\"}]}}",
		  "DS ds.records[0]: is not the data that this type has: the digest is "
		  "too "
		  "short|" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		bed_check(&bed, cases[i].value, cases[i].value, "", cases[i].fault);
}

static void
test_own_rrset_only(void)
{
	bed_check(
		&bed, "a fault costs its own RRset, not the label",
		"{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"}]},"
		"\"mx\":{\"records\":[{\"host\":\"a.\"},{\"host\":\"b.\",\"preference\":"
		"\"x\"}]},"
		"\"txt\":{\"records\":[{\"text\":\"good\"}]},\"aaaa\":7}",
		"$TTL 3600\nwww A 192.0.2.1\nwww TXT good\n",
		"MX mx.records[1].preference: must be a whole number from 0 to 65535|"
		"AAAA aaaa: must be an object|");
	is_int(bed.result.count, 4, "each RRset is told");
	is_int(bed.result.rrsets[0].first, 0, "where its records begin");
	is_int(bed.result.rrsets[0].count, 1, "and how many they are");
	is_int(bed.result.rrsets[2].first, 1, "behind the ones before");
}

static void
check_whole(const char *what, const char *value, size_t len, const char *want)
{
	char *faults;

	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	bed_read(&bed, "www", NULL, value, len, BED_MAX_TTL);
	faults = bed_dump_faults(&bed.result);
	ok(strncmp(faults, want, strlen(want)) == 0, "%s: %s", what, faults);
	is_int(bed.zone->count + bed.result.count, 0, "and gives nothing");
	free(faults);
	bed_read(&bed, "www", "a", value, len, BED_MAX_TTL);
	is_int(bed.result.count, 1, "in z42 it is a fault of its RRset");
	is_int(bed.result.rrsets[0].state, RECORD_BAD, "which is bad");
}

static void
check_text(const char *what, const char *value, const char *want)
{
	check_whole(what, value, strlen(value), want);
}

static void
test_no_json(void)
{
	check_text("nothing", "", "- +0: is not JSON: ");
	check_text("half of it", "{\"a\":{\"ttl\":1", "- +13: is not JSON: ");
	check_text("more than one", "{} {}", "- +4: is not JSON: end of file expected");
	check_text("Latin-1", "{\"a\":\"\xe9\"}", "- +6: is not JSON: ");
	check_text("half a surrogate pair", "{\"a\":\"\\ud800\"}", "- ");
	check_text("NUL in a key", "{\"a\\u0000\":1}", "- ");
	check_whole("a NUL", "{\"a\":1,\0}", 9, "- +8: is not JSON: ");
	check_text("a list", "[]", "- +0: must be an object|");
	check_text("a string", "\"a\"", "- +0: must be an object|");
	check_text("a number too large for all", "1e999", "- +0: must be an object|");
}

/* `head`, `count` times `unit`, `tail`; malloc'ed. */
static char *
repeat(const char *head, const char *unit, size_t count, const char *tail)
{
	size_t unit_len = strlen(unit), head_len = strlen(head), len = head_len;
	char *out = malloc(head_len + count * unit_len + strlen(tail) + 1);

	if (!out)
		bail_out("no memory");
	memcpy(out, head, head_len);
	for (size_t i = 0; i < count; i++, len += unit_len)
		memcpy(out + len, unit, unit_len);
	memcpy(out + len, tail, strlen(tail) + 1);
	return out;
}

static void
test_bounds(void)
{
	char *value = repeat("{\"x\":\"", "y", 10 << 20, "\"}");

	check_text("10 MiB", value, "- +0: is longer than 4 MiB|");
	free(value);
	value = repeat("", "[", 100000, "");
	check_text("depth", value, "- +0: is nested more than 64 deep|");
	free(value);
	value = repeat("{\"a\":[", "{},", 200000, "0]}");
	check_text("many values", value, "- +0: holds more than 100000 values|");
	free(value);
	value = repeat("{\"txt\":{\"records\":[{\"text\":\"", "y", 70000, "\"}]}}");
	bed_check(&bed, "a text that no record holds", value, "",
		  "TXT txt.records[0].text: makes more than 65535 octets of data|");
	free(value);
	value = repeat("{\"a\":{\"records\":[", "{\"ip\":\"192.0.2.1\"},", 5000, "{}]}}");
	bed_check(&bed, "an RRset that no message holds", value, "",
		  "A a: is too large: no message of 65535 octets holds it|");
	free(value);
	value = repeat("{\"txt\":{\"rdata\":[\"", "y ", 200000, "\"]}}");
	bed_check(&bed, "a line that no record needs", value, "",
		  "TXT txt.rdata[0]: is longer than 300000 characters|");
	free(value);
	value = repeat("{\"ns\":{\"records\":[{\"host\":\"", "\\u0001", 5000, "\"}]}}");
	bed_check(&bed, "a long unprintable host", value, "",
		  "NS ns.records[0].host: "
		  "\"\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001"
		  "\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001"
		  "\\00"
		  "1\\001"
		  "\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001\\001"
		  "\\00"
		  "1\\001"
		  "\\001\\001\\001\\001\\001\\001|");
	free(value);
}

/* A label of so many types of its own; malloc'ed. */
static char *
make_types(unsigned count)
{
	char *out;
	size_t len;
	FILE *stream = open_memstream(&out, &len);

	fprintf(stream, "{\"x\":0");
	for (unsigned i = 0; i < count; i++)
		fprintf(stream, ",\"TYPE%u\":{\"rdata\":[\"\\\\# 1 00\"]}", 60000 + i);
	fprintf(stream, "}");
	fclose(stream);
	return out;
}

static void
test_many_types(void)
{
	char *value = make_types(RECORD_JSON_RRSETS_MAX);

	bed_start_zone(&bed, "example.com");
	bed_read_good(&bed, "www", NULL, value);
	is_int(bed.zone->count, RECORD_JSON_RRSETS_MAX, "as many types as there may be");
	free(value);
	value = make_types(RECORD_JSON_RRSETS_MAX + 1);
	bed_check(&bed, "one more", value, "", "- +0: holds more than 256 RRsets|");
	free(value);
}

int
main(void)
{
	test_bad_generic();
	test_steering();
	test_bad_fields();
	test_own_rrset_only();
	test_no_json();
	test_bounds();
	test_many_types();
	bed_fini(&bed);
	return done_testing();
}
