/* What the files of the follower (follow*.c) share. */
#ifndef LOADER_REDIS_FOLLOW_STATE_H
#define LOADER_REDIS_FOLLOW_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/redis/change_set.h"
#include "loader/redis/dirty_zones.h"
#include "loader/redis/follow.h"
#include "loader/redis/held.h"
#include "loader/store/live.h"
#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"
#include "loader/redis/redis_read.h"
#include "loader/redis/redis_zone.h"
#include "loader/redis/server_info.h"
#include "loader/redis/shrink_guard.h"
#include "loader/redis/stream_gap.h"

/* the error of a zone in a file and in Redis */
#define FOLLOW_CONFLICT_TEXT \
	"the zone is in Redis, too: the zone file is served; take it out of one of them"

#define FOLLOW_SERVER_NOTE "f:server"	/* struct follow_server_note */

enum {
	FOLLOW_ENTRIES_MAX = 1000,	/* of the stream, in one reply */
	FOLLOW_GROUP_LABELS = 20000,	/* read together, about */
	FOLLOW_GROUP_ZONES = 64,	/* read whole together, from events */
	FOLLOW_PROBE_MS = 1000,
	FOLLOW_BACKOFF_MIN_MS = 100,
	FOLLOW_BACKOFF_MAX_MS = 2000,
};

enum follow_phase {
	FOLLOW_DOWN,			/* waits for retry_at_ms */
	FOLLOW_CONNECTING,		/* one link after the other */
	FOLLOW_READY,			/* all links are there */
};

enum follow_link { LINK_COMMAND, LINK_STREAM, LINK_EVENTS, LINK_COUNT };

/* Notes; numbers in the machine's order. */
struct follow_cursor_note {
	uint64_t ms, seq, added;
	uint32_t was_seen;
	uint32_t is_in_gap;		/* entries were lost, not all is compared yet */
};

struct follow_server_note {
	char replid[SERVER_ID_LEN + 1], run_id[SERVER_ID_LEN + 1];
};

/* Comparing all zones with Redis, one after the other. */
struct follow_round {
	bool is_open;			/* a round is under way */
	bool is_urgent;			/* as fast as may be: after a gap */
	bool is_strict;			/* entries were lost: what differs is collected and
					 * served as one, and the stream waits until then */
	bool wants_urgent, wants_strict; /* begin one, or begin again */
	struct key_table names;		/* listed when the round began, as written */
	size_t next;			/* of them */
	struct dirty_zones differing;	/* strict: collected */
	uint64_t began_ms, due_ms;	/* Unix time; and when to go on, monotonic */
	int64_t marks_ms[256];		/* when that part of the list was compared last */
	bool was_complete;		/* some round has ended since the link was made */
	size_t batch;			/* zones at a time */
	size_t listed;			/* zones, when the round began */
	uint64_t missing;		/* records that the round found missing so far */
};

struct follow {
	const struct settings *settings;
	struct region_source *board;
	struct region_swap *facts;	/* how much is served */
	struct live *live;		/* NULL: changes wait */
	struct redis_keys keys;
	struct redis_zone_reader *reader;
	struct arena *arena;		/* of what is being read */

	/* links */
	enum follow_phase phase;
	struct redis_connect *connect;
	enum follow_link connecting;
	struct redis_link *links[LINK_COUNT];
	uint64_t retry_at_ms;
	unsigned backoff_ms;

	/* the server */
	struct server_info server;
	struct follow_server_note known;	/* of which the store is */
	int64_t clock_ahead_us;		/* of Redis's host, over ours */
	uint64_t next_probe_ms, next_config_ms;
	bool notifications_on, notifications_known, is_subscribed;
	bool was_link_down;		/* of a replica to its primary */
	/* listed zones that are not served from Redis, less those that are served and not
	 * listed, as of the last look at the whole list; another number of listed zones means
	 * a change that nothing told of */
	int64_t list_offset;
	bool list_is_known;
	size_t conflicts;		/* zones that are in files, too */

	/* the stream */
	struct stream_place place;
	bool has_place;			/* the store tells it */
	bool is_waiting_entries;	/* XREAD is under way */
	bool stream_is_bad;
	bool is_comparing;		/* entries are none of this reading's business */

	/* loading */
	bool wants_load;
	bool is_held_off;		/* there is no store for a reason */
	uint64_t load_retry_ms;
	struct stream_place load_place;

	struct change_set set;		/* scratch of the group at hand */
	struct dirty_zones dirty;	/* named by events */
	struct dirty_zones fresh;	/* by events whose origin is not clear yet */
	struct dirty_zones claimed;	/* by events of those who wrote into the stream */
	struct dirty_zones later;	/* of these, served by the stream: compared soon */
	struct key_table named[2];	/* origins that the stream named, now and just before */
	uint64_t named_since_ms, later_due_ms;
	bool list_is_dirty;
	uint64_t list_due_ms;
	struct follow_round round;

	struct shrink_guard guard;
	struct held_list held;
	bool held_changed;
	int64_t held_told_s;		/* Unix time of the last line about it */
	uint64_t accepting;		/* id of the held set that is to be served; 0 */
	uint64_t served;		/* records, of all sources */
	uint64_t served_redis_zones;
	pid_t report_pid;		/* 0: none is under way */
	int report_fd;
	uint64_t report_due_ms, report_since_ms;
	int64_t log_since_s;		/* of lines about bad values */
	unsigned log_count;
	uint64_t reported;		/* errors that were told last */
	uint64_t store_retry_ms;	/* 0: it can be written */
};

/* ---- follow.c ---- */

/* Drop all links and connect anew after a while.  `format` says why. */
__attribute__((nonnull, format(printf, 2, 3)))
void follow_lose(struct follow *f, const char *format, ...);

/* The same with the reason of the command link. */
__attribute__((nonnull))
void follow_lose_link(struct follow *f, enum follow_link which);

/* The store could not be written or read: say so, and try again after a while. */
__attribute__((nonnull))
void follow_store_failed(struct follow *f, int error);

/* ---- follow_server.c ---- */

/* All links are new: which server is it, and is it the one that the store knows?
 * returns 0, or an error after follow_lose. */
__attribute__((nonnull, warn_unused_result))
int follow_identify(struct follow *f);

/* The data may be others than those that we know: compare all. */
__attribute__((nonnull))
void follow_server_changed(struct follow *f, const char *why);

/* Once a second: is the stream still there, the list of zones as long as it was, the
 * server the same?  Losses are acted upon. */
__attribute__((nonnull))
void follow_probe(struct follow *f);

/* Where the stream ends now, for a load or a resync: from here on nothing is missed.
 * returns 0, or an error after follow_lose. */
__attribute__((nonnull, warn_unused_result))
int follow_read_place(struct follow *f, struct stream_place *out);

/* ---- follow_group.c: one consistent reading ---- */

struct group_zone {
	struct redis_raw raw;
	bool is_listed;
	bool has_key;			/* the zone's own key exists */
};

struct group {
	struct group_zone *zones;	/* by number in the set; in f->arena */
	struct redis_text *list;	/* set.has_list: the list of zones */
	size_t list_count;
	uint64_t listed_count;		/* how many are listed */
	struct stream_facts facts;
	size_t behind;			/* entries behind the set; SIZE_MAX: not known */
};

/* Read what f->set names, and join what the stream holds behind it and overlaps.
 * returns 0; ERR_CLOSED etc. after follow_lose; ERR_OLDER: the stream has a gap (which
 *         is noted). */
__attribute__((nonnull, warn_unused_result))
int follow_group_read(struct follow *f, struct group *out);

/* Read an entry of the stream: its id, and its words into the arena.  returns false for
 * what is none. */
__attribute__((nonnull, warn_unused_result))
bool follow_entry_read(struct follow *f, const struct redis_reply *reply,
		       struct change_id *id, const struct redis_text **words, size_t *count);

/* ---- follow_plan.c: what a reading means for the store ---- */

enum plan_action {
	PLAN_NOTHING,
	PLAN_EDIT,			/* some names */
	PLAN_PUT,			/* the zone is new or replaced */
	PLAN_DROP,
	PLAN_ERROR,			/* only its error changes, see `error` */
	PLAN_BREAK,			/* nothing good is known: SERVFAIL, and `error` */
};

struct plan_owner {
	uint8_t name[DNAME_MAX];
	uint8_t len;
	bool is_drop;
	size_t first, count;		/* in the plan's records */
};

struct plan {
	enum plan_action action;
	const char *listed_as;		/* in f->arena */
	bool is_served, is_ours;	/* a zone of this name; and it is from Redis */
	bool is_broken;
	bool has_old_error, has_conflict; /* an error is told of it, that of a conflict */
	bool needs_whole;		/* some labels are not enough: read it whole */
	bool has_apex;			/* the apex's own data change, too */
	size_t apex_first, apex_count;
	struct zone_facts facts;	/* served */
	struct redis_facts redis;	/* served */
	struct redis_zone_config config;
	bool config_is_new;
	uint64_t served, offered;	/* records, before and after */
	uint64_t added, removed;
	uint64_t digest;		/* of what is offered; 0 unlisted */
	enum held_reason reason;	/* when it is held */
	bool must_hold;			/* whatever it is worth */
	struct zone_records *records;	/* PUT: the zone; EDIT: the owners' */
	struct plan_owner *owners;	/* owned */
	size_t owner_count, owner_room;
	char error[ZONE_REASON_MAX];
	struct change_id change;
};

/* returns 0; ERR_NOMEM, ERR_DAMAGED, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int follow_plan_zone(struct follow *f, const struct group *group, uint32_t zone,
		     struct plan *out);

__attribute__((nonnull))
void follow_plan_fini(struct plan *plan);

/* Apply a plan inside of a transaction.  returns 0 or an error of live.h. */
__attribute__((nonnull, warn_unused_result))
int follow_plan_apply(struct follow *f, const struct change_zone *zone, struct plan *plan);

/* ---- follow_apply.c ---- */

/* Read f->set and serve it, apart from what is held.
 * cause     for the ring of changes
 * is_gap    what vanishes is held by the share alone
 * returns   0; an error after which everything has been said: the link was lost, or the
 *           store could not be written. */
__attribute__((nonnull, warn_unused_result))
int follow_serve_set(struct follow *f, enum change_cause cause, bool is_gap);

/* Note the place alone.  returns 0 or an error after follow_store_failed. */
__attribute__((nonnull, warn_unused_result))
int follow_save_place(struct follow *f);

/* Read f->set and only tell which zones differ; with `all` unset those that would shrink
 * are told, and the others served.  Names go into round.differing, what would vanish is
 * added to round.missing.  returns as above. */
__attribute__((nonnull, warn_unused_result))
int follow_compare_set(struct follow *f, bool all);

/* Compare the list of zones with what is served: origins (wire form) that are served from
 * Redis and not listed, and names (as written) that are listed and not served, or served
 * from a file without a word about it. */
__attribute__((nonnull, warn_unused_result))
int follow_list_compare(struct follow *f, const struct redis_text *list, size_t count,
			struct key_table *gone, struct key_table *fresh);

/* ---- follow_stream.c ---- */
__attribute__((nonnull))
void follow_stream_step(struct follow *f);
__attribute__((nonnull))
void follow_stream_wait(struct follow *f);
/* Serve what stands behind the cursor now, without waiting. */
__attribute__((nonnull))
void follow_stream_catch_up(struct follow *f);
/* Entries may be lost: find out by comparison, then go on from where the stream ends. */
__attribute__((nonnull, format(printf, 2, 3)))
void follow_gap(struct follow *f, const char *format, ...);

/* ---- follow_events.c ---- */
__attribute__((nonnull, warn_unused_result))
int follow_events_subscribe(struct follow *f);
__attribute__((nonnull))
void follow_events_step(struct follow *f);
__attribute__((nonnull))
void follow_events_serve(struct follow *f);
/* The set that was just served is the stream's. */
__attribute__((nonnull))
void follow_events_named(struct follow *f);
/* In how many ms there is something to serve; -1: nothing. */
__attribute__((nonnull))
int follow_events_due_ms(const struct follow *f);

/* ---- follow_round.c ---- */
/* Compare everything at once; `is_strict`: entries of the stream were lost. */
__attribute__((nonnull))
void follow_round_want(struct follow *f, bool is_strict);
__attribute__((nonnull))
void follow_round_step(struct follow *f);
/* In how many ms it wants to go on. */
__attribute__((nonnull))
int follow_round_due_ms(const struct follow *f);
/* All zones are as Redis has them at this moment, by a load. */
__attribute__((nonnull))
void follow_round_done(struct follow *f);

/* Say in the region how much is served. */
__attribute__((nonnull))
void follow_show_totals(struct follow *f);

/* ---- follow_hold.c ---- */
__attribute__((nonnull))
void follow_hold_show(struct follow *f);
/* A set is held: into the log. */
__attribute__((nonnull))
void follow_hold_tell(struct follow *f, uint64_t id);
/* Put the held list into the transaction at hand.  returns 0 or an error of live.h. */
__attribute__((nonnull, warn_unused_result))
int follow_hold_note(struct follow *f);

/* ---- follow_report.c ---- */
/* Once a second, connected or not. */
__attribute__((nonnull))
void follow_report_step(struct follow *f);

/* Unix time in microseconds. */
uint64_t follow_now_us(void);

#endif
