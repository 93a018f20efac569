/* Signatures stand with what they cover, NSEC3 records in a space of their own. */
#include "t/render_bed.h"

static void
test_signatures(void)
{
	struct zone_records *zone = zone_make("example.com");
	const struct node *apex, *www;
	struct rrset rrset;
	struct block block;
	struct zone_facts facts;

	zone_put_sig(zone, "example.com", 7200, RRTYPE_SOA, "example.com");
	zone_put_sig(zone, "example.com", 3600, RRTYPE_NS, "example.com");
	zone_put_sig(zone, "example.com", 3600, RRTYPE_AAAA, "example.com");
	zone_put(zone, "example.com", 300, RRTYPE_NSEC, "nx", "www.example.com",
		 "000122");
	zone_put_sig(zone, "example.com", 300, RRTYPE_NSEC, "example.com");
	zone_put(zone, "www.example.com", 60, RRTYPE_A, "4", 1);
	zone_put_sig(zone, "www.example.com", 60, RRTYPE_A, "example.com");
	zone_put(zone, "www.example.com", 60, RRTYPE_RRSIG,
		 "211444"
		 "2nx",
		 RRTYPE_A, 8, 2, 60, 2, 1, 1, "example.com", "ff");
	zone_put_sig(zone, "only.example.com", 60, RRTYPE_MX, "example.com");
	zone_done(zone);
	check_zone(zone);
	is_int(warnings, 1, "signatures without records are told once");
	ok(strstr(last_warning, "covers no record"), "as such: %s", last_warning);
	www = node_of("www.example.com", 9);
	ok(www && node_find_rrset(www, RRTYPE_A, &rrset) && rrset.head.sig_count == 2,
	   "two signatures of one RRset");
	ok(www && !node_find_rrset(www, RRTYPE_RRSIG, &rrset),
	   "RRSIG is no RRset of its own");
	flags_are("only.example.com", NODE_EMPTY);
	apex = node_of("example.com", CATALOGUE_ID);
	ok(apex && node_find_rrset(apex, RRTYPE_SOA, &rrset) && rrset.head.ttl == 3600,
	   "the SOA has its own TTL");
	ok(apex && node_find_block(apex, BLOCK_NEGATIVE_SOA, RRTYPE_SOA, &block) &&
		   rrset_open(&block, &rrset) && rrset.head.ttl == 300 &&
		   rrset.head.sig_count == 1,
	   "the negative one that of MINIMUM, and its signature");
	ok(apex && node_zone_facts(apex, &facts) &&
		   facts.flags == (ZONE_SIGNED | ZONE_NSEC),
	   "signed with NSEC");
	zone_records_free(zone);
}

#define HASH_1 "0000000000000000000000000000000a"
#define HASH_2 "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"
#define HASH_3 "11111111111111111111111111111111"

static void
put_nsec3(struct zone_records *zone, const char *hash, unsigned flags, const char *salt)
{
	char owner[64], rdata[128];

	sprintf(owner, "%s.example.com", hash);
	sprintf(rdata, "01%02x000a%02x%s14%040d000140", flags, (unsigned)strlen(salt) / 2,
		salt, 0);
	zone_put(zone, owner, 300, RRTYPE_NSEC3, "x", rdata);
	zone_put_sig(zone, owner, 300, RRTYPE_NSEC3, "example.com");
}

static void
test_nsec3(void)
{
	struct zone_records *zone = zone_make("example.com");
	struct nsec3_facts facts;
	struct zone_facts zone_facts;
	const struct node *node;
	struct block block;
	struct rrset rrset;

	zone_put_sig(zone, "example.com", 3600, RRTYPE_SOA, "example.com");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "02abcd");
	put_nsec3(zone, HASH_1, 1, "abcd");
	put_nsec3(zone, HASH_2, 0, "abcd");
	put_nsec3(zone, HASH_3, 0, "abce");
	put_nsec3(zone, "x." HASH_1, 0, "abcd");
	zone_put(zone, HASH_2 ".example.com", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "deep." HASH_1 ".example.com", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	check_zone(zone);
	is_int(warnings, 1, "stray NSEC3 records are told once");
	ok(strstr(last_warning, "belongs to no chain"), "as such: %s", last_warning);
	ok(node_of(HASH_1 ".example.com", 9 | NSEC3_SPACE) != NULL, "in the NSEC3 space");
	flags_are(HASH_1 ".example.com", NODE_EMPTY);
	ok(node_of(HASH_2 ".example.com", 9 | NSEC3_SPACE) != NULL, "another one");
	node = node_of(HASH_2 ".example.com", 9);
	ok(node && !node_find_rrset(node, RRTYPE_NSEC3, &rrset),
	   "which has other data too");
	ok(!node_of(HASH_3 ".example.com", 9 | NSEC3_SPACE),
	   "another salt is another chain");
	ok(!node_of("x." HASH_1 ".example.com", 9 | NSEC3_SPACE), "too deep for a hash");
	ok(!node_of("x." HASH_1 ".example.com", 9), "and no plain name either");
	node = node_of("example.com", CATALOGUE_ID);
	if (!ok(node && node_zone_facts(node, &zone_facts), "there is an apex"))
		return;
	is_int(zone_facts.flags, ZONE_SIGNED | ZONE_NSEC3 | ZONE_OPTOUT, "its flags");
	is_int(zone_facts.name_count, 4, "NSEC3 owners are no names");
	if (ok(node_find_block(node, BLOCK_NSEC3PARAM, 0, &block), "it has parameters")) {
		memcpy(&facts, block.payload, sizeof facts);
		is_int(facts.algorithm, 1, "SHA-1");
		is_int(facts.iterations, 10, "iterations");
		is_int(facts.salt_len, 2, "length of the salt");
		cmp_mem(block.payload + sizeof facts, "\xab\xcd", 2, "the salt");
	}
	zone_records_free(zone);
}

/* Of two chains, the longer one; flags in NSEC3PARAM: not for use. */
static void
test_nsec3_choice(void)
{
	struct zone_records *zone = zone_make("example.com");

	zone_put_sig(zone, "example.com", 3600, RRTYPE_SOA, "example.com");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "01aa");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "01bb");
	zone_put(zone, "example.com", 0, RRTYPE_NSEC3PARAM, "112x", 1, 1, 10, "01cc");
	put_nsec3(zone, HASH_1, 0, "aa");
	put_nsec3(zone, HASH_2, 0, "bb");
	put_nsec3(zone, HASH_3, 0, "bb");
	put_nsec3(zone,
		  "2"
		  "1111111111111111111111111111111",
		  0, "cc");
	put_nsec3(zone,
		  "3"
		  "1111111111111111111111111111111",
		  0, "cc");
	put_nsec3(zone,
		  "4"
		  "1111111111111111111111111111111",
		  0, "cc");
	zone_done(zone);
	check_zone(zone);
	is_int(node_count, 3, "the apex and one chain");
	ok(node_of(HASH_2 ".example.com", 9 | NSEC3_SPACE) != NULL, "that of salt bb");
	zone_records_free(zone);
}

/* A message holds question, RRset, signatures and an OPT of 11 octets, or none of the
 * signatures. */
static void
test_big_signatures(void)
{
	struct zone_records *zone = zone_make("example.com");
	static uint8_t rdata[65535];
	const unsigned sig_len = 12 + 18 + 13 + 16, base = 33,
		       room = MESSAGE_MAX - base - 11;
	const struct node *node;
	struct rrset rrset;

	zone_put_rdata(zone, "fit.example.com", 60, 65280, rdata, room - sig_len - 12);
	zone_put_sig(zone, "fit.example.com", 60, 65280, "example.com");
	zone_put_rdata(zone, "big.example.com", 60, 65280, rdata, room - sig_len - 11);
	zone_put_sig(zone, "big.example.com", 60, 65280, "example.com");
	zone_done(zone);
	render_all(zone);
	node = node_of("fit.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) && rrset.head.sig_count == 1 &&
		   node_check(node) == NULL,
	   "a signature that just fits");
	node = node_of("big.example.com", 9);
	ok(node && node_find_rrset(node, 65280, &rrset) && rrset.head.sig_count == 0 &&
		   node_check(node) == NULL,
	   "one octet more, and it is left out");
	zone_records_free(zone);
}

/* Very many types at one owner, each with a signature, and one over nothing. */
static void
test_many_types(void)
{
	struct zone_records *zone = zone_make("example.com");
	const struct node *node;
	unsigned sets = 0, signed_sets = 0;
	struct rrset rrset;
	struct block block;
	uint32_t at = 0;

	for (unsigned type = 1000; type < 31000; type++) {
		zone_put(zone, "many.example.com", 60, (uint16_t)type, "4", type);
		zone_put_sig(zone, "many.example.com", 60, (uint16_t)type, "example.com");
	}
	zone_put_sig(zone, "many.example.com", 60, 31000, "example.com");
	zone_done(zone);
	render_all(zone);
	node = node_of("many.example.com", 9);
	while (node && node_next_block(node, &at, &block)) {
		sets += rrset_open(&block, &rrset);
		signed_sets += rrset.head.sig_count == 1;
	}
	is_int(sets, 30000, "all types are there");
	is_int(signed_sets, 30000, "each with its signature");
	is_int(warnings, 1, "the other one is told");
	ok(node && !node_check(node), "the node is whole");
	zone_records_free(zone);
}

int
main(void)
{
	test_signatures();
	test_nsec3();
	test_nsec3_choice();
	test_big_signatures();
	test_many_types();
	forget_nodes();
	return done_testing();
}
