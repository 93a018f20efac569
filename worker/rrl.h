/* Response rate limiting: how many responses of one kind a network gets, so that we are of
 * no use to who asks in its name.
 *
 * A bucket is for (network of the client, class, and what the response is of):
 *	answers     the name that was asked for; the wildcard, or DNAME, that it expands
 *	nxdomain    the zone; so for NODATA, which has a bucket of its own at the same rate
 *	referrals   the zone cut
 *	errors      nothing: any other RCODE
 * Truncated responses count as answers.  What comes over TCP, or with a valid cookie, has not
 * made up its address and is not limited, nor are clients on the whitelist.
 *
 * Over the limit one of `slip` responses goes out with TC and without records, for the client
 * to come again over TCP; an error as it is.  Who has sent a cookie, and no valid one, is told
 * BADCOOKIE in that place, with one to come again with. */
#ifndef WORKER_RRL_H
#define WORKER_RRL_H

#include "worker/limit.h"
#include "worker/stage.h"

/* Before a batch that was staged is answered: keep what is lost on the way. */
__attribute__((nonnull)) void rrl_begin(struct limiter *limiter, struct query *queries,
					const struct stage *stages, unsigned count);

/* Once it is answered: let each network have what it may. */
__attribute__((nonnull)) void rrl_limit(struct limiter *limiter, struct query *queries,
					unsigned count, uint16_t udp_size,
					struct stats_block *stats);

#endif
