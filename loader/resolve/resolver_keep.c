/* What is kept of answers and failures, and for how long. */
#include <stdio.h>
#include <string.h>

#include "loader/resolve/resolver.h"
#include "shm/clock.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/wake.h"

enum {
	REFRESH_PERCENT = 80, /* of the TTL, when the next look-up is due, */
	JITTER_PERCENT = 10, /* less so much at most */
	STORE_RETRY_MS = 5000,
	LOAD_SPREAD_MS = 1000,
};

static uint16_t
type_of(const struct wanted_lookup *lookup)
{
	return lookup->type == WANTED_A ? TYPE_A : TYPE_AAAA;
}

uint64_t
resolver_draw(struct resolver *resolver, uint64_t bound)
{
	/* xorshift64 */
	resolver->random ^= resolver->random << 13;
	resolver->random ^= resolver->random >> 7;
	resolver->random ^= resolver->random << 17;
	return resolver->random % bound;
}

/* ---- figures ---- */

static void
count(struct resolver *resolver, const struct wanted *wanted, uint64_t by)
{
	const struct wanted_lookup *v4 = &wanted->lookups[WANTED_A];
	const struct wanted_lookup *v6 = &wanted->lookups[WANTED_AAAA];

	if (v4->is_known || v6->is_known)
		resolver->resolved_count += by;
	if (v4->failures || v6->failures)
		resolver->failing_count += by;
}

static void
set_state(struct resolver *resolver, struct wanted_lookup *lookup, bool is_known,
	  uint32_t failures)
{
	const struct wanted *wanted = wanted_of(lookup);

	count(resolver, wanted, (uint64_t)-1);
	lookup->is_known = is_known;
	lookup->failures = failures;
	count(resolver, wanted, 1);
}

/* ---- the store ---- */

static void
note_store(struct resolver *resolver, int rc)
{
	char text[RESOLVER_ERROR_MAX];

	if (rc == resolver->store_error)
		return;
	resolver->store_error = rc;
	if (rc == ERR_OK)
		return;
	snprintf(text, sizeof text, "%s/%s %s: what resolvers say is not kept",
		 resolver->settings->state_dir, RESOLVED_DIR, errcode_text(rc));
	log_errorx("%s", text);
	region_resolver_set_error(&resolver->region->resolver, text);
}

/* The changes since the last commit are lost: look up again soon what they were about. */
static void
lose_batch(struct resolver *resolver)
{
	uint64_t due_ms = clock_now_ms() + STORE_RETRY_MS;

	for (size_t i = 0; i < resolver->wanted.bucket_count; i++)
		for (struct wanted *at = resolver->wanted.buckets[i]; at; at = at->next)
			for (unsigned type = 0; type < WANTED_TYPES; type++) {
				struct wanted_lookup *lookup = &at->lookups[type];

				if (lookup->batch == resolver->batch &&
				    lookup->at != WANTED_NOWHERE)
					wanted_put(&resolver->wanted, lookup, due_ms);
			}
	resolver->batch++;
}

void
resolver_commit(struct resolver *resolver)
{
	int rc;

	if (!resolved_store_is_changed(resolver->store))
		return;
	rc = resolved_store_commit(resolver->store);
	note_store(resolver, rc);
	if (rc != ERR_OK) {
		lose_batch(resolver);
		return;
	}
	resolver->batch++;
	atomic_fetch_add(&resolver->region->resolver.commit_seq, 1);
	if (resolver->has_news)
		wake_call(resolver->news_fd);
	resolver->has_news = false;
}

/* returns whether it was put. */
static bool
put(struct resolver *resolver, struct wanted_lookup *lookup, struct resolved *entry)
{
	const struct wanted *wanted = wanted_of(lookup);
	int rc;

	entry->head.flags = wanted->is_watched ? 0 : RESOLVED_WISHED;
	rc = resolved_store_put(resolver->store, type_of(lookup), wanted->name,
				wanted->name_len, entry);

	lookup->batch = resolver->batch;
	if (rc == ERR_OK)
		return true;
	note_store(resolver, rc);
	wanted_put(&resolver->wanted, lookup, clock_now_ms() + STORE_RETRY_MS);
	lose_batch(resolver);
	return false;
}

/* ---- answers ---- */

static uint32_t
bounded_ttl(uint32_t ttl)
{
	if (ttl < RESOLVED_TTL_MIN)
		return RESOLVED_TTL_MIN;
	return ttl < RESOLVED_TTL_MAX ? ttl : RESOLVED_TTL_MAX;
}

/* Milliseconds of a TTL until it is refreshed. */
static uint64_t
refresh_ms(struct resolver *resolver, uint32_t ttl)
{
	uint64_t whole = (uint64_t)ttl * 1000;

	return whole * REFRESH_PERCENT / 100 -
	       resolver_draw(resolver, whole * JITTER_PERCENT / 100 + 1);
}

void
resolver_take_answer(struct resolver *resolver, struct wanted_lookup *lookup,
		     const struct resolve_answer *answer)
{
	bool has_addresses = answer->verdict == RESOLVE_ADDRESSES;
	struct resolved entry = {
		.head = {
			.ttl = bounded_ttl(answer->ttl),
			.state = has_addresses ? RESOLVED_ADDRESSES : RESOLVED_NODATA,
			.address_count = (uint8_t)answer->address_count,
			.name_count = (uint8_t)answer->name_count,
			.names_len = (uint16_t)answer->names_len,
			.good_at_s = clock_wall_s(),
		},
		.address_len = lookup->type == WANTED_A ? 4 : 16,
		.addresses = answer->addresses,
		.names = answer->names,
		.reason = "",
	};

	lookup->tried = 0;
	lookup->is_repeated = false;
	if (!put(resolver, lookup, &entry))
		return;
	resolver->has_news |= !lookup->is_known;
	set_state(resolver, lookup, true, 0);
	wanted_put(&resolver->wanted, lookup,
		   clock_now_ms() + refresh_ms(resolver, entry.head.ttl));
}

uint64_t
resolver_backoff_ms(bool is_known, uint32_t failures)
{
	uint64_t ms = is_known ? RESOLVER_BACKOFF_MS : RESOLVER_BACKOFF_NEW_MS;

	for (uint32_t i = 1; i < failures && ms < RESOLVER_BACKOFF_MAX_MS; i++)
		ms *= 2;
	return ms < RESOLVER_BACKOFF_MAX_MS ? ms : RESOLVER_BACKOFF_MAX_MS;
}

/* What is served on beyond its time is asked for again soon. */
static void
make_stale(struct resolved_head *head)
{
	if (head->good_at_s + (int64_t)head->ttl <= clock_wall_s() &&
	    head->ttl > RESOLVED_TTL_STALE)
		head->ttl = RESOLVED_TTL_STALE;
}

void
resolver_take_failure(struct resolver *resolver, struct wanted_lookup *lookup,
		      const char *server, const char *reason)
{
	struct region_resolver *region = &resolver->region->resolver;
	const struct wanted *wanted = wanted_of(lookup);
	uint64_t wait_ms;
	char name[DNAME_TEXT_MAX], text[RESOLVED_REASON_MAX + 1],
		error[RESOLVER_ERROR_MAX];
	struct resolved entry;
	int len, rc = resolved_store_find(resolver->store, type_of(lookup), wanted->name,
					  wanted->name_len, &entry);

	lookup->tried = 0;
	lookup->is_repeated = false;
	if (rc != ERR_OK)
		entry = (struct resolved){ .head = { .ttl = RESOLVED_TTL_MIN } };
	make_stale(&entry.head);
	entry.head.failures = lookup->failures + 1;
	len = snprintf(text, sizeof text, "%s %s", server, reason);
	entry.head.reason_len =
		(uint16_t)(len < RESOLVED_REASON_MAX ? len : RESOLVED_REASON_MAX);
	entry.reason = text;
	dname_to_text(wanted->name, name);
	snprintf(error, sizeof error, "%.100s %s: %.140s", name,
		 lookup->type == WANTED_A ? "A" : "AAAA", text);
	region_resolver_set_error(region, error);
	atomic_fetch_add(&region->failures, 1);
	if (!put(resolver, lookup, &entry))
		return;
	resolver->has_news |= entry.head.failures == 1 && !lookup->is_known;
	set_state(resolver, lookup, entry.head.state != RESOLVED_NEVER,
		  entry.head.failures);
	wait_ms = resolver_backoff_ms(lookup->is_known, lookup->failures);
	wait_ms -= resolver_draw(resolver, wait_ms / 10);
	wanted_put(&resolver->wanted, lookup, clock_now_ms() + wait_ms);
}

/* ---- names ---- */

static void
load_entry(void *context, uint16_t type, const uint8_t *name, size_t name_len,
	   const struct resolved *entry)
{
	struct resolver *resolver = context;
	uint64_t now_ms = clock_now_ms();
	struct wanted *wanted = wanted_add(&resolver->wanted, name, name_len, now_ms);
	int64_t left_s;
	struct wanted_lookup *lookup;

	resolver_tell_turn(resolver);
	if (!wanted)
		return;
	wanted->wished_until_ms = now_ms + RESOLVER_WISH_MS;
	lookup = &wanted->lookups[type == TYPE_A ? WANTED_A : WANTED_AAAA];
	set_state(resolver, lookup, entry->head.state != RESOLVED_NEVER,
		  entry->head.failures);
	left_s = entry->head.good_at_s +
		 (int64_t)entry->head.ttl * REFRESH_PERCENT / 100 - clock_wall_s();
	if (left_s < 0 || entry->head.failures > 0)
		left_s = 0;
	if (left_s > RESOLVED_TTL_MAX)
		left_s = RESOLVED_TTL_MAX;
	wanted_put(&resolver->wanted, lookup,
		   now_ms + (uint64_t)left_s * 1000 +
			   resolver_draw(resolver, LOAD_SPREAD_MS));
}

void
resolver_load(struct resolver *resolver)
{
	note_store(resolver, resolved_store_walk(resolver->store, load_entry, resolver));
}

static void
drop(struct resolver *resolver, uint16_t type, const struct wanted *wanted)
{
	int rc = resolved_store_drop(resolver->store, type, wanted->name,
				     wanted->name_len);

	if (rc == ERR_OK)
		return;
	note_store(resolver, rc);
	lose_batch(resolver);
}

void
resolver_drop(struct resolver *resolver, struct wanted *wanted)
{
	for (unsigned i = 0; i < RESOLVE_ASK_MAX; i++)
		if (resolver->flights[i].lookup &&
		    wanted_of(resolver->flights[i].lookup) == wanted)
			resolver->flights[i].lookup = NULL;
	drop(resolver, TYPE_A, wanted);
	drop(resolver, TYPE_AAAA, wanted);
	count(resolver, wanted, (uint64_t)-1);
	wanted_drop(&resolver->wanted, wanted);
}
