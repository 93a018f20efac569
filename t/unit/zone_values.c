/* Zones as values of redins and z42: read back they are the same records. */
#include "loader/redis/zone_values.h"

#include "loader/zone/zone_config_json.h"
#include "shm/rrtype.h"
#include "t/unit/value_bed.h"

enum { TTL_AS_WRITTEN = 0 };

static struct value_bed bed;
static struct zone_values values;
static char reason[ZONE_VALUES_REASON_MAX];

/* Every type that redins knows, and what its members cannot hold. */
static const char rich_zone[] =
	"$TTL 300\n"
	"@ 7777 SOA ns1 hostmaster 2024112101 44 55 66 77\n"
	"@ NS ns1\n@ NS ns2.example.net.\n@ MX 10 mx1\n@ A 192.0.2.1\n@ MX 0 .\n"
	"www A 192.0.2.2\nwww A 192.0.2.3\nwww AAAA 2001:db8::2\nwww AAAA "
	"::ffff:1.2.3.4\n"
	"alias 60 CNAME WWW.Example.Com.\n"
	"t TXT hello\nt TXT second\nt TXT \"two\" \"strings\"\nt TXT \"\"\n"
	"q TXT \"say \\\"hi\\\" \\\\ \\000\\255 \\195\\164\"\n"
	"_sip._tcp SRV 10 100 5060 www\n"
	"c CAA 128 issue \"ca.example.net\"\nc CAA 0 iodef \"a\\\"b\\\\c\\007\"\n"
	"_443._tcp TLSA 1 1 1 1CFC98A706BCF3683015\n"
	"*.wild A 192.0.2.9\n*.wild TXT w\n"
	"sub NS ns1.sub\nsub DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n"
	"ns1.sub A 192.0.2.53\n"
	"p PTR one\np PTR two\np PTR three\n"
	"h HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.7\nh SVCB 2 svc port=8443\n"
	"n NAPTR 100 10 \"u\" \"sip+E2U\" \"!^.*$!sip:info@example.com!\" .\n"
	"s SSHFP 1 1 dd465c09cfa51fb45020cc83316fff21b9ec74ac\n"
	"d DNAME elsewhere.example.net.\n"
	"l LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m\n"
	"u URI 10 1 \"https://example.com/\"\n"
	"x TYPE65280 \\# 4 00ff0102\nx TYPE65281 \\# 0\n"
	"k DNSKEY 257 3 13 "
	"mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxIL"
	"fDLUT0rAK9iUzy1L53eKGQ==\n"
	"\\@ A 192.0.2.40\na\\.b A 192.0.2.41\na\\\\b.c A 192.0.2.42\n"
	"\\000\\255\\032 A 192.0.2.43\nUPPER A 192.0.2.44\nhi HINFO \"PC\" \"\"\n"
	"a.very.deep.name.below.nothing A 192.0.2.45\n";

static struct zone_records *
load(const char *text, const char *origin)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;

	bed_start_zone(&bed, origin);
	if (zone_text_parse(bed.scanner, "zone", text, strlen(text), bed.origin,
			    bed.origin_len, &zone, &messages) != ERR_OK)
		bail_out("%u: %s", (unsigned)zone_messages_first_error(&messages)->line,
			 zone_messages_first_error(&messages)->reason);
	zone_messages_fini(&messages);
	if (zone_sort(zone) != 0)
		bail_out("no memory");
	return zone;
}

/* The SOA out of the configuration, as the first record. */
static void
read_config(void)
{
	struct zone_config config;
	struct json_fault fault = { 0 };
	uint8_t rdata[ZONE_CONFIG_SOA_MAX];
	struct zone_record soa = {
		.owner = bed.origin,
		.owner_len = (uint8_t)bed.origin_len,
		.rdata = rdata,
		.type = RRTYPE_SOA,
	};

	if (zone_config_json_read(values.config, values.config_len, bed.origin,
				  bed.origin_len, 1, &config, &fault) != 0)
		bail_out("no memory");
	ok(!fault.found, "the configuration has no fault");
	soa.ttl = config.ttl;
	soa.rdata_len = (uint16_t)zone_config_soa(&config, config.serial, rdata);
	if (zone_records_add(bed.zone, &soa) != 0)
		bail_out("no memory");
}

static void
read_values(void)
{
	for (size_t i = 0; i < values.count; i++) {
		const struct zone_value *value = &values.values[i];
		char *faults;

		record_result_clear(&bed.result);
		bed_read(&bed, value->label, value->type, value->bytes, value->len,
			 TTL_AS_WRITTEN);
		faults = bed_dump_faults(&bed.result);
		if (*faults)
			ok(false, "%s: %s in %.*s", value->label, faults, (int)value->len,
			   value->bytes);
		free(faults);
	}
}

static void
test_round(const char *text, const char *origin, bool is_per_rrset, const char *what)
{
	struct zone_records *zone = load(text, origin);
	char *want = dump_records(zone), *got;

	is_int(zone_values_make(zone, is_per_rrset, &values, reason), 0, "%s: made",
	       what);
	bed_start_zone(&bed, origin);
	if (values.config)
		read_config();
	read_values();
	if (zone_sort(bed.zone) != 0)
		bail_out("no memory");
	got = dump_records(bed.zone);
	is(got, want, "%s: the same records again", what);
	zone_values_fini(&values);
	zone_records_free(zone);
	free(want);
	free(got);
}

/* The value at a label, "" without one. */
static const char *
find(const char *label, const char *type)
{
	static char text[4096];

	text[0] = '\0';
	for (size_t i = 0; i < values.count; i++) {
		const struct zone_value *value = &values.values[i];

		if (strcmp(value->label, label) == 0 &&
		    (!type || strcmp(value->type, type) == 0))
			snprintf(text, sizeof text, "%.*s", (int)value->len,
				 value->bytes);
	}
	return text;
}

static void
test_forms(void)
{
	struct zone_records *zone = load(rich_zone, "example.com");

	is_int(zone_values_make(zone, false, &values, reason), 0,
	       "in the schema of redins");
	is(find("@", NULL),
	   "{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.1\"}]},"
	   "\"ns\":{\"ttl\":300,\"records\":[{\"host\":\"ns1.example.com.\"},"
	   "{\"host\":\"ns2.example.net.\"}]},"
	   "\"mx\":{\"ttl\":300,\"records\":[{\"preference\":0,\"host\":\".\"},"
	   "{\"preference\":10,\"host\":\"mx1.example.com.\"}]}}",
	   "the apex, without its SOA");
	is(find("alias", NULL), "{\"cname\":{\"ttl\":60,\"host\":\"WWW.Example.Com.\"}}",
	   "a CNAME, with its case");
	is(find("t", NULL),
	   "{\"txt\":{\"ttl\":300,\"records\":[{\"text\":\"hello\"},{\"text\":\"second\"}"
	   "],"
	   "\"rdata\":[\"\\\"\\\"\",\"\\\"two\\\" \\\"strings\\\"\"]}}",
	   "TXT that redins cannot hold stands beside");
	is(find("p", NULL),
	   "{\"ptr\":{\"ttl\":300,\"domain\":\"one.example.com.\","
	   "\"rdata\":[\"two.example.com.\",\"three.example.com.\"]}}",
	   "PTR has one member, more stand beside");
	is(find("s", NULL),
	   "{\"sshfp\":{\"ttl\":300,\"rdata\":[\"1 1 "
	   "DD465C09CFA51FB45020CC83316FFF21B9EC74AC\"]}}",
	   "a type that redins lacks");
	is(find("\\@", NULL),
	   "{\"a\":{\"ttl\":300,\"records\":[{\"ip\":\"192.0.2.40\"}]}}",
	   "a name @ is not the apex");
	ok(values.config_len > 0 &&
		   memmem(values.config, values.config_len, "\"serial\":2024112101", 19),
	   "the configuration has the serial");
	zone_values_fini(&values);
	is_int(zone_values_make(zone, true, &values, reason), 0, "in that of z42");
	is(find("www", "aaaa"),
	   "{\"ttl\":300,\"records\":[{\"ip\":\"::ffff:1.2.3.4\"},{\"ip\":\"2001:db8::"
	   "2\"}]}",
	   "an RRset each");
	zone_values_fini(&values);
	zone_records_free(zone);
}

static void
test_refused(void)
{
	struct zone_records *zone = load(
		"$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\na RRSIG A 13 3 300 20300101000000 "
		"20200101000000 1 example.com. AAAA\n",
		"example.com");

	is_int(zone_values_make(zone, false, &values, reason), ERR_RANGE,
	       "a signed zone is refused");
	ok(strstr(reason, "unsigned") != NULL, "with the cure: %s", reason);
	zone_values_fini(&values);
	zone_records_free(zone);
}

static void
test_long_text(void)
{
	char *text = malloc(1 << 20);
	size_t len = (size_t)sprintf(text, "$TTL 60\n@ SOA a b 1 2 3 4 5\n@ NS a\n");

	if (!text)
		bail_out("no memory");
	for (unsigned i = 1; i < 5; i++) {
		len += (size_t)sprintf(text + len, "t%u TXT", i);
		for (unsigned piece = 0; piece < 200; piece++)
			len += (size_t)sprintf(text + len, " \"%0*u%s\"",
					       piece < 199 ? 254 : (int)i * 50, piece,
					       "x");
		len += (size_t)sprintf(text + len, "\n");
	}
	test_round(text, "example.org", false, "TXT of 51,000 octets");
	free(text);
}

int
main(void)
{
	test_forms();
	test_round(rich_zone, "example.com", false, "redins");
	test_round(rich_zone, "example.com", true, "z42");
	test_round("@ 60 SOA a\\@b c\\@d.e\\.f 1 2 3 4 4294967295\n@ 60 NS ns.net.\n"
		   "com 60 NS a.com\n",
		   ".", false, "the root");
	test_round("@ 0 SOA . . 0 0 0 0 0\n@ 0 NS .\n", "x.y", true,
		   "nothing but zeroes");
	test_refused();
	test_long_text();
	bed_fini(&bed);
	return done_testing();
}
