/* libuv, as far as we need it. */
#include "loader/health/event_loop.h"

#include <stdlib.h>
#include <unistd.h>
#include <uv.h>

struct event_loop {
	uv_loop_t uv;
};

struct event_watch {
	uv_poll_t uv;
	event_watch_fn *call;
	void *context;
};

struct event_timer {
	uv_timer_t uv;
	event_timer_fn *call;
	void *context;
};

struct event_loop *
event_loop_new(void)
{
	struct event_loop *loop = calloc(1, sizeof *loop);

	if (loop && uv_loop_init(&loop->uv) != 0) {
		free(loop);
		return NULL;
	}
	return loop;
}

_Noreturn void
event_loop_run(struct event_loop *loop)
{
	for (;;)
		if (uv_run(&loop->uv, UV_RUN_DEFAULT) == 0)
			_exit(1); /* nothing is left that could happen */
}

static void
free_handle(uv_handle_t *handle)
{
	free(handle->data);
}

/* ---- descriptors ---- */

static void
on_poll(uv_poll_t *uv, int status, int events)
{
	struct event_watch *watch = uv->data;
	unsigned told = 0;

	if (events & UV_READABLE)
		told |= EVENT_READ;
	if (events & UV_WRITABLE)
		told |= EVENT_WRITE;
	if (status < 0)
		told = EVENT_READ | EVENT_WRITE;
	watch->call(watch->context, told);
}

static int
uv_events(unsigned events)
{
	return (events & EVENT_READ ? UV_READABLE : 0) |
	       (events & EVENT_WRITE ? UV_WRITABLE : 0);
}

struct event_watch *
event_watch_new(struct event_loop *loop, int fd, unsigned events, event_watch_fn *call,
		void *context)
{
	struct event_watch *watch = calloc(1, sizeof *watch);

	if (!watch)
		return NULL;
	watch->call = call;
	watch->context = context;
	if (uv_poll_init(&loop->uv, &watch->uv, fd) != 0) {
		free(watch);
		return NULL;
	}
	watch->uv.data = watch;
	event_watch_change(watch, events);
	return watch;
}

void
event_watch_change(struct event_watch *watch, unsigned events)
{
	if (events)
		uv_poll_start(&watch->uv, uv_events(events), on_poll);
	else
		uv_poll_stop(&watch->uv);
}

void
event_watch_free(struct event_watch *watch)
{
	if (!watch)
		return;
	uv_poll_stop(&watch->uv);
	uv_close((uv_handle_t *)&watch->uv, free_handle);
}

/* ---- timers ---- */

static void
on_timer(uv_timer_t *uv)
{
	struct event_timer *timer = uv->data;

	timer->call(timer->context);
}

struct event_timer *
event_timer_new(struct event_loop *loop, event_timer_fn *call, void *context)
{
	struct event_timer *timer = calloc(1, sizeof *timer);

	if (!timer)
		return NULL;
	timer->call = call;
	timer->context = context;
	uv_timer_init(&loop->uv, &timer->uv);
	timer->uv.data = timer;
	return timer;
}

void
event_timer_set(struct event_timer *timer, uint64_t ms)
{
	/* libuv counts from the time at which its turn began */
	uv_update_time(timer->uv.loop);
	uv_timer_start(&timer->uv, on_timer, ms, 0);
}

void
event_timer_clear(struct event_timer *timer)
{
	uv_timer_stop(&timer->uv);
}

void
event_timer_free(struct event_timer *timer)
{
	if (!timer)
		return;
	uv_timer_stop(&timer->uv);
	uv_close((uv_handle_t *)&timer->uv, free_handle);
}
