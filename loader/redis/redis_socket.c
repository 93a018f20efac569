/* Sockets on their way to a Redis server. */
#include "loader/redis/redis_socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/errcode.h"

enum { HOST_MAX = 256, KEEPALIVE_S = 15 };

static void
close_fd(struct redis_socket *self)
{
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
}

static int
fail(struct redis_socket *self, const char *what, const char *text,
     char why[REDIS_SOCKET_WHY_MAX])
{
	redis_socket_close(self);
	snprintf(why, REDIS_SOCKET_WHY_MAX, "%s%.120s", what, text);
	return ERR_IO;
}

/* A peer that vanished without a word is noticed although we only listen. */
static void
set_options(int fd)
{
	int on = 1, idle = KEEPALIVE_S;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof idle);
}

/* returns 0 when connected, ERR_BUSY when under way, ERR_IO with errno. */
static int
connect_to(struct redis_socket *self, int family, const struct sockaddr *address,
	   socklen_t len)
{
	self->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (self->fd < 0)
		return ERR_IO;
	if (family != AF_UNIX)
		set_options(self->fd);
	if (connect(self->fd, address, len) == 0)
		return ERR_OK;
	return errno == EINPROGRESS ? ERR_BUSY : ERR_IO;
}

/* The next address of the host that can be tried. */
static int
connect_next(struct redis_socket *self, char why[REDIS_SOCKET_WHY_MAX])
{
	int code = ERR_IO;

	while (code == ERR_IO && self->next < self->found.count) {
		const struct redis_address *to = &self->found.items[self->next++];

		close_fd(self);
		code = connect_to(self, to->at.ss_family,
				  (const struct sockaddr *)(const void *)&to->at,
				  to->len);
	}
	return code == ERR_IO ? fail(self, "cannot connect: ", strerror(errno), why)
			      : code;
}

/* Go on with what the lookup has brought. */
static int
take_found(struct redis_socket *self, int code, char why[REDIS_SOCKET_WHY_MAX])
{
	self->next = 0;
	if (code == ERR_BUSY)
		return code;
	if (code == ERR_OK && self->found.failure)
		return fail(self, "the host cannot be looked up: ",
			    gai_strerror(self->found.failure), why);
	if (code != ERR_OK)
		return fail(self, "the host cannot be looked up: ",
			    "the process that was to do it has died, or there is none",
			    why);
	return connect_next(self, why);
}

static int
dial_host(struct redis_socket *self, const char *address, char why[REDIS_SOCKET_WHY_MAX])
{
	const char *port = strrchr(address, ':');
	size_t len = port ? (size_t)(port - address) : 0;
	char host[HOST_MAX];

	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof host)
		return fail(self, "", "the address is no host:port", why);
	memcpy(host, address, len);
	host[len] = '\0';
	return take_found(self,
			  redis_lookup_begin(&self->lookup, host, port + 1, &self->found),
			  why);
}

int
redis_socket_dial(struct redis_socket *self, const char *address,
		  char why[REDIS_SOCKET_WHY_MAX])
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	int code;

	if (!strchr(address, '/'))
		return dial_host(self, address, why);
	if (strlen(address) >= sizeof local.sun_path)
		return fail(self, "", "the path of the socket is too long", why);
	memcpy(local.sun_path, address, strlen(address) + 1);
	code = connect_to(self, AF_UNIX, (const struct sockaddr *)(const void *)&local,
			  sizeof local);
	return code == ERR_IO ? fail(self, "cannot connect: ", strerror(errno), why)
			      : code;
}

int
redis_socket_poll_fd(const struct redis_socket *self)
{
	return self->lookup.child ? self->lookup.fd : self->fd;
}

short
redis_socket_events(const struct redis_socket *self)
{
	return self->lookup.child ? POLLIN : POLLOUT;
}

int
redis_socket_step(struct redis_socket *self, char why[REDIS_SOCKET_WHY_MAX])
{
	struct pollfd wait = { .fd = self->fd, .events = POLLOUT };
	int failure = 0;
	socklen_t len = sizeof failure;

	if (self->lookup.child)
		return take_found(self, redis_lookup_step(&self->lookup, &self->found),
				  why);
	if (poll(&wait, 1, 0) <= 0)
		return ERR_BUSY;
	if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
		failure = errno;
	if (failure == 0)
		return ERR_OK;
	errno = failure;
	return self->next < self->found.count
		       ? connect_next(self, why)
		       : fail(self, "cannot connect: ", strerror(failure), why);
}

void
redis_socket_close(struct redis_socket *self)
{
	close_fd(self);
	redis_lookup_end(&self->lookup);
	self->found.count = self->next = 0;
}
