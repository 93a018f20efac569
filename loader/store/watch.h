/* The watch list: which names of what is served somebody must look after, since their
 * answers depend on more than data: addresses that are probed, targets that are resolved.
 *
 * An LMDB environment of sync's own, `state_dir/watch`: made anew when sync starts, from
 * what is served, then kept along with the changes; made to fit when another generation is
 * served; never synced to the device.
 *
 *	nodes	 zone id, owner (dname_key)  ->  what it wants: struct watch_want_head each,
 *					         with what follows it
 *	targets  key on the status board     ->  uint32_t count of wants, struct watch_target
 *	names    name, wire form, lower case ->  uint32_t count of wants
 *
 * A number in the region (region_watch) grows with each change that touches the list.
 * Nothing here fails a change of the zones: what goes wrong makes the list stale, and it is
 * made anew. */
#ifndef LOADER_STORE_WATCH_H
#define LOADER_STORE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/key_place.h"
#include "shm/health_target.h"
#include "shm/node.h"
#include "shm/region.h"

#define WATCH_DIR "watch"

enum watch_want {
	WATCH_TARGET = 1,		/* the key of a target, 8 octets */
	WATCH_NAME = 2,			/* a name to be resolved, wire form */
	WATCH_LEAD = 3,			/* nothing: its addresses are those of another name, in
					 * zones of ours or not; counted nowhere */
};

struct watch_want_head {
	uint16_t kind;			/* enum watch_want */
	uint16_t len;			/* of what follows */
};

/* How a target is probed: the address, then a written check (shm/health_target.h). */
enum { WATCH_TARGET_LEN_MAX = HEALTH_ADDRESS_LEN + HEALTH_CHECK_LEN_MAX };

/* ---- wants of a node ---- */

/* What a want is told to; `spec` is that of a target, else NULL. */
typedef void watch_want_fn(void *context, enum watch_want kind, const void *want,
			   size_t want_len, const void *spec, size_t spec_len);

/* All that a node wants, in the order of its blocks. */
__attribute__((nonnull(1, 2)))
void watch_wants(const struct node *node, watch_want_fn *tell, void *context);

/* Does it want anything?  A cheap look, of nodes that are built. */
__attribute__((nonnull, pure))
bool watch_wants_any(const struct node *node);

/* ---- sync: the writer ---- */

struct watch;

/* Make the list anew, empty.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int watch_open(const char *state_dir, struct region_watch *region, struct watch **out);

/* NULL is allowed. */
void watch_close(struct watch *watch);

/* A node stands now as it is, instead of what stood at its owner; a tombstone: nothing does.
 * zone_id  of the zone, also for the apex */
__attribute__((nonnull))
void watch_put(struct watch *watch, uint32_t zone_id, const struct node *node);

/* Nothing of that zone is served any more. */
__attribute__((nonnull))
void watch_drop_zone(struct watch *watch, uint32_t zone_id);

/* Nothing is wanted at that name of the zone. */
__attribute__((nonnull))
void watch_forget(struct watch *watch, uint32_t zone_id, const uint8_t *owner);

/* What was put since the last end is seen by readers, or forgotten. */
__attribute__((nonnull))
void watch_end(struct watch *watch, bool is_kept);

/* Must it be made anew?  Something went wrong since that was begun. */
__attribute__((nonnull, pure))
bool watch_is_stale(const struct watch *watch);

/* Another state is served: between these all that it wants is put, and all else on the list
 * forgotten, in pieces that watch_end ends, and among changes.  Meanwhile the list has what it
 * had, but for what was forgotten, and nobody is told of what is new.
 * returns whether it has anything */
__attribute__((nonnull))
bool watch_begin_making(struct watch *watch);
__attribute__((nonnull))
void watch_end_making(struct watch *watch);

/* What has been put and forgotten so far: nodes, and what they want. */
__attribute__((nonnull, pure))
uint64_t watch_work(const struct watch *watch);

/* Walk the nodes on the list behind *place, which goes on, at most `max`; not within what
 * watch_end ends.  zone_id and owner as for watch_place_fn, borrowed for the call.
 * has_lead  one of its wants is a WATCH_LEAD
 * returns   0: there may be more; ERR_NOTFOUND behind the last; what `visit` returned; or an
 *           error code */
typedef int watch_walk_fn(void *context, uint32_t zone_id, const uint8_t *owner, size_t len,
			  bool has_lead);
__attribute__((nonnull(1, 2, 4), warn_unused_result))
int watch_walk(struct watch *watch, struct key_place *place, unsigned max,
	       watch_walk_fn *visit, void *context);

/* ---- readers, in processes other than sync; one in each process ---- */

struct watch_reader;

/* returns 0; ERR_NOTFOUND while sync has made none; or another error code. */
__attribute__((nonnull, warn_unused_result))
int watch_reader_open(const char *state_dir, struct watch_reader **out);

/* NULL is allowed. */
void watch_reader_close(struct watch_reader *reader);

/* All at one state: read in one transaction, which watch_read_begin opens. */
__attribute__((nonnull, warn_unused_result))
int watch_read_begin(struct watch_reader *reader);
__attribute__((nonnull))
void watch_read_end(struct watch_reader *reader);

/* What is walked is borrowed for the call; a visitor returns 0 to go on.
 * return 0, what the visitor returned, or an error code. */
typedef int watch_target_fn(void *context, uint64_t key, const uint8_t *spec, size_t len);
__attribute__((nonnull(1, 2), warn_unused_result))
int watch_read_targets(struct watch_reader *reader, watch_target_fn *visit, void *context);

/* `owner` in presentation form with the final dot; the wants as stored. */
typedef int watch_node_fn(void *context, const char *owner, const uint8_t *wants, size_t len);
__attribute__((nonnull(1, 2), warn_unused_result))
int watch_read_nodes(struct watch_reader *reader, watch_node_fn *visit, void *context);

/* zone_id of its zone, also of an apex; `owner` in wire form. */
typedef int watch_place_fn(void *context, uint32_t zone_id, const uint8_t *owner, size_t len);
__attribute__((nonnull(1, 2), warn_unused_result))
int watch_read_places(struct watch_reader *reader, watch_place_fn *visit, void *context);

typedef int watch_name_fn(void *context, const uint8_t *name, size_t len);
__attribute__((nonnull(1, 2), warn_unused_result))
int watch_read_names(struct watch_reader *reader, watch_name_fn *visit, void *context);

/* The next of stored wants, from *at on.  returns false behind the last. */
__attribute__((nonnull))
bool watch_next_want(const uint8_t *wants, size_t len, size_t *at, enum watch_want *kind,
		     const uint8_t **want, size_t *want_len);

#endif
