/* What cannot go on: links are dropped, the store waits; what is served stays. */
#include "loader/redis/follow_lose.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { AGAIN_MS = 10000 };

/* What failed is tried again after a while; when it has not failed again some while later,
 * all is well. */
enum { STORE_RETRY_MS = 1000, STORE_WELL_MS = 4000 };

void
follow_lose_links(struct follow *f)
{
	for (unsigned i = 0; i < LINK_COUNT; i++) {
		redis_link_free(f->links[i]);
		f->links[i] = NULL;
	}
	f->is_waiting_entries = false;
}

void
follow_close_fds(struct follow *f)
{
	for (unsigned i = 0; i < LINK_COUNT; i++)
		if (f->links[i] && redis_link_fd(f->links[i]) >= 0)
			close(redis_link_fd(f->links[i]));
	if (f->is_asking_sentinel && redis_sentinel_fd(f->sentinel) >= 0)
		close(redis_sentinel_fd(f->sentinel));
	if (f->phase == FOLLOW_CONNECTING && redis_connect_fd(f->connect) >= 0)
		close(redis_connect_fd(f->connect));
}

/* As a key that is wrong makes it: once more soon after the last time.  Then there is no
 * hurry, and no need to say it again. */
static bool
is_lost_again(const struct follow *f, const char *reason)
{
	char last[SOURCE_TEXT_MAX];

	return f->lost_ms != 0 && clock_now_ms() - f->lost_ms < AGAIN_MS &&
	       region_source_get_text(f->board, SOURCE_TEXT_ERROR, last) &&
	       strncmp(last, reason, sizeof last - 1) == 0;
}

void
follow_lose(struct follow *f, const char *format, ...)
{
	char reason[FOLLOW_REASON_MAX];
	bool was_ready = f->phase == FOLLOW_READY, is_news;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	is_news = was_ready && !is_lost_again(f, reason);
	if (f->backoff_ms < FOLLOW_BACKOFF_MIN_MS || is_news)
		f->backoff_ms = FOLLOW_BACKOFF_MIN_MS;
	if (is_news || (!was_ready && f->backoff_ms == FOLLOW_BACKOFF_MIN_MS))
		log_warnx("%s; what is served stays as it is", reason);
	follow_lose_links(f);
	f->phase = FOLLOW_DOWN;
	f->wants_load = false;
	f->lost_ms = clock_now_ms();
	f->retry_at_ms = clock_now_ms() + f->backoff_ms;
	f->backoff_ms = f->backoff_ms * 2 > FOLLOW_BACKOFF_MAX_MS ? FOLLOW_BACKOFF_MAX_MS
								  : f->backoff_ms * 2;
	atomic_store(&f->board->connected_since_ms, 0);
	region_source_set_text(f->board, SOURCE_TEXT_ERROR, "%s", reason);
	region_source_set_text(f->board, SOURCE_TEXT_LINK, "Redis cannot be read: %s",
			       reason);
	region_source_set_state(f->board, SOURCE_CONNECTING);
}

void
follow_lose_link(struct follow *f, enum follow_link which)
{
	char reason[REDIS_REASON_MAX];

	if (f->phase == FOLLOW_DOWN || !f->links[which])
		return;
	snprintf(reason, sizeof reason, "%s", redis_link_reason(f->links[which]));
	follow_lose(f, "%s", reason[0] ? reason : "not enough memory");
}

/* What cures it, or that it cures itself. */
static const char *
store_remedy(int error)
{
	switch (error) {
	case ERR_NOSPACE:
		return "; make room in state_dir";
	case ERR_FULL:
		return "; a new generation is made from it";
	case ERR_RIGHTS:
		return "; state_dir and all in it must belong to the server's user";
	}
	return "";
}

void
follow_lose_store(struct follow *f, int error)
{
	char text[FOLLOW_REASON_MAX];

	snprintf(text, sizeof text,
		 "live changes cannot be written into the store, and wait in Redis: %s%s",
		 errcode_text(error), store_remedy(error));
	log_errorx("%s", text);
	region_source_set_text(f->board, SOURCE_TEXT_STORE, "%s", text);
	f->store_retry_ms = clock_now_ms() + STORE_RETRY_MS;
	f->store_well_ms = clock_now_ms() + STORE_WELL_MS;
}
