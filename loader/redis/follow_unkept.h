/* Keys that the signer could not keep, handed over again. */
#ifndef LOADER_REDIS_FOLLOW_UNKEPT_H
#define LOADER_REDIS_FOLLOW_UNKEPT_H

#include "loader/redis/follow_state.h"

/* Now and then: have their zones read once more. */
__attribute__((nonnull))
void follow_unkept_step(struct follow *f);

#endif
