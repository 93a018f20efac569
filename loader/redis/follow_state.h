/* What the files of the follower (follow*.c) share: all that it knows.
 *
 * Who calls whom, from the top; each line may use those below it:
 *
 *	follow                                  the loop: links, phases
 *	load  server  sentinel  round  accept   stores; who is read; comparing all; `accept`
 *	stream  events                          what Redis tells of changes
 *	serve                                   a set: read, planned, weighed, committed, told
 *	    group  behind  wish                 one consistent reading
 *	    list                                the list of zones beside what is served
 *	    away  aside                         zones signed aside, and what must wait for them
 *	    plan  edit  sign  served  unkept    what a reading means for the store
 *	    weigh  hold                         what may be served, and what must wait
 *	    commit  apply                       one transaction
 *	    tell  count                         what is said of it
 *	notes  gap  lose  report                what outlives us; when something is lost */
#ifndef LOADER_REDIS_FOLLOW_STATE_H
#define LOADER_REDIS_FOLLOW_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/redis/change_set.h"
#include "loader/redis/dirty_zones.h"
#include "loader/redis/due_zones.h"
#include "loader/redis/follow.h"
#include "loader/redis/held.h"
#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_keys.h"
#include "loader/redis/redis_link.h"
#include "loader/redis/redis_read.h"
#include "loader/redis/redis_zone.h"
#include "loader/redis/server_info.h"
#include "loader/redis/shrink_guard.h"
#include "loader/redis/stream_gap.h"
#include "loader/sign/sign_session.h"
#include "loader/store/live.h"

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

/* The list of zones, read and compared with what is served, in steps. */
struct follow_list {
	bool is_open;			/* it is under way */
	bool is_read;			/* all names are there, what is served is looked through */
	char cursor[REDIS_CURSOR_MAX];	/* from where to read on */
	struct key_table names;		/* as listed */
	struct key_table origins;	/* of these */
	struct key_table fresh;		/* names: listed, and not served as they should be */
	struct key_table gone;		/* origins: served from Redis, not listed */
	uint8_t next[DNAME_MAX];	/* zone from which to look on */
	size_t conflicts;		/* zones that are in files, too */
	uint64_t took_us;		/* without what was served meanwhile */
};

/* Comparing all zones with Redis, one after the other. */
struct follow_round {
	bool is_open;			/* a round is under way */
	bool is_urgent;			/* as fast as may be: after a gap */
	bool is_strict;			/* entries were lost: what differs is collected and
					 * served as one, and the stream waits until then */
	bool wants_urgent, wants_strict; /* begin one, or begin again */
	struct follow_list list;	/* read first */
	struct key_table names;		/* listed when the round began, as written */
	size_t next;			/* of them */
	struct dirty_zones differing;	/* strict: collected */
	uint64_t began_ms, due_ms;	/* Unix time; and when to go on, monotonic */
	int64_t marks_ms[256];		/* when that part of the list was compared last */
	bool was_complete;		/* some round has ended since the link was made */
	size_t batch;			/* zones at a time */
	uint64_t missing;		/* records that the round found missing so far */
};

enum aside_fate {
	ASIDE_BUILT,			/* unless it fails */
	ASIDE_PUT_OFF,			/* what waits for it could not be served with it */
	ASIDE_BROUGHT,			/* that stands in the store that is to be published */
};

struct follow {
	const struct settings *settings;
	struct region_source *board;
	struct region_signer *signing;
	struct region *region;		/* which both are parts of */
	struct region_swap *facts;	/* how much is served */
	struct live *live;		/* NULL: changes wait */
	struct redis_keys keys;
	struct redis_zone_reader *reader;
	struct sign_session *session;
	int signer_fd;			/* borrowed */
	bool has_key_news;		/* see follow_has_key_news */
	uint32_t unkept_count;		/* zones whose keys the signer could not keep, at last */
	unsigned unkept_pause_ms;	/* from one try to the next; 0: there were none */
	uint64_t unkept_due_ms;
	struct live_renewal renewal;	/* under way, or the last one */
	int64_t renewal_ends_s;		/* Unix time at which its first signature ends */
	uint64_t renew_ms;		/* when the next step is due */
	bool is_renewing, is_renew_looking; /* the second: for what is due */
	uint8_t renew_from[DNAME_MAX + NAME_PAD]; /* the zone to look from on */
	struct due_zones due;
	struct key_table renewed;	/* in this pass, or that was tried: origins */
	int64_t key_time_s;		/* when keys of some zone change next; 0: never */
	int64_t unrenewed_due_s;	/* when the first of which it failed was due; or 0 */
	struct arena *arena;		/* of what is being read */

	/* links */
	enum follow_phase phase;
	struct redis_connect *connect;
	enum follow_link connecting;
	struct redis_link *links[LINK_COUNT];
	uint64_t retry_at_ms;
	unsigned backoff_ms;
	uint64_t lost_ms;		/* when it was lost last; 0: never */
	struct redis_sentinel *sentinel; /* who is asked while the links stand; or NULL */
	size_t sentinel_node;
	bool is_asking_sentinel;
	uint64_t sentinel_due_ms;

	/* the server */
	struct server_info server;
	struct follow_server_note known;	/* of which the store is */
	int64_t clock_ahead_us;		/* of Redis's host, over ours */
	uint64_t next_probe_ms, next_config_ms;
	bool notifications_on, notifications_known, is_subscribed;
	bool has_more_events;		/* some have come that no poll will tell of */
	uint64_t events_asked_ms;	/* for a sign of life, last; 0: not yet */
	bool was_link_down;		/* of a replica to its primary */
	/* listed zones that are not served from Redis, less those that are served and not
	 * listed, as of the last look at the whole list; another number of listed zones means
	 * a change that nothing told of */
	uint64_t list_offset;		/* modulo 2^64 */
	bool list_is_known;
	bool list_is_counted;		/* the list was read, and what is new in it may not be
					 * served yet: */
	uint64_t list_count;		/* zones listed then */

	/* the stream */
	struct stream_place place;
	bool has_place;			/* the store tells it */
	bool is_waiting_entries;	/* XREAD is under way */
	uint64_t entries_due_ms;	/* when it should have had its reply, empty or not */
	size_t behind;			/* entries behind the last reading, about */
	bool stream_is_bad;
	bool is_comparing;		/* entries are none of this reading's business */

	/* loading */
	bool wants_load;
	bool is_held_off;		/* there is no store for a reason */
	uint64_t load_retry_ms;
	struct stream_place load_place;

	struct change_set set;		/* scratch of the group at hand */
	struct dirty_zones aside;	/* to be signed aside */
	struct key_table queued;	/* their origins */
	struct key_table away;		/* origins of those that just now are */
	struct change_set waiting;	/* both, with what was named as one with them */
	bool is_waiting_due;		/* something has ended that it waited for */
	bool aside_failed;		/* what waits for such zones is served without them */
	enum aside_fate aside_fate;	/* of the build under way, or the last one */
	unsigned aside_put_offs;	/* in a row */
	size_t aside_max;		/* zones of one build */
	struct key_table tried;		/* what was to be signed so, or could not be: when it
					 * is seen again, nothing has come of it */
	struct dirty_zones dirty;	/* named by events */
	struct dirty_zones fresh;	/* by events whose origin is not clear yet */
	struct dirty_zones claimed;	/* by events of those who wrote into the stream */
	struct dirty_zones later;	/* of these, served by the stream: compared soon */
	struct key_table named[2];	/* origins that the stream named, now and just before */
	uint64_t named_since_ms, later_due_ms;
	struct follow_list list;	/* when events name it */
	bool list_is_dirty;		/* it has to be read */
	bool list_has_gone;		/* and once more after the comparison of all */
	uint64_t list_since_us;		/* Unix time at which that was heard of */
	uint64_t list_due_ms;
	struct follow_round round;

	struct shrink_guard guard;
	struct held_list held;
	bool held_changed;		/* the note is to be written with the next commit */
	bool held_is_behind;		/* soon: it names zones that are free */
	uint64_t held_noted_ms;		/* when it was written last */
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
	uint64_t store_well_ms;		/* from then on a failure is over; 0: none is told */
};

#endif
