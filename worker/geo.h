/* Where clients and records are: the databases of a worker, and what was found lately.
 *
 * The helper thread (worker/store_keeper.h) opens what sync publishes and offers it; the
 * query thread takes an offer between two turns, so that no batch sees two states, and
 * hands back what it had.  Slots are exchanged one at a time:
 *
 *	offered		helper stores (release) when it is empty; the query thread takes it
 *			once `returned` is empty
 *	returned	the query thread stores (release); the helper takes it and closes */
#ifndef WORKER_GEO_H
#define WORKER_GEO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/geo_db.h"
#include "shm/region.h"

enum { GEO_CACHE_SLOTS = 2048 };

/* What both databases say of an address. */
struct geo_facts {
	uint8_t country_len, asn_len;	/* prefix lengths that this holds for, 0..128 */
	bool has_country_db, has_asn_db;
	bool has_location;		/* and `point` is set */
	char country[2];		/* 0: unknown */
	uint32_t asn;			/* 0: unknown */
	double point[3];		/* of the location, on a sphere of radius 1 */
};

struct geo_set;

struct geo_slot {
	struct geo_address network;
	uint8_t len;			/* of it; 0: empty */
	bool knows_location;		/* it was asked for */
	struct geo_facts facts;
};

struct geo {
	struct geo_set *set;		/* the query thread's; NULL: no database yet */
	struct geo_slot cache[GEO_CACHE_SLOTS];

	_Alignas(128) _Atomic(struct geo_set *) offered;
	_Atomic(struct geo_set *) returned;

	/* the helper's own */
	_Alignas(128) uint64_t opened[GEO_KINDS]; /* numbers of what was opened last */
	uint64_t failed[GEO_KINDS];	/* those that could not be, for a log without repeats */
};

/* The helper: close what came back, open what sync has published since. */
__attribute__((nonnull))
void geo_follow(struct geo *geo, const char *state_dir, const struct region_geo *published);

/* The query thread, between batches: take what is offered. */
__attribute__((nonnull))
static inline bool
geo_has_offer(const struct geo *geo)
{
	return atomic_load_explicit(&geo->offered, memory_order_relaxed) != NULL;
}
__attribute__((nonnull))
void geo_take(struct geo *geo);

/* Close all; no other thread uses it any more. */
__attribute__((nonnull))
void geo_fini(struct geo *geo);

/* The facts about an address, borrowed until the next call; never NULL.
 * with_location  else has_location means nothing: it takes as long again as all the rest */
__attribute__((nonnull, returns_nonnull))
const struct geo_facts *geo_find(struct geo *geo, const struct geo_address *address,
				 bool with_location);

#endif
