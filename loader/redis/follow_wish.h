/* What is to be asked of Redis for each zone of a set. */
#ifndef LOADER_REDIS_FOLLOW_WISH_H
#define LOADER_REDIS_FOLLOW_WISH_H

#include "loader/redis/follow_state.h"

/* A wish for each zone of f->set, in f->arena; in z42 the labels of whole zones are asked
 * for.  returns 0, ERR_NOMEM, or an error of the command link or the store. */
__attribute__((nonnull, warn_unused_result))
int follow_wish_all(struct follow *f, struct redis_wish **out);

/* Are these the labels that the wish is made of? */
__attribute__((nonnull, warn_unused_result))
bool follow_wish_has_labels(const struct redis_wish *wish, const struct redis_reply *list);

#endif
