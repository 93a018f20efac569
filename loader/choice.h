/* `rollback`, `swap` and `resume`: what is served is chosen by hand, and given back to
 * the configured sources. */
#ifndef LOADER_CHOICE_H
#define LOADER_CHOICE_H

#include "loader/sync_state.h"

/* swap DIR: take in a generation from outside and serve it. */
unsigned choice_swap(struct sync *sync, int arg_count, char **args);

/* rollback [ID]: serve an earlier one, by default the one before that is served. */
unsigned choice_rollback(struct sync *sync, int arg_count, char **args);

/* Sign again what is due in the chosen generation that is served.  A failure is stated, and
 * tried again later. */
void choice_renew(struct sync *sync);

/* resume: follow the sources again, caught up. */
unsigned choice_resume(struct sync *sync, int arg_count, char **args);

#endif
