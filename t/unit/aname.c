/* ANAMEs on their way from JSON to a node, and what is kept of older ones. */
#include "shm/aname.h"

#include "loader/store/zone_digest.h"
#include "loader/zone/record_text.h"
#include "t/render_bed.h"
#include "t/steered_maker.h"
#include "t/unit/value_bed.h"

static struct value_bed bed;

/* Render www.example.com from a label of redins, in a zone that may be flattened. */
static const struct node *
make_node(const char *value, bool is_flattened)
{
	bed_start_zone(&bed, "example.com");
	record_result_clear(&bed.result);
	zone_put(bed.zone, "example.com", 3600, RRTYPE_SOA, "nn44444", "ns.example.com",
		 "host.example.com", 1, 2, 3, 4, 5);
	bed_read_text(&bed, "www", NULL, value);
	zone_done(bed.zone);
	bed.zone->is_flattened = is_flattened;
	render_all(bed.zone);
	for (size_t i = 0; i < node_count; i++) {
		const char *wrong = node_check(&nodes[i].node);

		if (wrong)
			diag("node %zu: %s", i, wrong);
		ok(!wrong, "a sound node");
	}
	return &nodes[node_count - 1].node;
}

#define AN(target, more) "{\"aname\":{\"location\":\"" target "\"" more "}}"

static void
test_block(void)
{
	const struct node *node = make_node(AN("CDN.Example.net", ",\"ttl\":60"), false);
	char target[DNAME_TEXT_MAX];
	struct aname aname;
	struct block block;

	ok(node->head.flags & NODE_HAS_ANAME && !(node->head.flags & NODE_EMPTY),
	   "the node says that it has one");
	if (!ok(node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block) &&
			aname_open(&block, &aname),
		"it is there"))
		return;
	dname_to_text(aname.target, target);
	is(target, "cdn.example.net.", "its target in lower case");
	is_int(aname.head.ttl, 60, "its TTL");
	node = make_node(AN("cdn.example.net.", ""), false);
	ok(node_find_block(node, BLOCK_ANAME, ANAME_TYPE, &block) &&
		   aname_open(&block, &aname),
	   "without a TTL");
	is_int(aname.head.ttl, BED_MAX_TTL, "it is the longest");
}

static void
is_text(const struct node *node, const char *want, const char *what)
{
	struct record_texts texts = { 0 };
	const char *got = "none";

	is_int(record_texts_add_node(&texts, node), 0, "as text");
	for (size_t i = 0; i < texts.count; i++)
		if (record_texts_get(&texts, i)[0] == ';')
			got = record_texts_get(&texts, i);
	is(got, want, "%s", what);
	record_texts_free(&texts);
}

static void
test_text(void)
{
	const struct node *node = make_node(AN("cdn.example.net", ""), true);
	uint64_t other, sum = zone_digest_node(node, DATA_VIEW_ALL),
			flat = zone_digest_node(&nodes[0].node, DATA_VIEW_ALL);

	is_text(node, "; www.example.com. 3600 IN ANAME cdn.example.net.",
		"an ANAME as a comment");
	is_text(&nodes[0].node, "; example.com.: cname_flattening",
		"a flattened zone as a comment");
	other = zone_digest_node(make_node(AN("cdn.example.org", ""), false),
				 DATA_VIEW_ALL);
	ok(other != 0 && other != sum, "another target, another digest");
	ok(zone_digest_node(&nodes[0].node, DATA_VIEW_ALL) != flat,
	   "and so not flattened");
	is_text(&nodes[0].node, "none", "no comment about most zones");
}

/* Damage is found, not followed. */
static void
test_damage(void)
{
	uint8_t payload[ANAME_LEN_MAX] = { 0 };
	struct block block = { .head = { BLOCK_ANAME, ANAME_TYPE, 0 },
			       .payload = payload };
	struct aname aname;

	ok(!aname_open(&block, &aname), "too short");
	block.head.len = 8;
	ok(!aname_open(&block, &aname) && aname_check(&block), "without a target");
	payload[4] = 3;
	memcpy(payload + 8, "\001a\000", 3);
	block.head.len = 8 + 3;
	ok(aname_open(&block, &aname), "one that is whole");
	payload[8] = 2;
	ok(!aname_open(&block, &aname), "no name");
	payload[8] = 1;
	block.head.len--;
	ok(!aname_open(&block, &aname) && aname_check(&block), "cut short");
}

int
main(void)
{
	plan(0);
	test_block();
	test_text();
	test_damage();
	forget_nodes();
	bed_fini(&bed);
	return done_testing();
}
