/* poll() over a small table. */
#include "master/poll_set.h"

#include <assert.h>
#include <poll.h>
#include <unistd.h>

/* watches[i] belongs to fds[i]; a free place has fd -1, which poll() passes over. */
static struct pollfd fds[POLL_SET_MAX];
static struct {
	poll_set_fn *ready;
	void *arg;
} watches[POLL_SET_MAX];
static unsigned place_count;

static unsigned
find(int fd)
{
	unsigned place = 0;

	while (place < place_count && fds[place].fd != fd)
		place++;
	return place;
}

void
poll_set_add(int fd, short events, poll_set_fn *ready, void *arg)
{
	unsigned place = find(-1);

	assert(fd >= 0 && place < POLL_SET_MAX);
	if (place == place_count)
		place_count++;
	fds[place] = (struct pollfd){ .fd = fd, .events = events };
	watches[place].ready = ready;
	watches[place].arg = arg;
}

void
poll_set_change(int fd, short events)
{
	unsigned place = find(fd);

	assert(place < place_count);
	fds[place].events = events;
}

void
poll_set_remove(int fd)
{
	unsigned place = find(fd);

	if (fd >= 0 && place < place_count)
		fds[place] = (struct pollfd){ .fd = -1 };
}

void
poll_set_run(int timeout_ms)
{
	unsigned count = place_count;

	if (poll(fds, count, timeout_ms) <= 0)
		return;
	for (unsigned i = 0; i < count; i++) {
		short events = fds[i].revents;

		/* a callback before this one may have freed the place, or filled it anew */
		fds[i].revents = 0;
		if (fds[i].fd >= 0 && events)
			watches[i].ready(watches[i].arg, events);
	}
}

void
poll_set_close_all(int keep)
{
	for (unsigned i = 0; i < place_count; i++)
		if (fds[i].fd >= 0 && fds[i].fd != keep)
			close(fds[i].fd);
	place_count = 0;
}
