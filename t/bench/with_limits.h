/* What limits and cookies cost: clients and options for queries of a benchmark. */
#ifndef T_WITH_LIMITS_H
#define T_WITH_LIMITS_H

#include <arpa/inet.h>
#include <string.h>

#include "shm/clock.h"
#include "shm/region.h"
#include "shm/wire.h"
#include "t/query_file.h"
#include "worker/answer.h"
#include "worker/cookie.h"
#include "worker/limit.h"

/* Words of a list with commas: client, rrl (limits that are not met), random (every query
 * has a client of its own, else 64 take turns), cookies (they are looked at), new (each query
 * has one of the client alone), valid (each has one that we made). */
struct with_limits {
	bool is_random, has_new, has_valid;
	struct cookie_jar jar;
	struct limiter limiter;
	struct sockaddr_in6 clients[ANSWER_BATCH];
	uint8_t cookies[ANSWER_BATCH][QUERY_COOKIE_LEN];
	uint64_t random_state;
};

static inline void
with_limits_set_client(struct with_limits *with, unsigned slot, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(address);
	in.sin_port = 1;
	memcpy(&with->clients[slot], &in, sizeof in);
}

static inline void
with_limits_make_cookie(struct with_limits *with, unsigned slot)
{
	static struct stats_block stats;
	uint8_t packet[COOKIE_CLIENT_LEN] = { 1, 2, 3 };
	struct query q = { .packet = packet,
			   .client = &with->clients[slot],
			   .flags = QUERY_COOKIE,
			   .cookie_len = COOKIE_CLIENT_LEN,
			   .limit = 1232 };

	cookie_take(&with->jar, &q, 1, &stats);
	memcpy(with->cookies[slot], q.cookie, QUERY_COOKIE_LEN);
}

static inline void
with_limits_init(struct with_limits *with, const char *words, struct answer_options *options)
{
	static struct limit_config config = { .secret_count = 1, .rrl_v4_prefix = 24 };
	struct region *region = region_create(1);

	if (!region)
		query_file_die("limits", "no memory");
	with->is_random = strstr(words, "random");
	with->has_new = strstr(words, "new");
	with->has_valid = strstr(words, "valid");
	with->random_state = 88172645463325252u;
	if (strstr(words, "client")) {
		config.client_rate = 6000000;
		config.client_burst = 100000;
	}
	for (unsigned i = 0; strstr(words, "rrl") && i < LIMIT_RRL_CLASSES; i++)
		config.rrl_rates[i] = 100000;
	limit_config_set(&region->limits, &config);
	limiter_init(&with->limiter, region, 0);
	if (limiter_follow(&with->limiter))
		options->limiter = &with->limiter;
	with->jar = (struct cookie_jar){ &with->limiter.config, (uint32_t)clock_wall_s() };
	if (strstr(words, "cookies") || with->has_new || with->has_valid)
		options->cookies = &with->jar;
	for (unsigned slot = 0; slot < ANSWER_BATCH; slot++) {
		with_limits_set_client(with, slot, 0x0a000000 + slot);
		with_limits_make_cookie(with, slot);
	}
}

/* Complete a query that was put: its OPT stands last, without options. */
static inline void
with_limits_fill(struct with_limits *with, unsigned slot, struct query *q)
{
	uint8_t *end = q->packet + q->received_len;
	unsigned len = with->has_valid ? QUERY_COOKIE_LEN : COOKIE_CLIENT_LEN;

	q->client = &with->clients[slot];
	if (with->is_random) {
		with->random_state ^= with->random_state << 13;
		with->random_state ^= with->random_state >> 7;
		with->random_state ^= with->random_state << 17;
		with_limits_set_client(with, slot, (uint32_t)(with->random_state >> 32));
	}
	if (!with->has_new && !with->has_valid)
		return;
	wire_put_u16(end - 2, (uint16_t)(4 + len));
	wire_put_u16(end, COOKIE_OPTION);
	wire_put_u16(end + 2, (uint16_t)len);
	memcpy(end + 4, with->cookies[slot], len);
	q->received_len += 4 + len;
}

#endif
