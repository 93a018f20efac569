/* What the signer tells, and how it is woken: a part of struct region.  All zero is the state
 * without one. */
#ifndef SHM_REGION_SIGNER_H
#define SHM_REGION_SIGNER_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Every figure: name, kind, help; as in shm/stats_table.h, and among the counters of
 * `stats` under "signer_" and the name. */
/* clang-format off */
#define SIGNER_FIGURES(X) \
	X(key_faults,      COUNTER, "keys that were broken, gone or replaced when those of a zone were looked up: errors names them") \
	X(keys_unkept,     COUNTER, "times that keys from Redis could not be kept in state_dir: errors names the zone, status says why") \
	X(dnskeys_too_large, COUNTER, "times that a zone could not be signed because its DNSKEY records fit no message") \
	X(steered_sets,    COUNTER, "sets of steered records that were signed when they were chosen, or about to be") \
	X(steered_late,    COUNTER, "times that such a set was put off: dnssec.steered_rate was used up") \
	X(steered_refused, COUNTER, "requests of workers for what is not served, or has changed meanwhile") \
	X(steered_failed,  COUNTER, "sets that could not be signed: a key is gone, or the store is damaged") \
	X(clock_doubts,    COUNTER, "times that the machine's clock came into doubt: status says why")
/* clang-format on */

enum signer_figure {
#define X(name, kind, help) SIGNER_FIGURE_##name,
	SIGNER_FIGURES(X)
#undef X
	SIGNER_FIGURE_COUNT,
};

enum { REGION_SIGNER_NAME_MAX = 256 }; /* a longer name is cut short */

struct region_signer {
	_Alignas(128) _Atomic uint64_t heartbeat_ns;	/* last turn of its loop, CLOCK_MONOTONIC */
	_Atomic uint64_t figures[SIGNER_FIGURE_COUNT];
	_Atomic int64_t renew_at_s;		/* sync: when signatures are due; 0: never */
	_Atomic int64_t redis_due_s;		/* sync: when the first of zones from Redis was
						 * due that was passed over; 0: none was */
	/* signer: zones whose keys from Redis could not be kept, failures since there was none, and
	 * the error code of one */
	_Atomic uint32_t unkept_count, unkept_tries;
	_Atomic int32_t unkept_why;
	/* sync: zones from Redis whose new state waits to be signed aside, and one of them */
	_Atomic uint32_t aside_count;
	_Atomic uint32_t aside_seq;		/* odd while the name is written */
	char aside[REGION_SIGNER_NAME_MAX];
	/* futex: whoever has something for it makes it grow */
	_Alignas(128) _Atomic uint32_t bell;
	_Atomic uint32_t is_asleep;		/* signer: waits for the bell */
	_Atomic uint32_t health_seq;		/* prober: grows when a target's state changes */
};

static inline uint64_t
region_signer_get(const struct region_signer *signer, enum signer_figure which)
{
	return atomic_load_explicit(&signer->figures[which], memory_order_relaxed);
}

static inline void
region_signer_add(struct region_signer *signer, enum signer_figure which, uint64_t n)
{
	atomic_store_explicit(&signer->figures[which],
			      region_signer_get(signer, which) + n, memory_order_relaxed);
}

/* Sync: so many zones wait to be signed aside; name NULL: the one told last is among them. */
__attribute__((nonnull(1)))
void region_signer_set_aside(struct region_signer *signer, size_t count, const char *name);

/* How many do, and one of them. */
__attribute__((nonnull))
unsigned region_signer_aside(const struct region_signer *signer,
			     char name[REGION_SIGNER_NAME_MAX]);

/* Ring the bell; a system call only when the signer sleeps. */
__attribute__((nonnull))
void region_signer_wake(struct region_signer *signer);

/* Signer: sleep until the bell has rung since it was `heard`, or for `timeout_ms`. */
__attribute__((nonnull))
void region_signer_sleep(struct region_signer *signer, uint32_t heard, unsigned timeout_ms);

#endif
