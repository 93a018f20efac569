/* What a zone tells besides its records: its sources, what is too large, what Redis says. */
#include "loader/zone/zone_faults.h"
#include "shm/errcode.h"
#include "t/render_bed.h"

static void
test_big(void)
{
	struct zone_records *zone = zone_make("example.com");
	static uint8_t rdata[65535];
	const struct node *node;
	struct rrset rrset;
	struct block block;
	char name[64];

	/* past 16,383 octets there is nothing to point to */
	for (unsigned i = 0; i < 2500; i++) {
		sprintf(name, "p%u.%u.%s", i % 1250, i,
			i % 2 ? "example.com" : "other.test");
		zone_put(zone, "ptr.example.com", 60, RRTYPE_PTR, "n", name);
	}
	/* two records of 12 octets and rdata, behind 12 + 16 + 4 octets: just fits */
	rdata[0] = 1;
	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata, 32000);
	rdata[0] = 2;
	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata,
		       65535 - 33 - 24 - 32000);
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata, 32000);
	rdata[0] = 1;
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata,
		       65536 - 33 - 24 - 32000);
	zone_done(zone);
	check_zone(zone);
	node = node_of("fit.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) &&
		   RRSET_BASE(17u) + rrset.head.wire_len == MESSAGE_MAX,
	   "an RRset that fills a message");
	node = node_of("big.example.com", 9);
	ok(node && !node_find_rrset(node, 65280, &rrset), "one octet more is too much");
	ok(node && node_find_block(node, BLOCK_BAD_RRSET, 65280, &block),
	   "it is known as bad");
	zone_records_free(zone);
}

/* What was found wrong stands in the apex. */
static void
test_faults(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct zone_messages messages = { 0 };
	static uint8_t rdata[65535];
	const struct node *apex;
	struct zone_facts facts;
	struct rrset_fault fault;
	struct block block;
	char name[64];
	uint32_t at = 0;
	unsigned count = 0;

	for (unsigned i = 0; i < ZONE_FAULTS_LISTED + 5; i++) {
		sprintf(name, "big%03u.example.com", i);
		zone_put_rdata(zone, name, 60, 65280, rdata, 65500);
	}
	/* one name, together larger than a message, none of them alone */
	for (uint16_t type = 65280; type < 65284; type++)
		zone_put_rdata(zone, "many.example.com", 60, type, rdata, 30000);
	zone_done(zone);
	is_int(zone_faults_find(zone, &messages), ERR_OK, "faults are looked for");
	is_int(messages.counts[ZONE_DROPPED], ZONE_FAULTS_LISTED + 5, "all are told");
	check_zone(zone);
	apex = node_of("example.com", CATALOGUE_ID);
	ok(apex && !node_check(apex) && node_zone_facts(apex, &facts) &&
		   facts.fault_count == ZONE_FAULTS_LISTED + 5,
	   "the apex counts them");
	if (!ok(apex && node_find_block(apex, BLOCK_FAULTS, 0, &block), "and has a list"))
		return;
	while (rrset_fault_next(&block, &at, &fault))
		count++;
	is_int(count, ZONE_FAULTS_LISTED, "of the first ones");
	is_int(at, block.head.len, "without a rest");
	at = 0;
	ok(rrset_fault_next(&block, &at, &fault) && fault.head.type == 65280 &&
		   fault.head.kind == FAULT_SERVFAIL &&
		   fault.head.path_len == strlen("/zones/test.zone") &&
		   memcmp(fault.path, "/zones/test.zone", fault.head.path_len) == 0 &&
		   memcmp(fault.owner, "\6big000", 7) == 0,
	   "with owner, type and file");
	block.head.len--;
	for (at = 0; rrset_fault_next(&block, &at, &fault);)
		;
	ok(at < block.head.len, "a list that is cut short is noticed");
	zone_messages_fini(&messages);
	zone_records_free(zone);
}

static void
test_source(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct source_facts source;
	const struct node *apex;
	struct block block;

	if (zone_records_add_path(zone, "/zones/included") < 0)
		bail_out("no memory");
	zone_done(zone);
	check_zone(zone);
	apex = node_of("example.com", CATALOGUE_ID);
	if (!ok(apex && node_find_block(apex, BLOCK_SOURCE, 0, &block),
		"there is a source"))
		return;
	memcpy(&source, block.payload, sizeof source);
	is_int(source.kind, SOURCE_FILE, "a file");
	is_int(source.stamp, 42, "its stamp");
	is_int(source.path_count, 2, "two paths");
	cmp_mem(block.payload + sizeof source, "/zones/test.zone\0/zones/included", 33,
		"in their order");
	zone_records_free(zone);
}

static void
put_mark(struct zone_records *zone, const char *owner, enum zone_mark mark, uint16_t type,
	 const void *bytes, size_t len)
{
	uint8_t name[DNAME_MAX];

	if (zone_records_add_mark(zone, name, dname_from_text(owner, name), mark, type,
				  bytes, len) != 0)
		bail_out("no memory");
}

/* Redis says of names what records do not. */
static void
test_marks(void)
{
	static const struct redis_facts facts = { .raw_digest = 77 };
	const struct provenance provenance = { 1, 2, 3 };
	struct zone_records *zone = zone_make("example.com");
	struct provenance found = { 0 };
	struct redis_facts redis = { 0 };
	struct zone_facts head = { 0 };
	const struct node *node;
	struct block block;

	put_mark(zone, "empty.example.com", ZONE_MARK_PROVENANCE, 0, &provenance,
		 sizeof provenance);
	put_mark(zone, "bad.example.com", ZONE_MARK_BAD, RRTYPE_CNAME, "no name", 7);
	put_mark(zone, "bad.example.com", ZONE_MARK_PROVENANCE, 0, &provenance,
		 sizeof provenance);
	put_mark(zone, "example.com", ZONE_MARK_BAD, RRTYPE_MX, "what?", 5);
	zone_put(zone, "bad.example.com", 300, RRTYPE_TXT, "s", "good");
	zone->redis = &facts;
	zone->error = "config: is not JSON";
	zone_done(zone);
	render_all(zone);
	flags_are("empty.example.com", NODE_EMPTY);
	flags_are("bad.example.com", NODE_HAS_CNAME);
	for (size_t i = 0; i < node_count; i++)
		ok(!node_check(&nodes[i].node), "node %zu is whole", i);
	node = node_of("bad.example.com", 9);
	ok(node && node_find_block(node, BLOCK_RRSET, RRTYPE_TXT, &block) &&
		   node_find_block(node, BLOCK_BAD_RRSET, RRTYPE_CNAME, &block) &&
		   memcmp(block.payload, "no name", 7) == 0,
	   "good and bad beside each other");
	ok(node && node_copy_block(node, BLOCK_PROVENANCE, &found, sizeof found) &&
		   found.change_seq == 3,
	   "its provenance");
	node = node_of("example.com", CATALOGUE_ID);
	ok(node && node_copy_block(node, BLOCK_REDIS, &redis, sizeof redis) &&
		   redis.raw_digest == 77,
	   "the zone's facts");
	ok(node && node_find_block(node, BLOCK_ERROR, 0, &block), "its error");
	ok(node && node_zone_facts(node, &head), "an apex");
	is_int(head.record_count, 3, "marks are no records");
	is_int(head.fault_count, 2, "the bad ones are faults");
	zone_records_free(zone);
}

int
main(void)
{
	test_big();
	test_faults();
	test_source();
	test_marks();
	forget_nodes();
	return done_testing();
}
