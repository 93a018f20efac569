/* Which keys of a zone the parent knows: by our own data where we serve the parent, and by
 * each of its servers where there is a resolver. */
#ifndef LOADER_ROLLING_DS_H
#define LOADER_ROLLING_DS_H

#include <stddef.h>
#include <stdint.h>

#include "loader/resolve/ds_look.h"
#include "loader/sign/roll.h"
#include "loader/store/store_walk.h"

struct rolling_ds;

/* returns NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct rolling_ds *rolling_ds_new(const struct settings *settings);

/* NULL is allowed. */
void rolling_ds_free(struct rolling_ds *ds);

/* Look, and say what it means for the keys of `roll`, of which `keys` has the DNSKEYs.
 * reason  why it is not known, if it is not */
__attribute__((nonnull))
void rolling_ds_look(struct rolling_ds *ds, struct store_walk *walk, const uint8_t *zone,
		     size_t len, const struct sign_keys *keys, const struct roll_zone *roll,
		     struct roll_ds *out, char reason[DS_LOOK_REASON_MAX]);

#endif
