/* `martletctl accept ID`: what the shrink guard holds is served after all. */
#ifndef LOADER_ACCEPT_H
#define LOADER_ACCEPT_H

#include "loader/sync_state.h"

/* A sync_command_fn. */
unsigned accept_command(struct sync *sync, int arg_count, char **args);

#endif
