/* Threads that share out work among the CPUs. */
#ifndef LOADER_ZONE_THREADS_H
#define LOADER_ZONE_THREADS_H

#include <pthread.h>

/* Start a thread for each CPU that we may run on, `max` at most; they take no signals.
 * threads  room for `max`; to be joined by the caller
 * returns  how many there are: fewer where there is no memory, 0 when there is none. */
__attribute__((nonnull(1, 3), warn_unused_result))
unsigned threads_start(pthread_t *threads, unsigned max, void *(*run)(void *argument),
		       void *argument);

#endif
