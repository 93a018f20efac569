/* Opens the port for HTTP. */
#include "master/http_listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/errcode.h"

enum { BACKLOG = 64 };

/* returns a descriptor, or -1 and errno */
static int
open_socket(const struct listen_address *address)
{
	const int on = 1;
	int fd = socket(address->address.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    (address->address.ss_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
	    bind(fd, (const struct sockaddr *)&address->address, address->address_len) ==
		    0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void
explain(const struct settings *settings, int error, char *why, size_t room)
{
	const char *where = settings->http.listen.text;

	switch (error) {
	case EADDRINUSE:
		snprintf(why, room,
			 "http.address: %s is in use: end the other server (`ss -ltnp "
			 "'sport = :%u'` names it) or set another http.port",
			 where, settings->http.port);
		break;
	case EACCES:
	case EPERM:
		snprintf(why, room,
			 "http.address: no right to listen on %s: set an http.port over "
			 "1023, or restart the server as root",
			 where);
		break;
	case EADDRNOTAVAIL:
		snprintf(why, room, "http.address: no interface has the address of %s",
			 where);
		break;
	case EAFNOSUPPORT:
		snprintf(why, room, "http.address: this machine has no IPv6 for %s",
			 where);
		break;
	default:
		snprintf(why, room, "http.address: cannot listen on %s: %s", where,
			 strerror(error));
	}
}

static bool
is_same(const struct settings *before, const struct settings *settings)
{
	const struct listen_address *one = &before->http.listen;
	const struct listen_address *other = &settings->http.listen;

	return one->address_len == other->address_len &&
	       memcmp(&one->address, &other->address, one->address_len) == 0;
}

static void
replace(int *fd, int by)
{
	/* the reporter has it too, for another moment */
	if (*fd >= 0) {
		shutdown(*fd, SHUT_RDWR);
		close(*fd);
	}
	*fd = by;
}

int
http_listen_open(const struct settings *before, const struct settings *settings, int *fd,
		 char *why, size_t room)
{
	int fresh, error;

	if (before && is_same(before, settings))
		return 0;
	if (settings->http.listen.address_len == 0) {
		replace(fd, -1);
		return 0;
	}
	fresh = open_socket(&settings->http.listen);
	/* it may be we who are in the way: all addresses, and one of them */
	if (fresh < 0 && errno == EADDRINUSE && *fd >= 0) {
		shutdown(*fd, SHUT_RDWR);
		fresh = open_socket(&settings->http.listen);
		error = errno;
		if (fresh < 0)
			listen(*fd, BACKLOG);
		errno = error;
	}
	if (fresh < 0) {
		error = errno;
		explain(settings, error, why, room);
		return errcode_from_errno(error);
	}
	replace(fd, fresh);
	return 0;
}
