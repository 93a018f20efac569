/* New keys of zones. */
#ifndef LOADER_SIGN_KEY_MAKE_H
#define LOADER_SIGN_KEY_MAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/sign_key.h"

/* What is to be drawn, and what was. */
struct key_draw {
	uint8_t algorithm;
	uint16_t flags;
	bool is_for_roll;		/* out of use until a roll says what it does; else active */
	unsigned taken_count;		/* of the zone's other keys, whose tags are not drawn */
	uint16_t taken[SIGN_KEYS_MAX];
	uint16_t tag;			/* the new key's */
};

/* Draw a key, and write its files.
 * reason   on failure, a sentence that says why
 * returns  0, or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_make(struct key_dir *dir, const uint8_t *zone, struct key_draw *draw,
	     char reason[SIGN_PROBLEM_LEN]);

#endif
