/* A worker's view of the resolved store (shm/resolved.h): a read transaction that is begun
 * when a query needs it and ends before anything is waited for; and the wishes for names
 * that are not there (shm/region_resolver.h). */
#ifndef WORKER_RESOLVED_VIEW_H
#define WORKER_RESOLVED_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/region_resolver.h"
#include "shm/resolved.h"

struct resolved_view {
	struct MDB_env *env; /* NULL: there is no store as yet */
	struct MDB_txn *txn;
	unsigned dbi;
	bool reading; /* the transaction is live */
	uint32_t store_seq; /* of the store that is open, or was tried */
	struct resolver_wishes *wishes; /* this worker's own; NULL: nobody grants any */
};

/* `wishes` may be NULL. */
__attribute__((nonnull(1))) void resolved_view_init(struct resolved_view *view,
						    struct resolver_wishes *wishes);

/* Open the store below `state_dir` if there is another one than before; nothing is done
 * otherwise.  Between batches.
 * store_seq   struct region_resolver's */
__attribute__((nonnull)) void resolved_view_follow(struct resolved_view *view,
						   const char *state_dir,
						   uint32_t store_seq);

__attribute__((nonnull)) void resolved_view_close(struct resolved_view *view);

/* End the read transaction: the next look-up sees what is there then. */
void resolved_view_end(struct resolved_view *view);

static inline void
resolved_view_rest(struct resolved_view *view)
{
	if (__builtin_expect(view && view->reading, 0))
		resolved_view_end(view);
}

/* What is known of a name, lower-cased.  *out is borrowed until resolved_view_rest.
 * returns false when nothing is. */
__attribute__((nonnull, warn_unused_result)) bool
resolved_view_find(struct resolved_view *view, uint16_t type, const uint8_t *name,
		   size_t name_len, struct resolved *out);

#endif
