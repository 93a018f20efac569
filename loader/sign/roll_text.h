/* Where a zone's keys stand in rollovers, as it is kept beside them: a line of words for each
 * key, and for what else there is. */
#ifndef LOADER_SIGN_ROLL_TEXT_H
#define LOADER_SIGN_ROLL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/sign/roll.h"

enum { ROLL_TEXT_MAX = 12288 };

/* Write what has to be remembered; NUL-terminated.  returns the length. */
__attribute__((nonnull))
size_t roll_text_write(const struct roll_zone *zone, char out[ROLL_TEXT_MAX]);

/* Read it; words that we do not know mean nothing.
 * returns false for what was never written so: `out` is empty then. */
__attribute__((nonnull, warn_unused_result))
bool roll_text_read(const char *text, size_t len, struct roll_zone *out);

#endif
