/* The list of those who are limited. */
#include "shm/limit_seen.h"

#include <stddef.h>
#include <string.h>

#include "shm/seqlock.h"

#define FORGET_NS ((uint64_t)LIMIT_SEEN_S * 1000000000)
#define QUIET_NS UINT64_C(1000000000) /* then it gives way, however often it was seen */

static uint64_t
load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static void
store(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

/* The less, the sooner it gives way. */
static uint64_t
weight(const struct limit_seen_entry *entry, uint64_t now_ns)
{
	uint64_t last_ns = load(&entry->last_ns);

	return last_ns == 0 || now_ns - last_ns > QUIET_NS ? 0 : load(&entry->count);
}

struct limit_seen_entry *
limit_seen_count(struct limit_seen *seen, uint64_t hash, uint64_t now_ns)
{
	struct limit_seen_entry *set =
		&seen->entries[(hash & (LIMIT_SEEN_SETS - 1)) * LIMIT_SEEN_WAYS];
	struct limit_seen_entry *victim = set;

	for (unsigned i = 0; i < LIMIT_SEEN_WAYS; i++) {
		struct limit_seen_entry *entry = &set[i];

		if (entry->what.hash == hash && load(&entry->last_ns) != 0 &&
		    now_ns - load(&entry->last_ns) < FORGET_NS) {
			store(&entry->last_ns, now_ns);
			store(&entry->count, load(&entry->count) + 1);
			return NULL;
		}
		if (weight(entry, now_ns) < weight(victim, now_ns))
			victim = entry;
	}
	return victim;
}

void
limit_seen_put(struct limit_seen_entry *entry, const struct limit_case *what,
	       uint64_t now_ns)
{
	seqlock_begin(&entry->seq);
	memcpy(&entry->what, what, sizeof *what);
	store(&entry->since_ns, now_ns);
	store(&entry->last_ns, now_ns);
	store(&entry->count, 1);
	seqlock_end(&entry->seq);
}

bool
limit_seen_get(const struct limit_seen *seen, unsigned i, uint64_t now_ns,
	       struct limit_told *out)
{
	const struct limit_seen_entry *entry = &seen->entries[i];

	if (load(&entry->last_ns) == 0)
		return false;
	seqlock_copy(&entry->seq, &out->what, &entry->what, sizeof out->what,
		     SEQLOCK_TURNS);
	out->since_ns = load(&entry->since_ns);
	out->last_ns = load(&entry->last_ns);
	out->count = load(&entry->count);
	return out->last_ns + FORGET_NS > now_ns;
}
