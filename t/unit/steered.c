/* Steered RRsets on their way from JSON to a node, and nodes that contradict themselves. */
#include "shm/steered.h"

#include "loader/store/zone_digest.h"
#include "loader/zone/record_text.h"
#include "shm/wire.h"
#include "t/render_bed.h"
#include "t/steered_maker.h"
#include "t/unit/value_bed.h"

static struct value_bed bed;

/* The block of a type at www.example.com, read from a label of redins and rendered. */
static bool
make_block(const char *value, uint16_t type, enum block_kind kind, struct block *out)
{
	char *faults;

	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	zone_put(bed.zone, "example.com", 3600, RRTYPE_SOA, "nn44444", "ns.example.com",
		 "host.example.com", 1, 2, 3, 4, 5);
	bed_read_text(&bed, "www", NULL, value);
	faults = bed_dump_faults(&bed.result);
	ok(faults[0] == '\0' || strstr(faults, " warning "), "no fault: %s", faults);
	free(faults);
	zone_done(bed.zone);
	render_all(bed.zone);
	for (size_t i = 0; i < node_count; i++) {
		const char *wrong = node_check(&nodes[i].node);

		if (wrong)
			diag("node %zu: %s", i, wrong);
		if (!(nodes[i].node.head.flags & NODE_APEX))
			return node_find_block(&nodes[i].node, kind, type, out) && !wrong;
	}
	return false;
}

static void
is_comment(const char *value, const char *want)
{
	struct record_texts texts = { 0 };
	const char *got = "no comment";
	struct block block;

	if (!ok(make_block(value, RRTYPE_A, BLOCK_STEERED, &block), "it is steered"))
		return;
	is_int(record_texts_add_node(&texts, &nodes[node_count - 1].node), 0, "as text");
	for (size_t i = 0; i < texts.count; i++)
		if (record_texts_get(&texts, i)[0] == ';')
			got = record_texts_get(&texts, i);
	is(got, want, "the comment");
	record_texts_free(&texts);
}

#define FILTER(words, records) \
	"{\"a\":{\"ttl\":60,\"filter\":{" words "},\"records\":[" records "]}}"
#define IP(last) "{\"ip\":\"192.0.2." last "\"}"
#define IPW(last, weight) "{\"ip\":\"192.0.2." last "\",\"weight\":" weight "}"

static void
test_words(void)
{
	static const char *const plain[] = {
		FILTER("", IP("1") "," IP("2")),
		FILTER("\"count\":\"multi\",\"order\":\"none\"", IP("1") "," IP("2")),
		FILTER("\"count\":\"Single\",\"order\":\"RR\"", IP("1") "," IP("2")),
		FILTER("\"count\":\"single\",\"order\":\"weighted\"", IPW("1", "5")),
		FILTER("\"count\":1e0", ""),
	};
	struct block block;

	for (unsigned i = 0; i < 4; i++)
		ok(make_block(plain[i], RRTYPE_A, BLOCK_RRSET, &block),
		   "%s: a plain RRset", plain[i]);
	is_comment(FILTER("\"COUNT\":\"single\"", IP("9") "," IP("2")),
		   "; www.example.com. IN A is steered: count single, order none: "
		   "192.0.2.9, 192.0.2.2");
	is_comment(FILTER("\"order\":\"rr\"", IPW("9", "-3") ",{\"ip\":\"\"}," IP("2")),
		   "; www.example.com. IN A is steered: count multi, order rr: "
		   "192.0.2.9, 192.0.2.2");
	is_comment(FILTER("\"order\":\"weighted\"",
			  IPW("9", "2147483648") "," IP("2") "," IPW("9", "7")),
		   "; www.example.com. IN A is steered: count multi, order weighted: "
		   "192.0.2.9 weight 2147483648, 192.0.2.2 weight 0, 192.0.2.9 weight 7");
}

static void
test_first(void)
{
	struct block block;

	is_comment(FILTER("\"first\":2", IP("1") "," IP("2") "," IP("3")),
		   "; www.example.com. IN A is steered: count multi, order none, "
		   "first 2: 192.0.2.1, 192.0.2.2, 192.0.2.3");
	ok(make_block(FILTER("\"first\":2", IP("1") "," IP("2")), RRTYPE_A, BLOCK_RRSET,
		      &block),
	   "the first of as many: a plain RRset");
	bed_check(&bed, "too many", FILTER("\"first\":257", IP("1")), "",
		  "A a.filter.first: must be a whole number from 0 to 256|");
}

static void
test_places(void)
{
	struct block block;

	is_comment(FILTER("\"geo_filter\":\"country\"",
			  "{\"ip\":\"192.0.2.1\",\"country\":\"de\",\"asn\":7},"
			  "{\"ip\":\"\",\"country\":\"FR\"},"
			  "{\"ip\":\"192.0.2.2\",\"country\":[\"US\",null,\"JP\"]},"
			  "{\"ip\":\"192.0.2.3\",\"country\":[]}," IP("4")),
		   "; www.example.com. IN A is steered: count multi, order none, "
		   "geo_filter country: 192.0.2.1 country DE, "
		   "192.0.2.2 country US|default|JP, 192.0.2.3 country default, "
		   "192.0.2.4 country default");
	is_comment(FILTER("\"geo_filter\":\"asn+country\",\"order\":\"weighted\"",
			  "{\"ip\":\"192.0.2.1\",\"country\":null,\"asn\":4294967295},"
			  "{\"ip\":\"192.0.2.2\",\"asn\":[0,5],\"weight\":3}"),
		   "; www.example.com. IN A is steered: count multi, order weighted, "
		   "geo_filter asn+country: "
		   "192.0.2.1 weight 0 country default asn 4294967295, "
		   "192.0.2.2 weight 3 country default asn default|5");
	is_comment(FILTER("\"geo_filter\":\"location\"", IP("1")),
		   "; www.example.com. IN A is steered: count multi, order none, "
		   "geo_filter location: 192.0.2.1");
	ok(make_block(FILTER("\"geo_filter\":\"Country\"", IP("1") "," IP("2")), RRTYPE_A,
		      BLOCK_RRSET, &block),
	   "another word is none");
	bed_check(&bed, "no country",
		  FILTER("\"geo_filter\":\"country\"",
			 "{\"ip\":\"192.0.2.1\",\"country\":[\"DE\",\"D1\"]}"),
		  "",
		  "A a.records[0].country[1]: \"D1\" is no country: it needs two "
		  "letters, as \"DE\"|");
	bed_check(&bed, "a country that is not asked for",
		  FILTER("\"geo_filter\":\"asn\"",
			 "{\"ip\":\"192.0.2.1\",\"country\":\"Germany\"}"),
		  "www 60 A 192.0.2.1\n",
		  "A warning a.records[0].country: \"Germany\" is no country; none is "
		  "asked for|");
}

/* So many countries for one record. */
static void
test_many_places(unsigned count, const char *want)
{
	static char value[STEERED_PLACES_MAX * 8 + 200];
	size_t len = (size_t)sprintf(value,
				     "{\"a\":{\"filter\":{\"geo_filter\":\"country\"},"
				     "\"records\":[{\"ip\":\"192.0.2.1\",\"country\":[");
	char *faults;

	for (unsigned i = 0; i < count; i++)
		len += (size_t)sprintf(value + len, "%s\"DE\"", i ? "," : "");
	sprintf(value + len, "]}]}}");
	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	bed_read_text(&bed, "www", NULL, value);
	faults = bed_dump_faults(&bed.result);
	is(faults, want, "%u countries", count);
	free(faults);
}

static void
test_bounds(void)
{
	static char value[STEERED_MAX * 64];
	struct block block;
	char *faults;

	for (unsigned count = STEERED_MAX; count <= STEERED_MAX + 1; count++) {
		size_t len = (size_t)sprintf(
			value, "{\"aaaa\":{\"filter\":{\"order\":\"rr\"},\"records\":[");

		for (unsigned i = 0; i < count; i++)
			len += (size_t)sprintf(value + len, "%s{\"ip\":\"2001:db8::%x\"}",
					       i ? "," : "", i + 1);
		sprintf(value + len, "]}}");
		if (count == STEERED_MAX) {
			ok(make_block(value, RRTYPE_AAAA, BLOCK_STEERED, &block),
			   "%u records", count);
			continue;
		}
		bed_start_zone(&bed, "example.com");
		record_result_clear(&bed.result);
		bed_read_text(&bed, "www", NULL, value);
		faults = bed_dump_faults(&bed.result);
		is(faults,
		   "AAAA aaaa: has 257 records, more than the 256 that can be chosen "
		   "from|",
		   "one more is in error");
		is_int(bed.zone->count, 0, "and gives nothing");
		free(faults);
	}
	bed_check(&bed, "a weight below 0",
		  FILTER("\"order\":\"weighted\"", IPW("1", "-1")), "",
		  "A a.records[0].weight: must be a whole number from 0 to 2147483648|");
	bed_check(&bed, "a weight above 2^31",
		  FILTER("\"order\":\"weighted\"", IP("1") "," IPW("2", "2147483649")),
		  "www 60 A 192.0.2.1\n",
		  "A left out a.records[1].weight: must be a whole number from 0 to "
		  "2147483648|");
}

/* A CNAME beside it wins, and nothing is left of the choice. */
static void
test_shadowed(void)
{
	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	bed_read_text(&bed, "www", NULL,
		      "{\"cname\":{\"host\":\"x.\"},\"a\":{\"filter\":{\"order\":\"rr\"},"
		      "\"records\":[" IP("1") "," IP("2") "]}}");
	is_int(bed.zone->count, 1, "the CNAME alone");
	is_int(bed.zone->records[0].type, RRTYPE_CNAME, "is left");
}

static uint64_t
digest_of(const char *value)
{
	struct block block;

	(void)make_block(value, RRTYPE_A, BLOCK_STEERED, &block);
	return zone_digest_node(&nodes[node_count - 1].node, DATA_VIEW_ALL);
}

static void
test_digest(void)
{
	uint64_t first = digest_of(FILTER("\"order\":\"rr\"", IP("1") "," IP("2")));

	ok(first == digest_of(FILTER("\"order\":\"rr\"", IPW("1", "8") "," IP("2"))),
	   "weights that steer nothing do not count");
	ok(first != digest_of(FILTER("\"order\":\"rr\"", IP("2") "," IP("1"))),
	   "another order of records is another digest");
	ok(first != digest_of(FILTER("\"count\":\"single\"", IP("1") "," IP("2"))),
	   "another word is");
	first = digest_of(
		FILTER("\"order\":\"weighted\"", IPW("1", "1") "," IPW("2", "2")));
	ok(first != digest_of(FILTER("\"order\":\"weighted\"",
				     IPW("1", "1") "," IPW("2", "3"))),
	   "another weight is");
}

/* ---- damage ---- */

static struct block whole;

/* Does it open with `len` octets at `at` set to `value`? */
static bool
opens_with(size_t at, size_t len, uint32_t value, const char **wrong)
{
	uint8_t *bytes = malloc(whole.head.len);
	struct block block = { whole.head, bytes };
	struct steered steered;
	bool opens;

	memcpy(bytes, whole.payload, whole.head.len);
	memcpy(bytes + at, &value, len);
	opens = steered_open(&block, &steered);
	*wrong = steered_check(&block);
	free(bytes);
	return opens;
}

static void
test_damage(void)
{
	size_t parts, weights;
	const char *wrong;
	struct steered steered;

	if (!make_block(FILTER("\"order\":\"weighted\"",
			       IPW("1", "1") "," IPW("2", "2") "," IPW("1", "3")),
			RRTYPE_A, BLOCK_STEERED, &whole) ||
	    !steered_open(&whole, &steered))
		bail_out("nothing to damage");
	is_int(steered.candidate_count, 3, "three candidates");
	is_int(steered.rrset.head.rr_count, 2, "of two records");
	is_int(steered_record(&steered, 2), 0, "the third is the first one again");
	is_int(steered_weight(&steered, 2), 3, "with a weight of its own");
	parts = sizeof steered.head + steered.head.rrset_len;
	weights = parts + sizeof(struct steered_part_head) + 3;
	ok(opens_with(0, 0, 0, &wrong) && !wrong, "it is whole");
	ok(!opens_with(0, 4, UINT32_MAX, &wrong) && wrong, "an RRset beyond the block");
	ok(!opens_with(0, 4, 3, &wrong) && wrong, "an RRset without a head");
	ok(!opens_with(parts + 4, 4, 2, &wrong) && wrong, "too few candidates");
	ok(!opens_with(parts + 4, 4, UINT32_MAX, &wrong) && wrong, "parts beyond it");
	ok(!opens_with(parts, 2, STEERED_WEIGHTS, &wrong) && wrong, "weights too few");
	ok(!opens_with(weights, 2, STEERED_CANDIDATES, &wrong) && wrong, "a part twice");
	ok(opens_with(weights, 2, 999, &wrong) && !wrong, "an unknown part is skipped");
	ok(opens_with(parts + 8, 1, 2, &wrong) && wrong, "a candidate that is no record");
	ok(opens_with(parts - 1, 1, 1, &wrong) && wrong, "an address twice");
	for (uint32_t len = 0; len < whole.head.len; len++) {
		uint8_t *bytes = malloc(len + !len);
		struct block block = { whole.head, bytes };

		memcpy(bytes, whole.payload, len);
		block.head.len = len;
		if (steered_open(&block, &steered) && len != parts && len != weights)
			ok(0, "%u octets of it open", (unsigned)len);
		free(bytes);
	}
	whole.head.type = RRTYPE_MX;
	ok(!steered_open(&whole, &steered), "no type of addresses");
}

/* Places of candidates, and of some that are not there. */
static void
test_damaged_places(void)
{
	size_t parts, at;
	const char *wrong;
	struct steered steered;

	if (!make_block(FILTER("\"geo_filter\":\"asn+country\"",
			       "{\"ip\":\"192.0.2.1\",\"country\":\"DE\",\"asn\":5}," IP(
				       "2")),
			RRTYPE_A, BLOCK_STEERED, &whole) ||
	    !steered_open(&whole, &steered))
		bail_out("nothing to damage");
	is_int(steered.country_count, 2, "two countries");
	is_int(steered.asn_count, 2, "two networks");
	is_int(steered_asn(&steered, 0).asn, 5, "one of them");
	is_int(steered_country(&steered, 1).code[0], 0, "and a default");
	parts = sizeof steered.head + steered.head.rrset_len;
	at = parts + sizeof(struct steered_part_head);
	ok(opens_with(0, 0, 0, &wrong) && !wrong, "it is whole");
	ok(opens_with(at, 1, 2, &wrong) && wrong, "a country of no candidate");
	at += 2 * sizeof(struct steered_country) + sizeof(struct steered_part_head);
	ok(opens_with(at + 4, 1, 2, &wrong) && wrong, "a network of no candidate");
	ok(!opens_with(parts + 4, 4, 7, &wrong) && wrong, "part of a country");
	ok(!opens_with(parts + 4, 4, 0, &wrong) && wrong, "parts that do not tile");
}

int
main(void)
{
	plan(0);
	test_words();
	test_first();
	test_places();
	test_many_places(STEERED_PLACES_MAX, "");
	test_many_places(STEERED_PLACES_MAX + 1,
			 "A a: has more than 1024 countries or networks|");
	test_bounds();
	test_shadowed();
	test_digest();
	test_damage();
	test_damaged_places();
	forget_nodes();
	bed_fini(&bed);
	return done_testing();
}
