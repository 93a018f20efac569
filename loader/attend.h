/* The one place at which sync waits.  Whatever it waits for, a request, a child, workers
 * that get ready, it attends to what cannot wait meanwhile: changes that come from Redis,
 * and workers that have died. */
#ifndef LOADER_ATTEND_H
#define LOADER_ATTEND_H

#include <stdbool.h>

struct sync;

/* Wait until `fd` is readable or closed by its other side.
 *
 * fd          -1: only the time counts
 * timeout_ms  -1: for ever
 * returns     whether `fd` is ready; may come back early without, call again. */
__attribute__((nonnull))
bool attend_wait(struct sync *sync, int fd, int timeout_ms);

/* A worker died: what it had open of the overlay must not keep pages any longer. */
__attribute__((nonnull))
void attend_sweep(struct sync *sync);

#endif
