/* The loop around write. */
#include "shm/file_write.h"

#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "shm/errcode.h"

int
file_write(int fd, const void *octets, size_t len)
{
	const uint8_t *at = octets;

	while (len > 0) {
		ssize_t done = write(fd, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? errcode_from_errno(errno) : ERR_IO;
		at += done;
		len -= (size_t)done;
	}
	return ERR_OK;
}
