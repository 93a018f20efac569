/* Waking a thread or process that polls: an eventfd, readable from the first call on until what
 * it was called for is looked at. */
#ifndef SHM_WAKE_H
#define SHM_WAKE_H

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* returns the descriptor, or -1 with errno. */
static inline int
wake_open(void)
{
	return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static inline void
wake_call(int fd)
{
	uint64_t one = 1;

	/* fails only when the counter is full, and then the fd is readable anyway */
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

/* Readable no more, until the next call: before looking at what there is. */
static inline void
wake_clear(int fd)
{
	uint64_t count;

	while (read(fd, &count, sizeof count) < 0 && errno == EINTR)
		;
}

#endif
