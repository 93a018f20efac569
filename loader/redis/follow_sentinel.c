/* Is it still the primary that is read? */
#include "loader/redis/follow_sentinel.h"

#include "loader/redis/follow_lose.h"
#include "shm/clock.h"
#include "shm/errcode.h"

/* From one Sentinel to the next. */
enum { ASK_MS = 2000 };

static bool
has_sentinels(const struct follow *f)
{
	return f->settings->redis.sentinel.nodes.count > 0 && f->sentinel;
}

static const char *
node_of(const struct follow *f)
{
	return f->settings->redis.sentinel.nodes.items[f->sentinel_node];
}

static void
ask_next(struct follow *f)
{
	f->sentinel_node =
		(f->sentinel_node + 1) % f->settings->redis.sentinel.nodes.count;
	f->is_asking_sentinel = true;
	redis_sentinel_ask(f->sentinel, f->sentinel_node);
}

void
follow_sentinel_step(struct follow *f)
{
	struct redis_primary primary;
	int rc;

	if (!has_sentinels(f))
		return;
	if (!f->is_asking_sentinel && clock_now_ms() >= f->sentinel_due_ms)
		ask_next(f);
	if (!f->is_asking_sentinel)
		return;
	rc = redis_sentinel_step(f->sentinel, &primary);
	if (rc == ERR_BUSY)
		return;
	f->is_asking_sentinel = false;
	f->sentinel_due_ms = clock_now_ms() + ASK_MS;
	/* one that cannot be asked matters when there is no other */
	if (rc == ERR_OK && redis_connect_hears(f->connect, &primary))
		follow_lose(
			f,
			"Sentinel %.100s names %.100s as the primary of \"%.60s\", no "
			"longer %.100s",
			node_of(f), primary.address, f->settings->redis.sentinel.master,
			redis_connect_address(f->connect));
}

int
follow_sentinel_due_ms(const struct follow *f)
{
	uint64_t now_ms = clock_now_ms();

	if (!has_sentinels(f))
		return -1;
	if (f->is_asking_sentinel)
		return redis_sentinel_due_ms(f->sentinel);
	return now_ms >= f->sentinel_due_ms ? 0 : (int)(f->sentinel_due_ms - now_ms);
}

bool
follow_sentinel_poll(const struct follow *f, struct pollfd *out)
{
	if (!has_sentinels(f) || !f->is_asking_sentinel ||
	    redis_sentinel_fd(f->sentinel) < 0)
		return false;
	*out = (struct pollfd){ .fd = redis_sentinel_fd(f->sentinel),
				.events = redis_sentinel_events(f->sentinel) };
	return true;
}
