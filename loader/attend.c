/* Waiting with open eyes. */
#include "loader/attend.h"

#include <poll.h>

#include "loader/sync.h"

bool
attend_wait(struct sync *sync, int fd, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	(void)sync;
	return poll(&wait, 1, timeout_ms) > 0;
}
