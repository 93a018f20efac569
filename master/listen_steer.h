/* workers.steer = "cpu": the kernel hands a packet to the worker that is pinned to the
 * CPU which received it. */
#ifndef MASTER_LISTEN_STEER_H
#define MASTER_LISTEN_STEER_H

#include <linux/filter.h>

#include "shm/heritage.h"
#include "shm/settings.h"

enum { LISTEN_STEER_INSNS_MAX = 4 * SETTINGS_WORKERS_MAX + 4 };

/* Attach the filter to the group of `pair`, UDP and TCP, whose members were bound in
 * worker order.  returns 0 or an error code, logged with `name`. */
__attribute__((nonnull, warn_unused_result)) int
listen_steer_attach(const struct settings *settings, const struct listen_pair *pair,
		    const char *name);

/* The classic BPF program: worker w stands at worker_cpus[w].  Where several workers
 * share a CPU one of them is drawn; a CPU without any goes by its number modulo count.
 * returns the number of instructions. */
__attribute__((nonnull)) unsigned
listen_steer_program(const int *worker_cpus, unsigned count,
		     struct sock_filter out[LISTEN_STEER_INSNS_MAX]);

#endif
