/* A small generation with a bit of everything, for tests that damage it. */
#ifndef T_SAMPLE_GENERATION_H
#define T_SAMPLE_GENERATION_H

#include "loader/store/builder.h"
#include "shm/generation.h"
#include "t/steered_maker.h"

#define SAMPLE_HASH_A "0000000000000000000000000000000a"
#define SAMPLE_HASH_B "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

static inline struct zone_records *
sample_zone_nsec(void)
{
	struct zone_records *zone = zone_make("nsec.test");
	char owner[64], next[64];

	zone_put(zone, "nsec.test", 60, RRTYPE_MX, "2n", 1, "mail.nsec.test");
	zone_put(zone, "nsec.test", 60, RRTYPE_MX, "2n", 2, "a.mail.nsec.test");
	zone_put_sig(zone, "nsec.test", 60, RRTYPE_MX, "nsec.test");
	zone_put(zone, "nsec.test", 60, RRTYPE_NSEC, "nx", "h00.nsec.test", "000122");
	zone_put_sig(zone, "nsec.test", 60, RRTYPE_NSEC, "nsec.test");
	for (unsigned i = 0; i < 40; i++) {
		sprintf(owner, "h%02u.nsec.test", i);
		sprintf(next, "h%02u.nsec.test", i + 1);
		zone_put(zone, owner, 60, RRTYPE_AAAA, "4444", i, i, i, i);
		zone_put(zone, owner, 60, RRTYPE_NSEC, "nx", i < 39 ? next : "nsec.test",
			 "0006000000080003");
	}
	zone_put(zone, "x.y.z.nsec.test", 60, RRTYPE_CNAME, "n", "y.nsec.test");
	zone_put(zone, "*.w.nsec.test", 60, RRTYPE_SRV, "222n", 1, 2, 3, "h00.nsec.test");
	zone_done(zone);
	return zone;
}

static inline struct zone_records *
sample_zone_nsec3(void)
{
	static const char *const owners[] = { SAMPLE_HASH_A ".nsec3.test",
					      SAMPLE_HASH_B ".nsec3.test" };
	struct zone_records *zone = zone_make("nsec3.test");
	static uint8_t big[20000];
	static const uint8_t lasts[] = { 7, 3, 7, 5 };
	static const uint32_t weights[] = { 0, 10, 20, 1 };

	zone_put_sig(zone, "nsec3.test", 60, RRTYPE_SOA, "nsec3.test");
	zone_put(zone, "nsec3.test", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 10, "02abcd");
	for (unsigned i = 0; i < 2; i++) {
		zone_put(zone, owners[i], 60, RRTYPE_NSEC3, "112x", 1, 0, 10,
			 "02abcd14000000000000000000000000000000000000000000" "0140");
		zone_put_sig(zone, owners[i], 60, RRTYPE_NSEC3, "nsec3.test");
	}
	zone_put(zone, "cut.nsec3.test", 60, RRTYPE_NS, "n", "ns.cut.nsec3.test");
	zone_put(zone, "ns.cut.nsec3.test", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "d.nsec3.test", 60, RRTYPE_DNAME, "n", "nsec.test");
	zone_put_rdata(zone, "big.nsec3.test", 60, 65280, big, sizeof big);
	zone_put_steered(zone, "steered.nsec3.test", 60, RRTYPE_A, STEERED_MULTI,
			 STEERED_WEIGHTED, STEERED_BY_ASN_COUNTRY, 2, 4, lasts, weights);
	zone_put_steered(zone, "steered.nsec3.test", 60, RRTYPE_AAAA, STEERED_SINGLE,
			 STEERED_RR, STEERED_BY_LOCATION, 0, 3, lasts, weights);
	zone_done(zone);
	return zone;
}

/* Make it in the new directory `dir`. */
static inline void
sample_generation_make(const char *dir)
{
	static const char *const path = "/zones/bad.zone";
	static const uint8_t broken[] = "\6broken\4test";
	const struct zone_source source = { SOURCE_FILE, 1, &path, 1 };
	const struct builder_seal_options options = { .id = 3 };
	struct zone_records *nsec = sample_zone_nsec(), *nsec3 = sample_zone_nsec3();
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	if (builder_new(NULL, NULL, NULL, &builder) != 0 ||
	    builder_add(builder, nsec, false) != 0 || builder_add(builder, nsec3, false) != 0 ||
	    builder_break(builder, broken, sizeof broken, &source, "no SOA") != 0 ||
	    builder_seal(builder, dir, &options, &manifest, reason) != 0)
		bail_out("no generation to damage");
	builder_free(builder);
	zone_records_free(nsec);
	zone_records_free(nsec3);
}

/* Look at all that a reader may look at; returns how many things were found. */
static inline unsigned
sample_generation_read(const struct generation *gen)
{
	static const char *const names[] = { "nsec.test",	 "nsec3.test",
					     "broken.test",	 "h07.nsec.test",
					     "x.y.z.nsec.test",	 "z.nsec.test",
					     "big.nsec3.test",	 "none.nsec3.test",
					     SAMPLE_HASH_A ".nsec3.test" };
	unsigned found = 0;

	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		for (uint32_t id = 0; id < 8; id++) {
			uint32_t zone_id = id < 4 ? id : (id - 4) | NSEC3_SPACE;
			uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
			size_t len = dname_from_text(names[i], name);
			const struct index_zone *zone = generation_zone(gen, zone_id);
			uint64_t order_count = zone ? zone->order_count : 0;
			struct zone_facts facts;
			struct rrset rrset;
			struct block block;
			struct node node;
			uint32_t at = 0;

			for (uint64_t k = 0; k < order_count; k++)
				found += generation_node_at(
					gen, gen->order[zone->order_first + k], &node);
			if (generation_find(gen, zone_id, name, len, &node) != 0)
				continue;
			found += node_zone_facts(&node, &facts);
			while (node_next_block(&node, &at, &block))
				found += rrset_open(&block, &rrset);
		}
	}
	return found;
}

#endif
