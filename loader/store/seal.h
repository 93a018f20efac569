/* Writing a generation directory: nodes in key order go in, a sealed generation comes
 * out (shm/generation.h).  The manifest is written last: a directory without one is no
 * generation. */
#ifndef LOADER_STORE_SEAL_H
#define LOADER_STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/generation.h"

enum { SEAL_REASON_MAX = 512 };

struct seal;

struct seal_options {
	uint64_t id;			/* of the generation, 1.. */
	uint64_t expect_bytes;		/* an estimate of its files, for the check of space */
	uint64_t reserve_bytes;		/* to be left free besides, see disk_space.h */
	bool durable;			/* seal_finish returns when all is on the device */
	uint64_t flags, base_id, base_commit; /* as in generation_manifest */
};

/* Make the directory `dir` (new; its parent exists), mode 0750, and begin.
 * reason   on failure, a sentence that names the file and the remedy
 * returns  0, ERR_EXISTS, ERR_NOSPACE, ERR_RIGHTS, ERR_NOTFOUND, ERR_NOMEM, ERR_IO;
 *          nothing is left behind on failure. */
__attribute__((nonnull, warn_unused_result))
int seal_open(const char *dir, const struct seal_options *options, struct seal **out,
	      char reason[SEAL_REASON_MAX]);

/* Append a node, see node_file_put: the catalogue first, then names and NSEC3 owners by
 * zone id.  After a failure only seal_abort may follow; `reason` as above. */
__attribute__((nonnull, warn_unused_result))
int seal_put(struct seal *seal, const uint8_t *node, uint32_t zone_id,
	     char reason[SEAL_REASON_MAX]);

/* Octets of nodes put so far. */
__attribute__((nonnull, pure))
uint64_t seal_put_bytes(const struct seal *seal);

/* Make index and manifest; `seal` is freed in any case.
 * next_zone_id  first id that was never used
 * returns 0, or an error code: then the directory is gone. */
__attribute__((nonnull, warn_unused_result))
int seal_finish(struct seal *seal, uint32_t next_zone_id, struct generation_manifest *out,
		char reason[SEAL_REASON_MAX]);

/* Give up: remove the directory.  NULL is allowed. */
void seal_abort(struct seal *seal);

#endif
