/* Where the keys of zones stand in rollovers, kept beside the keys: K<zone>+.roll. */
#ifndef LOADER_SIGN_KEY_ROLL_H
#define LOADER_SIGN_KEY_ROLL_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/roll.h"

#define KEY_ROLL_SUFFIX ".roll"

/* Read what is kept of a zone, whose files begin with `prefix` (key_dir_prefix).  Without a
 * file it is empty.
 * returns 0; ERR_SYNTAX for a file that cannot be read, `out` is empty then. */
__attribute__((nonnull, warn_unused_result))
int key_roll_read(const struct key_dir *kept, const char *prefix, struct roll_zone *out);

/* Write it; a file with nothing in it is removed.  returns 0, or key_dir_write's error. */
__attribute__((nonnull, warn_unused_result))
int key_roll_write(struct key_dir *kept, const char *prefix,
		   const struct roll_zone *zone);

/* The place of the key whose files are called "Kexample.com.+013+12345", or zone->count. */
__attribute__((nonnull, pure))
uint32_t key_roll_find(const struct roll_zone *zone, const char *name);

/* Is the key, as its file is called, one that a roll has taken charge of? */
__attribute__((nonnull, pure))
bool key_roll_has(const struct roll_zone *zone, const char *name);

/* Bring together what is kept and the keys that there are: keys come to be what the roll
 * says, and `zone` has all of them, with those that are gone only while they count as
 * removed. */
__attribute__((nonnull))
void key_roll_join(struct roll_zone *zone, struct sign_keys *keys);

#endif
