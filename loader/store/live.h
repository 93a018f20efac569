/* The newest generation with its overlay, as one state that can be looked up, walked and
 * changed: what sync reads from and applies live changes to.
 *
 *	live_open(dir, names, &live)
 *	live_begin(live)                        one or more change sets: one transaction
 *	    live_put_zone / live_drop_zone      a zone as a whole
 *	    live_edit_begin(live, origin)       some names of a zone
 *	        live_put_owner / live_drop_owner
 *	        live_edit_end                   its apex: SOA, facts
 *	    live_note(live, "cursor", ...)      what must stand or fall with them
 *	live_commit(live)                       seen by workers, on the device
 *
 * Single thread; one process may write, and opens the overlay once.  A change costs what
 * it touches: a name, its ancestors as far as they come or go, the apex.  Nothing below a
 * name is looked at, not below a cut nor a DNAME either: what these hide is found by the
 * worker's probes.  A node written here is, octet for octet, what a full build would
 * render, signatures apart; in signed zones neighbours in the chain of denial change, too.
 *
 * Calls that change something return an error when they could not: then the transaction
 * is good for live_abort only.  ERR_DAMAGED: what is stored contradicts itself. */
#ifndef LOADER_STORE_LIVE_H
#define LOADER_STORE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/builder.h"
#include "loader/store/overlay.h"
#include "loader/store/store_walk.h"
#include "loader/zone/zone_records.h"
#include "shm/dname.h"
#include "shm/generation.h"
#include "shm/name_hash.h"

struct live;
struct settings;

/* ---- opening ---- */

/* Open the generation in `generation_dir` and its overlay, which is made when there is
 * none.  expect_names: how many names the overlay may come to hold, about.
 * returns 0 or what generation_open and overlay_open say. */
__attribute__((nonnull, warn_unused_result))
int live_open(const char *generation_dir, uint64_t expect_names, struct live **out);

/* The same as it stands now, for reading in a process that does not write it: a clerk, or
 * a build child (which must not use what its parent has opened).  Without an overlay there
 * is the generation alone.  Keep it for a short time, see overlay_open_snapshot. */
__attribute__((nonnull, warn_unused_result))
int live_open_snapshot(const char *generation_dir, struct live **out);

/* A transaction that is open is aborted.  NULL is allowed. */
void live_close(struct live *live);

__attribute__((nonnull))
const struct generation *live_generation(const struct live *live);

/* For seals and counts; NULL in a snapshot without one. */
__attribute__((nonnull))
struct overlay *live_overlay(struct live *live);

/* What signs the zones that are signed: without it they can only be replaced as a whole.
 * Both are borrowed; signer_fd as in sign_session.h.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int live_set_signer(struct live *live, const struct settings *settings, int signer_fd);

/* From now on the watch list (borrowed; NULL: none) is kept along with what is put and
 * committed. */
struct watch;
__attribute__((nonnull(1)))
void live_set_watch(struct live *live, struct watch *watch);
__attribute__((nonnull, pure))
struct watch *live_watch(const struct live *live);

/* Make the watch list that of what is served, in steps between which that may change (by
 * changes that keep the list along) and all else can be attended to: where the sealed list
 * leads to, what the overlay has, and what is left over on the list is looked at.  Whoever
 * closes it before its end leaves a list that is not whole, and begins anew.
 * live, watch  borrowed until live_fill_close
 * returns      0 or an error code */
struct live_fill;
__attribute__((nonnull, warn_unused_result))
int live_fill_open(struct live *live, struct watch *watch, struct live_fill **out);

/* One step: `most` times a name is looked at, or one thing more that a name wants is entered,
 * and the rest of the last name.  Not within a transaction.
 * returns 0: there is more; ERR_NOTFOUND: the list is whole; or an error code */
__attribute__((nonnull, warn_unused_result))
int live_fill_step(struct live_fill *fill, unsigned most);

/* NULL is allowed. */
void live_fill_close(struct live_fill *fill);

/* ---- reading; within a transaction, as that leaves it ---- */

/* The node of a name below an apex (zone id) or of an apex (CATALOGUE_ID), borrowed until
 * the next call for `live`.  returns 0; ERR_NOTFOUND, also for what was deleted;
 * ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int live_find(struct live *live, uint32_t zone_id, const uint8_t *name, size_t name_len,
	      struct node *out);

/* The apex node of the zone that is called so (node_zone_facts tells its id). */
__attribute__((nonnull, warn_unused_result))
int live_zone(struct live *live, const uint8_t *origin, size_t origin_len, struct node *apex);

/* The node of a name at or below the apex of that zone; returns as live_find. */
__attribute__((nonnull, warn_unused_result))
int live_find_owner(struct live *live, const uint8_t *origin, size_t origin_len,
		    const uint8_t *owner, size_t owner_len, struct node *out);

/* Returns 0 to go on; else the walk ends and returns that.  Must not call for `live`. */
typedef int live_visit_fn(void *context, const struct node *node);

/* All names below the apex of a zone, or all apex nodes, in canonical order.
 * returns 0, what `visit` returned, or an error code. */
__attribute__((nonnull(1, 3), warn_unused_result))
int live_walk_zone(struct live *live, uint32_t zone_id, live_visit_fn *visit, void *context);
__attribute__((nonnull(1, 2), warn_unused_result))
int live_walk_zones(struct live *live, live_visit_fn *visit, void *context);

/* The apex nodes from that of `origin` on, or where it would stand: for a walk in several
 * steps, between which there may be changes. */
__attribute__((nonnull(1, 2, 3), warn_unused_result))
int live_walk_zones_from(struct live *live, const uint8_t *origin, live_visit_fn *visit,
			 void *context);

/* The same step by step, with store_cursor_next.  Close the cursor before any other call
 * for `live`. */
__attribute__((nonnull, warn_unused_result))
int live_cursor_open(struct live *live, uint32_t zone_id, struct store_cursor **out);

/* A value noted: at most `room` octets are copied.  returns its length; ERR_NOTFOUND. */
__attribute__((nonnull, warn_unused_result))
int live_read_note(struct live *live, const char *key, void *value, size_t room);

/* What all zones together hold, as of the last commit.  The first call looks at every
 * apex, from then on it is kept.  returns 0 or an error code. */
struct live_totals {
	uint64_t zones, redis_zones;	/* all, and those from Redis */
	uint64_t records;
	uint64_t broken;		/* zones whose source's present state is not served */
	uint64_t faults;		/* RRsets that are not served as the source has them */
};
__attribute__((nonnull, warn_unused_result))
int live_count(struct live *live, struct live_totals *out);

/* ---- transactions ---- */

__attribute__((nonnull, warn_unused_result))
int live_begin(struct live *live);

/* On failure nothing has changed; the transaction is over in any case. */
__attribute__((nonnull, warn_unused_result))
int live_commit(struct live *live);

__attribute__((nonnull))
void live_abort(struct live *live);

/* Note a value, as overlay_note.  "next_zone_id" (uint32_t) and "commit" are ours. */
__attribute__((nonnull, warn_unused_result))
int live_note(struct live *live, const char *key, const void *value, size_t len);

/* Take `count` zone ids that no zone ever had, from *first on, for a generation that is
 * sealed aside; a transaction of its own.  returns 0; ERR_FULL; or as live_commit. */
__attribute__((nonnull, warn_unused_result))
int live_take_ids(struct live *live, uint32_t count, uint32_t *first);

/* ---- whole zones ---- */

/* A zone that is new, or takes the place of the one of that name (under a new id).  What a
 * ZONE_MARK_BAD stands for goes on being served as the earlier zone had it, with the
 * reason beside it; without such data it answers SERVFAIL.  The zone may be signed, here
 * or elsewhere.  Its records need not have NS at the apex.
 * returns 0 or an error code; ERR_FULL: no zone ids are left. */
__attribute__((nonnull, warn_unused_result))
int live_put_zone(struct live *live, const struct zone_records *zone);

/* A zone of which nothing good is known, and none of that name is there: it answers
 * SERVFAIL, and `error` says why. */
__attribute__((nonnull, warn_unused_result))
int live_break_zone(struct live *live, const uint8_t *origin, size_t origin_len,
		    const struct zone_source *source, const char *error);

/* Say why the present state of a zone's source is not served; NULL: it is.  Nothing else
 * of the zone changes.  returns 0; ERR_NOTFOUND. */
__attribute__((nonnull(1, 2), warn_unused_result))
int live_set_error(struct live *live, const uint8_t *origin, size_t origin_len,
		   const char *error);

/* returns 0; ERR_NOTFOUND when there is no such zone. */
__attribute__((nonnull, warn_unused_result))
int live_drop_zone(struct live *live, const uint8_t *origin, size_t origin_len);

/* ---- some names of a zone ---- */

/* An edit under way, in the caller's memory; to be read only. */
struct live_edit {
	struct live *live;
	uint8_t origin[DNAME_MAX + NAME_PAD];
	size_t origin_len;
	struct zone_facts facts;	/* with what has changed so far */
	struct redis_facts redis;	/* the same: raw_digest follows the names */
	bool has_redis;			/* else all zero: the zone was not from Redis */
	uint32_t child_count;		/* of the apex */
	bool has_wildcard;		/* below the apex */
	bool is_signed;			/* and so will be what changes */
	uint64_t made;			/* signatures that live_edit_end has had made */
	bool is_untidy;			/* the chain of denial has names that are hidden now:
					 * live_renew takes them out */
};

/* Of a zone that is signed here, what changes is signed by live_edit_end, which waits for the
 * signer: the RRsets that are others, the records of the chain of denial that must be, the
 * apex.  One edit of a signed zone at a time.
 *
 * returns 0; ERR_NOTFOUND: no such zone; ERR_FORMAT: it can only be replaced as a whole: it
 * is broken, was not signed here, or its keys or kind of denial are others by now;
 * ERR_TIMEOUT: the signer does not answer. */
__attribute__((nonnull, warn_unused_result))
int live_edit_begin(struct live *live, const uint8_t *origin, size_t origin_len,
		    struct live_edit *edit);

/* All that stands at one name below the apex, in place of what stood there.  For
 * ZONE_MARK_BAD see live_put_zone.
 * records  of this zone, of any owners, sorted as zone_records.h says and checked (what
 *          one owner may hold)
 * first    the first record or mark of the owner in question
 * returns  ERR_RANGE when that is no name below the apex; or as usual */
__attribute__((nonnull, warn_unused_result))
int live_put_owner(struct live_edit *edit, const struct zone_records *records,
		   const struct zone_record *first);

/* The name is gone, unless names below it need it; 0 also when it was not there. */
__attribute__((nonnull, warn_unused_result))
int live_drop_owner(struct live_edit *edit, const uint8_t *owner, size_t owner_len);

enum live_apex_scope {
	LIVE_APEX_SOA,			/* the SOA alone changes, the rest of the apex stays */
	LIVE_APEX_ALL,			/* all that stands there is given anew */
};

/* Write the apex node; without this call the edit is not whole.  ERR_FORMAT, ERR_RANGE and
 * ERR_TIMEOUT: the signed zone can only be replaced as a whole; an RRset fits no message with
 * its signatures; the signer does not answer.
 * apex   its records: the SOA alone, or all with the SOA and marks; other names' may stand
 *        behind them.  `error` counts always; paths, loaded_at_s and stamp for
 *        LIVE_APEX_ALL only.  `redis` (may be NULL for LIVE_APEX_SOA: stays) gives
 *        config_hash, change and flags; its raw_digest is not looked at */
__attribute__((nonnull, warn_unused_result))
int live_edit_end(struct live_edit *edit, const struct zone_records *apex,
		  enum live_apex_scope scope);

/* ---- signatures that end soon ---- */

/* A zone whose signatures are being renewed: all zero but for its name at first. */
struct live_renewal {
	uint8_t origin[DNAME_MAX + NAME_PAD];
	size_t origin_len;
	uint32_t zone_id;
	bool is_at_nsec3, has_place;
	bool is_tidying;		/* looks for hidden names first */
	uint8_t place[DNAME_MAX + NAME_PAD]; /* the last name that was looked at */
	int64_t first_end_s;		/* of the signatures so far */
	uint64_t made;			/* signatures */
	bool is_done;
};

/* Are signatures of the zone, which was signed here, to be renewed? */
__attribute__((nonnull))
bool live_is_renewal_due(const struct node *apex, const struct settings *settings);

/* Renew the signatures of at most `max` names more, in a transaction of their own; the
 * serial stays.
 * returns 0; ERR_NOTFOUND: the zone is gone, or another; ERR_FORMAT, ERR_TIMEOUT as
 *         live_edit_begin; or as live_commit: then nothing has changed. */
__attribute__((nonnull, warn_unused_result))
int live_renew(struct live *live, struct live_renewal *renewal, size_t max);

#endif
