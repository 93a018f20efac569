/* What sync says about Redis, and how fast changes came from there: a part of struct
 * region.
 *
 * Sync alone writes; it may die and be started again at any point, so numbers go on from
 * what stands here and nothing steps back.  Readers take no lock: figures one by one,
 * texts and change sets whole.  All zero is the state without Redis. */
#ifndef SHM_REGION_SOURCE_H
#define SHM_REGION_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SOURCE_TEXT_MAX = 508,		/* NUL included */
	SOURCE_CHANGES_MAX = 128,	/* change sets remembered */
	SOURCE_CHANGE_ZONE_MAX = 128,
	SOURCE_TIME_BUCKETS = 176,
	SOURCE_TIMES_COUNT = 2,
};

enum source_state {
	SOURCE_OFF = 0,			/* Redis is not configured */
	SOURCE_CONNECTING,
	SOURCE_IDENTIFYING,		/* connected: which server is this? */
	SOURCE_LOADING,			/* the first reading of everything */
	SOURCE_RESYNCING,		/* after a gap: zone by zone */
	SOURCE_FOLLOWING,
	SOURCE_HELD_OFF,		/* rollback or swap: waits for `resume` */
	SOURCE_STATE_COUNT,
};

/* Figures.  Counters only grow, also over restarts of sync; gauges are levels.
 * Append only: `stats` and the manual name them. */
/* clang-format off */
#define SOURCE_FIGURE_TABLE(X) \
	X(redis_changes,        COUNTER, "change sets served") \
	X(redis_records,        COUNTER, "records added or removed by change sets") \
	X(redis_commits,        COUNTER, "transactions that change sets were committed in") \
	X(redis_entries,        COUNTER, "entries of the change stream read") \
	X(redis_bad_entries,    COUNTER, "entries of the change stream, or fields in one, that were not understood") \
	X(redis_events,         COUNTER, "keyspace notifications received") \
	X(redis_connects,       COUNTER, "connections made to Redis") \
	X(redis_gaps,           COUNTER, "gaps found: what was missed could not be known") \
	X(redis_resyncs,        COUNTER, "resyncs finished") \
	X(redis_digests,        COUNTER, "zones compared by digest") \
	X(redis_digest_misses,  COUNTER, "zones that differed although no change was heard of") \
	X(redis_held_sets,      COUNTER, "change sets that the shrink guard held") \
	X(redis_compactions,    COUNTER, "generations sealed from overlays") \
	X(redis_signatures,     COUNTER, "signatures made for names that changed, one by one, in signed zones from Redis") \
	X(redis_renewed,        COUNTER, "signatures renewed ahead of their end in zones from Redis") \
	X(redis_report_failed,  COUNTER, "reports of errors that could not be written") \
	X(redis_zones,          GAUGE,   "zones from Redis that are served") \
	X(redis_held,           GAUGE,   "change sets that the shrink guard holds now") \
	X(bad_rrsets,           GAUGE,   "RRsets that are not served as their source has them") \
	X(redis_waiting,        GAUGE,   "zones known to have changed that are not read yet") \
	X(overlay_records,      GAUGE,   "names in the overlay of the newest generation")
/* clang-format on */

enum source_figure {
#define X(name, kind, help) SOURCE_##name,
	SOURCE_FIGURE_TABLE(X)
#undef X
	SOURCE_FIGURE_COUNT,
};

/* Texts, "" for none.  The conditions are whole sentences for people, remedy included;
 * each stands as long as it holds.  A PROBLEM makes `status` fail, a NOTICE does not. */
#define SOURCE_TEXT_TABLE(X) \
	X(CURSOR, FACT)			/* id of the last stream entry that is served */ \
	X(ERROR, FACT)			/* why the link broke last, or what Redis refused */ \
	X(SERVER, FACT)			/* who is read: "127.0.0.1:6379, replica of ..." */ \
	X(LINK, PROBLEM)		/* not connected, or refused: password, cluster */ \
	X(NOTIFY, PROBLEM)		/* notifications are off, with the line that cures it */ \
	X(STREAM, PROBLEM)		/* the change stream cannot be read */ \
	X(GAP, PROBLEM)			/* a resync is under way, and why */ \
	X(HELD, PROBLEM)		/* the shrink guard holds something */ \
	X(BACKLOG, PROBLEM)		/* reading waits: the overlay is full */ \
	X(CONFLICT, PROBLEM)		/* zones both in files and in Redis */ \
	X(STORE, PROBLEM)		/* the overlay cannot be written */ \
	X(FLEET, PROBLEM)		/* who rolls keys is silent, or cannot tell the others */ \
	X(LOADING, NOTICE)		/* how far the first reading is */ \
	X(REPORT, NOTICE)		/* redis.report cannot be written */

enum source_text_id {
#define X(name, kind) SOURCE_TEXT_##name,
	SOURCE_TEXT_TABLE(X)
#undef X
	SOURCE_TEXT_COUNT,
};
enum source_text_kind { SOURCE_TEXT_FACT, SOURCE_TEXT_PROBLEM, SOURCE_TEXT_NOTICE };

struct source_text {
	_Atomic uint32_t seq;
	char text[SOURCE_TEXT_MAX];
};

/* How a change set was learnt of. */
enum change_cause {
	CHANGE_STREAM = 0,		/* an entry of the change stream */
	CHANGE_EVENT,			/* keyspace notifications */
	CHANGE_DIGEST,			/* found by comparison */
	CHANGE_RESYNC,
	CHANGE_ACCEPT,			/* admitted by `martletctl accept` */
	CHANGE_RELOAD,			/* zone files */
	CHANGE_CAUSE_COUNT,
};

/* One change set, as it was served. */
struct source_change {
	uint64_t number;		/* 1.., the count over the life of the region */
	uint64_t id_ms, id_seq;		/* of its stream entry; (time seen, 0) without one */
	int64_t written_us;		/* Unix time: by the stream id, or when it was heard of;
					 * 0: not known, and then not in the histogram */
	int64_t served_us;		/* when it could be served */
	uint32_t cause;			/* enum change_cause */
	uint32_t zone_count;
	uint32_t added, removed;	/* records */
	uint32_t reserved;
	char zone[SOURCE_CHANGE_ZONE_MAX]; /* the first of its zones, cut */
};

/* How long changes took from written to served.  Bucket 0 holds what took less than
 * 64 us; from there on each doubling has 8 buckets, so that a figure read from them is
 * at most an eighth too high; the last holds all from 235 s up. */
struct source_times {
	_Atomic uint64_t buckets[SOURCE_TIME_BUCKETS];
	_Atomic uint64_t max_us;
};

struct source_change_slot {
	_Atomic uint32_t seq;
	struct source_change change;
};

struct region_source {
	_Alignas(128) _Atomic uint32_t state;	/* enum source_state */
	_Atomic uint32_t is_with_files;	/* zone files are configured, too */
	/* Unix times in ms, 0 for none */
	_Atomic int64_t connected_since_ms; /* 0: not connected */
	_Atomic int64_t current_at_ms;	/* when all of Redis was last known to be served */
	_Atomic int64_t oldest_digest_ms; /* of the zone that was compared longest ago */
	_Atomic uint64_t figures[SOURCE_FIGURE_COUNT];
	struct source_text texts[SOURCE_TEXT_COUNT];
	/* by cause, CHANGE_STREAM and CHANGE_EVENT */
	_Alignas(128) struct source_times times[SOURCE_TIMES_COUNT];
	_Atomic uint64_t change_count;	/* ever noted; the ring holds the last of them */
	struct source_change_slot changes[SOURCE_CHANGES_MAX];
};

/* Sync: the state. */
static inline void
region_source_set_state(struct region_source *source, enum source_state state)
{
	atomic_store_explicit(&source->state, (uint32_t)state, memory_order_relaxed);
}

/* Sync, when Redis is not configured: all that stood about it is forgotten but for
 * counters and change sets. */
__attribute__((nonnull))
void region_source_set_off(struct region_source *source);

/* Sync: a counter grows, a gauge is set. */
static inline void
region_source_add(struct region_source *source, enum source_figure which, uint64_t n)
{
	_Atomic uint64_t *figure = &source->figures[which];

	atomic_store_explicit(figure,
			      atomic_load_explicit(figure, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline void
region_source_set(struct region_source *source, enum source_figure which, uint64_t n)
{
	atomic_store_explicit(&source->figures[which], n, memory_order_relaxed);
}

static inline uint64_t
region_source_get(const struct region_source *source, enum source_figure which)
{
	return atomic_load_explicit(&source->figures[which], memory_order_relaxed);
}

/* Sync: set a text, cut at SOURCE_TEXT_MAX; "" for none.  Cheap when it stands already. */
__attribute__((nonnull, format(printf, 3, 4)))
void region_source_set_text(struct region_source *source, enum source_text_id which,
			    const char *format, ...);

/* Take a copy.  returns whether there is a text. */
__attribute__((nonnull))
bool region_source_get_text(const struct region_source *source, enum source_text_id which,
			    char out[SOURCE_TEXT_MAX]);

/* Sync: a change set has been committed, is seen by every query from now on.  An entry of
 * the stream that stands in the ring already is not noted again.
 * change   its number is given here; served_us 0 means now. */
__attribute__((nonnull))
void region_source_note_change(struct region_source *source,
			       const struct source_change *change);

/* Copy the newest change sets, newest first.  returns how many, 0..SOURCE_CHANGES_MAX. */
__attribute__((nonnull))
size_t region_source_get_changes(const struct region_source *source,
				 struct source_change out[SOURCE_CHANGES_MAX]);

/* What a change's writer wants to see through DNS, changes.server: one text, as
 * "cursor=1795226090210-0 changes=12 took_us=1500 p50_us=1024 p99_us=2048".  What is not
 * known is left out.  returns its length; 0 without Redis. */
enum { SOURCE_PROBE_MAX = 256 };
__attribute__((nonnull))
size_t region_source_print_probe(const struct region_source *source,
				 char out[SOURCE_PROBE_MAX]);

/* Grows with whatever changes that text. */
static inline uint64_t
region_source_probe_seq(const struct region_source *source)
{
	return atomic_load_explicit(&source->change_count, memory_order_acquire) +
	       atomic_load_explicit(&source->texts[SOURCE_TEXT_CURSOR].seq,
				    memory_order_acquire);
}

/* A sum of times, and what it tells. */
struct source_times_sum {
	uint64_t buckets[SOURCE_TIME_BUCKETS];
	uint64_t count, max_us;
};

/* Copy what was measured for `cause`, CHANGE_STREAM or CHANGE_EVENT. */
__attribute__((nonnull))
void region_source_get_times(const struct region_source *source, enum change_cause cause,
			     struct source_times_sum *out);

/* The time within which `share` (0..1) of the changes were served; never above the
 * longest one; 0 without any. */
__attribute__((nonnull, pure))
uint64_t source_times_percentile_us(const struct source_times_sum *sum, double share);

/* Bucket `i` holds times below this; UINT64_MAX for the last. */
__attribute__((const))
uint64_t source_times_limit_us(unsigned i);

__attribute__((const)) const char *source_state_name(enum source_state state);
__attribute__((const)) const char *change_cause_name(enum change_cause cause);
__attribute__((const)) enum source_text_kind source_text_kind(enum source_text_id which);

#endif
