/* The first filling of the store. */
#ifndef LOADER_REDIS_FOLLOW_LOAD_H
#define LOADER_REDIS_FOLLOW_LOAD_H

#include "loader/redis/follow_state.h"

/* Once nothing is known of the store: note the place, then a load may begin. */
__attribute__((nonnull))
void follow_load_prepare(struct follow *f);

#endif
