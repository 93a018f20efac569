/* The time in a socket's queue, estimated. */
#include "worker/queue_time.h"

#include "t/tap.h"

enum { BATCH = 64 };

static struct queue_time queue;

static uint64_t
take(unsigned count, uint64_t waiting, uint64_t woken_ns, uint64_t now_ns)
{
	return queue_time_take(&queue, count, count == BATCH,
			       waiting * QUEUE_DATAGRAM_LEN, woken_ns, now_ns);
}

static void
test_empty(void)
{
	is_int(take(1, 0, 1000, 1200), 100, "what woke the worker has come since");
	is_int(take(9, 0, 1000, 41200), 20000,
	       "what came while it answered the one before");
	is_int(take(3, 0, 50000, 50000), 0, "at once");
}

/* 64 datagrams take 64 us; there are 300 more in the queue. */
static void
test_standing(void)
{
	uint64_t now_ns = 1000000;

	take(3, 0, now_ns, now_ns);
	take(BATCH, 0, now_ns, now_ns + 10000);
	is_int(take(BATCH, 0, now_ns, now_ns + 74000), 37000,
	       "not looked at: half of the time since it was empty");
	for (unsigned i = 2; i < 40; i++)
		take(BATCH, 300, now_ns, now_ns + 10000 + i * 64000);
	is_int(take(BATCH, 300, now_ns, now_ns + 10000 + 40 * 64000), 300 * 1000 + 32000,
	       "as long as those that wait take");
	is_int(take(5, 0, now_ns, now_ns + 10000 + 41 * 64000), (10000 + 41 * 64000) / 2,
	       "and it is emptied");
	is_int(take(5, 0, now_ns, now_ns + 20000 + 41 * 64000), 5000,
	       "then it is as before");
}

/* No longer than since the queue was empty, whatever its length says. */
static void
test_bound(void)
{
	uint64_t now_ns = 9000000000;

	take(3, 0, now_ns, now_ns);
	take(BATCH, 0, now_ns, now_ns + 5000);
	ok(take(BATCH, 100000, now_ns, now_ns + 69000) <= 69000, "bounded");
}

int
main(void)
{
	test_empty();
	test_standing();
	test_bound();
	return done_testing();
}
