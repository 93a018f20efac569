/* What writing and reading the watch list share; used by watch*.c only. */
#ifndef LOADER_STORE_WATCH_PRIVATE_H
#define LOADER_STORE_WATCH_PRIVATE_H

#include "loader/store/watch.h"

struct MDB_env;
struct MDB_txn;

enum watch_table { WATCH_NODES, WATCH_TARGETS, WATCH_NAMES, WATCH_TABLES };

static const char *const watch_table_names[WATCH_TABLES] = {
	[WATCH_NODES] = "nodes",
	[WATCH_TARGETS] = "targets",
	[WATCH_NAMES] = "names",
};

struct watch {
	struct MDB_env *env;
	struct MDB_txn *txn;		/* under way, or NULL */
	unsigned tables[WATCH_TABLES];
	struct region_watch *region;
	bool is_stale, is_changed;
	bool is_making;			/* it is not whole yet */
	bool is_untold;			/* readers do not know of what is committed */
	unsigned txn_count;
	uint64_t node_count;		/* about: 0 only when there is none */
	uint64_t work;			/* see watch_work */
	uint8_t *value;			/* owner and wants of the node at hand; owned */
	size_t value_len, value_room;
};

/* Have a transaction.  returns false when nothing can be written now. */
__attribute__((nonnull, warn_unused_result))
bool watch_begin(struct watch *watch);

/* Take what LMDB said: after an error the list must be made anew. */
__attribute__((nonnull))
void watch_check(struct watch *watch, int rc);

#endif
