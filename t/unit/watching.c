/* The watch list of sync: made while all else is attended to. */
#include "loader/watching.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/store/live.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/watched_maker.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"

enum { NAMES = 2000 };

static struct sync sync_state;

static void
seal(const char *dir)
{
	struct zone_records *zone = zone_make("example.com");
	char owner[64];

	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(owner, sizeof owner, "w%u.example.com", i);
		zone_put_watched(zone, owner, (uint8_t)i, 80);
	}
	zone_done(zone);
	zone_seal(dir, &zone, 1);
}

/* watch_place_fn */
static int
count_place(void *context, uint32_t zone_id, const uint8_t *owner, size_t len)
{
	(void)zone_id;
	(void)owner;
	(void)len;
	++*(unsigned *)context;
	return 0;
}

static unsigned
count_places(const char *state_dir)
{
	struct watch_reader *reader;
	unsigned count = 0;

	if (watch_reader_open(state_dir, &reader) != 0 || watch_read_begin(reader) != 0)
		bail_out("the list cannot be read");
	is_int(watch_read_places(reader, count_place, &count), 0, "the list is read");
	watch_read_end(reader);
	watch_reader_close(reader);
	return count;
}

/* In a state that is served a request comes: it is seen before the list is whole. */
static void
test_making(char *state_dir, const char *dir)
{
	struct sync *sync = &sync_state;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0 ||
	    send(fds[0], "reload", sizeof "reload", 0) < 0)
		bail_out("no request");
	sync->state_dir = state_dir;
	sync->request_fd = fds[1];
	sync->region = region_create(1);
	if (!sync->region || live_open(dir, 100, &sync->live) != 0)
		bail_out("nothing is served");
	sync->live_id = 1;
	atomic_store(&sync->region->swap.published_id, 1);
	watching_keep(sync);
	is_int(sync->watched_id, 1, "the list is that of what is served");
	ok(sync->has_request, "what came meanwhile was seen between its steps");
	sync->has_request = false;
	watching_keep(sync);
	ok(!sync->has_request, "one that is kept is not made again");
	live_close(sync->live);
	watch_close(sync->watch);
	is_int(count_places(state_dir), NAMES, "all names are on it");
	close(fds[0]);
	close(fds[1]);
}

int
main(void)
{
	char *scratch = scratch_dir_make(), *dir = strdup(scratch_path(scratch, "1"));

	plan(0);
	seal(dir);
	test_making(scratch, dir);
	scratch_dir_free(scratch);
	free(dir);
	return done_testing();
}
