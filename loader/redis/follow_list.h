/* The list of zones, compared with what is served.
 *
 * A large list takes its time: it is read and compared in steps, between which changes are
 * served.  What is found this way is a suspicion; the reading that serves it tells. */
#ifndef LOADER_REDIS_FOLLOW_LIST_H
#define LOADER_REDIS_FOLLOW_LIST_H

#include "loader/redis/follow_group.h"
#include "loader/redis/follow_state.h"

__attribute__((nonnull))
void follow_list_begin(struct follow_list *list);

/* A step, of about a millisecond.
 * returns  0: list->names, fresh and gone are complete; ERR_BUSY: there is more to do; an
 *          error after follow_lose or follow_lose_store. */
__attribute__((nonnull, warn_unused_result))
int follow_list_step(struct follow *f, struct follow_list *list);

/* It is over, or not wanted any more. */
__attribute__((nonnull))
void follow_list_clear(struct follow_list *list);

/* Put origins that are gone into the set: one part, so that they are weighed together.
 * returns 0 or ERR_NOMEM, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int follow_list_name_gone(struct follow *f, const struct key_table *gone);

/* The list was read with the set: what it adds and lacks joins the set, to be read with it.
 * *grew: there is such a zone. */
__attribute__((nonnull, warn_unused_result))
int follow_list_join(struct follow *f, const struct group *group, bool *grew);

#endif
