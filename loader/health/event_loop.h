/* The loop of the prober: descriptors and timers.  The one place that knows libuv.
 *
 * Single thread.  A watch or a timer belongs to its caller and is given up with
 * event_*_free, also from within what it calls. */
#ifndef LOADER_HEALTH_EVENT_LOOP_H
#define LOADER_HEALTH_EVENT_LOOP_H

#include <stdint.h>

struct event_loop;
struct event_watch;
struct event_timer;

enum event_flag {
	EVENT_READ = 1,
	EVENT_WRITE = 2,		/* also told with EVENT_READ when there was an error */
};

typedef void event_watch_fn(void *context, unsigned events);
typedef void event_timer_fn(void *context);

/* returns NULL when there is no memory. */
struct event_loop *event_loop_new(void);

/* Until the process ends. */
__attribute__((nonnull))
_Noreturn void event_loop_run(struct event_loop *loop);

/* Watch a descriptor, non-blocking, that stays open until the watch is freed.
 * returns NULL when it cannot be. */
__attribute__((nonnull(1, 4)))
struct event_watch *event_watch_new(struct event_loop *loop, int fd, unsigned events,
				    event_watch_fn *call, void *context);
__attribute__((nonnull))
void event_watch_change(struct event_watch *watch, unsigned events);
/* NULL is allowed. */
void event_watch_free(struct event_watch *watch);

/* A timer that is not set.  returns NULL when there is no memory. */
__attribute__((nonnull(1, 2)))
struct event_timer *event_timer_new(struct event_loop *loop, event_timer_fn *call,
				    void *context);
/* Call once, so many ms from now; instead of what was set before. */
__attribute__((nonnull))
void event_timer_set(struct event_timer *timer, uint64_t ms);
__attribute__((nonnull))
void event_timer_clear(struct event_timer *timer);
/* NULL is allowed. */
void event_timer_free(struct event_timer *timer);

#endif
