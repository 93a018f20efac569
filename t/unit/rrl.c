/* What is one client, and what one network, of IPv4 and IPv6: with buckets of one each. */
#include "worker/rrl.h"

#include <arpa/inet.h>
#include <string.h>

#include "shm/region.h"
#include "t/tap.h"

static struct region *region;
static struct limiter limiter;
static struct stats_block stats;

static void
set(const struct limit_config *config)
{
	limit_config_set(&region->limits, config);
	limiter_follow(&limiter);
	limiter_set_time(&limiter, 1000000000);
	memset(&region->limited_clients, 0, sizeof region->limited_clients);
	memset(&region->limited_networks, 0, sizeof region->limited_networks);
}

static struct sockaddr_in6
client_at(const char *text)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&in6, &in, sizeof in);
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		bail_out("%s", text);
	return in6;
}

/* Is a query of this client let through? */
static bool
client_passes(const char *text)
{
	struct sockaddr_in6 client = client_at(text);
	struct query q = { .client = &client };

	limit_fetch_clients(&limiter, &q, 1);
	limit_clients(&limiter, &q, 1, &stats);
	return q.verdict == QUERY_LOOKUP;
}

/* Is an answer to it sent? */
static bool
answer_passes(const char *text)
{
	struct sockaddr_in6 client = client_at(text);
	uint8_t packet[64] = { [5] = 1, [7] = 1, [15] = 1 };
	struct query q = { .client = &client, .packet = packet, .question_end = 17 };
	struct stage stage = { .status = STAGE_NO_ZONE };

	rrl_begin(&limiter, &q, &stage, 1);
	q.response_len = 40;
	rrl_limit(&limiter, &q, 1, 1232, &stats);
	return q.response_len != 0;
}

struct pair {
	const char *one, *other;
	bool is_same;
};

static void
check(const struct pair *pairs, size_t count, bool passes(const char *text),
      const struct limit_config *config)
{
	for (size_t i = 0; i < count; i++) {
		set(config);
		ok(passes(pairs[i].one) && !passes(pairs[i].one), "%s has one",
		   pairs[i].one);
		is_int(passes(pairs[i].other), !pairs[i].is_same, "%s %s", pairs[i].other,
		       pairs[i].is_same ? "shares it" : "has another");
	}
}

int
main(void)
{
	static const struct pair clients[] = {
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "::ffff:192.0.2.1", true },
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::1", "::2", true },
		{ "::1", "0.0.0.0", false },
	};
	static const struct pair networks[] = {
		{ "192.0.2.1", "192.0.2.255", true },
		{ "192.0.2.1", "192.0.3.1", false },
		{ "2001:db8::1", "2001:db8:0:ff::1", true },
		{ "2001:db8::1", "2001:db8:0:100::1", false },
		{ "192.0.2.1", "c000:200::", false },
	};
	static const struct pair narrow[] = {
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1:0", "2001:db8::1:ff", true },
		{ "2001:db8::1:0", "2001:db8::2:0", false },
	};
	struct limit_config config = { .client_rate = 1 };

	region = region_create(1);
	if (!region)
		bail_out("no memory");
	limiter_init(&limiter, region, 0);
	check(clients, sizeof clients / sizeof *clients, client_passes, &config);
	config = (struct limit_config){ .rrl_rates = { 1, 1, 1, 1, 1 },
					.rrl_v4_prefix = 24,
					.rrl_v6_prefix = 56 };
	check(networks, sizeof networks / sizeof *networks, answer_passes, &config);
	config.rrl_v4_prefix = 32;
	config.rrl_v6_prefix = 112;
	check(narrow, sizeof narrow / sizeof *narrow, answer_passes, &config);
	return done_testing();
}
