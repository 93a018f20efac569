/* The limits of a worker: its copy of the configuration, and what it knows of its clients.
 * The buckets are shared by all workers, see shm/limit_table.h.
 *
 * A client is an IPv4 address or an IPv6 /64: who has one address of a /64 has all. */
#ifndef WORKER_LIMIT_H
#define WORKER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/client_count.h"
#include "shm/limit_config.h"
#include "shm/limit_seen.h"
#include "shm/limit_table.h"
#include "shm/stats.h"
#include "worker/answer.h"
#include "worker/prefix_table.h"

struct region;

enum { LIMIT_SLIPS = 64 };		/* a power of two */

/* What is kept of a query while its response is made, see worker/rrl.h. */
struct limited_query {
	uint64_t owner, zone;		/* hash states of its name and its zone's */
	uint64_t bucket;		/* 0: the response is not limited */
	uint8_t zone_len;
	uint8_t reason;			/* enum limit_reason: its class */
};

struct limiter {
	const struct region_limits *source;
	uint32_t seq;
	unsigned worker_count;
	struct client_seed seed;
	uint64_t now_ns, now_ticks;	/* of the present batch */
	bool limits_clients;		/* else limit_clients need not be called */
	bool limits_responses;		/* else rrl_limit need not be called */
	uint32_t limited_classes;	/* of responses, by enum limit_reason, as bits */
	uint32_t ipv4_mask;		/* of networks, in network order */
	uint64_t ipv4_salt;		/* in the hash of those of IPv4 */
	uint64_t ipv6_mask[2];
	struct limited_query kept[ANSWER_BATCH];
	uint8_t slipped[LIMIT_SLIPS];	/* responses since one went out */
	struct limit_seen *seen;
	struct limit_pool clients, responses[LIMIT_RRL_CLASSES];
	uint64_t hashes[ANSWER_BATCH];	/* of the clients; 0: unknown */
	struct limit_config config;
	struct prefix_table prefixes;
};

/* For worker `id` of `region`; nothing is limited until limiter_follow. */
__attribute__((nonnull)) void limiter_init(struct limiter *limiter, struct region *region,
					   unsigned id);

/* Take over what was configured since.  returns whether anything is limited at all. */
__attribute__((nonnull)) bool limiter_follow(struct limiter *limiter);

static inline void
limiter_set_time(struct limiter *limiter, uint64_t now_ns)
{
	limiter->now_ns = now_ns;
	limiter->now_ticks = limit_ticks(now_ns);
}

/* Before the batch is decoded: begin to fetch the buckets of its clients. */
__attribute__((nonnull)) void limit_fetch_clients(struct limiter *limiter,
						  const struct query *queries,
						  unsigned count);

/* Behind decoding: let each client have what it may.  Queries over it become refused ones.
 * returns those that are not answered, as bits: query i is bit i. */
__attribute__((nonnull)) uint64_t limit_clients(struct limiter *limiter,
						struct query *queries, unsigned count,
						struct stats_block *stats);

/* Note who was limited, and count it for its reason; the network is the first `prefix_len`
 * bits of the client's address, IPv4 ones mapped.  `name` may be NULL.
 * returns whether that counts for nothing else, by limit.log_only. */
__attribute__((nonnull(1, 2, 6))) bool limit_note(struct limiter *limiter,
						   const struct query *q, uint64_t hash,
						   enum limit_reason reason,
						   unsigned prefix_len,
						   struct stats_block *stats,
						   const uint8_t *name, unsigned name_len);

/* On which list is the client of the query? */
__attribute__((nonnull)) enum prefix_list limit_list_of(const struct limiter *limiter,
							const struct query *q);

#endif
