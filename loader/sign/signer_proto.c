/* Whole messages over a stream. */
#include "loader/sign/signer_proto.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/socket.h>

bool
signer_read(int fd, void *octets, size_t len)
{
	uint8_t *at = octets;

	while (len > 0) {
		ssize_t got = recv(fd, at, len, MSG_WAITALL);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

bool
signer_write(int fd, const void *octets, size_t len)
{
	const uint8_t *at = octets;

	while (len > 0) {
		ssize_t done = send(fd, at, len, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		at += done;
		len -= (size_t)done;
	}
	return true;
}
