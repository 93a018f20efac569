/* Stamps by which a reload sees, without reading them, that files have not changed. */
#ifndef LOADER_ZONE_ZONE_STAMP_H
#define LOADER_ZONE_ZONE_STAMP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* The stamp of files of which no claim is made: never equal, not even to itself. */
#define ZONE_STAMP_UNKNOWN UINT64_C(0)

/* A stamp in the making; all zero is a good start. */
struct zone_stamp {
	uint64_t sum;
	int unsettled;			/* some file may still change under the same stamp */
};

/* Add one file: its path, and its status from before it was read.  A file that was
 * changed within the last tick of the file system's clock could change once more
 * without a trace: then the whole stamp is ZONE_STAMP_UNKNOWN. */
__attribute__((nonnull))
void zone_stamp_add(struct zone_stamp *stamp, const char *path, const struct stat *status);

/* The stamp of all files added, in their order. */
__attribute__((nonnull, pure, warn_unused_result))
uint64_t zone_stamp_value(const struct zone_stamp *stamp);

/* The stamp that these files have now; ZONE_STAMP_UNKNOWN when one cannot be found. */
__attribute__((nonnull, warn_unused_result))
uint64_t zone_stamp_of_files(const char *const *paths, size_t count);

#endif
