/* Which responses go out, which do not. */
#include "worker/rrl.h"

#include <string.h>

#include "shm/name_hash.h"
#include "shm/wire.h"
#include "worker/cookie.h"
#include "worker/edns.h"
#include "worker/query_common.h"

enum {
	MAPPED_BITS = 96,
};

void
rrl_begin(struct limiter *limiter, struct query *queries, const struct stage *stages,
	  unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct query *q = &queries[i];
		struct limited_query *kept = &limiter->kept[i];

		q->source = SOURCE_OWNER;
		if (q->verdict == QUERY_LOOKUP && stages[i].status != STAGE_NO_ZONE) {
			kept->owner = q->state[q->label_count];
			kept->zone = q->state[stages[i].zone_labels];
			kept->zone_len = (uint8_t)(q->name_len - stages[i].zone_start);
			continue;
		}
		kept->owner = q->verdict == QUERY_LOOKUP ? q->state[q->label_count] : 0;
		kept->zone = 0;
		kept->zone_len = 0;
	}
}

/* Of which kind is the response?  *key receives what tells one of them from another. */
static inline enum limit_reason
classify(const struct query *q, const struct limited_query *kept, uint64_t *key)
{
	const uint8_t *header = q->packet;
	unsigned rcode = header[3] & 15u;

	*key = 0;
	if (q->verdict == QUERY_ERROR) /* BADVERS is not in the header alone */
		return LIMIT_RRL_ERRORS;
	*key = kept->owner;
	if (q->source != SOURCE_OWNER)
		*key = q->source_state ^ q->source;
	if (rcode == RCODE_NOERROR) {
		if ((header[2] & FLAG_TC) || wire_get_u16(header + 6) != 0)
			return LIMIT_RRL_ANSWERS;
		if (q->source == SOURCE_CUT)
			return LIMIT_RRL_REFERRALS;
		*key = kept->zone;
		return LIMIT_RRL_NODATA;
	}
	*key = rcode == RCODE_NXDOMAIN ? kept->zone : 0;
	return rcode == RCODE_NXDOMAIN ? LIMIT_RRL_NXDOMAIN : LIMIT_RRL_ERRORS;
}

/* The hash of the client's network; never 0. */
static inline uint64_t
hash_network(const struct limiter *limiter, const struct sockaddr_in6 *client)
{
	uint64_t high, low, salt = limiter->ipv4_salt;
	uint32_t ipv4;

	if (client->sin6_family == AF_INET) {
		memcpy(&ipv4, (const uint8_t *)client + 4, sizeof ipv4);
		high = ipv4 & limiter->ipv4_mask;
	} else {
		memcpy(&high, &client->sin6_addr, sizeof high);
		memcpy(&low, client->sin6_addr.s6_addr + 8, sizeof low);
		high &= limiter->ipv6_mask[0];
		low &= limiter->ipv6_mask[1];
		salt = limiter->seed.b +
		       name_hash_fold(low ^ limiter->seed.b, limiter->seed.a);
	}
	return name_hash_fold(high ^ limiter->seed.a, salt) | 1;
}

/* Find the bucket of a response, and begin to fetch it. */
static inline void
find_bucket(struct limiter *limiter, const struct query *q, struct limited_query *kept)
{
	uint64_t key;

	kept->bucket = 0;
	if (q->response_len == 0 || (q->flags & (QUERY_TCP | QUERY_COOKIE_VALID)) ||
	    !q->client || q->client->sin6_family == 0)
		return;
	kept->reason = (uint8_t)classify(q, kept, &key);
	if (!(limiter->limited_classes >> kept->reason & 1))
		return;
	kept->bucket = name_hash_fold(
		hash_network(limiter, q->client) ^ key,
		limiter->seed.b + kept->reason * UINT64_C(0x9e3779b97f4a7c15));
	__builtin_prefetch(limit_set_of(limiter->responses[0].table, kept->bucket), 1);
}

/* ---- over the limit ---- */

/* The response in the place of the one that was made: the question, and an OPT when there
 * was one. */
static void
put_empty(struct query *q, uint16_t udp_size, unsigned rcode, uint8_t flags)
{
	uint8_t *header = q->packet, *end = header + q->question_end, *opt = end;
	bool has_opt = q->flags & QUERY_EDNS;

	header[2] = (uint8_t)(FLAG_QR | (header[2] & (FLAG_OPCODE | FLAG_RD)) | flags);
	header[3] = (uint8_t)((header[3] & FLAG_CD) | (rcode & 15));
	wire_put_u16(header + 6, 0);
	wire_put_u16(header + 8, 0);
	wire_put_u16(header + 10, has_opt);
	if (has_opt) {
		edns_put_plain(opt, udp_size, q->flags & QUERY_DO, rcode);
		end = opt + EDNS_PLAIN_LEN;
	}
	if (q->flags & QUERY_COOKIE_REPLY) {
		wire_put_u16(end - 2, COOKIE_OPTION_LEN);
		end = cookie_put(end, q);
	}
	q->response_len = (uint32_t)(end - header);
}

/* Is it this one's turn to go out all the same?  Counted for each bucket, as far as these
 * are told from each other here. */
static bool
slips(struct limiter *limiter, uint64_t bucket)
{
	unsigned slip = limiter->config.rrl_slip;
	uint8_t *count = &limiter->slipped[bucket >> 20 & (LIMIT_SLIPS - 1)];

	if (slip == 0 || ++*count < slip)
		return false;
	*count = 0;
	return true;
}

static void
hold_back(struct limiter *limiter, struct query *q, const struct limited_query *kept,
	  uint16_t udp_size, struct stats_block *stats)
{
	if (!slips(limiter, kept->bucket)) {
		stats_add(stats, STAT_limit_rrl_dropped, 1);
		q->response_len = 0;
	} else if (q->flags & QUERY_COOKIE_REPLY) {
		stats_add(stats, STAT_badcookie, 1);
		put_empty(q, udp_size, RCODE_BADCOOKIE, 0);
	} else {
		stats_add(stats, STAT_limit_rrl_slipped, 1);
		if (kept->reason != LIMIT_RRL_ERRORS)
			put_empty(q, udp_size, RCODE_NOERROR, FLAG_TC);
	}
}

/* What the response was of, as its question spells it. */
static unsigned
spell(const struct query *q, const struct limited_query *kept,
      uint8_t name[DNAME_MAX + 2])
{
	unsigned whole = q->question_end - QUERY_HEADER_LEN - (unsigned)QUESTION_TAIL_LEN;
	unsigned len = whole, at = 0;

	if (q->question_end == QUERY_HEADER_LEN || kept->reason == LIMIT_RRL_ERRORS)
		return 0;
	if (kept->reason == LIMIT_RRL_NXDOMAIN || kept->reason == LIMIT_RRL_NODATA)
		len = kept->zone_len;
	else if (q->source != SOURCE_OWNER)
		len = q->source_len;
	if (len > whole)
		return 0;
	if (kept->reason == LIMIT_RRL_ANSWERS && q->source == SOURCE_WILDCARD) {
		name[at++] = 1;
		name[at++] = '*';
	}
	memcpy(name + at, q->packet + QUERY_HEADER_LEN + whole - len, len);
	dname_lower(name + at, len);
	return at + len <= DNAME_MAX ? at + len : 0;
}

static void
limit_one(struct limiter *limiter, struct query *q, const struct limited_query *kept,
	  uint16_t udp_size, struct stats_block *stats)
{
	const struct limit_config *config = &limiter->config;
	bool is_ipv4 = q->client->sin6_family == AF_INET;
	uint8_t name[DNAME_MAX + 2];
	unsigned name_len;

	if (limit_list_of(limiter, q) == PREFIX_WHITE)
		return;
	name_len = spell(q, kept, name);
	if (!limit_note(limiter, q, kept->bucket, (enum limit_reason)kept->reason,
			is_ipv4 ? MAPPED_BITS + config->rrl_v4_prefix
				: config->rrl_v6_prefix,
			stats, name, name_len))
		hold_back(limiter, q, kept, udp_size, stats);
}

void
rrl_limit(struct limiter *limiter, struct query *queries, unsigned count,
	  uint16_t udp_size, struct stats_block *stats)
{
	for (unsigned i = 0; i < count; i++)
		find_bucket(limiter, &queries[i], &limiter->kept[i]);
	for (unsigned i = 0; i < count; i++) {
		const struct limited_query *kept = &limiter->kept[i];

		if (kept->bucket != 0 &&
		    !limit_take_one(&limiter->responses[kept->reason - LIMIT_RRL_ANSWERS],
				    kept->bucket, limiter->now_ticks))
			limit_one(limiter, &queries[i], kept, udp_size, stats);
	}
}
