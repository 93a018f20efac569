/* Making and checking cookies. */
#include "worker/cookie.h"

#include <endian.h>
#include <string.h>

#include "shm/siphash.h"
#include "shm/wire.h"

enum {
	VERSION = 1,
	TIME_AT = COOKIE_CLIENT_LEN + 4,
	HASH_AT = COOKIE_CLIENT_LEN + 8,
	VALID_S = 3600,
	AHEAD_S = 300,
	RENEW_S = 1800,
};

_Static_assert(HASH_AT + 8 == QUERY_COOKIE_LEN, "RFC 9018, section 4");

/* What the cookies of a batch are checked and made with.  Octets are taken as numbers in the
 * way of SipHash. */
struct baking {
	const struct limit_config *config;
	uint32_t now_s;
	uint64_t head; /* of a new one: version to time */
	struct siphash keyed; /* with the first secret */
};

__attribute__((always_inline)) static inline uint64_t
hash_ipv4(const struct siphash *keyed, uint64_t nonce, uint64_t head,
	  const uint8_t address[4])
{
	struct siphash s = *keyed;
	uint32_t octets;

	memcpy(&octets, address, sizeof octets);
	siphash_add(&s, nonce);
	siphash_add(&s, head);
	return siphash_end(&s, le32toh(octets), HASH_AT + 4);
}

__attribute__((noinline)) static uint64_t
hash_ipv6(const struct siphash *keyed, uint64_t nonce, uint64_t head,
	  const struct in6_addr *address)
{
	struct siphash s = *keyed;

	if (IN6_IS_ADDR_V4MAPPED(address))
		return hash_ipv4(keyed, nonce, head, address->s6_addr + 12);
	siphash_add(&s, nonce);
	siphash_add(&s, head);
	siphash_add(&s, siphash_piece(address->s6_addr));
	siphash_add(&s, siphash_piece(address->s6_addr + 8));
	return siphash_end(&s, 0, HASH_AT + 16);
}

/* The hash of a cookie for this client; of one that is unknown as for 0.0.0.0.  Not inline:
 * it needs all registers. */
__attribute__((noinline)) static uint64_t
hash(const struct siphash *keyed, uint64_t nonce, uint64_t head,
     const struct sockaddr_in6 *client)
{
	static const struct sockaddr_in6 unknown = { .sin6_family = AF_INET };

	if (__builtin_expect(!client, 0))
		client = &unknown;
	if (client->sin6_family == AF_INET6)
		return hash_ipv6(keyed, nonce, head, &client->sin6_addr);
	return hash_ipv4(keyed, nonce, head, (const uint8_t *)client + 4);
}

/* Of the cookie that was sent, or its client's part: a new one goes back. */
static inline void
make(const struct baking *b, struct query *q)
{
	siphash_put(q->cookie + COOKIE_CLIENT_LEN, b->head);
	siphash_put(q->cookie + HASH_AT,
		    hash(&b->keyed, siphash_piece(q->cookie), b->head, q->client));
}

/* Was the cookie made with that secret? */
static inline bool
is_made_with(const struct siphash *keyed, const struct query *q)
{
	return hash(keyed, siphash_piece(q->cookie),
		    siphash_piece(q->cookie + COOKIE_CLIENT_LEN),
		    q->client) == siphash_piece(q->cookie + HASH_AT);
}

/* Was it made with another secret than the first? */
__attribute__((noinline)) static bool
is_of_another(const struct baking *b, const struct query *q)
{
	struct siphash keyed;

	for (unsigned i = 1; i < b->config->secret_count; i++) {
		siphash_init(&keyed, b->config->secrets[i]);
		if (is_made_with(&keyed, q))
			return true;
	}
	return false;
}

/* The same for one that is valid.  Not inline: most clients do not pay for it. */
__attribute__((noinline)) static void
renew(const struct baking *b, struct query *q)
{
	make(b, q);
}

/* The cookie that was sent, of our form, goes back if it is valid; or a new one does.
 * returns whether it is. */
static inline bool
check(const struct baking *b, struct query *q)
{
	/* RFC 1982: over the wrap of 32 bits, too */
	int32_t age_s = (int32_t)(b->now_s - wire_get_u32(q->cookie + TIME_AT));

	if (q->cookie[COOKIE_CLIENT_LEN] != VERSION || age_s < -AHEAD_S ||
	    age_s > VALID_S)
		return false;
	if (is_made_with(&b->keyed, q)) {
		if (age_s > RENEW_S)
			renew(b, q);
		return true;
	}
	if (!is_of_another(b, q))
		return false;
	renew(b, q);
	return true;
}

static inline void
take(const struct baking *b, struct query *q, struct stats_block *stats)
{
	const uint8_t *cookie = q->packet + q->cookie_at;

	/* what is common is so but for this; what is not stays so */
	q->common = (uint8_t)(q->common * QUERY_COMMON_COOKIE);
	q->limit = (uint16_t)(q->limit - COOKIE_OPTION_LEN);
	if (q->cookie_len == QUERY_COOKIE_LEN) {
		memcpy(q->cookie, cookie, QUERY_COOKIE_LEN);
		if (check(b, q)) {
			q->flags |= QUERY_COOKIE_REPLY | QUERY_COOKIE_VALID;
			stats_add(stats, STAT_cookies_valid, 1);
			return;
		}
	}
	q->flags |= QUERY_COOKIE_REPLY;
	stats_add(stats,
		  q->cookie_len == COOKIE_CLIENT_LEN ? STAT_cookies_new
						     : STAT_cookies_invalid,
		  1);
	memcpy(q->cookie, cookie, COOKIE_CLIENT_LEN);
	make(b, q);
}

/* From the first query with a cookie on. */
__attribute__((noinline)) static void
take_all(const struct cookie_jar *jar, struct query *q, const struct query *end,
	 struct stats_block *stats)
{
	struct baking b = { .config = jar->config, .now_s = jar->now_s };
	uint8_t head[8] = { VERSION };

	wire_put_u32(head + 4, jar->now_s);
	b.head = siphash_piece(head);
	siphash_init(&b.keyed, jar->config->secrets[0]);
	for (; q != end; q++) {
		if (q->flags & QUERY_COOKIE)
			take(&b, q, stats);
		else if (q->flags & QUERY_COOKIE_BAD)
			stats_add(stats, STAT_cookies_malformed, 1);
	}
}

void
cookie_take(const struct cookie_jar *jar, struct query *queries, unsigned count,
	    struct stats_block *stats)
{
	const struct query *end = queries + count;

	for (struct query *q = queries; q != end; q++) {
		if (q->flags & (QUERY_COOKIE | QUERY_COOKIE_BAD)) {
			take_all(jar, q, end, stats);
			return;
		}
	}
}
