/* Who may ask, and how often. */
#include "worker/limit.h"

#include <string.h>

#include "shm/name_hash.h"
#include "shm/region.h"
#include "worker/client_key.h"
#include "worker/query_common.h"

enum { IPV4_BITS = 128, IPV6_BITS = 64 }; /* what is one client, of a mapped address */

void
limiter_init(struct limiter *limiter, struct region *region, unsigned id)
{
	memset(limiter, 0, sizeof *limiter);
	limiter->source = &region->limits;
	limiter->seq = UINT32_MAX;
	limiter->worker_count = region->worker_count;
	limiter->seed = region->client_seed;
	limiter->clients.table = &region->limited_clients;
	for (unsigned i = 0; i < LIMIT_RRL_CLASSES; i++)
		limiter->responses[i].table = &region->limited_networks;
	limiter->seen = &region->slots[id].limited;
}

/* The first `bits` of an address, as a mask in network order. */
static void
make_mask(void *mask, size_t len, unsigned bits)
{
	uint8_t *octets = mask;

	memset(octets, 0, len);
	for (unsigned bit = 0; bit < bits && bit < 8 * len; bit++)
		octets[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
}

static void
follow_rrl(struct limiter *limiter)
{
	const struct limit_config *config = &limiter->config;

	limiter->limited_classes = 0;
	for (unsigned i = 0; i < LIMIT_RRL_CLASSES; i++) {
		unsigned rate = config->rrl_rates[i];

		limit_pool_set(&limiter->responses[i], limit_rate_of(rate, 1, rate), rate,
			       limiter->worker_count);
		limiter->limited_classes |= (uint32_t)(rate != 0)
					    << (LIMIT_RRL_ANSWERS + i);
	}
	limiter->limits_responses = limiter->limited_classes != 0;
	limiter->ipv4_salt =
		limiter->seed.b +
		name_hash_fold(UINT64_MAX ^ limiter->seed.b, limiter->seed.a);
	make_mask(&limiter->ipv4_mask, sizeof limiter->ipv4_mask, config->rrl_v4_prefix);
	make_mask(limiter->ipv6_mask, sizeof limiter->ipv6_mask, config->rrl_v6_prefix);
}

bool
limiter_follow(struct limiter *limiter)
{
	struct limit_config *config = &limiter->config;

	if (atomic_load_explicit(&limiter->source->seq, memory_order_acquire) !=
	    limiter->seq) {
		limiter->seq = limit_config_get(limiter->source, config);
		limit_pool_set(
			&limiter->clients,
			limit_rate_of(config->client_rate, 60, config->client_burst + 1),
			config->client_burst + 1, limiter->worker_count);
		prefix_table_make(&limiter->prefixes, config->prefixes,
				  config->prefix_count);
		limiter->limits_clients =
			config->client_rate != 0 || config->prefix_count != 0;
		follow_rrl(limiter);
	}
	return limiter->limits_clients || limiter->limits_responses;
}

/* ---- clients ---- */

/* The client's address, mapped; all zero when it is unknown. */
static void
put_address(const struct query *q, uint8_t out[16])
{
	if (q->client)
		network_octets((const struct sockaddr *)q->client, out);
	else
		memset(out, 0, 16);
}

void
limit_fetch_clients(struct limiter *limiter, const struct query *queries, unsigned count)
{
	const struct client_seed seed = limiter->seed;

	for (unsigned i = 0; i < count; i++) {
		const struct sockaddr_in6 *client = queries[i].client;
		uint64_t key = client ? client_key(client) : 0, hash = 0;

		if (key != 0) {
			hash = name_hash_fold(
				name_hash_fold(key ^ seed.a, seed.b) ^ seed.b, seed.a);
			__builtin_prefetch(limit_set_of(limiter->clients.table, hash), 1);
		}
		limiter->hashes[i] = hash;
	}
}

bool
limit_note(struct limiter *limiter, const struct query *q, uint64_t hash,
	   enum limit_reason reason, unsigned prefix_len, struct stats_block *stats,
	   const uint8_t *name, unsigned name_len)
{
	static const uint8_t counter[] = {
		[LIMIT_CLIENT_RATE] = STAT_limit_client_rate,
		[LIMIT_CLIENT_BLACKLIST] = STAT_limit_client_blacklist,
		[LIMIT_RRL_ANSWERS] = STAT_limit_rrl_answers,
		[LIMIT_RRL_NXDOMAIN] = STAT_limit_rrl_nxdomain,
		[LIMIT_RRL_NODATA] = STAT_limit_rrl_nodata,
		[LIMIT_RRL_REFERRALS] = STAT_limit_rrl_referrals,
		[LIMIT_RRL_ERRORS] = STAT_limit_rrl_errors,
	};
	struct limit_seen_entry *entry;

	/* one client may be there for more than one reason */
	hash ^= (reason + UINT64_C(1)) << 48;
	stats_add(stats, counter[reason], 1);
	entry = limit_seen_count(limiter->seen, hash, limiter->now_ns);
	if (entry) {
		struct limit_case what = { .hash = hash,
					   .prefix_len = (uint8_t)prefix_len,
					   .reason = (uint8_t)reason };

		put_address(q, what.address);
		for (unsigned bit = prefix_len; bit < 128; bit++)
			what.address[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
		if (name) {
			memcpy(what.name, name, name_len);
			what.name_len = (uint8_t)name_len;
		}
		limit_seen_put(entry, &what, limiter->now_ns);
	}
	if (limiter->config.log_only)
		stats_add(stats, STAT_limit_log_only, 1);
	return limiter->config.log_only;
}

enum prefix_list
limit_list_of(const struct limiter *limiter, const struct query *q)
{
	uint8_t address[16];

	if (limiter->prefixes.count == 0)
		return PREFIX_NONE;
	put_address(q, address);
	return prefix_table_find(&limiter->prefixes, prefix_number_of(address));
}

/* Over its rate?  What it may have is taken. */
static inline bool
is_over_rate(struct limiter *limiter, const struct query *q, uint64_t hash)
{
	return !(q->flags & QUERY_CHARGED) &&
	       !limit_take_one(&limiter->clients, hash, limiter->now_ticks);
}

/* The same when there are lists. */
__attribute__((noinline)) static bool
is_over_lists(struct limiter *limiter, const struct query *q, uint64_t hash,
	      enum limit_reason *reason)
{
	switch (limit_list_of(limiter, q)) {
	case PREFIX_WHITE:
		return false;
	case PREFIX_BLACK:
		*reason = LIMIT_CLIENT_BLACKLIST;
		return true;
	case PREFIX_NONE:
		break;
	}
	return limiter->config.client_rate != 0 && is_over_rate(limiter, q, hash);
}

/* Refuse it, or drop it.  returns whether it is not answered. */
static bool
turn_away(struct limiter *limiter, struct query *q, uint64_t hash,
	  enum limit_reason reason, struct stats_block *stats)
{
	bool is_ipv4 = q->client->sin6_family == AF_INET;

	if (limit_note(limiter, q, hash, reason, is_ipv4 ? IPV4_BITS : IPV6_BITS, stats,
		       NULL, 0))
		return false;
	q->common = QUERY_UNCOMMON;
	if (limiter->config.client_drops) {
		stats_add(stats, STAT_limit_dropped, 1);
		q->response_len = 0;
		q->verdict = QUERY_DROP;
		return true;
	}
	stats_add(stats, STAT_limit_refused, 1);
	q->verdict = QUERY_ERROR;
	q->rcode = RCODE_REFUSED;
	return false;
}

uint64_t
limit_clients(struct limiter *limiter, struct query *queries, unsigned count,
	      struct stats_block *stats)
{
	bool has_lists = limiter->prefixes.count != 0;
	uint64_t dropped = 0;

	for (unsigned i = 0; i < count; i++) {
		enum limit_reason reason = LIMIT_CLIENT_RATE;
		uint64_t hash = limiter->hashes[i];
		struct query *q = &queries[i];

		if (hash == 0 || q->verdict == QUERY_DROP)
			continue;
		if (!(has_lists ? is_over_lists(limiter, q, hash, &reason)
				: is_over_rate(limiter, q, hash)))
			q->flags |= QUERY_CHARGED;
		else if (turn_away(limiter, q, hash, reason, stats))
			dropped |= UINT64_C(1) << i;
	}
	return dropped;
}
