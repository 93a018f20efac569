/* Adds up what the workers tell of floods. */
#include "master/floods.h"

#include <string.h>

#include "shm/clock.h"

#define TOLD_NS ((uint64_t)FLOOD_TOLD_S * 1000000000)

static void
add_encloser(struct flood *flood, const struct flood_encloser *encloser)
{
	struct flood_encloser *at = flood->enclosers, *end = at + FLOOD_ENCLOSERS;

	flood->sampled += encloser->count;
	while (at != end && at->count > 0 &&
	       (at->name_len != encloser->name_len ||
		memcmp(at->name, encloser->name, at->name_len) != 0))
		at++;
	if (at == end)
		return;
	if (at->count > 0)
		at->count += encloser->count;
	else
		*at = *encloser;
	for (; at != flood->enclosers && at->count > at[-1].count; at--) {
		struct flood_encloser less = at[-1];

		at[-1] = *at;
		*at = less;
	}
}

static void
add(struct flood *flood, const struct flood_zone *zone)
{
	double seconds = zone->period_ns ? (double)zone->period_ns / 1e9 : 1;

	if (flood->since_ns == 0 || zone->since_ns < flood->since_ns)
		flood->since_ns = zone->since_ns;
	if (zone->last_ns > flood->last_ns)
		flood->last_ns = zone->last_ns;
	flood->shed += zone->shed;
	flood->asked_s += zone->asked / seconds;
	flood->absent_s += zone->asked_absent / seconds;
	flood->shed_s += (zone->shed_absent + zone->shed_existing) / seconds;
	flood->shed_existing_s += zone->shed_existing / seconds;
	for (unsigned i = 0; i < FLOOD_ENCLOSERS; i++)
		if (zone->enclosers[i].count > 0)
			add_encloser(flood, &zone->enclosers[i]);
}

/* Where this zone is added up; NULL when there is no room. */
static struct flood *
place_of(struct flood floods[FLOODS_MAX], unsigned *count, const struct flood_zone *zone)
{
	struct flood *flood = floods;

	while (flood != floods + *count &&
	       (flood->name_len != zone->name_len ||
		memcmp(flood->name, zone->name, zone->name_len) != 0))
		flood++;
	if (flood == floods + FLOODS_MAX)
		return NULL;
	if (flood == floods + *count) {
		++*count;
		memset(flood, 0, sizeof *flood);
		flood->name_len = zone->name_len;
		memcpy(flood->name, zone->name, sizeof flood->name);
	}
	return flood;
}

static void
sort(struct flood *floods, unsigned count)
{
	for (unsigned i = 1; i < count; i++)
		for (unsigned j = i; j > 0 && floods[j].shed_s > floods[j - 1].shed_s;
		     j--) {
			struct flood less = floods[j - 1];

			floods[j - 1] = floods[j];
			floods[j] = less;
		}
}

unsigned
floods_get(const struct region *region, uint64_t now_ns, struct flood floods[FLOODS_MAX])
{
	struct flood_zone zones[FLOOD_ZONES];
	unsigned count = 0;

	for (unsigned w = 0; w < region->worker_count; w++) {
		unsigned zone_count = flood_list_get(&region->slots[w].floods, zones);

		for (unsigned i = 0; i < zone_count; i++) {
			struct flood *flood;

			if (zones[i].last_ns + TOLD_NS < now_ns)
				continue;
			flood = place_of(floods, &count, &zones[i]);
			if (flood)
				add(flood, &zones[i]);
		}
	}
	sort(floods, count);
	return count;
}

/* ---- what no worker has seen ---- */

static uint64_t
sum(const struct region *region, enum stat_id which)
{
	uint64_t all =
		atomic_load_explicit(&region->retired.value[which], memory_order_relaxed);

	for (unsigned i = 0; i < region->worker_count; i++)
		all += atomic_load_explicit(&region->slots[i].stats.value[which],
					    memory_order_relaxed);
	return all;
}

void
losses_sample(struct losses *losses, const struct region *region)
{
	uint64_t now_ns = clock_now_ns();
	bool is_first = losses->sampled_ns == 0;

	if (!is_first && now_ns - losses->sampled_ns < UINT64_C(1000000000))
		return;
	losses->sampled_ns = now_ns;
	losses->newest = (losses->newest + 1) % (LOSSES_SECONDS + 1);
	for (unsigned i = 0; i <= LOSSES_SECONDS; i++)
		if (is_first || i == losses->newest) {
			losses->lost[i] = sum(region, STAT_udp_socket_drops);
			losses->received[i] = sum(region, STAT_udp_queries);
		}
}

void
losses_get(const struct losses *losses, const struct region *region, uint64_t *lost,
	   uint64_t *received)
{
	unsigned oldest = (losses->newest + 1) % (LOSSES_SECONDS + 1);

	*lost = sum(region, STAT_udp_socket_drops) - losses->lost[oldest];
	*received = sum(region, STAT_udp_queries) - losses->received[oldest];
}
