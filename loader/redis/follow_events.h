/* Keyspace notifications, and the zones that they name. */
#ifndef LOADER_REDIS_FOLLOW_EVENTS_H
#define LOADER_REDIS_FOLLOW_EVENTS_H

#include "loader/redis/follow_state.h"

/* returns 0, or an error after follow_lose. */
__attribute__((nonnull, warn_unused_result))
int follow_events_subscribe(struct follow *f);

/* Take what has come: zones are marked. */
__attribute__((nonnull))
void follow_events_step(struct follow *f);

/* Serve some of what is marked. */
__attribute__((nonnull))
void follow_events_serve(struct follow *f);

/* The list of zones may have changed, as was heard at that time (Unix, us): it will be
 * compared. */
__attribute__((nonnull))
void follow_events_list(struct follow *f, uint64_t now_us);

/* The set that was just served is the stream's. */
__attribute__((nonnull))
void follow_events_named(struct follow *f);

/* In how many ms there is something to serve; -1: nothing. */
__attribute__((nonnull, warn_unused_result))
int follow_events_due_ms(const struct follow *f);

#endif
