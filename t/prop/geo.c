/* Facts and points of addresses out of a cache are those of the databases: for random
 * networks of all lengths, one in another, asked for again and again, from one state of
 * the databases to the next. */
#include "worker/geo.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shm/geo_path.h"
#include "t/draw.h"
#include "t/draw_address.h"
#include "t/mmdb_maker.h"
#include "t/scratch_dir.h"

enum { STATES = 6, NETWORKS = 400, ASKED = 60000 };

struct drawn {
	struct geo_address address;
	unsigned len;
	struct geo_place place;
};

static struct drawn networks[GEO_KINDS][NETWORKS];
static struct mmdb_maker db;
static struct geo geo;
static struct region_geo published;

static struct geo_place
draw_place(void)
{
	static const char *const countries[] = { "\0", "DE", "US", "JP" },
				 *const continents[] = { "\0", "EU", "NA" },
				 *const regions[] = { "\0\0", "CA", "ENG", "1\0" };
	struct geo_place place = { .asn = draw(5), .has_location = draw(3) > 0 };

	memcpy(place.country, countries[draw(4)], 2);
	memcpy(place.continent, continents[draw(3)], 2);
	memcpy(place.region, regions[draw(4)], sizeof place.region);
	if (place.has_location) {
		place.latitude = (double)draw(181) - 90;
		place.longitude = (double)draw(361) - 180;
	}
	return place;
}

static int
by_length(const void *a, const void *b)
{
	return (int)((const struct drawn *)a)->len - (int)((const struct drawn *)b)->len;
}

static void
draw_networks(struct drawn *networks_of_kind)
{
	for (unsigned i = 0; i < NETWORKS; i++) {
		struct drawn *network = &networks_of_kind[i];

		network->address = draw_address(2);
		network->len =
			network->address.octets[0] ? 20 + draw(109) : 96 + 8 + draw(25);
		network->place = draw_place();
	}
	qsort(networks_of_kind, NETWORKS, sizeof *networks_of_kind, by_length);
}

/* Publish a database of a kind, the next one by number. */
static void
publish(const char *dir, enum geo_db_kind kind)
{
	uint64_t number = atomic_load(&published.numbers[kind]) + 1;
	char path[PATH_MAX];

	draw_networks(networks[kind]);
	mmdb_begin(&db, kind == GEO_ASN);
	for (unsigned i = 0; i < NETWORKS; i++) {
		const struct drawn *network = &networks[kind][i];

		mmdb_add(&db, network->address, network->len,
			 kind == GEO_ASN ? mmdb_put_asn(&db, network->place.asn)
					 : mmdb_put_place(&db, &network->place));
	}
	if (!geo_path(dir, kind, number, path))
		bail_out("a path too long");
	mmdb_write(&db, path);
	atomic_store(&published.numbers[kind], number);
}

/* ---- the model ---- */

static const struct drawn *
model_find(enum geo_db_kind kind, const struct geo_address *address)
{
	const struct drawn *found = NULL;

	for (unsigned i = 0; i < NETWORKS; i++)
		if (geo_address_is_within(address, networks[kind][i].address.octets,
					  networks[kind][i].len))
			found = &networks[kind][i];
	return found;
}

static bool
facts_are_right(const struct geo_address *address, bool with_region)
{
	static const struct geo_place nothing;
	const struct drawn *place = model_find(GEO_COUNTRY, address),
			   *number = model_find(GEO_ASN, address);
	const struct geo_place *want = place ? &place->place : &nothing;
	const struct geo_facts *facts = geo_find(&geo, address, with_region);

	if (!facts->has_country_db || !facts->has_asn_db ||
	    facts->asn != (number ? number->place.asn : 0) ||
	    memcmp(facts->country, want->country, sizeof facts->country) != 0)
		return false;
	/* what holds for a network holds for no wider one */
	if ((place && facts->country_len < place->len) ||
	    (number && facts->asn_len < number->len))
		return false;
	return !with_region ||
	       (memcmp(facts->continent, want->continent, sizeof facts->continent) == 0 &&
		memcmp(facts->region, want->region, sizeof facts->region) == 0);
}

static bool
point_is_right(const struct geo_address *address, const double *point)
{
	const double degree = 3.14159265358979323846 / 180;
	const struct drawn *network = model_find(GEO_COUNTRY, address);
	const struct geo_place *place = network ? &network->place : NULL;

	if (!place || !place->has_location)
		return !point;
	return point && fabs(point[2] - sin(place->latitude * degree)) < 1e-9 &&
	       fabs(point[1] - cos(place->latitude * degree) *
				       sin(place->longitude * degree)) < 1e-9;
}

static bool
ask(const struct geo_address *address)
{
	switch (draw(5)) {
	case 0:
		return point_is_right(address, geo_client_point(&geo, address));
	case 1:
		return point_is_right(address, geo_record_point(&geo, address));
	case 2:
		return facts_are_right(address, true);
	}
	return facts_are_right(address, false);
}

static void
test_state(void)
{
	struct geo_address recent[16], address;
	bool right = true;

	for (unsigned i = 0; i < 16; i++)
		recent[i] = draw_address(2);
	for (unsigned i = 0; i < ASKED && right; i++) {
		address = draw(2) ? recent[draw(16)] : draw_address(2);
		right = ask(&address);
		recent[draw(16)] = address;
	}
	ok(right, "what is found is what the databases say");
	for (unsigned at = 0; !right && at < 16; at += 2)
		diag("%02x%02x", address.octets[at], address.octets[at + 1]);
}

/* Before there are databases, nothing is known, and that is not kept. */
static void
test_nothing(void)
{
	struct geo_address address = draw_address(2);

	ok(!geo_find(&geo, &address, true)->has_country_db, "no database: nothing");
	ok(!geo_client_point(&geo, &address), "no location");
	ok(!geo_record_point(&geo, &address), "of records neither");
}

int
main(void)
{
	char *scratch = scratch_dir_make();

	plan(0);
	draw_seed();
	if (mkdir(scratch_path(scratch, GEO_DIR), 0700) != 0)
		bail_out("no directory");
	test_nothing();
	publish(scratch, GEO_ASN);
	for (unsigned i = 0; i < STATES; i++) {
		publish(scratch, i % 2 ? GEO_ASN : GEO_COUNTRY);
		geo_follow(&geo, scratch, &published);
		ok(geo_has_offer(&geo), "databases are offered");
		geo_take(&geo);
		test_state();
	}
	geo_fini(&geo);
	scratch_dir_free(scratch);
	return done_testing();
}
