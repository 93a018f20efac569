/* Names that are awaited, and how sync and the resolver call each other for them. */
#include "loader/leading.h"

#include <poll.h>
#include <string.h>

#include "shm/wake.h"
#include "t/tap.h"

static char no_state[] = "/nonexistent";
static const struct settings settings = { .state_dir = no_state };
static struct heritage heritage = { .settings = &settings };
static struct leading_place taken[LEADING_AWAITED_MAX];

static bool
is_called(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* The name "x" with that octet. */
static void
await(struct leading *leading, uint8_t octet)
{
	const uint8_t name[3 + NAME_PAD] = { 1, octet, 0 };

	leading_await(leading, 7, name, 3);
}

static bool
has(size_t count, uint8_t octet)
{
	for (size_t i = 0; i < count; i++)
		if (taken[i].zone_id == 7 && taken[i].len == 3 &&
		    taken[i].owner[1] == octet)
			return true;
	return false;
}

static void
test_awaited(struct leading *leading)
{
	_Atomic uint32_t *commits = &heritage.region->resolver.commit_seq;
	size_t count;

	atomic_fetch_add(commits, 1);
	ok(!leading_has_news(leading), "nothing is awaited: no news");
	await(leading, 1);
	await(leading, 2);
	await(leading, 1);
	ok(leading_has_news(leading), "what came before a name was awaited may be of it");
	count = leading_take_awaited(leading, taken);
	ok(count == 2 && has(count, 1) && has(count, 2), "each name once");
	await(leading, 3);
	ok(!leading_has_news(leading), "what was looked at is no news");
	atomic_fetch_add(commits, 1);
	ok(leading_has_news(leading), "what the resolver has put since is");
	for (unsigned i = 0; i < LEADING_AWAITED_MAX; i++)
		await(leading, (uint8_t)(100 + i));
	count = leading_take_awaited(leading, taken);
	ok(count == LEADING_AWAITED_MAX && !has(count, 3) && has(count, 100) &&
		   has(count, 100 + LEADING_AWAITED_MAX - 1),
	   "of many the last ones");
	is_int(leading_take_awaited(leading, taken), 0, "and none is left");
	leading_note(leading, 7, taken[0].owner, taken[0].len);
	ok(leading_has_news(leading), "one that was put is looked at without news");
	is_int(leading_take_awaited(leading, taken), 1, "once");
	await(leading, 1);
	ok(!leading_has_news(leading), "and then awaited as others are");
}

static void
test_calls(struct leading *leading)
{
	static const uint8_t name[3] = { 1, 'x', 0 };
	const struct lead_source *source = leading_source(leading);

	leading_rest(leading);
	ok(!is_called(heritage.wish_fd), "no wish: the resolver sleeps on");
	source = leading_source(leading);
	resolver_wish(source->wishes, name, sizeof name, RESOLVER_WISHES_MAX);
	ok(!is_called(heritage.wish_fd), "it is called once,");
	leading_rest(leading);
	ok(is_called(heritage.wish_fd), "for all that was wished for");
	wake_clear(heritage.wish_fd);
	leading_rest(leading);
	(void)leading_source(leading);
	leading_rest(leading);
	ok(!is_called(heritage.wish_fd), "and not again for the same");
}

int
main(void)
{
	struct leading *leading;

	plan(0);
	heritage.region = region_create(1);
	heritage.wish_fd = wake_open();
	leading = leading_new(&heritage);
	if (!heritage.region || heritage.wish_fd < 0 || !leading)
		bail_out("nothing to begin with");
	test_awaited(leading);
	test_calls(leading);
	leading_free(leading);
	close(heritage.wish_fd);
	return done_testing();
}
