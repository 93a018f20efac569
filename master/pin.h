/* Which CPU is whose. */
#ifndef MASTER_PIN_H
#define MASTER_PIN_H

#include "shm/settings.h"

/* The CPU of worker `id`: of workers.cpus, else of those that we may run on, in turn;
 * -1 when the kernel does not tell them. */
__attribute__((nonnull, warn_unused_result)) int
pin_worker_cpu(const struct settings *settings, unsigned id);

#endif
