/* What is told of a set that was served. */
#ifndef LOADER_REDIS_FOLLOW_TELL_H
#define LOADER_REDIS_FOLLOW_TELL_H

#include "loader/redis/follow_serving.h"

__attribute__((nonnull))
void follow_tell_served(struct serving *s);

#endif
