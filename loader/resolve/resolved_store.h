/* The resolved store, written: see shm/resolved.h.  One writer, the process that opened it. */
#ifndef LOADER_RESOLVE_RESOLVED_STORE_H
#define LOADER_RESOLVE_RESOLVED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/resolved.h"

struct resolved_store;

/* Open the store below `state_dir`, or make an empty one: also in place of one that is damaged
 * or of another version, which `*was_lost` tells.
 * returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int resolved_store_open(const char *state_dir, struct resolved_store **out, bool *was_lost);

/* Open it to look entries up, as they are now, in a process that does not live long.
 * returns 0; ERR_NOTFOUND when there is none; or another error code. */
__attribute__((nonnull, warn_unused_result))
int resolved_store_open_snapshot(const char *state_dir, struct resolved_store **out);

/* What is not committed is lost.  NULL is allowed. */
void resolved_store_close(struct resolved_store *store);

/* What stands there, this transaction's changes included.
 * *out     borrowed until the next call
 * returns  0, ERR_NOTFOUND, ERR_DAMAGED */
__attribute__((nonnull, warn_unused_result))
int resolved_store_find(struct resolved_store *store, uint16_t type, const uint8_t *name,
			size_t name_len, struct resolved *out);

/* Put an entry, or take one away; seen by readers once it is committed.
 * returns 0; ERR_FULL, ERR_NOSPACE, ERR_IO: then all since the last commit is lost. */
__attribute__((nonnull, warn_unused_result))
int resolved_store_put(struct resolved_store *store, uint16_t type, const uint8_t *name,
		       size_t name_len, const struct resolved *entry);
__attribute__((nonnull, warn_unused_result))
int resolved_store_drop(struct resolved_store *store, uint16_t type, const uint8_t *name,
			size_t name_len);

/* Is there anything to commit? */
__attribute__((nonnull))
bool resolved_store_is_changed(const struct resolved_store *store);

/* returns 0 also when there is nothing to commit; else as above. */
__attribute__((nonnull, warn_unused_result))
int resolved_store_commit(struct resolved_store *store);

/* Every entry.  returns 0 or an error code. */
__attribute__((nonnull(1, 2), warn_unused_result))
int resolved_store_walk(struct resolved_store *store,
			void (*visit)(void *context, uint16_t type, const uint8_t *name,
				      size_t name_len, const struct resolved *entry),
			void *context);

/* Clear the slots of readers that died. */
__attribute__((nonnull))
void resolved_store_sweep(struct resolved_store *store);

#endif
