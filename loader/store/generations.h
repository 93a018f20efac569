/* The directory of sealed generations: what there is, and what comes and goes.
 *
 *	state_dir/generations/00000017/	manifest, data.mdb, index; and `damaged`, see
 *					loader/store/state_files.h
 *		overlay/		the live changes since it was sealed, while it is the
 *					newest state of the sources
 *		overlay.old/		the same, once a newer one has taken them over: what
 *					damage of that one falls back to
 *	state_dir/generations/ID.tmp	half built, or half removed
 *
 * Sync alone writes here; clerks and workers read.  What stands under its own name
 * is complete. */
#ifndef LOADER_STORE_GENERATIONS_H
#define LOADER_STORE_GENERATIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/generation.h"

/* In generation_manifest.flags: taken in by `swap`, or a copy without live changes for
 * `rollback`; it stands for no state of the configured sources. */
#define GENERATION_TAKEN_IN UINT64_C(1)

/* All of Redis was read for it: its zones are not those of what it was made from. */
#define GENERATION_LOADED UINT64_C(2)

struct generation_entry {
	struct generation_manifest manifest;	/* `id` is that of the directory; all else
						 * is 0 when `error` is set */
	uint64_t bytes;				/* of its files */
	int error;				/* of reading the manifest, 0 for none */
	bool damaged;				/* marked by state_mark_damaged */
};

struct generation_list {
	struct generation_entry *entries;	/* ascending id */
	size_t count;
};

/* Remove what was left half built, or half removed.  Only while nothing is being built. */
__attribute__((nonnull))
void generations_remove_leftovers(const char *state_dir);

/* Make the directory when it is missing, and remove such leftovers.
 * Only for sync, before it builds.  returns 0 or an error code, logged. */
__attribute__((nonnull, warn_unused_result))
int generations_prepare(const char *state_dir);

/* All complete generations.  `out` is owned by the caller: generations_list_free. */
__attribute__((nonnull, warn_unused_result))
int generations_list(const char *state_dir, struct generation_list *out);

__attribute__((nonnull))
void generations_list_free(struct generation_list *list);

/* NULL when there is none. */
__attribute__((nonnull, pure))
const struct generation_entry *generations_find(const struct generation_list *list,
						uint64_t id);

/* Was it made from the configured sources, and is nothing bad known of it? */
__attribute__((nonnull, pure))
bool generation_entry_is_source(const struct generation_entry *entry);

/* Make the new generation `id` from the sealed files of `from`, which both share, without
 * its overlay.
 * flags     as in generation_manifest; all else about its origin is as for `from`
 * manifest  of the new one, on success
 * returns   0, or an error code and nothing is left behind. */
__attribute__((nonnull, warn_unused_result))
int generations_alias(const char *state_dir, uint64_t from, uint64_t id, uint64_t flags,
		      struct generation_manifest *manifest);

/* Give the finished ID.tmp its name, durably. */
__attribute__((nonnull, warn_unused_result))
int generations_finish(const char *state_dir, uint64_t id);

/* Remove generation `id` or what there is of ID.tmp; missing files are no error. */
__attribute__((nonnull))
void generations_remove(const char *state_dir, uint64_t id);
__attribute__((nonnull))
void generations_remove_build(const char *state_dir, uint64_t id);

/* Remove a directory with its files and those of its directories, one level below: a
 * generation, or an overlay.  What cannot be removed is logged. */
__attribute__((nonnull))
void generations_remove_dir(const char *path);

/* Write all files of directory `dir` and the directory itself to the device; not those
 * of its overlay, which sees to that itself. */
__attribute__((nonnull, warn_unused_result))
int generations_sync_dir(const char *dir);

#endif
