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

static inline uint64_t
hash_ipv4(struct siphash *s, const uint8_t address[4])
{
	uint32_t octets;

	memcpy(&octets, address, sizeof octets);
	return siphash_end(s, le32toh(octets), HASH_AT + 4);
}

/* The hash of a cookie for this client; its octets in memory's order. */
static uint64_t
hash(const uint8_t secret[SIPHASH_KEY_LEN], const uint8_t cookie[HASH_AT],
     const struct sockaddr_in6 *client)
{
	struct siphash s;

	siphash_init(&s, secret);
	siphash_add(&s, siphash_piece(cookie));
	siphash_add(&s, siphash_piece(cookie + 8));
	if (client && client->sin6_family != AF_INET6)
		return htole64(hash_ipv4(&s, (const uint8_t *)client + 4));
	if (!client)
		return htole64(siphash_end(&s, 0, HASH_AT));
	if (IN6_IS_ADDR_V4MAPPED(&client->sin6_addr))
		return htole64(hash_ipv4(&s, client->sin6_addr.s6_addr + 12));
	siphash_add(&s, siphash_piece(client->sin6_addr.s6_addr));
	siphash_add(&s, siphash_piece(client->sin6_addr.s6_addr + 8));
	return htole64(siphash_end(&s, 0, HASH_AT + 16));
}

/* Which secret made it?  returns config->secret_count for none. */
static unsigned
find_secret(const struct limit_config *config, const struct query *q,
	    const uint8_t *cookie)
{
	uint64_t have;
	unsigned i;

	memcpy(&have, cookie + HASH_AT, sizeof have);
	for (i = 0; i < config->secret_count; i++)
		if (hash(config->secrets[i], cookie, q->client) == have)
			break;
	return i;
}

static void
make(const struct limit_config *config, struct query *q, uint32_t now_s)
{
	uint64_t made;

	memset(q->cookie + COOKIE_CLIENT_LEN, 0, 4);
	q->cookie[COOKIE_CLIENT_LEN] = VERSION;
	wire_put_u32(q->cookie + TIME_AT, now_s);
	made = hash(config->secrets[0], q->cookie, q->client);
	memcpy(q->cookie + HASH_AT, &made, sizeof made);
}

static void
take(const struct cookie_jar *jar, struct query *q, struct stats_block *stats)
{
	const struct limit_config *config = jar->config;
	const uint8_t *cookie = q->packet + q->cookie_at;
	unsigned secret = config->secret_count;
	int32_t age_s = 0;

	memcpy(q->cookie, cookie, COOKIE_CLIENT_LEN);
	q->flags |= QUERY_COOKIE_REPLY;
	q->is_common = false; /* something goes back */
	q->limit = (uint16_t)(q->limit - COOKIE_OPTION_LEN);
	if (q->cookie_len == COOKIE_CLIENT_LEN) {
		stats_add(stats, STAT_cookies_new, 1);
		make(config, q, jar->now_s);
		return;
	}
	if (q->cookie_len == QUERY_COOKIE_LEN && cookie[COOKIE_CLIENT_LEN] == VERSION) {
		/* RFC 1982: over the wrap of 32 bits, too */
		age_s = (int32_t)(jar->now_s - wire_get_u32(cookie + TIME_AT));
		if (age_s >= -AHEAD_S && age_s <= VALID_S)
			secret = find_secret(config, q, cookie);
	}
	if (secret == config->secret_count) {
		stats_add(stats, STAT_cookies_invalid, 1);
		make(config, q, jar->now_s);
		return;
	}
	stats_add(stats, STAT_cookies_valid, 1);
	q->flags |= QUERY_COOKIE_VALID;
	if (secret == 0 && age_s <= RENEW_S)
		memcpy(q->cookie, cookie, QUERY_COOKIE_LEN);
	else
		make(config, q, jar->now_s);
}

void
cookie_take(const struct cookie_jar *jar, struct query *queries, unsigned count,
	    struct stats_block *stats)
{
	for (struct query *q = queries; q != queries + count; q++) {
		if (q->flags & QUERY_COOKIE)
			take(jar, q, stats);
		else if (q->flags & QUERY_COOKIE_BAD)
			stats_add(stats, STAT_cookies_malformed, 1);
	}
}

uint8_t *
cookie_put(uint8_t *at, const struct query *q)
{
	wire_put_u16(at, COOKIE_OPTION);
	wire_put_u16(at + 2, QUERY_COOKIE_LEN);
	memcpy(at + 4, q->cookie, QUERY_COOKIE_LEN);
	return at + COOKIE_OPTION_LEN;
}
