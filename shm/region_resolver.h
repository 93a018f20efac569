/* What the resolver process and the workers tell each other, and operators: parts of struct
 * region.  All zero is the state without a resolver. */
#ifndef SHM_REGION_RESOLVER_H
#define SHM_REGION_RESOLVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/dname.h"

enum {
	RESOLVER_WISHES_MAX = 32, /* of one worker, that wait; a power of 2 */
	RESOLVER_WISHES_USED = 8, /* of these, for names that are known and in use */
	RESOLVER_ERROR_MAX = 256,
};

/* A worker's wishes: names that it was asked for the addresses of and knows none of, or
 * that nobody else seems to want.  One writer, one reader, no lock: a wish that finds no
 * room is dropped, and comes again with the next question. */
struct resolver_wishes {
	_Alignas(128) _Atomic uint32_t put; /* worker: wishes so far */
	_Alignas(128) _Atomic uint32_t taken; /* resolver: those that it has seen */
	struct {
		uint8_t len;
		uint8_t name[DNAME_MAX]; /* lower-case wire form */
	} slots[RESOLVER_WISHES_MAX];
};

/* Every figure: name, kind, help; as in shm/stats_table.h, and among the counters of
 * `stats` under "resolver_" and the name.  Append only. */
/* clang-format off */
#define RESOLVER_FIGURE_TABLE(X) \
	X(names,        GAUGE,   "names outside of our zones that are looked up") \
	X(resolved,     GAUGE,   "of these, those with addresses of some type, or known to have none") \
	X(failing,      GAUGE,   "of these, those whose last look-up failed") \
	X(lookups,      COUNTER, "look-ups that were begun") \
	X(failures,     COUNTER, "look-ups that failed") \
	X(servers_down, GAUGE,   "resolver.servers that do not answer now")
/* clang-format on */

enum resolver_figure {
#define X(name, kind, help) RESOLVER_##name,
	RESOLVER_FIGURE_TABLE(X)
#undef X
	RESOLVER_FIGURE_COUNT,
};

/* The resolver process tells. */
struct region_resolver {
	_Alignas(128) _Atomic uint64_t heartbeat_ns; /* when its loop turned last */
	_Atomic uint32_t store_seq; /* grows when another store stands there; 0: there is
				     * none */
#define X(name, kind, help) _Atomic uint64_t name;
	RESOLVER_FIGURE_TABLE(X)
#undef X
	_Atomic uint32_t commit_seq; /* grows with what stands in the store */
	_Atomic uint32_t error_seq; /* odd while it is written */
	char last_error[RESOLVER_ERROR_MAX]; /* "": none */
	struct resolver_wishes wishes; /* sync's, of zones that are signed */
};

/* Worker: wish for a name, unless it is wished for already, or as many as `most` are. */
static inline void
resolver_wish(struct resolver_wishes *wishes, const uint8_t *name, unsigned len, unsigned most)
{
	uint32_t put = atomic_load_explicit(&wishes->put, memory_order_relaxed);
	uint32_t taken = atomic_load_explicit(&wishes->taken, memory_order_acquire);

	if (put - taken >= most)
		return;
	for (uint32_t at = taken; at != put; at++)
		if (wishes->slots[at % RESOLVER_WISHES_MAX].len == len &&
		    memcmp(wishes->slots[at % RESOLVER_WISHES_MAX].name, name, len) == 0)
			return;
	wishes->slots[put % RESOLVER_WISHES_MAX].len = (uint8_t)len;
	memcpy(wishes->slots[put % RESOLVER_WISHES_MAX].name, name, len);
	atomic_store_explicit(&wishes->put, put + 1, memory_order_release);
}

/* Resolver: take the next wish.  returns its length, 0 when there is none; what is no name
 * is passed over. */
static inline unsigned
resolver_take_wish(struct resolver_wishes *wishes, uint8_t name[DNAME_MAX])
{
	uint32_t taken = atomic_load_explicit(&wishes->taken, memory_order_relaxed);

	while (taken != atomic_load_explicit(&wishes->put, memory_order_acquire)) {
		unsigned at = taken++ % RESOLVER_WISHES_MAX;
		unsigned len = wishes->slots[at].len;

		memcpy(name, wishes->slots[at].name, DNAME_MAX);
		atomic_store_explicit(&wishes->taken, taken, memory_order_release);
		if (dname_is_whole(name, len))
			return len;
	}
	return 0;
}

/* Resolver: state what failed last, "" for nothing.  Readers get a whole text. */
__attribute__((nonnull)) void region_resolver_set_error(struct region_resolver *resolver,
							const char *text);
__attribute__((nonnull)) void
region_resolver_get_error(const struct region_resolver *resolver,
			  char out[RESOLVER_ERROR_MAX]);

#endif
