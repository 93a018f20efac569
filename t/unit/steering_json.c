/* Every word by which answers are steered, from JSON to the comment that an export has. */
#include "loader/zone/record_text.h"
#include "shm/steered.h"
#include "t/render_bed.h"
#include "t/unit/value_bed.h"

static struct value_bed bed;

/* The comment about www.example.com's A or AAAA; "" when it is plain; malloc'ed. */
static char *
comment_of(const struct node *node)
{
	struct record_texts texts = { 0 };
	char *comment = NULL;

	if (record_texts_add_node(&texts, node) != 0)
		bail_out("no memory");
	for (size_t i = 0; i < texts.count && !comment; i++)
		if (record_texts_get(&texts, i)[0] == ';')
			comment = strdup(
				strstr(record_texts_get(&texts, i), "steered: ") + 9);
	record_texts_free(&texts);
	return comment ? comment : strdup("");
}

static void
check(const char *owner, const char *value, const char *want_comment,
      const char *want_faults)
{
	char *faults, *comment = NULL;

	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	zone_put(bed.zone, "example.com", 3600, RRTYPE_SOA, "nn44444", "ns.example.com",
		 "host.example.com", 1, 2, 3, 4, 5);
	bed_read_text(&bed, owner, NULL, value);
	faults = bed_dump_faults(&bed.result);
	is(faults, want_faults, "%s: faults", value);
	free(faults);
	zone_done(bed.zone);
	render_all(bed.zone);
	for (size_t i = 0; i < node_count; i++) {
		const char *wrong = node_check(&nodes[i].node);

		ok(!wrong, "node %zu: %s", i, wrong ? wrong : "well");
		if (!(nodes[i].node.head.flags & NODE_APEX)) {
			free(comment);
			comment = comment_of(&nodes[i].node);
		}
	}
	is(comment ? comment : "", want_comment, "the comment");
	free(comment);
}

/* An RRset of two records, the second 192.0.2.2 without anything. */
#define A(members, record)                                                             \
	"{\"a\":{\"ttl\":60" members ",\"records\":[{\"ip\":\"192.0.2.1\"" record "}," \
	"{\"ip\":\"192.0.2.2\"}]}}"
#define PLAIN "count multi, order none: 192.0.2.1, 192.0.2.2"
#define HEALTH(members) ",\"health_check\":{\"enable\":true" members "}"
#define HTTP_END                                                                         \
	" host \"www.example.com\" uri \"/\" codes 200|301-302 timeout 1000 up_count 3 " \
	"down_count -3 policy open: 192.0.2.1, 192.0.2.2"
#define UNKNOWN "no probe is made, and its targets stay unknown|"

struct word {
	const char *value, *comment, *faults;
};

static const struct word filters[] = {
	{ A(",\"filter\":{}", ""), "", "" },
	{ A(",\"filter\":{\"count\":\"multi\"}", ""), "", "" },
	{ A(",\"filter\":{\"count\":\"\"}", ""), "", "" },
	{ A(",\"filter\":{\"count\":null}", ""), "", "" },
	{ A(",\"filter\":{\"count\":\"single\"}", ""),
	  "count single, order none: 192.0.2.1, 192.0.2.2", "" },
	{ A(",\"filter\":{\"count\":\"two\"}", ""), "",
	  "A warning a.filter.count: \"two\" is not known here: it means \"multi\"|" },
	{ A(",\"filter\":{\"order\":\"rr\"}", ""),
	  "count multi, order rr: 192.0.2.1, 192.0.2.2", "" },
	{ A(",\"filter\":{\"order\":\"weighted\"}", ",\"weight\":7"),
	  "count multi, order weighted: 192.0.2.1 weight 7, 192.0.2.2 weight 0", "" },
	{ A(",\"filter\":{\"order\":\"RR\"}", ""), "",
	  "A warning a.filter.order: \"RR\" is not known here: it means \"none\"|" },
	{ A(",\"filter\":{\"geo_filter\":\"country+asn\"}", ""), "",
	  "A warning a.filter.geo_filter: \"country+asn\" is not known here: it means "
	  "\"none\"|" },
	{ A(",\"filter\":{\"geo_filter\":\"location\"}", ""),
	  "count multi, order none, geo_filter location: 192.0.2.1, 192.0.2.2", "" },
	{ A(",\"filter\":{\"first\":1}", ""),
	  "count multi, order none, first 1: 192.0.2.1, 192.0.2.2", "" },
	{ A(",\"filter\":{\"sticky\":true}", ""),
	  "count multi, order none, sticky: 192.0.2.1, 192.0.2.2", "" },
	{ A(",\"filter\":{\"sticky\":false}", ""), "", "" },
	{ A(",\"filter\":{\"sticky\":1}", ""), "",
	  "A a.filter.sticky: must be true or false|" },
	{ A(",\"filter\":{\"ttl\":-1}", ""), "",
	  "A a.filter.ttl: must be a whole number from 0 to 2147483647|" },
};

static const struct word places[] = {
	{ A("", ",\"subnet\":\"192.0.2.0/24\""),
	  "count multi, order none: 192.0.2.1 subnet 192.0.2.0/24, 192.0.2.2", "" },
	{ A("", ",\"subnet\":[\"10.0.0.0/8\",\"2001:db8::/32\",\"192.0.2.7\","
		"\"::ffff:192.0.2.0/120\",\"0.0.0.0/0\",\"::/0\"]"),
	  "count multi, order none: 192.0.2.1 subnet 10.0.0.0/8|2001:db8::/32|"
	  "192.0.2.7/32|192.0.2.0/24|0.0.0.0/0|::/0, 192.0.2.2",
	  "" },
	{ A("", ",\"subnet\":\"192.0.2.5/24\""),
	  "count multi, order none: 192.0.2.1 subnet 192.0.2.0/24, 192.0.2.2",
	  "A warning a.records[0].subnet: \"192.0.2.5/24\" has bits behind its length: "
	  "the network without them is meant|" },
	{ A("", ",\"subnet\":[]"), "", "" },
	{ A("", ",\"subnet\":\"\""), "", "" },
#define NO_SUBNET(text, at)                                      \
	{                                                        \
		A("", ",\"subnet\":" at), "",                    \
			"A left out a.records[0].subnet" text    \
			" is no network: it needs a form as "    \
			"\"192.0.2.0/24\" or \"2001:db8::/32\"|" \
	}
	NO_SUBNET(": \"192.0.2.0/33\"", "\"192.0.2.0/33\""),
	NO_SUBNET(": \"192.0.2.0/\"", "\"192.0.2.0/\""),
	NO_SUBNET(": \"192.0.2.0/-1\"", "\"192.0.2.0/-1\""),
	NO_SUBNET(": \"192.0.2.0/24x\"", "\"192.0.2.0/24x\""),
	NO_SUBNET(": \"192.0.2/24\"", "\"192.0.2/24\""),
	NO_SUBNET("[1]: \"2001:db8::/129\"", "[\"10.0.0.0/8\",\"2001:db8::/129\"]"),
	NO_SUBNET(": \"fe80::1%eth0/64\"", "\"fe80::1%eth0/64\""),
	NO_SUBNET(": \"10.0.0.0\"", "\"10.0.0.0\\u0000/8\""),
	{ A("", ",\"region\":\"us-ca\""),
	  "count multi, order none: 192.0.2.1 region US-CA, 192.0.2.2", "" },
	{ A("", ",\"region\":[\"GB-ENG\",\"\",\"FR-6\"]"),
	  "count multi, order none: 192.0.2.1 region GB-ENG|default|FR-6, 192.0.2.2",
	  "" },
#define NO_REGION(text)                                           \
	{                                                         \
		A("", ",\"region\":\"" text "\""), "",            \
			"A left out a.records[0].region: \"" text \
			"\" is no region: it needs a "            \
			"country and its part, as \"US-CA\"|"     \
	}
	NO_REGION("CA"),
	NO_REGION("US-"),
	NO_REGION("US-CALI"),
	NO_REGION("US_CA"),
	NO_REGION("1S-CA"),
	NO_REGION("US-C."),
	{ A("", ",\"continent\":[\"eu\",\"NA\"]"),
	  "count multi, order none: 192.0.2.1 continent EU|NA, 192.0.2.2", "" },
	{ A("", ",\"continent\":\"XX\""), "",
	  "A left out a.records[0].continent: \"XX\" is no continent: they are AF, AN, "
	  "AS, EU, NA, OC, SA|" },
	{ A("", ",\"continent\":7"), "",
	  "A left out a.records[0].continent: must be a string|" },
	{ A("", ",\"fallback\":true"),
	  "count multi, order none: 192.0.2.1 fallback, 192.0.2.2", "" },
	{ A("", ",\"fallback\":\"yes\""), "",
	  "A left out a.records[0].fallback: must be true or false|" },
	{ A("", ",\"weight\":-1"), "",
	  "A warning a.records[0].weight: is not from 0 to 2147483648; none is asked "
	  "for|" },
	{ A("", ",\"country\":\"Germany\""), "",
	  "A warning a.records[0].country: \"Germany\" is no country; none is asked "
	  "for|" },
	{ A(",\"filter\":{\"geo_filter\":\"country\"}", ",\"country\":[\"DE\",\"D1\"]"),
	  "count multi, order none, geo_filter country: 192.0.2.2 country default",
	  "A left out a.records[0].country[1]: \"D1\" is no country: it needs two "
	  "letters, as \"DE\"|" },
	{ A(",\"filter\":{\"geo_filter\":\"asn\"}", ",\"asn\":4294967296"),
	  "count multi, order none, geo_filter asn: 192.0.2.2 asn default",
	  "A left out a.records[0].asn: must be a whole number from 0 to 4294967295|" },
	{ A(",\"filter\":{\"order\":\"rr\"},\"records\":[{\"ip\":\"192.0.2.9\"}]",
	    ",\"ip\":\"::1\""),
	  "",
	  "A left out a.records[0].ip: \"::1\" is no IPv4 address: IPv6 addresses "
	  "stand under \"aaaa\"|" },
};

static const struct word checks[] = {
	{ A(",\"health_check\":{\"protocol\":\"http\"}", ""), "", "" },
	{ A(HEALTH(""), ""),
	  "count multi, order none, health_check http port 80" HTTP_END, "" },
	{ A(HEALTH(",\"protocol\":\"https\""), ""),
	  "count multi, order none, health_check https port 443" HTTP_END, "" },
	{ A(HEALTH(",\"protocol\":\"https\",\"host\":\"Origin.example.net.\",\"verify\":"
		   "true,\"port\":8443,\"uri\":\"/"
		   "healthz?a=b\",\"timeout\":250,\"codes\":"
		   "[204,\"200-299\"],\"body\":\"all \\\"well\\\"\",\"up_count\":2,"
		   "\"down_count\":5,\"interval\":20,\"policy\":\"closed\""),
	    ""),
	  "count multi, order none, health_check https port 8443 host "
	  "\"origin.example.net\" uri \"/healthz?a=b\" body \"all \\\"well\\\"\" codes "
	  "204|200-299 verify timeout 250 up_count 2 down_count -5 interval 20 policy "
	  "closed: 192.0.2.1, 192.0.2.2",
	  "" },
	{ A(HEALTH(",\"protocol\":\"tcp\",\"port\":25,\"policy\":\"last\""), ""),
	  "count multi, order none, health_check tcp port 25 timeout 1000 up_count 3 "
	  "down_count -3 policy last: 192.0.2.1, 192.0.2.2",
	  "" },
	{ A(HEALTH(",\"protocol\":\"ping\",\"port\":25"), ""),
	  "count multi, order none, health_check icmp timeout 1000 up_count 3 "
	  "down_count -3 policy open: 192.0.2.1, 192.0.2.2",
	  "" },
	{ A(HEALTH(",\"protocol\":\"gopher\""), ""), "",
	  "A warning a.health_check.protocol: \"gopher\" is no protocol (http, https, "
	  "tcp, icmp): " UNKNOWN },
	{ A(HEALTH(",\"port\":65536"), ""), "",
	  "A warning a.health_check.port: is not from 0 to 65535: " UNKNOWN },
	{ A(HEALTH(",\"port\":\"80\""), ""), "",
	  "A a.health_check.port: must be a whole number|" },
	{ A(HEALTH(",\"timeout\":-1"), ""), "",
	  "A warning a.health_check.timeout: is not from 0 to 60000: " UNKNOWN },
	{ A(HEALTH(",\"codes\":99"), ""), "",
	  "A warning a.health_check.codes: is no code as 200 or \"200-299\", or one of "
	  "more than 16: " UNKNOWN },
	{ A(HEALTH(",\"codes\":\"299-200\""), ""), "",
	  "A warning a.health_check.codes: is no code as 200 or \"200-299\", or one of "
	  "more than 16: " UNKNOWN },
	{ A(HEALTH(",\"uri\":\"healthz\""), ""), "",
	  "A warning a.health_check: \"uri\" must begin with a slash, and \"host\" be a "
	  "name, without blanks: " UNKNOWN },
	{ A(HEALTH(",\"host\":\"a\\r\\nX-Evil: b\""), ""), "",
	  "A warning a.health_check: \"uri\" must begin with a slash, and \"host\" be a "
	  "name, without blanks: " UNKNOWN },
	{ A(HEALTH(",\"policy\":\"shut\""), ""),
	  "count multi, order none, health_check http port 80" HTTP_END,
	  "A warning a.health_check.policy: \"shut\" is no policy (open, closed, last): "
	  "it "
	  "is open|" },
};

static void
check_words(const struct word *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check("www", words[i].value, words[i].comment, words[i].faults);
}

static void
test_wildcard_host(void)
{
	check("*.cdn",
	      "{\"a\":{"
	      "\"health_check\":{\"enable\":true},"
	      "\"records\":[{\"ip\":\"192.0.2.1\"}]}}",
	      "count multi, order none, health_check http port 80 host "
	      "\"cdn.example.com\" uri \"/\" codes 200|301-302 timeout 1000 up_count 3 "
	      "down_count -3 policy open: 192.0.2.1",
	      "");
}

/* All records have the TTL of the filter when they are steered. */
static void
test_ttl(void)
{
	bed_check(&bed, "steered", A(",\"filter\":{\"order\":\"rr\",\"ttl\":7}", ""),
		  "www 7 A 192.0.2.1\nwww 7 A 192.0.2.2\n", "");
	bed_check(&bed, "not steered", A(",\"filter\":{\"ttl\":7}", ""),
		  "www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n", "");
	bed_check(&bed, "at most redis.max_ttl",
		  A(",\"filter\":{\"order\":\"rr\",\"ttl\":5000}", ""),
		  "www 3600 A 192.0.2.1\nwww 3600 A 192.0.2.2\n", "");
}

/* More notes than are listed. */
static void
test_many_notes(void)
{
	bed_check(&bed, "ten bad records of eleven",
		  "{\"a\":{\"ttl\":5,\"records\":[{\"ip\":\"a\"},{\"ip\":\"b\"},"
		  "{\"ip\":\"c\"},{\"ip\":\"d\"},{\"ip\":\"e\"},{\"ip\":\"f\"},"
		  "{\"ip\":\"g\"},{\"ip\":\"h\"},{\"ip\":\"i\"},{\"ip\":\"j\"},"
		  "{\"ip\":\"192.0.2.1\"}]}}",
		  "www 5 A 192.0.2.1\n",
		  "A left out a.records[0].ip: \"a\" is no IPv4 address|"
		  "A left out a.records[1].ip: \"b\" is no IPv4 address|"
		  "A left out a.records[2].ip: \"c\" is no IPv4 address|"
		  "A left out a.records[3].ip: \"d\" is no IPv4 address|"
		  "A left out a.records[4].ip: \"e\" is no IPv4 address|"
		  "A left out a.records[5].ip: \"f\" is no IPv4 address|"
		  "A left out a.records[6].ip: \"g\" is no IPv4 address|"
		  "A left out a.records[7].ip: \"h\" is no IPv4 address|"
		  "A left out : 2 more things are wrong, 2 records left out for them|");
}

int
main(void)
{
	plan(0);
	check_words(filters, sizeof filters / sizeof filters[0]);
	check_words(places, sizeof places / sizeof places[0]);
	check_words(checks, sizeof checks / sizeof checks[0]);
	test_wildcard_host();
	test_ttl();
	test_many_notes();
	forget_nodes();
	bed_fini(&bed);
	return done_testing();
}
