/* Generations made from an earlier one, new zones and broken ones. */
#include "loader/store/builder.h"

#include <string.h>
#include <unistd.h>

#include "loader/store/live.h"
#include "shm/errcode.h"
#include "t/sample_generation.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"

static char *scratch;
static char reason[512];
static unsigned warnings;

static void
count_warning(void *context, const struct zone_records *zone,
	      const struct zone_record *record, const char *text)
{
	(void)context;
	(void)zone;
	(void)record;
	(void)text;
	warnings++;
}

static const char *const bad_path = "/zones/bad.zone";
static const struct zone_source bad_source = { SOURCE_FILE, 99, &bad_path, 1 };

static const char *
gen_dir(unsigned id)
{
	char name[16];

	snprintf(name, sizeof name, "%08u", id);
	return scratch_path(scratch, name);
}

static struct builder *
begin(unsigned base_id)
{
	struct builder *builder;

	if (builder_new(base_id ? gen_dir(base_id) : NULL, count_warning, NULL,
			&builder) != 0)
		bail_out("cannot begin on base %u", base_id);
	return builder;
}

static int
finish(struct builder *builder, unsigned id, struct generation_manifest *manifest)
{
	const struct builder_seal_options options = { .id = id };
	int rc = builder_seal(builder, gen_dir(id), &options, manifest, reason);

	builder_free(builder);
	return rc;
}

/* A zone with `names` hosts; each host's address tells `mark`. */
static struct zone_records *
make_zone(const char *origin, unsigned names, unsigned mark)
{
	struct zone_records *zone = zone_make(origin);
	char owner[300];

	for (unsigned i = 0; i < names; i++) {
		snprintf(owner, sizeof owner, "h%u.a.%s", i, origin);
		zone_put(zone, owner, 60, RRTYPE_A, "4", mark);
	}
	zone_done(zone);
	return zone;
}

static void
add(struct builder *builder, struct zone_records *zone, bool may_defer)
{
	is_int(builder_add(builder, zone, may_defer), 0, "a zone is added");
	zone_records_free(zone);
}

static int
keep(struct builder *builder, const char *origin)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);

	return builder_keep(builder, name, len);
}

static bool
find(const struct generation *gen, uint32_t zone_id, const char *text, struct node *node)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	size_t len = dname_from_text(text, name);

	return generation_find(gen, zone_id, name, len, node) == 0;
}

/* The facts of a zone; zone_id 0 when it is not there. */
static struct zone_facts
facts_of(const struct generation *gen, const char *origin)
{
	struct zone_facts facts = { 0 };
	struct node apex;

	if (find(gen, CATALOGUE_ID, origin, &apex) && !node_zone_facts(&apex, &facts))
		facts.zone_id = 0;
	return facts;
}

/* The address of a host in its zone, 0 when there is none. */
static uint32_t
address_of(const struct generation *gen, const char *origin, const char *host)
{
	struct rrset rrset;
	struct node node;

	if (!find(gen, facts_of(gen, origin).zone_id, host, &node) ||
	    !node_find_rrset(&node, RRTYPE_A, &rrset))
		return 0;
	return (uint32_t)rrset.wire[15] | (uint32_t)rrset.wire[14] << 8 |
	       (uint32_t)rrset.wire[13] << 16 | (uint32_t)rrset.wire[12] << 24;
}

static void
error_is(const struct generation *gen, const char *origin, const char *want)
{
	struct source_facts source;
	struct block block;
	struct node apex;

	if (!ok(find(gen, CATALOGUE_ID, origin, &apex), "%s is there", origin))
		return;
	is(node_check(&apex), NULL, "its node is whole");
	if (!want) {
		ok(!node_find_block(&apex, BLOCK_ERROR, 0, &block), "it has no error");
		return;
	}
	ok(node_find_block(&apex, BLOCK_ERROR, 0, &block) &&
		   block.head.len == strlen(want) &&
		   memcmp(block.payload, want, strlen(want)) == 0,
	   "its error is \"%s\"", want);
	ok(node_find_block(&apex, BLOCK_SOURCE, 0, &block) &&
		   block.head.len > sizeof source,
	   "it has a source");
	memcpy(&source, block.payload, sizeof source);
	is_int(source.stamp, bad_source.stamp, "of the bad state");
	is((const char *)block.payload + sizeof source, bad_path, "and its path");
}

static bool
open_verified(unsigned id, struct generation *gen)
{
	char wrong[256] = "";
	int rc = generation_open(gen_dir(id), GENERATION_LAZY, gen);

	if (!is_int(rc, 0, "generation %u opens", id))
		return false;
	is_int(generation_verify(gen, wrong), 0, "and verifies%s", wrong);
	return true;
}

static int
add_broken(struct builder *builder, const char *origin, const char *error)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);

	return builder_break(builder, name, len, &bad_source, error);
}

static int
keep_with_error(struct builder *builder, const char *origin, const char *error)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);

	return builder_keep_with_error(builder, name, len, &bad_source, error);
}

/* Zones come in any order. */
static void
test_first(void)
{
	struct builder *builder = begin(0);
	struct generation_manifest manifest;
	struct generation gen;

	ok(builder_base(builder) == NULL, "no base");
	add(builder, make_zone("c.test", 2, 3), true);
	add(builder, make_zone("a.test", 2, 1), true);
	is_int(add_broken(builder, "d.test", "no SOA"), 0, "a broken one");
	add(builder, make_zone("b.test", 2, 2), true);
	add(builder, make_zone("test", 1, 9), true);
	is_int(keep(builder, "e.test"), ERR_NOTFOUND, "nothing can be kept");
	is_int(finish(builder, 1, &manifest), 0, "sealed %s", reason);
	is_int(manifest.zone_count, 5, "five zones");
	is_int(manifest.broken_count, 1, "one of them broken");
	is_int(manifest.next_zone_id, 6, "five ids");
	if (!open_verified(1, &gen))
		return;
	is_int(facts_of(&gen, "test").zone_id, 1, "ids by canonical order: test");
	is_int(facts_of(&gen, "a.test").zone_id, 2, "a.test");
	is_int(facts_of(&gen, "d.test").zone_id, 5, "d.test");
	is_int(facts_of(&gen, "d.test").flags, ZONE_BROKEN, "which is broken");
	error_is(&gen, "d.test", "no SOA");
	is_int(address_of(&gen, "b.test", "h1.a.b.test"), 2, "hosts are in their zones");
	is_int(gen.head.apex_depths[0], 1 << 1 | 1 << 2, "apexes have one or two labels");
	generation_close(&gen);
}

static void
test_second(void)
{
	struct builder *builder = begin(1);
	struct generation_manifest manifest;
	struct generation gen;

	ok(builder_base(builder) != NULL, "there is a base");
	is_int(keep(builder, "c.test"), 0, "c.test is kept");
	is_int(keep(builder, "test"), 0, "test is kept");
	is_int(keep_with_error(builder, "a.test", "line 3: nonsense"), 0,
	       "a.test is bad");
	is_int(keep(builder, "x.test"), ERR_NOTFOUND, "x.test cannot be kept");
	add(builder, make_zone("d.test", 3, 44), true);
	add(builder, make_zone("aa.test", 1, 55), false);
	is_int(finish(builder, 2, &manifest), 0, "sealed %s", reason);
	is_int(manifest.zone_count, 5, "five zones");
	is_int(manifest.broken_count, 1, "one of them with an error");
	is_int(manifest.next_zone_id, 8, "two more ids");
	if (!open_verified(2, &gen))
		return;
	is_int(facts_of(&gen, "c.test").zone_id, 4, "kept: c.test has its id");
	is_int(address_of(&gen, "c.test", "h0.a.c.test"), 3, "and its data");
	is_int(facts_of(&gen, "b.test").zone_id, 0, "b.test is gone");
	is_int(facts_of(&gen, "aa.test").zone_id, 6, "new: aa.test has a fresh id");
	is_int(facts_of(&gen, "d.test").zone_id, 7, "and so has d.test");
	is_int(facts_of(&gen, "d.test").flags, 0, "which is whole now");
	is_int(address_of(&gen, "d.test", "h2.a.d.test"), 44, "with its data");
	error_is(&gen, "d.test", NULL);
	error_is(&gen, "a.test", "line 3: nonsense");
	is_int(address_of(&gen, "a.test", "h1.a.a.test"), 1,
	       "a.test is served as it was");
	generation_close(&gen);
}

/* A second error replaces the first; without one it is taken back. */
static void
test_errors(void)
{
	struct builder *builder = begin(2);
	struct generation_manifest manifest;
	struct generation gen;

	is_int(keep_with_error(builder, "a.test", NULL), 0,
	       "a.test has no error any more");
	is_int(keep_with_error(builder, "c.test", "gone"), 0, "c.test has one");
	is_int(finish(builder, 3, &manifest), 0, "sealed %s", reason);
	builder = begin(3);
	is_int(keep_with_error(builder, "c.test", "still gone"), 0, "and another one");
	is_int(keep(builder, "a.test"), 0, "a.test is kept");
	is_int(finish(builder, 4, &manifest), 0, "sealed %s", reason);
	if (!open_verified(4, &gen))
		return;
	error_is(&gen, "a.test", NULL);
	error_is(&gen, "c.test", "still gone");
	is_int(address_of(&gen, "c.test", "h0.a.c.test"), 3,
	       "c.test is served as it was");
	generation_close(&gen);
}

static void
test_refusals(void)
{
	struct builder *builder = begin(1);
	struct generation_manifest manifest;

	is_int(keep(builder, "test"), 0, "a zone is kept");
	add(builder, make_zone("test", 1, 1), false);
	is_int(finish(builder, 5, &manifest), ERR_EXISTS, "a zone twice: %s", reason);
	ok(access(gen_dir(5), F_OK) != 0, "nothing is left behind");
	is_int(finish(begin(0), 1, &manifest), ERR_EXISTS, "a directory twice: %s",
	       reason);
	ok(access(gen_dir(1), F_OK) == 0, "it is left alone");
	is_int(builder_new(gen_dir(77), NULL, NULL, &builder), ERR_NOTFOUND,
	       "no such base");
}

/* Above DEFER_RECORDS the zone is rendered while it is written: same result. */
static void
test_deferred(void)
{
	struct builder *builder = begin(0);
	struct zone_records *zone = make_zone("big.test", 100000, 7);
	struct generation_manifest manifest;
	struct generation gen;

	warnings = 0;
	zone_put_sig(zone, "h5.a.big.test", 60, RRTYPE_MX, "big.test");
	zone_done(zone);
	is_int(builder_add(builder, zone, true), 0, "a big zone is added");
	is_int(zone->count, 0, "and moved");
	zone_records_free(zone);
	zone = make_zone("copy.test", 100000, 8);
	is_int(builder_add(builder, zone, false), 0, "a big zone is rendered at once");
	is_int(zone->count, 100002, "and stays the caller's");
	zone_records_free(zone);
	is_int(finish(builder, 10, &manifest), 0, "sealed %s", reason);
	is_int(warnings, 1, "the stray signature was told");
	if (!open_verified(10, &gen))
		return;
	is_int(manifest.name_count, 2 * 100002, "all names");
	is_int(address_of(&gen, "big.test", "h99999.a.big.test"), 7, "of one");
	is_int(address_of(&gen, "copy.test", "h99999.a.copy.test"), 8,
	       "and of the other");
	generation_close(&gen);
}

/* Orders of NSEC and NSEC3 go along when their zone is kept. */
static void
test_signed(void)
{
	struct builder *builder = begin(0);
	struct generation_manifest manifest;
	const struct index_zone *zone;
	struct generation gen;
	struct node node;

	add(builder, sample_zone_nsec(), false);
	add(builder, sample_zone_nsec3(), false);
	add(builder, make_zone("mid.test", 3, 1), false);
	is_int(finish(builder, 30, &manifest), 0, "sealed %s", reason);
	builder = begin(30);
	is_int(keep(builder, "nsec3.test"), 0, "nsec3.test is kept");
	is_int(keep(builder, "nsec.test"), 0, "nsec.test is kept");
	add(builder, make_zone("mid.test", 2, 2), false);
	add(builder, make_zone("aaa.test", 2, 2), false);
	is_int(finish(builder, 31, &manifest), 0, "sealed %s", reason);
	if (!open_verified(31, &gen))
		return;
	zone = generation_zone(&gen, facts_of(&gen, "nsec.test").zone_id);
	is_int(zone ? zone->order_count : 0, 41, "all owners of an NSEC");
	zone = generation_zone(&gen, facts_of(&gen, "nsec3.test").zone_id);
	is_int(zone ? zone->nsec3_count : 0, 2, "all owners of an NSEC3");
	ok(find(&gen, facts_of(&gen, "nsec3.test").zone_id | NSEC3_SPACE,
		SAMPLE_HASH_B ".nsec3.test", &node),
	   "which are found");
	is_int(address_of(&gen, "mid.test", "h1.a.mid.test"), 2,
	       "the zone between is new");
	generation_close(&gen);
}

/* The same zones in another order: the same file. */
static void
test_determinism(void)
{
	struct generation_manifest first, second;
	struct builder *builder = begin(0);

	add(builder, make_zone("a.test", 3, 1), false);
	add(builder, make_zone("b.test", 3, 2), false);
	add(builder, sample_zone_nsec3(), false);
	is_int(finish(builder, 40, &first), 0, "sealed %s", reason);
	builder = begin(0);
	add(builder, sample_zone_nsec3(), false);
	add(builder, make_zone("b.test", 3, 2), false);
	add(builder, make_zone("a.test", 3, 1), false);
	is_int(finish(builder, 41, &second), 0, "sealed %s", reason);
	is_int(first.data_len, second.data_len, "as long");
	ok(first.data_xxh3 == second.data_xxh3, "and of the same octets");
}

/* Many zones in an order that takes a real sort. */
static void
test_many(void)
{
	struct builder *builder = begin(0);
	struct generation_manifest manifest;
	struct generation gen;
	char origin[32];
	unsigned wrong = 0;

	for (unsigned i = 0; i < 2000; i++) {
		struct zone_records *zone;

		snprintf(origin, sizeof origin, "z%04u.test", 1999 - i);
		zone = make_zone(origin, 1, i);
		wrong += builder_add(builder, zone, false) != 0;
		zone_records_free(zone);
	}
	is_int(wrong, 0, "2000 zones, the last one first");
	is_int(finish(builder, 50, &manifest), 0, "sealed %s", reason);
	if (!open_verified(50, &gen))
		return;
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(origin, sizeof origin, "z%04u.test", i);
		wrong += facts_of(&gen, origin).zone_id != i + 1;
	}
	is_int(wrong, 0, "their ids are in canonical order");
	generation_close(&gen);
}

/* Fresh ids would run out: all zones get new ones. */
static void
test_renumbering(void)
{
	struct builder *builder = begin(2);
	struct generation_manifest manifest;
	struct generation gen;
	const uint32_t *next =
		&live_generation(builder_base(builder))->manifest.next_zone_id;

	/* as after two thousand million reloads */
	*(uint32_t *)(uintptr_t)next = ZONE_ID_END - 1;
	is_int(keep(builder, "c.test"), 0, "c.test is kept");
	is_int(keep(builder, "d.test"), 0, "d.test is kept");
	add(builder, make_zone("e.test", 1, 5), false);
	add(builder, make_zone("f.test", 1, 6), false);
	is_int(finish(builder, 20, &manifest), 0, "sealed %s", reason);
	is_int(manifest.next_zone_id, 5, "ids start anew");
	if (!open_verified(20, &gen))
		return;
	is_int(facts_of(&gen, "c.test").zone_id, 1, "kept zones too");
	is_int(facts_of(&gen, "d.test").zone_id, 2, "in their order");
	is_int(facts_of(&gen, "f.test").zone_id, 4, "new ones behind them");
	is_int(address_of(&gen, "d.test", "h2.a.d.test"), 44, "their data with them");
	generation_close(&gen);
}

int
main(void)
{
	scratch = scratch_dir_make();
	test_first();
	test_second();
	test_errors();
	test_refusals();
	test_deferred();
	test_signed();
	test_determinism();
	test_many();
	test_renumbering();
	scratch_dir_free(scratch);
	return done_testing();
}
