/* Whether the time is in doubt (shm/region_clock.h), and what follows for signing. */
#ifndef LOADER_CLOCK_WATCH_H
#define LOADER_CLOCK_WATCH_H

#include "loader/sync_state.h"

/* Before anything is built: when the newest generation was made. */
__attribute__((nonnull))
void clock_watch_start(struct sync *sync);

/* Now and then: hold signatures while the time is in doubt, say so once. */
__attribute__((nonnull))
void clock_watch_look(struct sync *sync);

/* Somebody has things read by this clock: it is right. */
__attribute__((nonnull))
void clock_watch_believe(struct sync *sync);

#endif
