/* Where clients and records are: the databases of a worker, and what was found lately.
 *
 * The helper thread (worker/store_keeper.h) opens what sync publishes and offers it; the
 * query thread takes an offer between two turns, so that no batch sees two states, and
 * hands back what it had.  Slots are exchanged one at a time:
 *
 *	offered		helper stores (release) when it is empty; the query thread takes it
 *			once `returned` is empty
 *	returned	the query thread stores (release); the helper takes it and closes
 *
 * Everything found lately is the query thread's, of fixed size, some 1.1 MiB a worker in
 * all, and forgotten when databases are taken. */
#ifndef WORKER_GEO_H
#define WORKER_GEO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/geo_db.h"
#include "shm/region.h"
#include "worker/geo_cache.h"
#include "worker/geo_memo.h"
#include "worker/geo_points.h"

struct geo_set;

struct geo {
	struct geo_set *set;		/* the query thread's; NULL: no database yet */
	struct geo_memo memo;
	struct geo_cache clients;
	struct geo_points records;
	struct geo_entry scratch;	/* what is found and not kept */
	struct geo_location elsewhere;	/* the same of locations */

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

/* Use these files at once, NULL for none; for tools, in the place of geo_follow.  `geo` is all
 * zero before.  returns 0, or an error code with a reason. */
__attribute__((nonnull, warn_unused_result))
int geo_open_files(struct geo *geo, const char *const paths[GEO_KINDS],
		   char reason[GEO_DB_REASON_MAX]);

/* The facts about an address, borrowed until the next call; never NULL.
 * with_region  else continent and region mean nothing */
__attribute__((nonnull, returns_nonnull))
const struct geo_facts *geo_find(struct geo *geo, const struct geo_address *address,
				 bool with_region);

/* Where an address is, a point on a sphere of radius 1: the nearer of two to a third has the
 * larger product with it.  NULL when it is not known.  Borrowed until the next call of the
 * same function; what is found is kept, of records apart from clients, who are many. */
__attribute__((nonnull))
const double *geo_client_point(struct geo *geo, const struct geo_address *client);
__attribute__((nonnull))
const double *geo_record_point(struct geo *geo, const struct geo_address *record);

#endif
