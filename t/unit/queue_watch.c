/* When a worker is short of time, and what one zone may have of it. */
#include "worker/queue_watch.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/tap.h"

enum { MS = 1000000 };

static struct queue_watch watch;
static struct queue_facts facts;
static int served, client;

static void
open_sockets(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof address;
	int room = 64 << 10;

	served = socket(AF_INET, SOCK_DGRAM, 0);
	client = socket(AF_INET, SOCK_DGRAM, 0);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(served, (struct sockaddr *)&address, sizeof address) != 0 ||
	    setsockopt(served, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) != 0 ||
	    getsockname(served, (struct sockaddr *)&address, &len) != 0 ||
	    connect(client, (struct sockaddr *)&address, sizeof address) != 0)
		bail_out("sockets");
}

static void
fill_queue(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		send(client, "x", 1, 0);
}

static void
empty_queue(void)
{
	char octet;

	while (recv(served, &octet, 1, MSG_DONTWAIT) >= 0)
		;
}

/* A batch at this time, and a step.  returns whether it has become short. */
static bool
turn(bool is_full, uint64_t now_ns)
{
	queue_watch_batch(&watch, &facts, served, is_full, now_ns);
	return queue_watch_step(&watch, now_ns);
}

static void
begin_anew(uint64_t now_ns)
{
	memset(&watch, 0, sizeof watch);
	turn(true, now_ns);
	watch.runs_over = watch.waits = false;
	turn(false, now_ns + 4 * MS);
}

/* Batches of 4 ms each: 40 datagrams wait for 2.5 ms. */
static void
check_again(uint64_t now)
{
	begin_anew(now);
	fill_queue(40);
	turn(true, now += 10 * MS);
	ok(!turn(true, now += 4 * MS), "what waits for 2.5 ms is no shortage");
	watch.ended_ns = now;
	watch.stood = QUEUE_SHARE_FIRST / 2;
	ok(turn(true, now += 4 * MS), "but after one it is the next");
	is_int(watch.share, QUEUE_SHARE_FIRST / 16 * 7,
	       "a zone may have a little less than then");
	watch.is_short = false;
	watch.stood = QUEUE_SHARE_LEAST;
	turn(true, now += 4 * MS);
	is_int(watch.share, QUEUE_SHARE_AGAIN, "an eighth at least");
	watch.is_short = false;
	watch.stood = QUEUE_SHARE_END;
	turn(true, now += 4 * MS);
	is_int(watch.share, QUEUE_SHARE_FIRST, "three quarters at most");
	watch.is_short = false;
	ok(watch.drains, "next to nothing while so much waits");
	is_int(queue_watch_share(&watch), QUEUE_SHARE_LEAST, "a 256th");
	turn(false, now += 4 * MS);
	ok(queue_watch_share(&watch) > QUEUE_SHARE_LEAST, "its share when it is emptied");
	watch.is_short = false;
	watch.ended_ns = now - UINT64_C(60000) * MS;
	turn(true, now += 2 * MS);
	ok(!turn(true, now += 4 * MS), "not a minute later");
	empty_queue();
}

/* Batches of 20 ms each: 40 datagrams wait for 12.5 ms, 20 for 6.3 ms. */
static void
check_late(uint64_t now)
{
	unsigned turns;

	begin_anew(now);
	fill_queue(20);
	now += 20 * MS;
	for (unsigned i = 0; i < 20; i++)
		turn(true, now += 20 * MS);
	ok(!watch.is_short, "what waits for 6.3 ms for long is no shortage");
	fill_queue(20);
	for (turns = 0; turns < 20 && !watch.is_short; turns++)
		turn(true, now += 20 * MS);
	is_int(turns, 6, "for 12.5 ms it is, once it has for 100 ms");
	empty_queue();
	begin_anew(now);
	fill_queue(40);
	for (unsigned i = 0; i < 20; i++)
		turn(i % 4 != 0, now += 20 * MS);
	ok(!watch.is_short, "not when it was emptied meanwhile");
	empty_queue();
}

int
main(void)
{
	uint64_t now = UINT64_C(1000) * MS;
	uint32_t share;

	open_sockets();
	turn(false, now);
	ok(!turn(true, now + 2 * MS) && !watch.is_short,
	   "full batches alone are no shortage");
	fill_queue(300); /* more than there is room for */
	turn(false, now += 10 * MS);
	ok(!turn(true, now + MS / 2), "nor is a queue that has stood for less than a ms");
	ok(turn(true, now += 2 * MS), "one that was too short for what came is");
	is_int(watch.share, QUEUE_SHARE_FIRST, "one zone may have most of the time");
	ok(!turn(true, now + MS / 2), "it has become so once");
	is_int(watch.share, QUEUE_SHARE_FIRST, "and within a ms nothing is changed");

	turn(true, now += 2 * MS);
	is_int(watch.share, QUEUE_SHARE_FIRST, "it has some ms to become shorter");
	turn(true, now += 4 * MS);
	is_int(watch.share, QUEUE_SHARE_FIRST / 2, "still over half: less by half");
	empty_queue();
	turn(true, now += 4 * MS);
	is_int(watch.share, QUEUE_SHARE_FIRST / 2, "it shrinks: left alone");
	turn(true, now += 4 * MS);
	is_int(watch.share, QUEUE_SHARE_FIRST / 16 * 7,
	       "standing, but short: a little less");
	for (unsigned i = 0; i < 200; i++)
		fill_queue(300), turn(true, now += 4 * MS), empty_queue();
	is_int(watch.share, QUEUE_SHARE_LEAST, "never less than a 256th");
	turn(false, now += MS);
	ok(watch.share > QUEUE_SHARE_LEAST && watch.is_short, "emptied: a little more");
	share = watch.share;
	turn(false, now += 8 * MS);
	ok(watch.share > share, "by the time that went by");
	for (unsigned i = 0; i < 4000 && watch.is_short; i++)
		turn(false, now += MS);
	ok(!watch.is_short, "until the shortage is over");

	turn(true, now += 2 * MS);
	ok(!watch.is_short, "drops of long ago are none of today's");
	fill_queue(300);
	empty_queue();
	ok(turn(true, now += 2 * MS), "new ones are, though the queue is empty again");
	check_again(now += 2 * MS);
	check_late(now += UINT64_C(60000) * MS);
	close(served);
	queue_watch_batch(&watch, &facts, served, true, now += 2 * MS);
	ok(!watch.runs_over, "a socket that tells nothing says nothing");
	done_testing();
}
