/* Times of keys at which zones from Redis are signed by others: no generation is built for
 * them. */
#ifndef LOADER_REDIS_FOLLOW_KEY_TIMES_H
#define LOADER_REDIS_FOLLOW_KEY_TIMES_H

#include "loader/redis/follow_state.h"
#include "loader/sign/signing.h"

/* Note when a zone's keys change next. */
__attribute__((nonnull))
void follow_key_times_note(struct follow *f, const struct signing_facts *facts);

/* Note that of all zones that are served, as when they have just been read. */
__attribute__((nonnull))
void follow_key_times_learn(struct follow *f);

/* In how many ms to look again; -1: not for that. */
__attribute__((nonnull))
int follow_key_times_due_ms(const struct follow *f);

/* Have zones looked at whose time has come. */
__attribute__((nonnull))
void follow_key_times_step(struct follow *f);

#endif
