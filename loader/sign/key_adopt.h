/* Keys that a source gives to a zone that has others already: they are rolled to, not jumped
 * to. */
#ifndef LOADER_SIGN_KEY_ADOPT_H
#define LOADER_SIGN_KEY_ADOPT_H

#include <stdbool.h>

#include "loader/sign/key_notes.h"
#include "loader/sign/roll.h"
#include "loader/sign/sign_key.h"

/* Decide how the keys that `notes` have as added come into the zone.
 *
 * A ZSK is published before it takes over from the ZSK, or the key for all, of its algorithm;
 * a KSK follows by double signature; a KSK of another algorithm begins a roll to that, in
 * which a ZSK of the same takes part.  One that has to wait, for the end of a roll or for its
 * KSK, signs nothing, and that is told.  The first KSK of a zone has nothing to wait for.
 * zone, keys  are joined (key_roll_join), and are again afterwards
 * now_s       when those begin that do
 * returns     whether `zone` is to be written. */
__attribute__((nonnull, warn_unused_result))
bool key_adopt(struct roll_zone *zone, struct sign_keys *keys,
	       const struct key_notes *notes, int64_t now_s);

#endif
