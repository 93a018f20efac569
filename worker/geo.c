/* The databases of a worker and the cache in front of them. */
#include "worker/geo.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/errcode.h"
#include "shm/geo_path.h"
#include "shm/log.h"

/* One state of both databases; shared by sets, since one changes at a time. */
struct geo_set {
	struct geo_db *dbs[GEO_KINDS]; /* NULL: none */
};

/* ---- the helper's side ---- */

static void
set_close(struct geo_set *set)
{
	if (!set)
		return;
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		geo_db_close(set->dbs[kind]);
	free(set);
}

/* Open the databases of these numbers, 0 is none.  returns NULL when one is not there:
 * then sync has published another by now. */
static struct geo_set *
set_open(const char *state_dir, const uint64_t numbers[GEO_KINDS],
	 uint64_t failed[GEO_KINDS])
{
	struct geo_set *set = calloc(1, sizeof *set);
	char path[PATH_MAX], reason[GEO_DB_REASON_MAX];

	for (unsigned kind = 0; set && kind < GEO_KINDS; kind++) {
		int rc = ERR_OK;

		if (numbers[kind] == 0)
			continue;
		rc = ERR_RANGE;
		if (geo_path(state_dir, (enum geo_db_kind)kind, numbers[kind], path))
			rc = geo_db_open(path, (enum geo_db_kind)kind, &set->dbs[kind],
					 reason);
		if (rc == ERR_OK)
			continue;
		if (rc != ERR_NOTFOUND && failed[kind] != numbers[kind])
			log_warnx("%s %s, this worker cannot open it", path,
				  errcode_text(rc));
		failed[kind] = numbers[kind];
		set_close(set);
		set = NULL;
	}
	return set;
}

void
geo_follow(struct geo *geo, const char *state_dir, const struct region_geo *published)
{
	uint64_t numbers[GEO_KINDS];
	struct geo_set *set;
	bool is_new = false;

	set_close(atomic_exchange_explicit(&geo->returned, NULL, memory_order_acquire));
	for (unsigned kind = 0; kind < GEO_KINDS; kind++) {
		numbers[kind] = atomic_load_explicit(&published->numbers[kind],
						     memory_order_acquire);
		is_new |= numbers[kind] != geo->opened[kind];
	}
	if (!is_new)
		return;
	set = set_open(state_dir, numbers, geo->failed);
	if (!set)
		return;
	memcpy(geo->opened, numbers, sizeof numbers);
	/* what was offered and not taken is out of date */
	set_close(atomic_exchange_explicit(&geo->offered, set, memory_order_acq_rel));
}

int
geo_open_files(struct geo *geo, const char *const paths[GEO_KINDS],
	       char reason[GEO_DB_REASON_MAX])
{
	struct geo_set *set = calloc(1, sizeof *set);
	int result = set ? ERR_OK : ERR_NOMEM;

	snprintf(reason, GEO_DB_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	for (unsigned kind = 0; kind < GEO_KINDS && result == ERR_OK; kind++)
		if (paths[kind])
			result = geo_db_open(paths[kind], (enum geo_db_kind)kind,
					     &set->dbs[kind], reason);
	if (result != ERR_OK) {
		set_close(set);
		return result;
	}
	geo->set = set;
	return ERR_OK;
}

/* ---- the query thread's side ---- */

void
geo_take(struct geo *geo)
{
	struct geo_set *offer;

	if (atomic_load_explicit(&geo->returned, memory_order_relaxed))
		return; /* the helper is slow: next time */
	offer = atomic_exchange_explicit(&geo->offered, NULL, memory_order_acquire);
	if (!offer)
		return;
	atomic_store_explicit(&geo->returned, geo->set, memory_order_release);
	geo->set = offer;
	memset(&geo->memo, 0, sizeof geo->memo);
	memset(&geo->clients, 0, sizeof geo->clients);
	memset(&geo->records, 0, sizeof geo->records);
}

void
geo_fini(struct geo *geo)
{
	set_close(geo->set);
	set_close(atomic_exchange(&geo->offered, NULL));
	set_close(atomic_exchange(&geo->returned, NULL));
	geo->set = NULL;
}

/* ---- networks ---- */

static void
find_country(struct geo *geo, const struct geo_address *address, bool with_region,
	     struct geo_facts *out)
{
	const struct geo_db *db = geo->set->dbs[GEO_COUNTRY];
	const struct geo_memo_country *known;

	known = geo_memo_country(&geo->memo, db,
				 geo_db_entry(db, address, &out->country_len),
				 with_region);
	memcpy(out->country, known->country, sizeof out->country);
	memcpy(out->continent, known->continent, sizeof out->continent);
	memcpy(out->region, known->region, sizeof out->region);
}

static void
find_asn(struct geo *geo, const struct geo_address *address, struct geo_facts *out)
{
	const struct geo_db *db = geo->set->dbs[GEO_ASN];

	out->asn = geo_memo_asn(&geo->memo, db, geo_db_entry(db, address, &out->asn_len));
}

static struct geo_facts
find_facts(struct geo *geo, const struct geo_address *address, bool with_region)
{
	struct geo_facts facts = {
		.has_country_db = geo->set->dbs[GEO_COUNTRY] != NULL,
		.has_asn_db = geo->set->dbs[GEO_ASN] != NULL,
		.knows_region = with_region,
	};

	if (facts.has_country_db)
		find_country(geo, address, with_region, &facts);
	if (facts.has_asn_db)
		find_asn(geo, address, &facts);
	return facts;
}

/* Where facts about an address are kept, that hold for a prefix of `len`. */
static struct geo_entry *
place_entry(struct geo *geo, struct geo_key address, unsigned len)
{
	bool is_v4 = geo_key_is_v4(address);
	struct geo_entry *wide;

	if (len <= (is_v4 ? 96 + 24 : 48))
		return geo_cache_place(&geo->clients, geo_key_wide(address));
	wide = geo_cache_place(&geo->clients, geo_key_wide(address));
	wide->facts = (struct geo_facts){ .is_split = true };
	if (len <= (is_v4 ? 128 : 64))
		return geo_cache_place(&geo->clients, geo_key_narrow(address));
	return &geo->scratch;
}

static __attribute__((noinline)) struct geo_entry *
find_anew(struct geo *geo, const struct geo_address *address, bool with_region)
{
	struct geo_facts facts = find_facts(geo, address, with_region);
	unsigned len =
		facts.country_len > facts.asn_len ? facts.country_len : facts.asn_len;
	struct geo_entry *entry = place_entry(geo, geo_key_of(address), len);

	entry->facts = facts;
	return entry;
}

/* There is a set of databases. */
static struct geo_entry *
find_entry(struct geo *geo, const struct geo_address *address, bool with_region)
{
	struct geo_key key = geo_key_of(address);
	struct geo_entry *entry = geo_cache_probe(&geo->clients, geo_key_wide(key));

	if (entry && entry->facts.is_split)
		entry = geo_cache_probe(&geo->clients, geo_key_narrow(key));
	if (entry && (entry->facts.knows_region || !with_region))
		return entry;
	return find_anew(geo, address, with_region);
}

const struct geo_facts *
geo_find(struct geo *geo, const struct geo_address *address, bool with_region)
{
	static const struct geo_facts nothing;

	return geo->set ? &find_entry(geo, address, with_region)->facts : &nothing;
}

/* ---- locations ---- */

/* From degrees to a point on the sphere. */
static void
locate(const struct geo *geo, const struct geo_address *address, struct geo_location *out)
{
	const double degree = 3.14159265358979323846 / 180;
	struct geo_place place;
	double north, east;

	geo_db_find(geo->set->dbs[GEO_COUNTRY], address, GEO_WANT_LOCATION, &place);
	north = place.latitude * degree;
	east = place.longitude * degree;
	out->point[0] = cos(north) * cos(east);
	out->point[1] = cos(north) * sin(east);
	out->point[2] = sin(north);
	out->is_known = place.has_location;
	out->was_found = true;
}

const double *
geo_client_point(struct geo *geo, const struct geo_address *client)
{
	struct geo_location *location = &geo->elsewhere;
	struct geo_entry *entry;

	if (!geo->set || !geo->set->dbs[GEO_COUNTRY])
		return NULL;
	entry = find_entry(geo, client, false);
	if (entry == &geo->scratch)
		location->was_found = false;
	else
		location = geo_cache_location(&geo->clients, entry);
	if (!location->was_found)
		locate(geo, client, location);
	return location->is_known ? location->point : NULL;
}

const double *
geo_record_point(struct geo *geo, const struct geo_address *record)
{
	struct geo_location *location;

	if (!geo->set || !geo->set->dbs[GEO_COUNTRY])
		return NULL;
	location = &geo_points_place(&geo->records, record)->location;
	if (!location->was_found)
		locate(geo, record, location);
	return location->is_known ? location->point : NULL;
}
