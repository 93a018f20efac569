/* Signing what workers have chosen of steered RRsets, and ahead of them what a change of health
 * makes apply: within dnssec.steered_rate, into the cache that all workers read. */
#ifndef LOADER_STEERED_STEERED_SERVICE_H
#define LOADER_STEERED_STEERED_SERVICE_H

#include "shm/heritage.h"

/* Begin, in a thread of the signer's process that lives as long as it does.  Without memory,
 * or without keys that can be reached, it is logged, and only what is signed ahead is
 * answered. */
__attribute__((nonnull))
void steered_service_start(const struct heritage *heritage);

#endif
