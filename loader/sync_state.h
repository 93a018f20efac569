/* What the parts of the sync process share. */
#ifndef LOADER_SYNC_STATE_H
#define LOADER_SYNC_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/publish.h"
#include "loader/reply.h"
#include "loader/store/watch.h"
#include "shm/region.h"
#include "shm/settings.h"

enum { SYNC_REASON_MAX = PUBLISH_REASON_MAX };

struct follow;
struct leading;
struct live;

/* What a file looked like; `len` -errno: it could not be looked at. */
struct geo_stamp {
	uint64_t device, inode;
	int64_t len, time_s, time_ns;
};

struct sync {
	const struct settings *settings;
	const char *state_dir;
	struct region *region;
	int request_fd;
	int log_fd;			/* to the master */
	int signer_fd;			/* loader/sign/signer_proto.h */
	struct reply reply;		/* to the request at hand; nobody between two */
	bool has_request;		/* one waits to be read */
	bool is_settled;		/* loader/settle.h */
	bool is_clock_unsure;		/* loader/clock_watch.h */
	int64_t clock_gap_s;		/* as it stands in state_dir */

	/* loader/newest.h */
	struct follow *follow;		/* NULL: Redis is not enabled */
	struct live *live;		/* of the newest state; NULL: none is open */
	uint64_t live_id;
	const char *held_why;		/* changes wait; NULL: they need not */
	bool is_full;			/* they wait for the next generation */
	bool is_base_lost;		/* what is served is damaged: build on nothing */
	bool is_given;			/* what the follower knows is up to date: */
	const char *given_why;

	/* loader/geo_files.h */
	struct {
		uint64_t numbers[GEO_KINDS];	/* of the copies in use; 0: none */
		struct geo_stamp stamps[GEO_KINDS]; /* of the files, when last looked at */
		uint64_t looked_ms;
	} geo;

	int news_fd;			/* shm/wake.h: the resolver calls */
	struct leading *leading;	/* loader/leading.h */

	/* loader/watching.h */
	struct watch *watch;		/* NULL: there is no list */
	uint64_t watched_id;		/* the generation that it is of */
	uint64_t watch_retry_ms;

	/* loader/reload.h */
	int64_t sign_due_s;		/* when signatures are to be renewed, Unix time; 0: never */
	bool is_sign_wanted;		/* some zone is not signed as its keys stand */
	uint64_t renewed_ms;		/* when that was tried last; 0: not, or it is not to be */
	int64_t renewed_s;		/* waited for.  The same by the wall clock */
	uint64_t aside_due_ms;		/* when zones may be signed aside again */

	/* loader/choice_sign.h */
	int64_t choice_due_s;		/* the same of a chosen generation; 0: not looked at yet */
	uint64_t choice_signed_ms;	/* when that was tried last */
	uint64_t choice_leaders;	/* names whose addresses are those of others, */
	uint32_t choice_resolved;	/* as the resolved store had them then */

	/* loader/rolling.h */
	struct {
		uint64_t seen_id;	/* the generation that was looked at last */
		uint64_t rest_until_ms;
		int64_t next_s;		/* Unix time of the next look; 0: never */
	} roll;

	/* loader/resolving.h */
	struct {
		bool is_open;		/* a round is under way */
		struct key_place place; /* up to where it has come */
		uint64_t seen_id, seen_commit; /* what it began with: generation, live changes, */
		uint32_t seen_watch, seen_resolved; /* watch list, resolved store */
		uint64_t begun_ms, next_ms;
		uint64_t leaders;	/* of signed zones, in this round or the last whole one */
		int told;		/* the error that was told last */
	} resolving;

	/* loader/compaction.h */
	uint64_t compacted_ms;		/* when one was last begun, or has failed */
	unsigned yields;		/* in a row: given up for a request */
};

/* A command from the master: writes one whole JSON object into the reply.
 * args[0] is the command; returns the exit code. */
typedef unsigned sync_command_fn(struct sync *sync, int arg_count, char **args);

/* State a failure where an operator looks: the log and `status`. */
__attribute__((nonnull, format(printf, 2, 3)))
void sync_note_error(struct sync *sync, const char *format, ...);

/* Refuse the request at hand, for a reason that lies in the request: the whole object,
 * with nothing but "error".  returns 1, the exit code. */
__attribute__((nonnull, format(printf, 2, 3)))
unsigned sync_refuse(struct sync *sync, const char *format, ...);

/* Give up the request at hand, for a reason that an operator must see to: the same, and
 * sync_note_error. */
__attribute__((nonnull, format(printf, 2, 3)))
unsigned sync_fail(struct sync *sync, const char *format, ...);

/* The remedy that belongs to a failure to write, as the end of a sentence; "" where
 * the reason says all. */
__attribute__((const, returns_nonnull))
const char *sync_remedy(int error);

/* Do workers answer from some generation? */
__attribute__((nonnull))
bool sync_is_serving(const struct sync *sync);

/* Are there zones in files?  Without, the first generation is that of the zones in Redis. */
__attribute__((nonnull))
bool sync_has_files(const struct sync *sync);

/* The number of the next generation: above all that were ever seen. */
__attribute__((nonnull, warn_unused_result))
uint64_t sync_next_id(const struct sync *sync);

#endif
