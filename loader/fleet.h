/* A fleet: servers on the same data in Redis, one of which rolls the keys of its zones.  That
 * one (dnssec.role = "roll") writes a list of a zone's keys wherever they have moved, the
 * others take it when they read the zone (loader/sign/fleet_take.h). */
#ifndef LOADER_FLEET_H
#define LOADER_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/roll.h"
#include "loader/sign/sign_session.h"
#include "shm/node.h"
#include "shm/settings.h"

enum { FLEET_TEXT_MAX = 480 };

struct fleet;

/* `settings` are borrowed.  returns NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct fleet *fleet_new(const struct settings *settings);

/* NULL is allowed. */
void fleet_free(struct fleet *fleet);

/* Is it another server's to roll the zone's keys?  If so, why: the rest of a sentence. */
__attribute__((nonnull, warn_unused_result))
bool fleet_leaves(const struct fleet *fleet, const struct node *apex,
		  const struct roll_zone *roll, char why[FLEET_TEXT_MAX]);

/* Is it ours, for others too? */
__attribute__((nonnull, pure, warn_unused_result))
bool fleet_shares(const struct fleet *fleet, const struct node *apex);

/* Do the others know where the zone's keys stand, or may they soon? */
__attribute__((nonnull, pure, warn_unused_result))
bool fleet_is_told(const struct roll_zone *roll);

/* Write the list of a zone that is shared, if that is due: when its keys have moved, when it
 * is gone, and now and then while they roll.  What fails is told by fleet_explain, and to be tried again.
 * zone, len  wire form
 * roll       of which `fleet` is changed when it is written: to be kept
 * next_s     Unix time of the next one; 0: when something moves
 * returns    whether `fleet` was changed. */
__attribute__((nonnull, warn_unused_result))
bool fleet_tell(struct fleet *fleet, struct sign_session *session, const uint8_t *zone,
		size_t len, struct roll_zone *roll, int64_t *next_s);

/* A zone whose keys another server rolls: has it been silent for too long? */
__attribute__((nonnull))
void fleet_listen(struct fleet *fleet, const uint8_t *zone, const struct roll_zone *roll,
		  int64_t *next_s);

/* What is wrong with the zones that were told and listened for; "" for nothing. */
__attribute__((nonnull))
void fleet_explain(const struct fleet *fleet, char out[FLEET_TEXT_MAX]);

#endif
