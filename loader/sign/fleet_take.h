/* A list of keys that comes from Redis, and what becomes of the keys that are kept. */
#ifndef LOADER_SIGN_FLEET_TAKE_H
#define LOADER_SIGN_FLEET_TAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_dir.h"
#include "loader/sign/key_given.h"
#include "loader/sign/roll.h"
#include "loader/sign/sign_key.h"
#include "shm/settings.h"

/* This server in its fleet. */
struct fleet_self {
	bool rolls;			/* dnssec.role = "roll" */
	char node[ROLL_NODE_MAX];	/* "ns1:/var/lib/martlet", one printable word */
};

__attribute__((nonnull))
void fleet_self_init(const struct settings *settings, struct fleet_self *out);

/* Are the zone's keys another server's to roll? */
static inline bool
fleet_is_followed(const struct fleet_self *self, const struct roll_zone *roll)
{
	return roll->fleet.part == ROLL_YIELDS ||
	       (roll->fleet.part != ROLL_ALONE && !self->rolls);
}

/* Take the list, or what is known of why there is none.  Of a list that cannot be taken
 * nothing is: the keys stay as they are kept.
 * reason   receives what is wrong with the list, "" for nothing
 * returns  0, also when it is not taken; or why the keys cannot be kept. */
__attribute__((nonnull, warn_unused_result))
int fleet_take(struct key_dir *kept, const uint8_t *zone, const struct fleet_self *self,
	       const struct key_given *given, char reason[SIGN_PROBLEM_LEN]);

/* Keys that the list does not name do nothing until it does.  Both are joined. */
__attribute__((nonnull))
void fleet_hide_unlisted(struct roll_zone *roll, struct sign_keys *keys);

#endif
