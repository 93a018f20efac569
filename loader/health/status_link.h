/* The Redis with redins's status keys (health.redis): who probes writes what it finds there,
 * with an expiry of three intervals; who follows reads it once a second.
 *
 * A target has a key for each name that it is an address of.  Of several that are read the
 * one that was checked last counts; one that is older than three intervals, from the future,
 * or no item at all, does not. */
#ifndef LOADER_HEALTH_STATUS_LINK_H
#define LOADER_HEALTH_STATUS_LINK_H

#include "loader/health/prober.h"

/* returns NULL without memory. */
__attribute__((nonnull))
struct status_link *status_link_new(struct prober *prober);

/* Who has which targets, of the list that is being read.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int status_link_read_names(struct status_link *link, struct watch_reader *reader);

/* Something is known of a target: role probe writes it. */
__attribute__((nonnull))
void status_link_put(struct status_link *link, const struct target *target);

/* Once a second: role follow reads, and a link that is lost is dialled. */
__attribute__((nonnull))
void status_link_tick(struct status_link *link);

#endif
