/* The index of a generation against a plain list: what is stored is found, what is not
 * is not, and orders are canonical.  Labels hold any octets, names up to 127 labels. */
#include <stdlib.h>
#include <string.h>

#include "loader/store/seal_index.h"
#include "shm/errcode.h"
#include "shm/generation.h"
#include "t/draw.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"

enum {
	ROUNDS = 12,
	ZONES_MAX = 6,
	NAMES_MAX = 400,
	MODEL_MAX = 64 * 1024,
	PROBES = 3000
};

struct model_name {
	uint8_t name[DNAME_MAX + NAME_PAD];
	unsigned len;
	uint32_t zone; /* index of the zone */
	bool has_nsec;
};

static struct model_name model[MODEL_MAX];
static size_t model_count;
static uint8_t origins[ZONES_MAX][DNAME_MAX + NAME_PAD];
static unsigned origin_lens[ZONES_MAX], zone_count;

static unsigned
draw_label_len(void)
{
	static const unsigned lens[] = { 1, 1, 1, 2, 3, 7, 8, 9, 15, 16, 17, 63 };

	return lens[draw(sizeof lens / sizeof lens[0])];
}

/* Put a label in front of the name; few octets so that names come close, or any.
 * returns false when there is no room. */
static bool
put_label(uint8_t *name, unsigned *len)
{
	static const uint8_t near[] = { 0, 1, 2, '*', 'a', '`', '[', 0xff };
	unsigned label_len = draw_label_len(), any = draw(4) == 0;

	if (*len + label_len + 1 > DNAME_MAX)
		return false;
	memmove(name + label_len + 1, name, *len);
	name[0] = (uint8_t)label_len;
	for (unsigned i = 1; i <= label_len; i++)
		name[i] = any ? (uint8_t)draw(256) : near[draw(sizeof near)];
	dname_lower(name, label_len + 1);
	*len += label_len + 1;
	return true;
}

static unsigned
draw_name(uint32_t zone, uint8_t *name)
{
	unsigned len, labels = draw(8) == 0 ? draw(128) : draw(4);

	if (model_count > 0 && draw(2)) {
		const struct model_name *below = &model[draw((unsigned)model_count)];

		if (below->zone == zone) {
			memcpy(name, below->name, below->len);
			len = below->len;
			(void)put_label(name, &len);
			return len;
		}
	}
	memcpy(name, origins[zone], origin_lens[zone]);
	len = origin_lens[zone];
	while (labels-- > 0 && put_label(name, &len))
		;
	return len;
}

static struct model_name *
model_find(uint32_t zone, const uint8_t *name, unsigned len)
{
	for (size_t i = 0; i < model_count; i++)
		if (model[i].zone == zone && model[i].len == len &&
		    memcmp(model[i].name, name, len) == 0)
			return &model[i];
	return NULL;
}

/* Add the name, and every ancestor down from the apex. */
static void
model_add(uint32_t zone, const uint8_t *name, unsigned len)
{
	for (; len > origin_lens[zone]; len -= name[0] + 1u, name += name[0] + 1u) {
		if (model_find(zone, name, len))
			return;
		if (model_count == MODEL_MAX)
			bail_out("the model is full");
		memset(&model[model_count], 0, sizeof model[0]);
		memcpy(model[model_count].name, name, len);
		model[model_count].len = len;
		model[model_count++].zone = zone;
	}
}

static void
put_record(struct zone_records *zone, const uint8_t *name, unsigned len, uint16_t type,
	   const uint8_t *rdata, unsigned rdata_len)
{
	struct zone_record record = {
		.owner = name,
		.rdata = rdata,
		.ttl = 60,
		.type = type,
		.rdata_len = (uint16_t)rdata_len,
		.owner_len = (uint8_t)len,
	};

	if (zone_records_add(zone, &record) != 0)
		bail_out("no memory");
}

static void
put_name(struct zone_records *zone, uint32_t index, const uint8_t *name, unsigned len)
{
	struct model_name *known = model_find(index, name, len);
	bool is_new = !known;

	model_add(index, name, len);
	known = model_find(index, name, len);
	if (!known)
		return;
	if (is_new)
		put_record(zone, name, len, RRTYPE_A, (const uint8_t[]){ 1, 2, 3, 4 }, 4);
	if (!known->has_nsec && draw(2)) {
		put_record(zone, name, len, RRTYPE_NSEC, (const uint8_t[]){ 0 }, 1);
		known->has_nsec = true;
	}
}

/* A zone with the SOA and what makes it count as signed. */
static struct zone_records *
begin_zone(uint32_t index)
{
	struct zone_records *zone = zone_records_new(origins[index], origin_lens[index]);
	static const uint8_t soa[22], sig[20] = { 0, RRTYPE_SOA };

	if (!zone)
		bail_out("no memory");
	put_record(zone, origins[index], origin_lens[index], RRTYPE_SOA, soa, sizeof soa);
	put_record(zone, origins[index], origin_lens[index], RRTYPE_RRSIG, sig,
		   sizeof sig);
	put_record(zone, origins[index], origin_lens[index], RRTYPE_NSEC, soa, 1);
	return zone;
}

static void
draw_origins(void)
{
	static const uint8_t roots[] = { 0 };

	zone_count = 0;
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		uint8_t *origin = origins[zone_count];
		unsigned len = 1, labels = draw(4);
		bool is_known = false;

		memset(origin, 0, sizeof origins[0]);
		memcpy(origin, roots, 1);
		while (labels-- > 0 && len < 100)
			(void)put_label(origin, &len);
		if (len > 120)
			continue;
		for (unsigned k = 0; k < zone_count; k++)
			is_known |=
				origin_lens[k] == len && !memcmp(origins[k], origin, len);
		if (!is_known)
			origin_lens[zone_count++] = len;
	}
}

static void
build(const char *dir)
{
	struct zone_records *zones[ZONES_MAX];

	model_count = 0;
	for (uint32_t i = 0; i < zone_count; i++) {
		uint8_t name[2 * DNAME_MAX];
		unsigned names = draw(NAMES_MAX);

		zones[i] = begin_zone(i);
		while (names-- > 0)
			put_name(zones[i], i, name, draw_name(i, name));
		zone_done(zones[i]);
	}
	zone_seal(dir, zones, zone_count);
}

static uint32_t
zone_id_of(const struct generation *gen, uint32_t zone)
{
	struct zone_facts facts;
	struct node node;

	if (generation_find(gen, CATALOGUE_ID, origins[zone], origin_lens[zone], &node) !=
		    0 ||
	    !node_zone_facts(&node, &facts))
		return 0;
	return facts.zone_id;
}

static bool
check_known(const struct generation *gen)
{
	for (size_t i = 0; i < model_count; i++) {
		const struct model_name *name = &model[i];
		uint32_t id = zone_id_of(gen, name->zone);
		struct node node;

		if (generation_find(gen, id, name->name, name->len, &node) != 0 ||
		    node.head.zone_id != id || node.head.owner_len != name->len ||
		    memcmp(node_owner(&node), name->name, name->len) != 0)
			return false;
	}
	return true;
}

static bool
check_probes(const struct generation *gen)
{
	uint8_t name[2 * DNAME_MAX + NAME_PAD];

	for (unsigned i = 0; i < PROBES; i++) {
		uint32_t zone = draw(zone_count);
		unsigned len = draw_name(zone, name);
		bool is_known = len == origin_lens[zone]
					? false
					: model_find(zone, name, len) != NULL;
		struct node node;
		int rc = generation_find(gen, zone_id_of(gen, zone), name, len, &node);

		if (rc != (is_known ? 0 : ERR_NOTFOUND))
			return false;
	}
	return true;
}

/* Each zone's order: the apex, then the owners of an NSEC, all of them, ascending. */
static bool
check_order(const struct generation *gen, uint32_t index)
{
	const struct index_zone *zone = generation_zone(gen, zone_id_of(gen, index));
	struct node node, last;
	uint64_t expected = 1;

	for (size_t i = 0; i < model_count; i++)
		expected += model[i].zone == index && model[i].has_nsec;
	if (!zone || zone->order_count != expected)
		return false;
	if (!generation_node_at(gen, gen->order[zone->order_first], &last) ||
	    !(last.head.flags & NODE_APEX))
		return false;
	for (uint64_t i = 1; i < zone->order_count; i++) {
		const struct model_name *known;

		if (!generation_node_at(gen, gen->order[zone->order_first + i], &node) ||
		    dname_compare(node_owner(&last), node_owner(&node)) >= 0)
			return false;
		known = model_find(index, node_owner(&node), node.head.owner_len);
		if (!known || !known->has_nsec)
			return false;
		last = node;
	}
	return true;
}

static void
test_round(const char *scratch, unsigned round)
{
	struct generation gen;
	char name[16], reason[256] = "";
	bool orders = true;

	draw_origins();
	snprintf(name, sizeof name, "%u", round);
	build(scratch_path(scratch, name));
	if (generation_open(scratch_path(scratch, name), GENERATION_LAZY, &gen) != 0)
		bail_out("cannot open");
	is_int(generation_verify(&gen, reason), 0, "round %u: %zu names verify %s", round,
	       model_count, reason);
	ok(check_known(&gen), "all are found");
	ok(check_probes(&gen), "others as in a plain list");
	for (uint32_t i = 0; i < zone_count; i++)
		orders = orders && check_order(&gen, i);
	ok(orders, "orders are canonical and complete");
	generation_close(&gen);
}

/* A run is as long as INDEX_RUN_MAX buckets, also around the end. */
static void
test_runs(void)
{
	struct seal_buckets buckets = { 0 };
	const uint64_t hash = ~UINT64_C(0);
	unsigned run = INDEX_RUN_MAX * INDEX_BUCKET_SLOTS, failures = 0;

	if (seal_buckets_init(&buckets, 16) != 0)
		bail_out("no memory");
	for (unsigned i = 0; i < run; i++)
		failures += seal_buckets_add(&buckets, hash, i + 1) != 0;
	failures += seal_buckets_flush(&buckets) != 0;
	is_int(failures, 0, "a full run");
	is_int(index_offset(buckets.slots[15 * INDEX_BUCKET_SLOTS]), 1,
	       "it starts in its bucket");
	is_int(index_offset(buckets.slots[0]), INDEX_BUCKET_SLOTS + 1,
	       "and goes on at the first");
	is_int(buckets.slots[7 * INDEX_BUCKET_SLOTS], 0, "and no further");
	is_int(seal_buckets_add(&buckets, hash, run + 1), 0, "one more is taken");
	is_int(seal_buckets_flush(&buckets), ERR_FULL, "and finds no room");
	seal_buckets_fini(&buckets);
}

int
main(void)
{
	char *scratch = scratch_dir_make();

	draw_seed();
	test_runs();
	for (unsigned i = 0; i < ROUNDS; i++)
		test_round(scratch, i);
	scratch_dir_free(scratch);
	return done_testing();
}
