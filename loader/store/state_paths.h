/* Paths below state_dir, and writing through what they name.
 *
 *	state_dir/generations/00000017		a generation: 8 digits, more when needed
 *	state_dir/generations/00000017.tmp	the same, half built or half removed
 *		overlay, overlay.old		see loader/store/generations.h */
#ifndef LOADER_STORE_STATE_PATHS_H
#define LOADER_STORE_STATE_PATHS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/overlay_value.h"

#define GENERATIONS_DIR "generations"
#define GENERATIONS_BUILD_SUFFIX ".tmp"
#define OVERLAY_OLD_DIR "overlay.old"

enum {
	GENERATIONS_NAME_MAX = 32,	/* "00000017", NUL included */
};

/* Print a path.  returns false when it does not fit into PATH_MAX octets. */
__attribute__((nonnull, warn_unused_result, format(printf, 2, 3)))
bool state_path_print(char out[PATH_MAX], const char *format, ...);

/* Of a generation, and of one that is being built; returns as above. */
__attribute__((nonnull, warn_unused_result))
bool state_path_generation(const char *state_dir, uint64_t id, char out[PATH_MAX]);
__attribute__((nonnull, warn_unused_result))
bool state_path_build(const char *state_dir, uint64_t id, char out[PATH_MAX]);

/* The number in a generation's name.  returns false for all other names. */
__attribute__((nonnull, warn_unused_result))
bool state_path_parse_id(const char *name, uint64_t *id);

/* Write a file or (O_DIRECTORY in `flags`) a directory through to the device.  returns 0
 * or an error code. */
__attribute__((nonnull, warn_unused_result))
int state_path_sync(const char *path, int flags);

#endif
