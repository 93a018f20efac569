/* Choosing among the records of a steered RRset (shm/steered.h), for one query.
 *
 * The steps, in this order; each goes on with the candidates that the one before has left:
 *
 *	health	those that are up, by the status board; where one is up or about to be
 *		(at up_count or one below), only those that are as good as the best, else all
 *		that are not down (at down_count); of which nothing is known is neither.
 *		Fallbacks are looked at only when all others are down.  If all are down, the
 *		RRset's policy: all, none, or those that were up last
 *	fallback  those that are none, if there are any
 *	subnet	those with the longest network that holds the client's address; if there are
 *		none, or it is not known, those without networks, which are the default; if
 *		there are none, `no_match`: all that were left before this step, or none
 *	ASN	those for the client's network, else the default, else `no_match`
 *	region	the same for a part of a country
 *	country	the same
 *	continent  the same
 *	nearest	those nearest to the client, all that are equally near.  The step is left
 *		out when the client's location is not known, or that of no candidate; one
 *		whose location is not known is farther than all others
 *	order	one of them is the first; when it is sticky, the client's network (/24, of
 *		IPv6 /56) decides which, as long as the client's address is known
 *	count	it alone, or all
 *	first	so many of them
 *
 * A step that the RRset says nothing of is left out, and one whose database or board is not
 * there.  All work is bounded by STEERED_MAX and STEERED_PLACES_MAX, in memory of the
 * caller. */
#ifndef WORKER_STEER_H
#define WORKER_STEER_H

#include <stdint.h>

#include "shm/board.h"
#include "shm/geo_db.h"
#include "shm/settings.h"
#include "shm/steered.h"
#include "worker/client_place.h"
#include "worker/random.h"

struct geo;
struct trace;

/* What choices are made with: one a worker, its own. */
struct steerer {
	struct random_source random;
	struct geo *geo;
	const struct board *board;	/* NULL: nothing is known */
	unsigned interval_s;		/* of probes, where an RRset has none of its own */
	enum steer_no_match no_match;
	struct trace *trace;		/* worker/trace.h; NULL in workers */
};

/* Records in the order in which they are answered, each once; there may be none. */
struct steer_choice {
	unsigned count;
	bool by_place;			/* the client's place was asked for */
	uint8_t place_len;		/* then: prefix, 0..128 as in struct geo_facts, for which
					 * the same candidates are left */
	uint8_t records[STEERED_MAX];
};

/* Seed it; in the process that uses it, after it was forked.  `geo` is borrowed; NULL: places
 * count for nothing.
 * returns 0 or ERR_IO. */
__attribute__((nonnull(1), warn_unused_result))
int steerer_init(struct steerer *steerer, struct geo *geo);

/* Choose.
 * steerer  may be NULL, in tools that ask what there is: then every draw is 0, and neither
 *          health nor places count
 * returns  false when a candidate is no record: damage. */
__attribute__((nonnull(2, 3, 4), warn_unused_result))
bool steer_choose(struct steerer *steerer, const struct steered *steered,
		  const struct client_place *client, struct steer_choice *out);

/* Which records would be left for the client before one is drawn, were all of them up. */
__attribute__((nonnull(2, 3, 4)))
void steer_group(const struct steerer *steerer, const struct steered *steered,
		 const struct client_place *client, struct steered_records *out);

#endif
