/* The chain of steps against a plain model: for random RRsets that ask for everything, random
 * databases and states of targets, which records are left; and that all clients within the
 * scope that is told have the same ones left. */
#include "worker/steer.h"

#include <math.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "loader/zone/steering.h"
#include "shm/geo_path.h"
#include "t/draw.h"
#include "t/draw_address.h"
#include "t/mmdb_maker.h"
#include "t/scratch_dir.h"
#include "worker/geo.h"

enum { SETS = 4000, CANDIDATES = 10, NETWORKS = 300, CLIENTS = 12, NEIGHBOURS = 6 };

struct known_network {
	struct geo_address address;
	unsigned len;
	struct geo_place place;
};

/* Places of one candidate, as they were put in. */
struct candidate {
	uint8_t last; /* of its address, 198.51.0.last */
	unsigned country_count, asn_count, subnet_count, region_count, continent_count;
	char countries[3][2], continents[3][2], regions[3][6];
	uint32_t asns[3];
	struct known_network subnets[3];
	bool is_fallback;
	struct board_status status;
};

struct set {
	unsigned count;
	enum steered_geo geo;
	bool is_probed;
	enum steered_policy policy;
	int up_count, down_count;
	struct candidate of[CANDIDATES];
};

static struct known_network networks[GEO_KINDS][NETWORKS];
static struct mmdb_maker db;
static struct geo geo;
static struct steerer steerer;
static struct board *board;
static struct steering steering;
static uint8_t payload[STEERING_LEN_MAX];

/* ---- draws ---- */

static void
mask(struct geo_address *address, unsigned len)
{
	for (unsigned bit = len; bit < 128; bit++)
		address->octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

static struct known_network
draw_network(void)
{
	struct known_network network = { .address = draw_address(3) };
	bool is_v6 = network.address.octets[0] != 0;

	network.len = is_v6 ? draw(8) ? 20 + draw(109) : draw(20) : 96 + draw(33);
	mask(&network.address, network.len);
	return network;
}

static const char *const country_codes[] = { "\0", "DE", "US", "JP" },
			 *const continent_codes[] = { "\0", "EU", "NA" },
			 *const region_codes[] = { "\0\0", "CA", "ENG", "1\0" },
			 *const whole_regions[] = { "\0\0\0\0\0", "US-CA\0", "DE-ENG",
						    "DE-1\0\0" };

static struct geo_place
draw_place(void)
{
	struct geo_place place = { .asn = draw(4), .has_location = draw(3) > 0 };

	memcpy(place.country, country_codes[draw(4)], 2);
	memcpy(place.continent, continent_codes[draw(3)], 2);
	memcpy(place.region, region_codes[draw(4)], sizeof place.region);
	if (place.has_location) {
		place.latitude = (double)draw(7) * 30 - 90;
		place.longitude = (double)draw(7) * 60 - 180;
	}
	return place;
}

static int
by_length(const void *a, const void *b)
{
	return (int)((const struct known_network *)a)->len -
	       (int)((const struct known_network *)b)->len;
}

static void
publish(const char *dir, struct region_geo *published, enum geo_db_kind kind)
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < NETWORKS; i++) {
		networks[kind][i] = draw_network();
		if (networks[kind][i].len < 20)
			networks[kind][i].len = 20;
		if (networks[kind][i].address.octets[0] == 0 &&
		    networks[kind][i].len < 96 + 8)
			networks[kind][i].len = 96 + 8;
		networks[kind][i].place = draw_place();
	}
	qsort(networks[kind], NETWORKS, sizeof networks[kind][0], by_length);
	mmdb_begin(&db, kind == GEO_ASN);
	for (unsigned i = 0; i < NETWORKS; i++) {
		const struct known_network *network = &networks[kind][i];

		mmdb_add(&db, network->address, network->len,
			 kind == GEO_ASN ? mmdb_put_asn(&db, network->place.asn)
					 : mmdb_put_place(&db, &network->place));
	}
	if (!geo_path(dir, kind, 1, path))
		bail_out("a path too long");
	mmdb_write(&db, path);
	atomic_store(&published->numbers[kind], 1);
}

/* How many places of a kind: most often none, so that not every step counts in every set. */
static unsigned
draw_count(bool is_asked)
{
	return is_asked && draw(3) ? 1 + draw(3) : 0;
}

static void
draw_candidate(struct candidate *c, const bool asks[5])
{
	memset(c, 0, sizeof *c);
	c->last = (uint8_t)draw(256);
	c->country_count = draw_count(asks[0]);
	c->asn_count = draw_count(asks[1]);
	c->subnet_count = draw_count(asks[2]);
	c->region_count = draw_count(asks[3]);
	c->continent_count = draw_count(asks[4]);
	for (unsigned i = 0; i < 3; i++) {
		memcpy(c->countries[i], country_codes[draw(4)], 2);
		memcpy(c->continents[i], continent_codes[draw(3)], 2);
		memcpy(c->regions[i], whole_regions[draw(4)], 6);
		c->asns[i] = draw(4);
		c->subnets[i] = draw_network();
	}
	c->is_fallback = draw(6) == 0;
	c->status.status = (int8_t)(draw(7) - 3);
	c->status.up_s = draw(4) ? 1000 + draw(30) : 0;
}

static void
draw_set(struct set *set)
{
	bool asks[5];

	for (unsigned i = 0; i < 5; i++)
		asks[i] = draw(i == 0 ? 1 : 3) == 0;
	set->count = 1 + draw(CANDIDATES);
	set->geo = (enum steered_geo)draw(5);
	set->is_probed = draw(2);
	set->policy = (enum steered_policy)draw(3);
	set->up_count = 1 + (int)draw(4);
	set->down_count = -1 - (int)draw(4);
	for (unsigned i = 0; i < set->count; i++) {
		struct candidate *c = &set->of[i];

		draw_candidate(c, asks);
		for (unsigned j = 0; j < i; j++) /* one address, one target */
			if (set->of[j].last == c->last)
				c->status = set->of[j].status;
		if (c->status.status > set->up_count)
			c->status.status = (int8_t)set->up_count;
		if (c->status.status < set->down_count)
			c->status.status = (int8_t)set->down_count;
		for (unsigned j = 0; j < i; j++)
			if (set->of[j].last == c->last)
				c->status = set->of[j].status;
	}
}

/* ---- from a set to what is stored ---- */

static void
add_places(const struct candidate *c)
{
	for (unsigned i = 0; i < c->country_count; i++)
		if (steering_by_country(&steering))
			steering_add_country(&steering, c->countries[i]);
	for (unsigned i = 0; i < c->asn_count; i++)
		if (steering_by_asn(&steering))
			steering_add_asn(&steering, c->asns[i]);
	for (unsigned i = 0; i < c->subnet_count; i++)
		steering_add_subnet(&steering, c->subnets[i].address.octets,
				    (uint8_t)c->subnets[i].len);
	for (unsigned i = 0; i < c->region_count; i++)
		steering_add_region(&steering, c->regions[i]);
	for (unsigned i = 0; i < c->continent_count; i++)
		steering_add_continent(&steering, c->continents[i]);
	steering.is_next_fallback = c->is_fallback;
}

static void
make(const struct set *set, struct steered *out)
{
	struct block block = { { .kind = BLOCK_STEERED, .type = TYPE_A }, payload };

	steering_begin(&steering, TYPE_A);
	steering.geo = set->geo;
	steering.is_probed = set->is_probed;
	steering.policy = set->policy;
	memset(&steering.check, 0, sizeof steering.check);
	steering.check.protocol = HEALTH_TCP;
	steering.check.up_count = set->up_count;
	steering.check.down_count = set->down_count;
	health_check_settle(&steering.check);
	for (unsigned i = 0; i < set->count; i++) {
		const uint8_t address[4] = { 198, 51, 0, set->of[i].last };

		add_places(&set->of[i]);
		steering_add(&steering, address, 0);
	}
	block.head.len = (uint32_t)steering_write(&steering, 60, payload);
	if (steered_check(&block) || !steered_open(&block, out))
		bail_out("%s", steered_check(&block));
	board_clear(board);
	for (unsigned i = 0; i < set->count && set->is_probed; i++)
		if (!board_put(board, steered_target(out, i), set->of[i].status))
			bail_out("the board is full");
}

/* ---- the model ---- */

struct sample {
	bool is_known;
	struct geo_address address;
};

static const struct geo_place *
model_find(enum geo_db_kind kind, const struct geo_address *address)
{
	static const struct geo_place nothing;
	const struct geo_place *found = &nothing;

	for (unsigned i = 0; i < NETWORKS; i++)
		if (geo_address_is_within(address, networks[kind][i].address.octets,
					  networks[kind][i].len))
			found = &networks[kind][i].place;
	return found;
}

/* Leave those that match, else those that are the default, else all. */
static void
model_leave(const struct set *set, bool *left, const bool *matches, const bool *defaults)
{
	const bool *by[] = { matches, defaults };

	for (unsigned way = 0; way < 2; way++) {
		bool any = false;

		for (unsigned i = 0; i < set->count; i++)
			any |= left[i] && by[way][i];
		if (!any)
			continue;
		for (unsigned i = 0; i < set->count; i++)
			left[i] = left[i] && by[way][i];
		return;
	}
	for (unsigned i = 0; i < set->count && steerer.no_match == NO_MATCH_NONE; i++)
		left[i] = false;
}

static void
model_policy(const struct set *set, bool *left)
{
	uint32_t last = 0;

	for (unsigned i = 0; i < set->count; i++)
		if (set->of[i].status.up_s > last)
			last = set->of[i].status.up_s;
	for (unsigned i = 0; i < set->count; i++)
		if (set->policy == STEERED_CLOSED ||
		    (set->policy == STEERED_LAST && last > 0 &&
		     (set->of[i].status.up_s == 0 || last - set->of[i].status.up_s > 10)))
			left[i] = false;
}

/* REDINS's words: min is the greatest of down_count and all statuses; if it is above
 * down_count and below up_count - 1, it is down_count + 1; those of min or more stay.
 * Fallbacks are not among them while any other is not down. */
static void
model_health(const struct set *set, bool *left)
{
	int least = set->down_count;
	bool others_live = false;

	if (!set->is_probed)
		return;
	for (unsigned i = 0; i < set->count; i++)
		others_live |= !set->of[i].is_fallback &&
			       set->of[i].status.status > set->down_count;
	for (unsigned i = 0; i < set->count; i++) {
		left[i] = left[i] && !(others_live && set->of[i].is_fallback);
		if (left[i] && set->of[i].status.status > least)
			least = set->of[i].status.status;
	}
	if (least == set->down_count) {
		model_policy(set, left);
		return;
	}
	if (least < set->up_count - 1)
		least = set->down_count + 1;
	for (unsigned i = 0; i < set->count; i++)
		left[i] = left[i] && set->of[i].status.status >= least;
}

static void
model_fallback(const struct set *set, bool *left)
{
	bool any = false;

	for (unsigned i = 0; i < set->count; i++)
		any |= left[i] && !set->of[i].is_fallback;
	for (unsigned i = 0; i < set->count; i++)
		left[i] = left[i] && !(any && set->of[i].is_fallback);
}

static bool
holds(const struct known_network *network, const struct sample *client)
{
	bool is_v4 = client->address.octets[0] == 0;

	return client->is_known && (!is_v4 || network->len >= 96) &&
	       geo_address_is_within(&client->address, network->address.octets,
				     network->len);
}

static void
model_subnet(const struct set *set, const struct sample *client, bool *left)
{
	bool matches[CANDIDATES] = { 0 }, defaults[CANDIDATES], any = false;
	int longest = -1;

	for (unsigned i = 0; i < set->count; i++)
		for (unsigned j = 0; j < set->of[i].subnet_count; j++) {
			const struct known_network *network = &set->of[i].subnets[j];

			any = true;
			if (left[i] && holds(network, client) &&
			    (int)network->len > longest)
				longest = (int)network->len;
		}
	for (unsigned i = 0; i < set->count; i++) {
		defaults[i] = set->of[i].subnet_count == 0;
		for (unsigned j = 0; j < set->of[i].subnet_count; j++)
			matches[i] |= holds(&set->of[i].subnets[j], client) &&
				      (int)set->of[i].subnets[j].len == longest;
	}
	if (any)
		model_leave(set, left, matches, defaults);
}

static void
model_asn(const struct set *set, uint32_t asn, bool *left)
{
	bool matches[CANDIDATES] = { 0 }, defaults[CANDIDATES];

	for (unsigned i = 0; i < set->count; i++) {
		defaults[i] = set->of[i].asn_count == 0;
		for (unsigned j = 0; j < set->of[i].asn_count; j++) {
			defaults[i] |= set->of[i].asns[j] == 0;
			matches[i] |= asn != 0 && set->of[i].asns[j] == asn;
		}
	}
	model_leave(set, left, matches, defaults);
}

/* Codes of `len` octets, those of a candidate `codes` apart. */
static void
model_codes(const struct set *set, const char *client, unsigned len, bool is_always,
	    size_t codes_at, size_t count_at, bool *left)
{
	bool matches[CANDIDATES] = { 0 }, defaults[CANDIDATES], any = is_always;

	for (unsigned i = 0; i < set->count; i++) {
		const char *candidate = (const char *)&set->of[i];
		unsigned count;

		memcpy(&count, candidate + count_at, sizeof count);
		any |= count > 0;
		defaults[i] = count == 0;
		for (unsigned j = 0; j < count; j++) {
			const char *code = candidate + codes_at + j * len;

			defaults[i] |= code[0] == 0;
			matches[i] |= code[0] != 0 && memcmp(code, client, len) == 0;
		}
	}
	if (any)
		model_leave(set, left, matches, defaults);
}

static void
to_point(const struct geo_place *place, double point[3])
{
	const double degree = 3.14159265358979323846 / 180;
	double north = place->latitude * degree, east = place->longitude * degree;

	point[0] = cos(north) * cos(east);
	point[1] = cos(north) * sin(east);
	point[2] = sin(north);
}

static void
model_nearest(const struct set *set, const struct geo_place *client, bool *left)
{
	double here[3], best = -2, near[CANDIDATES];

	if (!client->has_location)
		return;
	to_point(client, here);
	for (unsigned i = 0; i < set->count; i++) {
		const struct geo_address address = {
			{ [10] = 0xff, [11] = 0xff, 198, 51, 0, set->of[i].last }
		};
		const struct geo_place *place = model_find(GEO_COUNTRY, &address);
		double there[3];

		near[i] = -3;
		if (!left[i] || !place->has_location)
			continue;
		to_point(place, there);
		near[i] = here[0] * there[0] + here[1] * there[1] + here[2] * there[2];
		best = near[i] > best ? near[i] : best;
	}
	for (unsigned i = 0; i < set->count && best > -2; i++)
		left[i] = left[i] && near[i] >= best;
}

static void
model(const struct set *set, const struct sample *client, bool *left)
{
	static const struct geo_place nothing;
	const struct geo_place *place =
		client->is_known ? model_find(GEO_COUNTRY, &client->address) : &nothing;
	uint32_t asn = client->is_known ? model_find(GEO_ASN, &client->address)->asn : 0;
	bool by_asn = set->geo == STEERED_BY_ASN || set->geo == STEERED_BY_ASN_COUNTRY;
	bool by_country =
		set->geo == STEERED_BY_COUNTRY || set->geo == STEERED_BY_ASN_COUNTRY;
	char region[6] = { 0 };

	if (place->country[0] && place->region[0]) {
		memcpy(region, place->country, 2);
		region[2] = '-';
		memcpy(region + 3, place->region, 3);
	}
	for (unsigned i = 0; i < set->count; i++)
		left[i] = true;
	model_health(set, left);
	model_fallback(set, left);
	model_subnet(set, client, left);
	if (by_asn)
		model_asn(set, asn, left);
	model_codes(set, region, 6, false, offsetof(struct candidate, regions),
		    offsetof(struct candidate, region_count), left);
	if (by_country)
		model_codes(set, place->country, 2, true,
			    offsetof(struct candidate, countries),
			    offsetof(struct candidate, country_count), left);
	model_codes(set, place->continent, 2, false,
		    offsetof(struct candidate, continents),
		    offsetof(struct candidate, continent_count), left);
	if (set->geo == STEERED_BY_LOCATION)
		model_nearest(set, place, left);
}

/* ---- the property ---- */

static struct client_place
place_of(const struct sample *client)
{
	return (struct client_place){ .is_known = client->is_known,
				      .has_address = client->is_known,
				      .address = client->address };
}

static bool
choose(const struct steered *steered, const struct sample *client,
       struct steer_choice *out)
{
	const struct client_place place = place_of(client);

	memset(out, 0, sizeof *out);
	return steer_choose(&steerer, steered, &place, out);
}

/* Are the records those of the candidates that the model leaves? */
static bool
is_as_modelled(const struct set *set, const struct steered *steered,
	       const struct sample *client, const struct steer_choice *choice)
{
	bool left[CANDIDATES], wanted[256] = { 0 };
	unsigned count = 0;

	model(set, client, left);
	for (unsigned i = 0; i < set->count; i++) {
		count += left[i] && !wanted[set->of[i].last];
		wanted[set->of[i].last] |= left[i];
	}
	if (choice->count != count)
		return false;
	for (unsigned i = 0; i < choice->count; i++)
		if (!wanted[steered_address(steered, choice->records[i])[3]])
			return false;
	return true;
}

/* Someone else whose address begins with the same `len` bits. */
static struct sample
neighbour_of(const struct sample *client, unsigned len)
{
	struct sample neighbour = *client;
	struct geo_address other = draw_address(3);

	for (unsigned bit = len; bit < 128; bit++) {
		uint8_t at = (uint8_t)(0x80u >> bit % 8);
		bool take = draw(2) ? draw(2) : (other.octets[bit / 8] & at) != 0;

		neighbour.address.octets[bit / 8] =
			(uint8_t)((neighbour.address.octets[bit / 8] & ~at) |
				  (take ? at : 0));
	}
	return neighbour;
}

static bool
is_same_in_scope(const struct steered *steered, const struct sample *client,
		 const struct steer_choice *choice)
{
	struct sample neighbour;
	struct steer_choice other;
	bool is_v4 = client->address.octets[0] == 0;
	unsigned len = choice->by_place ? choice->place_len : 0;

	for (unsigned i = 0; i < NEIGHBOURS; i++) {
		/* a scope is one of the client's family */
		neighbour = neighbour_of(client, is_v4 && len < 96 ? 96 : len);
		if (!is_v4 && neighbour.address.octets[0] == 0)
			continue;
		if (!choose(steered, &neighbour, &other) ||
		    other.count != choice->count ||
		    memcmp(other.records, choice->records, choice->count) != 0)
			return false;
	}
	return true;
}

static void
test_sets(void)
{
	bool is_right = true, is_scoped = true;

	for (unsigned i = 0; i < SETS && is_right && is_scoped; i++) {
		struct steered steered;
		struct set set;

		draw_set(&set);
		make(&set, &steered);
		steerer.no_match = draw(2) ? NO_MATCH_ALL : NO_MATCH_NONE;
		for (unsigned j = 0; j < CLIENTS && is_right && is_scoped; j++) {
			const struct sample client = { draw(8) > 0, draw_address(3) };
			struct steer_choice choice;

			is_right = choose(&steered, &client, &choice) &&
				   is_as_modelled(&set, &steered, &client, &choice);
			is_scoped = !client.is_known ||
				    is_same_in_scope(&steered, &client, &choice);
			if (!is_right || !is_scoped)
				diag("set %u: geo %d, probed %d, policy %d, len %u", i,
				     (int)set.geo, set.is_probed, (int)set.policy,
				     choice.place_len);
		}
	}
	ok(is_right, "what is left is what the model leaves");
	ok(is_scoped, "within its scope a choice is the same for all");
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	static struct region_geo published;

	plan(0);
	draw_seed();
	if (mkdir(scratch_path(scratch, GEO_DIR), 0700) != 0)
		bail_out("no directory");
	publish(scratch, &published, GEO_COUNTRY);
	publish(scratch, &published, GEO_ASN);
	geo_follow(&geo, scratch, &published);
	geo_take(&geo);
	board = board_create();
	is_int(steerer_init(&steerer, &geo), 0, "seeded");
	steerer.board = board;
	test_sets();
	geo_fini(&geo);
	scratch_dir_free(scratch);
	return done_testing();
}
