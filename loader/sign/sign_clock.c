/* Times of signatures. */
#include "loader/sign/sign_clock.h"

#include "shm/clock.h"
#include "shm/rrtype.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	DAY_S = 86400,
	AHEAD_SHARE = 28, /* of the validity: what a renewal takes along */
	JITTER_SHARE = 14, /* of the validity: signatures end spread over so much */
};

static _Atomic bool is_clock_held;
static _Atomic int64_t may_be_before_s, may_be_behind_s;

void
sign_clock_look(const struct region *region)
{
	int64_t before_s, behind_s;

	region_clock_span(region, &before_s, &behind_s);
	may_be_before_s = before_s;
	may_be_behind_s = behind_s;
	is_clock_held = region_clock_is_doubtful(region);
}

int64_t
sign_clock_latest_s(void)
{
	return clock_wall_s() + may_be_behind_s;
}

bool
sign_clock_is_due(int64_t renew_at_s, int64_t now_s)
{
	return renew_at_s <= now_s && !is_clock_held;
}

int64_t
sign_clock_ahead_s(const struct settings *settings)
{
	return (int64_t)settings->dnssec.validity_days * DAY_S / AHEAD_SHARE;
}

void
sign_clock_set(struct sign_clock *clock, const struct settings *settings, int64_t now_s,
	       bool is_renewal, const uint8_t *zone, size_t len)
{
	*clock = (struct sign_clock){
		.now_s = now_s,
		.earliest_s = now_s - may_be_before_s,
		.latest_s = now_s + may_be_behind_s,
		.renew_before_s = now_s + (int64_t)settings->dnssec.refresh_days * DAY_S,
		.validity_s = settings->dnssec.validity_days * DAY_S,
		.random = XXH3_64bits_withSeed(zone, len, (uint64_t)now_s) | 1,
	};
	if (is_clock_held)
		clock->renew_before_s = INT64_MIN;
	else if (is_renewal)
		clock->renew_before_s += sign_clock_ahead_s(settings);
}

bool
sign_clock_is_to_come(const struct node *apex, int64_t now_s)
{
	struct rrset soa;

	return !is_clock_held && node_find_rrset(apex, RRTYPE_SOA, &soa) &&
	       rrset_sign_span(&soa, now_s).last_begin_s > now_s;
}

/* xorshift64: it spreads times, nothing more. */
static uint32_t
next_random(struct sign_clock *clock, uint32_t below)
{
	clock->random ^= clock->random << 13;
	clock->random ^= clock->random >> 7;
	clock->random ^= clock->random << 17;
	return below ? (uint32_t)(clock->random >> 32) % below : 0;
}

int64_t
sign_clock_draw(struct sign_clock *clock, struct sign_times *out)
{
	int64_t ends_s = clock->latest_s + clock->validity_s -
			 next_random(clock, clock->validity_s / JITTER_SHARE);

	out->inception = (uint32_t)(clock->earliest_s - SIGN_INCEPTION_AGO_S);
	out->expiration = (uint32_t)ends_s;
	return ends_s;
}
