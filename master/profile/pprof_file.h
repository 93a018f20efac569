/* pprof's format: a protocol buffer, compressed, as `go tool pprof` reads it
 * (github.com/google/pprof, proto/profile.proto). */
#ifndef MASTER_PROFILE_PPROF_FILE_H
#define MASTER_PROFILE_PPROF_FILE_H

#include "master/profile/call_tree.h"

/* Write it to `fd` (moved).  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result)) int
pprof_file_write(const struct call_tree *tree, int fd);

#endif
