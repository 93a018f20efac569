/* Raw values to records and marks; serials; configs. */
#include "loader/redis/redis_zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/node.h"
#include "shm/rrtype.h"
#include "t/tap.h"

static char none[] = "";
static struct settings settings = {
	.redis = { .prefix = none, .suffix = none, .max_ttl = 3600 },
};
static const uint8_t origin[DNAME_MAX] = "\1z\4test";
enum { ORIGIN_LEN = 8 };

static struct redis_text
text_of(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

/* ---- serials ---- */

static uint32_t
serial_of(bool is_written, uint32_t written, uint64_t second, const uint32_t *old,
	  bool is_same)
{
	const struct zone_config config = { .has_serial = is_written, .serial = written };
	const struct redis_change change = { .ms = second * 1000 + 999 };

	return redis_zone_serial(&config, &change, old, is_same);
}

static void
test_serials(void)
{
	const uint32_t low = 1000, high = 2026112101, last = UINT32_MAX;

	is_int(serial_of(true, 5, 2000, &high, false), 5, "what is written is served");
	is_int(serial_of(false, 0, 2000, NULL, false), 2000, "the second of the change");
	is_int(serial_of(false, 0, 2000, &low, true), 1000, "no change, no new serial");
	is_int(serial_of(false, 0, 2000, &low, false), 2000, "a later second");
	is_int(serial_of(false, 0, 1000, &low, false), 1001, "the same second");
	is_int(serial_of(false, 0, 1795226090, &high, false), 2026112102,
	       "it never steps back");
	is_int(serial_of(false, 0, UINT32_MAX, &last, false), 0, "but round");
}

/* ---- labels ---- */

static void
label_is(const char *label, bool is_ours, size_t want_len)
{
	uint8_t owner[DNAME_MAX + NAME_PAD];
	const char *reason = "";
	size_t len;

	is_int(redis_zone_label(text_of(label), origin, ORIGIN_LEN, owner, &len, &reason),
	       is_ours, "\"%s\" is %s %s", label, is_ours ? "ours" : "not ours", reason);
	is_int(len, want_len, "of this length");
}

static void
test_labels(void)
{
	label_is("@", true, ORIGIN_LEN);
	label_is("www", true, ORIGIN_LEN + 4);
	label_is("*.a", true, ORIGIN_LEN + 4);
	label_is("_sip._tcp", true, ORIGIN_LEN + 10);
	label_is("WWW", false, ORIGIN_LEN + 4);
	label_is("\\119ww", false, ORIGIN_LEN + 4);
	label_is("a\\.b", true, ORIGIN_LEN + 4);
	label_is("www.", false, 0);
	label_is("a..b", false, 0);
	label_is("a b", false, 0);
	label_is("", false, 0);
}

/* ---- zones ---- */

struct zone_case {
	struct redis_raw raw;
	struct redis_value values[8];
	struct redis_zone_config config;
};

static void
put_value(struct zone_case *a, const char *label, const char *type, const char *text,
	  uint64_t hash)
{
	a->values[a->raw.count++] = (struct redis_value){
		.label = text_of(label),
		.type = type,
		.text = text_of(text),
		.hash = hash,
	};
	a->raw.values = a->values;
}

static struct zone_records *
make(struct zone_case *a, const char *config, struct zone_messages *messages)
{
	struct redis_zone_reader *reader = redis_zone_reader_new(&settings);
	struct redis_zone_job job = {
		.raw = &a->raw,
		.origin = origin,
		.origin_len = ORIGIN_LEN,
		.config = &a->config,
		.change = { 7000, 1 },
	};
	struct zone_records *zone = NULL;

	a->raw.zone = text_of("z.test.");
	a->raw.config = (struct redis_value){ .text = text_of(config), .hash = 1000000 };
	if (!reader ||
	    redis_zone_read_config(reader, a->raw.zone, &a->raw.config, origin,
				   ORIGIN_LEN, &a->config) != 0 ||
	    redis_zone_read(reader, &job, &zone, messages) != 0)
		bail_out("cannot read");
	redis_zone_reader_free(reader);
	return zone;
}

/* The sum of what names and config add to the digest. */
static uint64_t
digest_of(const struct zone_records *zone)
{
	uint64_t sum = zone->redis->config_hash;

	for (size_t i = 0; i < zone->count; i++) {
		struct provenance provenance;
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		if (!zone_record_mark(&zone->records[i], &mark, &type, &bytes, &len) ||
		    mark != ZONE_MARK_PROVENANCE)
			continue;
		memcpy(&provenance, bytes, sizeof provenance);
		sum += provenance.value_hash;
	}
	return sum;
}

static size_t
count_type(const struct zone_records *zone, uint16_t type)
{
	size_t count = 0;

	for (size_t i = 0; i < zone->count; i++)
		count += zone->records[i].type == type;
	return count;
}

static void
test_zone(void)
{
	struct zone_case a = { .raw = { .is_whole = true, .has_config = true } };
	struct zone_messages messages = { .kept = NULL };
	struct zone_records *zone;

	put_value(&a, "www", NULL,
		  "{\"a\":{\"records\":[{\"ip\":\"192.0.2.1\"},"
		  "{\"ip\":\"192.0.2.1\"}]}}",
		  1);
	put_value(&a, "WWW", NULL, "{\"a\":{\"records\":[{\"ip\":\"192.0.2.2\"}]}}", 10);
	put_value(&a, "MAIL", NULL, "{\"a\":{\"records\":[{\"ip\":\"192.0.2.3\"}]}}",
		  100);
	put_value(&a, "a..b", NULL, "{}", 1000);
	put_value(&a, "empty", NULL, "{}", 10000);
	put_value(&a, "bad", NULL, "{\"a\":7,\"txt\":{\"records\":[{\"text\":\"x\"}]}}",
		  100000);
	zone = make(&a, "{\"soa\":{\"serial\":3}}", &messages);
	is_int(count_type(zone, RRTYPE_A), 2, "one address each, none twice");
	is_int(count_type(zone, RRTYPE_TXT), 1, "what stands beside a bad value");
	is_int(count_type(zone, RRTYPE_SOA), 1, "one SOA");
	is_int(zone->fault_count, 2, "two labels are left out");
	is_int(zone->redis->raw_digest, 1111111, "the digest is of all that was read");
	is_int(digest_of(zone), 1111111, "and the sum of its parts");
	is_int(zone->redis->flags, REDIS_ZONE_ODD, "the zone has odd labels");
	ok(!zone->error, "nothing is wrong with its config");
	is_int(messages.counts[ZONE_DROPPED], 3, "two labels and a value are told");
	is_int(messages.counts[ZONE_WARNING], 1, "and that there is no NS");
	zone_messages_fini(&messages);
	zone_records_free(zone);
}

static void
test_config(void)
{
	struct zone_case a = { .raw = { .is_whole = true } };
	struct zone_messages messages = { .kept = NULL };
	struct zone_records *zone;

	put_value(&a, "@", NULL, "{\"ns\":{\"records\":[{\"host\":\"ns.\"}]}}", 1);
	zone = make(&a, "{\"soa\":{\"serial\":-3}}", &messages);
	is(zone->error,
	   "redins:zones:z.test.:config: soa.serial: must be a whole number "
	   "from 0 to 4294967295",
	   "a bad config is told");
	is_int(count_type(zone, RRTYPE_SOA), 1, "and the zone has its SOA");
	ok(!zone->signing_wish.is_wanted, "it is not to be signed");
	zone_messages_fini(&messages);
	zone_records_free(zone);
	a.raw.count = 0;
	zone = make(&a, "{\"dnssec\":true,\"denial\":\"optout\"}", &messages);
	ok(zone->signing_wish.is_wanted && zone->signing_wish.has_denial &&
		   zone->signing_wish.denial == DENIAL_OPTOUT,
	   "another one is, with opt-out");
	zone_messages_fini(&messages);
	zone_records_free(zone);
	zone = make(&a, "{\"denial\":\"nsec5\"}", &messages);
	ok(strstr(zone->error, "denial: must be \"nsec\", \"nsec3\" or \"optout\""),
	   "a kind of denial that is none");
	zone_messages_fini(&messages);
	zone_records_free(zone);
}

/* One label as live changes take it, behind what is there already. */
static void
test_label_alone(void)
{
	static const char text[] = "{\"txt\":{\"records\":[{\"text\":\"b\"},{\"text\":"
				   "\"a\"},{\"text\":\"b\"}]},"
				   "\"a\":{\"records\":[{\"ip\":\"x\"}]}}";
	struct redis_zone_reader *reader = redis_zone_reader_new(&settings);
	struct zone_records *zone = zone_records_new(origin, ORIGIN_LEN);
	const struct redis_value value = { .label = text_of("w"), .text = text_of(text) };
	struct redis_label label = {
		.zone = text_of("z.test."),
		.values = &value,
		.count = 1,
		.owner = (const uint8_t *)"\1w\1z\4test",
		.owner_len = ORIGIN_LEN + 2,
	};
	uint8_t other[] = "\1v\1z\4test";
	struct zone_record first = { .owner = other,
				     .owner_len = ORIGIN_LEN + 2,
				     .rdata = other,
				     .rdata_len = 2,
				     .type = RRTYPE_TXT };

	if (!zone || !reader || zone_records_add(zone, &first) != 0 ||
	    redis_zone_read_label(reader, &label, zone) != 0)
		bail_out("cannot read");
	is_int(zone->count, 5, "two marks and two records behind the other one");
	is_int(zone->records[1].type, ZONE_MARK_TYPE, "marks first");
	ok(zone->records[3].type == RRTYPE_TXT && zone->records[3].rdata[1] == 'a',
	   "then records in order");
	zone_records_free(zone);
	redis_zone_reader_free(reader);
}

int
main(void)
{
	test_serials();
	test_labels();
	test_zone();
	test_config();
	test_label_alone();
	return done_testing();
}
