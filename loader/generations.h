/* The directory of sealed generations: what there is, and what comes and goes.
 *
 *	state_dir/generations/00000017/	manifest, data.mdb, index; and `damaged`, see
 *					loader/state_files.h
 *	state_dir/generations/ID.tmp	half built, or half removed
 *
 * Sync alone writes here; clerks and workers read.  What stands under its own name
 * is complete. */
#ifndef LOADER_GENERATIONS_H
#define LOADER_GENERATIONS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/generation.h"

#define GENERATIONS_DIR "generations"

enum {
	GENERATIONS_NAME_MAX = 32,	/* "00000017", NUL included */
};

/* Set in generation_manifest.reserved[0] of a generation that was taken in by
 * `swap`: it stands for no state of the configured sources. */
#define GENERATION_TAKEN_IN UINT64_C(1)

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

/* Make the directory when it is missing, and remove what was left half done.
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

/* The paths of a generation and of one that is being built; `out` holds PATH_MAX
 * octets.  returns false when the path is too long. */
__attribute__((nonnull, warn_unused_result))
bool generations_path(const char *state_dir, uint64_t id, char out[PATH_MAX]);
__attribute__((nonnull, warn_unused_result))
bool generations_build_path(const char *state_dir, uint64_t id, char out[PATH_MAX]);

/* The number in a directory's name.  returns false for all other names. */
__attribute__((nonnull, warn_unused_result))
bool generations_parse_name(const char *name, uint64_t *id);

/* Give the finished ID.tmp its name, durably. */
__attribute__((nonnull, warn_unused_result))
int generations_finish(const char *state_dir, uint64_t id);

/* Remove generation `id` or what there is of ID.tmp; missing files are no error. */
__attribute__((nonnull))
void generations_remove(const char *state_dir, uint64_t id);
__attribute__((nonnull))
void generations_remove_build(const char *state_dir, uint64_t id);

/* Write all files of directory `dir` and the directory itself to the device. */
__attribute__((nonnull, warn_unused_result))
int generations_sync_dir(const char *dir);

#endif
