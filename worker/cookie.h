/* DNS cookies (RFC 7873) in the form that servers of different make understand of each
 * other (RFC 9018): a client that returns what we gave it has not made up its address.
 *
 *	client cookie (8) | version 1 | 3 reserved | time (4) | hash (8)
 *
 * The hash is SipHash-2-4 over all before it and the client's address.  A cookie is valid
 * from 5 minutes before its time, for clocks that differ, to an hour behind it; after half
 * an hour, or when it was made with another secret than the first, a new one is returned.
 *
 * Nobody needs a cookie: what a valid one is good for, is told in worker/rrl.h. */
#ifndef WORKER_COOKIE_H
#define WORKER_COOKIE_H

#include <string.h>

#include "shm/limit_config.h"
#include "shm/stats.h"
#include "worker/query.h"

enum {
	COOKIE_OPTION = 10,
	COOKIE_CLIENT_LEN = 8,
	COOKIE_SERVER_MIN = 8,		/* of anybody's */
	COOKIE_SERVER_MAX = 32,
	COOKIE_OPTION_LEN = 4 + QUERY_COOKIE_LEN, /* of a response */
};

/* May an option COOKIE have this length (RFC 7873, section 5.2.2)? */
static inline bool
cookie_is_well_formed(unsigned len)
{
	return len == COOKIE_CLIENT_LEN ||
	       (len >= COOKIE_CLIENT_LEN + COOKIE_SERVER_MIN &&
		len <= COOKIE_CLIENT_LEN + COOKIE_SERVER_MAX);
}

/* What cookies are made with. */
struct cookie_jar {
	const struct limit_config *config; /* its secrets; borrowed */
	uint32_t now_s; /* the wall clock's low bits, about now */
};

/* Look at the cookies of a batch that was decoded: those that are valid get
 * QUERY_COOKIE_VALID, all get the one that goes back and QUERY_COOKIE_REPLY; room for it is
 * taken off q->limit.  The packets are as they came. */
__attribute__((nonnull)) void cookie_take(const struct cookie_jar *jar,
					  struct query *queries, unsigned count,
					  struct stats_block *stats);

/* Write the option of the response, COOKIE_OPTION_LEN octets.  returns where it ends. */
static inline uint8_t *
cookie_put(uint8_t *at, const struct query *q)
{
	static const uint8_t head[4] = { 0, COOKIE_OPTION, 0, QUERY_COOKIE_LEN };

	memcpy(at, head, sizeof head);
	memcpy(at + sizeof head, q->cookie, QUERY_COOKIE_LEN);
	return at + COOKIE_OPTION_LEN;
}

#endif
