/* Zone configurations of redins and z42, and zones made of them and of labels. */
#include "loader/zone/zone_config_json.h"

#include "loader/zone/zone_check.h"
#include "shm/rdata.h"
#include "t/unit/value_bed.h"

static const uint8_t origin[] = "\007example\003com";

/* All of it as text, "?" for a serial or a flag that is not known. */
static void
describe(const struct zone_config *config, char *out, size_t room)
{
	char mname[DNAME_TEXT_MAX], rname[DNAME_TEXT_MAX], serial[20] = "?";

	dname_to_text(config->mname, mname);
	dname_to_text(config->rname, rname);
	if (config->has_serial)
		snprintf(serial, sizeof serial, "%u", (unsigned)config->serial);
	snprintf(out, room, "%u %s %s %s %u %u %u %u%s%s%s%s", (unsigned)config->ttl,
		 mname, rname, serial, (unsigned)config->refresh, (unsigned)config->retry,
		 (unsigned)config->expire, (unsigned)config->minimum,
		 config->dnssec ? " dnssec" : "", config->dnssec_is_known ? "" : " ?",
		 config->cname_flattening ? " flat " : " ", config->domain_id);
}

static void
check(const char *what, const char *bytes, size_t len, const char *want,
      const char *want_fault)
{
	char got[3 * DNAME_TEXT_MAX],
		fault_text[JSON_PATH_MAX + JSON_REASON_MAX + 2] = "";
	struct zone_config config;
	struct json_fault fault = { 0 };
	char *exact = malloc(len + !len);

	if (!exact)
		bail_out("no memory");
	memcpy(exact, bytes, len);
	is_int(zone_config_json_read(exact, len, origin, sizeof origin, 300, &config,
				     &fault),
	       ERR_OK, "%s", what);
	describe(&config, got, sizeof got);
	is(got, want, "%s: what is read", what);
	if (fault.found)
		snprintf(fault_text, sizeof fault_text, "%s: %s", fault.path,
			 fault.reason);
	is(fault_text, want_fault, "%s: its fault", what);
	free(exact);
}

static void
check_text(const char *text, const char *want, const char *want_fault)
{
	check(text, text, strlen(text), want, want_fault);
}

#define LISTING                                                                      \
	"{\"soa\":{\"ttl\":300,\"minttl\":100,\"mbox\":\"hostmaster.example.com.\"," \
	"\"ns\":\"ns1.example.com.\",\"refresh\":44,\"retry\":55,\"expire\":66,"     \
	"\"serial\":23232},\"dnssec\":false,\"cname_flattening\":false,"             \
	"\"domain_id\":\"123456789\"}"

#define NAMES "ns1.example.com. hostmaster.example.com. "
#define TIMES " 86400 7200 3600 300"
#define DEFAULTS "300 " NAMES "?" TIMES

static void
test_good(void)
{
	check_text(LISTING, "300 " NAMES "23232 44 55 66 100 123456789", "");
	check("no configuration", "", 0, DEFAULTS " ", "");
	check_text("{}", DEFAULTS " ", "");
	check_text("null", DEFAULTS " ", "");
	check_text("{\"soa\":null,\"dnssec\":null,\"cname_flattening\":null,\"domain_"
		   "id\":null}",
		   DEFAULTS " ", "");
	check_text("{\"SOA\":{\"NS\":\"a.B\",\"mbox\":\"me@example.net\",\"Serial\":0,"
		   "\"minttl\":0,\"x\":{}},\"DNSSEC\":true,\"cname_flattening\":true}",
		   "300 a.B. me.example.net. 0 86400 7200 3600 0 dnssec flat ", "");
	check_text("{\"soa\":{\"ns\":\"\",\"mbox\":\"\",\"serial\":null,\"ttl\":"
		   "4294967295}}",
		   "4294967295 " NAMES "?" TIMES " ", "");
	check_text("{\"ns\":{\"records\":[{\"host\":\"x\"}]},\"domain_id\":"
		   "\"a\\u0001\xc3\xa9\"}",
		   DEFAULTS " a\\001\\195\\169", "");
}

static void
test_faults(void)
{
	check_text("{\"soa\":{\"ns\":\"a\",\"serial\":\"5\",\"retry\":1},\"dnssec\":true,"
		   "\"domain_id\":\"x\"}",
		   DEFAULTS " dnssec x",
		   "soa.serial: must be a whole number from 0 to 4294967295");
	check_text(
		"{\"soa\":{\"serial\":5,\"ns\":\"a b\"}}", DEFAULTS " ",
		"soa.ns: \"a b\" is no name: it contains a space or control character");
	check_text("{\"soa\":{\"mbox\":7},\"domain_id\":8}", DEFAULTS " ",
		   "soa.mbox: must be a string");
	check_text("{\"soa\":[]}", DEFAULTS " ", "soa: must be an object");
	check_text("{\"dnssec\":\"yes\",\"soa\":{\"serial\":5}}",
		   "300 " NAMES "5" TIMES " ? ", "dnssec: must be true or false");
	check_text("{\"dnssec\":true,\"cname_flattening\":1}", DEFAULTS " dnssec ",
		   "cname_flattening: must be true or false");
	check_text("{\"soa\":{\"refresh\":4294967296}}", DEFAULTS " ",
		   "soa.refresh: must be a whole number from 0 to 4294967295");
	check_text("[]", DEFAULTS " ? ", ": must be an object");
	check_text("{\"dnssec\":true", DEFAULTS " ? ",
		   ": is not JSON: '}' expected near end of file");
}

static void
test_long_id(void)
{
	char id[ZONE_CONFIG_DOMAIN_ID_MAX + 2], text[200], want[200];

	memset(id, 'x', sizeof id);
	id[ZONE_CONFIG_DOMAIN_ID_MAX] = '\0';
	snprintf(text, sizeof text, "{\"domain_id\":\"%s\"}", id);
	snprintf(want, sizeof want, DEFAULTS " %s", id);
	check_text(text, want, "");
	id[ZONE_CONFIG_DOMAIN_ID_MAX] = 'x';
	id[ZONE_CONFIG_DOMAIN_ID_MAX + 1] = '\0';
	snprintf(text, sizeof text, "{\"domain_id\":\"%s\"}", id);
	check_text(text, DEFAULTS " ", "domain_id: is longer than 100 octets");
}

/* Below an origin so long that "ns1." does not fit. */
static void
test_long_origin(void)
{
	uint8_t longest[DNAME_MAX];
	struct zone_config config;
	struct json_fault fault = { 0 };

	memset(longest, 'a', sizeof longest);
	for (size_t at = 0; at < 192; at += 64)
		longest[at] = 63;
	longest[192] = 61;
	longest[254] = 0;
	is_int(dname_len(longest, sizeof longest), sizeof longest, "the longest name");
	is_int(zone_config_json_read("", 0, longest, sizeof longest, 300, &config,
				     &fault),
	       ERR_OK, "has a configuration");
	is_int(config.mname_len, sizeof longest, "with itself as the name server");
	cmp_mem(config.rname, longest, sizeof longest, "and as the mailbox");
}

static void
test_whole_zone(void)
{
	struct value_bed bed = { 0 };
	struct zone_messages messages = { 0 };
	struct zone_config config;
	struct json_fault fault = { 0 };
	uint8_t soa[ZONE_CONFIG_SOA_MAX];
	struct zone_record record = { .owner = origin,
				      .owner_len = sizeof origin,
				      .type = RRTYPE_SOA,
				      .rdata = soa };

	bed_start_zone(&bed, "example.com");
	bed_read_good(
		&bed, "@", NULL,
		"{\"ns\":{\"ttl\":60,\"records\":[{\"host\":\"ns1.example.com\"}]}}");
	bed_read_good(&bed, "ns1", NULL,
		      "{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"}]}}");
	if (zone_config_json_read(LISTING, strlen(LISTING), origin, sizeof origin, 300,
				  &config, &fault) != ERR_OK)
		bail_out("no memory");
	record.rdata_len = (uint16_t)zone_config_soa(&config, 2026112101, soa);
	record.ttl = config.ttl;
	ok(rdata_is_valid(RRTYPE_SOA, soa, record.rdata_len), "the SOA is well-formed");
	if (zone_records_add(bed.zone, &record) != ERR_OK)
		bail_out("no memory");
	bed_is_zone(&bed,
		    "@ 300 SOA ns1 hostmaster 2026112101 44 55 66 100\n@ 60 NS ns1\n"
		    "ns1 3600 A 192.0.2.1\n",
		    "configuration and labels are a zone");
	is_int(zone_check(bed.zone, &messages), ERR_OK, "which passes as one");
	is_int(messages.kept_count, 0, "without a word");
	zone_messages_fini(&messages);
	bed_fini(&bed);
}

int
main(void)
{
	test_good();
	test_faults();
	test_long_id();
	test_long_origin();
	test_whole_zone();
	return done_testing();
}
