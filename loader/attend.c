/* Waiting with open eyes. */
#include "loader/attend.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/leading.h"
#include "loader/newest_changes.h"
#include "loader/redis/follow.h"
#include "loader/store/live.h"
#include "loader/sync_state.h"
#include "shm/clock.h"
#include "shm/log.h"
#include "shm/wake.h"

enum {
	OWN_FDS = 3,
	BEAT_MS = 1000, /* status tells of a loop that stands still for seconds */
};

void
attend_sweep(struct sync *sync)
{
	unsigned dead = sync->live ? overlay_sweep(live_overlay(sync->live)) : 0;

	if (dead > 0)
		log_debug("%u readers of the overlay have died", dead);
}

/* While sync waits for something else: take the messages that are no requests, and see
 * whether a request waits. */
static void
look_at_requests(struct sync *sync)
{
	char message[sizeof "sweep"];
	ssize_t len;

	do {
		memset(message, 'x', sizeof message);
		len = recv(sync->request_fd, message, sizeof message,
			   MSG_PEEK | MSG_DONTWAIT);
		if (len < (ssize_t)sizeof message ||
		    memcmp(message, "sweep", sizeof message) != 0)
			break;
		(void)recv(sync->request_fd, message, sizeof message, MSG_DONTWAIT);
		attend_sweep(sync);
	} while (true);
	/* left to be read: a request, or the news that the master has gone */
	sync->has_request = len >= 0 || (errno != EAGAIN && errno != EINTR);
}

bool
attend_wait(struct sync *sync, int fd, int timeout_ms)
{
	bool is_request_wait = fd == sync->request_fd;
	struct pollfd fds[OWN_FDS + FOLLOW_FDS_MAX] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = is_request_wait || sync->has_request ? -1 : sync->request_fd,
		  .events = POLLIN },
		{ .fd = sync->news_fd, .events = POLLIN },
	};
	unsigned count = 0;
	int ready;

	if (timeout_ms < 0 || timeout_ms > BEAT_MS)
		timeout_ms = BEAT_MS;
	if (sync->follow)
		count = follow_poll_fds(sync->follow, fds + OWN_FDS, &timeout_ms);
	ready = poll(fds, OWN_FDS + count, timeout_ms);
	atomic_store(&sync->region->swap.sync_beat_ns, clock_now_ns());
	if (ready < 0)
		for (unsigned i = 0; i < OWN_FDS + count; i++)
			fds[i].revents = 0;
	if (fds[1].revents)
		look_at_requests(sync);
	if (fds[2].revents)
		wake_clear(sync->news_fd);
	if (sync->follow) {
		follow_step(sync->follow, fds + OWN_FDS, count);
		leading_rest(sync->leading);
		newest_watch(sync);
	}
	return fds[0].revents != 0;
}
