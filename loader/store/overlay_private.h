/* What the parts of the overlay share; used by overlay*.c only. */
#ifndef LOADER_STORE_OVERLAY_PRIVATE_H
#define LOADER_STORE_OVERLAY_PRIVATE_H

#include "loader/store/overlay.h"
#include "shm/overlay_filter.h"

struct MDB_cursor;
struct MDB_env;
struct MDB_txn;
struct MDB_val;

struct overlay {
	char *dir;
	struct MDB_env *env;		/* NULL: to be opened again, see overlay_renew */
	unsigned dbi;
	struct MDB_txn *txn;		/* the change set under way, else NULL */
	struct MDB_txn *reading;	/* for look-ups outside of one; reset between them */
	const struct generation *gen;
	struct overlay_filter filter;
	uint64_t commit;		/* number of the last commit */
	bool is_snapshot;		/* `reading` stays open: one state for good */
	size_t set_bytes;		/* put in the change set so far */
	bool was_full;			/* a change set did not fit the map */
	int64_t chain_change;		/* keys of chains that the change set adds */
};

enum { OVERLAY_NOTE_HEAD = sizeof OVERLAY_NOTE_PREFIX - 1 };

/* The note that holds the number of the last commit. */
#define OVERLAY_COMMIT_NOTE "commit"

/* The note that holds how many keys of chains there are. */
#define OVERLAY_CHAIN_NOTE "chain_keys"

/* Have the environment open.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int overlay_renew(struct overlay *overlay);

/* Close it, whatever is under way. */
__attribute__((nonnull))
void overlay_close_env(struct overlay *overlay);

/* Set the bits of a node's name, before the node is committed. */
__attribute__((nonnull))
void overlay_add_to_filter(struct overlay *overlay, const struct node *node);

/* A cursor in the change set under way, else in what is committed last.  returns 0 or an error
 * code. */
__attribute__((nonnull, warn_unused_result))
int overlay_cursor_begin(struct overlay *overlay, struct MDB_cursor **out);

/* The node of a value, its owner a valid name.  returns false for damage. */
__attribute__((nonnull, warn_unused_result))
bool overlay_node_of(const struct MDB_val *value, struct node *out);

/* Is it the key of a note? */
__attribute__((nonnull, pure))
bool overlay_is_note(const struct MDB_val *key);

/* A node enters its chain's order, or leaves it, having been put; it was added to the filter.
 * returns LMDB's code. */
__attribute__((nonnull, warn_unused_result))
int overlay_chain_follow(struct overlay *overlay, const struct node *node);

/* Set the bits of its chain, if it is of one. */
__attribute__((nonnull))
void overlay_chain_add_to_filter(struct overlay *overlay, const struct node *node);

/* Is it a key of a chain? */
__attribute__((nonnull, pure))
bool overlay_chain_has(const struct MDB_val *key);

/* From such a key to the first that is behind all of its kind.  returns LMDB's code. */
__attribute__((nonnull, warn_unused_result))
int overlay_chain_skip(struct MDB_cursor *cursor, struct MDB_val *key, struct MDB_val *value);

/* How many keys of chains there are.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int overlay_chain_count(struct overlay *overlay, uint64_t *out);

/* Note that, before the change set is committed.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int overlay_chain_note(struct overlay *overlay);

/* returns 0 with the note's key in `octets` (DNAME_KEY_MAX), ERR_RANGE when its name is too
 * long. */
__attribute__((nonnull, warn_unused_result))
int overlay_note_key(const char *name, uint8_t *octets, struct MDB_val *key);

#endif
