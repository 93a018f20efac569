/* When Redis or the store cannot be used: it is said, and tried again after a while.  What is
 * served stays. */
#ifndef LOADER_REDIS_FOLLOW_LOSE_H
#define LOADER_REDIS_FOLLOW_LOSE_H

#include "loader/redis/follow_state.h"

__attribute__((nonnull))
void follow_lose_links(struct follow *f);

/* Drop all links and connect anew after a while.  `format` says why. */
__attribute__((nonnull, format(printf, 2, 3)))
void follow_lose(struct follow *f, const char *format, ...);

/* The same with the reason of the command link. */
__attribute__((nonnull))
void follow_lose_link(struct follow *f, enum follow_link which);

/* The store could not be written or read: say so, and try again after a while. */
__attribute__((nonnull))
void follow_lose_store(struct follow *f, int error);

#endif
