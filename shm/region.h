/* The shared memory region: mapped by the master before the first fork, MAP_SHARED,
 * anonymous, inherited by every child at the same address.  No pointers inside.
 *
 *	+-------------------+
 *	| magic .. seed     |	master, before the first fork
 *	+-------------------+
 *	| live              |	master: tunables that workers follow
 *	+-------------------+
 *	| notice            |	master: options that need a restart
 *	+-------------------+
 *	| swap              |	sync: announced, published, facts of the generation
 *	+-------------------+
 *	| source            |	sync: Redis, and the last changes
 *	+-------------------+
 *	| geo               |	sync: the databases of geoip.*
 *	+-------------------+
 *	| resolver          |	the resolver process: its store, its figures
 *	+-------------------+
 *	| watch             |	sync: who must be probed or resolved has changed
 *	+-------------------+
 *	| limits            |	master: what is limited
 *	+-------------------+
 *	| limited_clients,  |	workers: buckets, by compare-and-swap
 *	| limited_networks  |
 *	+-------------------+
 *	| health            |	prober: what it has found, in figures
 *	+-------------------+
 *	| signer            |	the signer: that it lives, its figures; its bell
 *	+-------------------+
 *	| clock             |	sync: what is known of the time
 *	+-------------------+
 *	| fence             |	all but sync, clerks and signer: who could read keys
 *	+-------------------+
 *	| report            |	reporter: who asked it
 *	+-------------------+
 *	| query_log         |	logger: what it has written, in figures
 *	+-------------------+
 *	| retired,          |	master: what dead workers have counted
 *	| retired_times     |
 *	+-------------------+
 *	| slots[0]          |	its worker; pid, state, restarts, cpu by the master
 *	| ..                |
 *	| [worker_count - 1]|
 *	+-------------------+
 *
 * Each part stands on its own 128-octet lines. */
#ifndef SHM_REGION_H
#define SHM_REGION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/client_count.h"
#include "shm/flood_list.h"
#include "shm/geo_db.h"
#include "shm/limit_config.h"
#include "shm/limit_seen.h"
#include "shm/limit_table.h"
#include "shm/region_clock.h"
#include "shm/region_health.h"
#include "shm/region_query_log.h"
#include "shm/region_report.h"
#include "shm/region_resolver.h"
#include "shm/region_signer.h"
#include "shm/region_source.h"
#include "shm/ring.h"
#include "shm/settings.h"
#include "shm/stage_times.h"
#include "shm/stats.h"
#include "shm/top_board.h"

#define REGION_MAGIC "MARTLETR"

enum {
	REGION_VERSION = 4,
	REGION_NOTICE_MAX = 256,
	REGION_GEO_PATH_MAX = 512,
	REGION_GEO_REASON_MAX = 256,
};

enum worker_state {
	WORKER_STARTING = 0,		/* forked, has no generation yet */
	WORKER_SERVING,
	WORKER_BACKOFF,			/* dead, not yet forked again: a neighbour serves */
	WORKER_STOPPING,
	WORKER_STATE_COUNT,
};

struct worker_slot {
	/* master */
	_Alignas(128) _Atomic int32_t pid;	/* 0: no process */
	_Atomic uint32_t state;			/* enum worker_state; SERVING by the worker */
	_Atomic uint32_t restarts;
	_Atomic int32_t cpu;			/* -1: not pinned */
	_Atomic uint64_t started_ns;		/* CLOCK_MONOTONIC */
	/* worker */
	_Alignas(128) _Atomic uint64_t heartbeat_ns;	/* last turn of its loop */
	_Atomic uint64_t serving_id;		/* generation of its last batch, 0 none */
	_Atomic uint64_t ready_id;		/* announced generation that it has opened */
	_Atomic int32_t open_error;		/* why it could not open failed_id */
	_Atomic uint64_t failed_id;
	_Atomic uint64_t geo_numbers[GEO_KINDS];	/* of the databases for its next batch */
	struct stats_block stats;
	_Alignas(128) struct client_count clients;	/* of its TCP connections */
	struct resolver_wishes wishes;
	_Alignas(128) struct limit_seen limited;	/* who was limited lately */
	_Alignas(128) struct stage_times times;
	_Alignas(128) struct flood_list floods;	/* which zones are kept down */
	struct ring_ends query_ring;		/* of heritage.query_rings; tail by the logger */
	struct ring_ends steered_ring;		/* of heritage.steered_rings; tail by the signer */
	struct top_board top;			/* what is asked for most */
};

/* Sync tells the workers, see "Hot swap" in README.md. */
struct region_swap {
	/* futex: grows with each announcement and, so that an idle worker switches at
	 * once, with each publication (a worker that misses it looks again by itself) */
	_Alignas(128) _Atomic uint32_t announce_seq;
	_Atomic uint64_t announced_id;		/* to be opened, 0 none */
	_Alignas(128) _Atomic uint64_t published_id;	/* to be served; read once per batch */
	_Alignas(128) _Atomic uint64_t zone_count;	/* facts of the published one */
	_Atomic uint64_t record_count;
	_Atomic uint64_t broken_count;
	_Atomic uint64_t fault_count;
	_Atomic int64_t published_at_s;
	_Atomic int64_t checked_at_s;		/* sources last read completely */
	_Atomic uint32_t chosen;		/* 1: rollback or swap holds the sources off */
	_Atomic uint32_t sync_state;		/* enum sync_state */
	_Atomic uint64_t sync_beat_ns;		/* last turn of its loop, CLOCK_MONOTONIC */
	_Atomic uint64_t verified_id;		/* was checked as a whole; for a new sync */
	_Atomic int32_t job_pid;		/* of what works for sync on a generation; 0 */
	_Atomic uint32_t job_still_s;		/* so long it has done nothing */
	char last_error[256];			/* under last_error_seq, odd while written */
	_Atomic uint32_t last_error_seq;
	_Atomic uint32_t sync_faults;		/* in a row: sync died soon, of what damage may do */
};

enum sync_state {
	SYNC_STARTING = 0,
	SYNC_BUILDING,
	SYNC_IDLE,
	SYNC_WAITING,			/* idle, and the first zones are to come from Redis */
};

/* What is wrong with a database that is configured. */
struct region_geo_fault {
	char path[REGION_GEO_PATH_MAX];		/* of the file, as far as it fits */
	char reason[REGION_GEO_REASON_MAX];	/* "": nothing is wrong */
	bool has_older;			/* an earlier copy is in use */
};

/* Sync tells the workers which copies of the databases of geoip.* to use (shm/geo_path.h),
 * and operators what is wrong with the files that are named there. */
struct region_geo {
	_Alignas(128) _Atomic uint64_t numbers[GEO_KINDS];	/* 0: none */
	_Atomic uint32_t fault_seq;			/* odd while one is written */
	struct region_geo_fault faults[GEO_KINDS];
};

/* Who could not be shut out of the keys (shm/fence.h). */
struct region_fence {
	_Alignas(128) _Atomic uint32_t missing;	/* bits: enum fence_who */
	_Atomic int32_t reason;			/* the last errno */
};

/* Sync tells those who look after names that the watch list (loader/store/watch.h) has
 * changed, or is another one. */
struct region_watch {
	_Alignas(128) _Atomic uint32_t seq;
	_Atomic uint32_t epoch;			/* another list, empty at first */
	_Atomic uint32_t filled_epoch;		/* it holds what is served */
};

/* What workers follow at run time; the master bumps `seq` (odd while writing). */
struct region_live {
	_Alignas(128) _Atomic uint32_t seq;
	uint16_t udp_size;
	uint8_t any_policy;
	uint8_t identity_len, version_len;
	uint8_t shows_changes;
	char identity[SETTINGS_IDENTITY_MAX + 1];
	char version[SETTINGS_IDENTITY_MAX + 1];
	uint32_t tcp_clients, tcp_per_client, tcp_idle_ms, tcp_queries;
	uint32_t log_level;
	uint8_t steer_no_match;			/* enum steer_no_match */
	uint8_t ecs;
	uint32_t health_interval_s;
	uint32_t query_log_sample;		/* one query of so many is logged; 0: none */
};

/* Changed options that only a restart brings into effect, "listen, workers.count"; the
 * master bumps `seq` (odd while writing). */
struct region_notice {
	_Alignas(128) _Atomic uint32_t seq;
	char restart_options[REGION_NOTICE_MAX];
};

struct region {
	char magic[8];
	uint32_t version;
	uint32_t worker_count;
	uint64_t size;
	uint64_t started_ns;
	int64_t started_wall_s;
	int32_t master_pid;
	struct client_seed client_seed;	/* random */
	struct region_live live;
	struct region_notice notice;
	struct region_swap swap;
	struct region_source source;
	struct region_geo geo;
	struct region_resolver resolver;
	struct region_watch watch;
	struct region_limits limits;
	_Alignas(128) struct limit_table limited_clients, limited_networks;
	struct region_health health;
	struct region_signer signer;
	struct region_clock clock;
	struct region_fence fence;
	struct region_report report;
	struct region_query_log query_log;
	/* odd while counters move from a slot to `retired`: what is read then is read again */
	_Alignas(128) _Atomic uint32_t retired_seq;
	struct stats_block retired;
	struct stage_times retired_times;
	_Alignas(128) struct worker_slot slots[];
};

/* Map a region for `worker_count` workers, all zero but its head and
 * the slots' cpu (-1).  Never unmapped: it lives as long as the master.
 * returns NULL without memory or random numbers. */
struct region *region_create(unsigned worker_count);

/* Copy the run-time options of `settings` into `live` (master only). */
void region_set_live(struct region *region, const struct settings *settings);

/* Take a consistent copy of `live`.  returns its seq, for a cheap comparison next time. */
uint32_t region_get_live(const struct region *region, struct region_live *out);

/* Sync: state why the last attempt failed, "" for none.  Readers get a whole text. */
void region_set_error(struct region *region, const char *text);
void region_get_error(const struct region *region, char out[256]);

/* Sync: state what is wrong with a database, NULL for nothing. */
void region_set_geo_fault(struct region *region, enum geo_db_kind kind,
			  const struct region_geo_fault *fault);
/* Take a whole copy.  returns false when nothing is wrong. */
bool region_get_geo_fault(const struct region *region, enum geo_db_kind kind,
			  struct region_geo_fault *out);

/* Master: state which options need a restart, "" for none. */
void region_set_restart_options(struct region *region, const char *names);
void region_get_restart_options(const struct region *region, char out[REGION_NOTICE_MAX]);

/* TCP connections of the client at `at`, over all workers. */
static inline unsigned
region_client_count(const struct region *region, struct client_cells at)
{
	uint32_t sum[CLIENT_COUNT_ROWS] = { 0 };

	for (unsigned i = 0; i < region->worker_count; i++)
		for (unsigned row = 0; row < CLIENT_COUNT_ROWS; row++)
			sum[row] += client_count_get(&region->slots[i].clients, at, row);
	return sum[0] < sum[1] ? sum[0] : sum[1];
}

/* Are queries answered from a generation? */
bool region_is_ready(const struct region *region);

/* Master: what worker `id` has counted is kept, and its slot starts from 0.  It must have
 * ended. */
void region_retire(struct region *region, unsigned id);

/* Totals of all workers, dead ones included: no counter is ever less than before. */
void region_sum_stats(const struct region *region, struct stats_block *sum);
void region_sum_times(const struct region *region, struct stage_times *sum);

const char *worker_state_name(enum worker_state state);

#endif
