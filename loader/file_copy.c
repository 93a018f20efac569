/* The loop around read. */
#include "loader/file_copy.h"

#include <errno.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/file_write.h"

enum { COPY_LEN = 256 * 1024 };

int
file_copy(int from, int to, uint64_t len)
{
	static uint8_t buffer[COPY_LEN];
	int result = 0;

	while (len > 0 && result == 0) {
		size_t part = len < COPY_LEN ? (size_t)len : COPY_LEN;
		ssize_t got = read(from, buffer, part);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errcode_from_errno(errno);
		if (got == 0)
			return ERR_DAMAGED;
		result = file_write(to, buffer, (size_t)got);
		len -= (uint64_t)got;
	}
	if (result == 0 && fsync(to) != 0)
		result = errcode_from_errno(errno);
	return result;
}
