/* New keys of zones. */
#ifndef LOADER_SIGN_KEY_MAKE_H
#define LOADER_SIGN_KEY_MAKE_H

#include <stdint.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/sign_key.h"

/* Draw a key that is active at once, and write its files.
 * tag      of the zone's other key, which is not drawn again (-1: none); then the new one's
 * reason   on failure, a sentence that says why
 * returns  0, or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_make(struct key_dir *dir, const uint8_t *zone, uint8_t algorithm, uint16_t flags,
	     int *tag, char reason[SIGN_PROBLEM_LEN]);

#endif
