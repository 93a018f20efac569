/* Sockets for the prober's echoes: opened with the rights that we were started with. */
#ifndef MASTER_ECHO_SOCKETS_H
#define MASTER_ECHO_SOCKETS_H

#include "shm/settings.h"

/* Over IPv4 and IPv6: those for echoes alone, which the kernel may allow our group, else raw
 * ones, which root may have; -1 where there is neither.  They are opened also while health
 * checks are off: a reload may turn them on. */
__attribute__((nonnull)) void echo_sockets_open(const struct settings *settings,
						int fds[2]);

#endif
