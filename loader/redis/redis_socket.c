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

	while (code == ERR_IO && self->next) {
		const struct addrinfo *at = self->next;

		self->next = at->ai_next;
		close_fd(self);
		code = connect_to(self, at->ai_family, at->ai_addr, at->ai_addrlen);
	}
	return code == ERR_IO ? fail(self, "cannot connect: ", strerror(errno), why)
			      : code;
}

static int
dial_host(struct redis_socket *self, const char *address, char why[REDIS_SOCKET_WHY_MAX])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV };
	const char *port = strrchr(address, ':');
	size_t len = port ? (size_t)(port - address) : 0;
	char host[HOST_MAX];
	int failure;

	if (len > 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof host)
		return fail(self, "", "the address is no host:port", why);
	memcpy(host, address, len);
	host[len] = '\0';
	failure = getaddrinfo(host, port + 1, &hints, &self->found);
	if (failure) {
		self->found = NULL;
		return fail(self, "the host cannot be looked up: ", gai_strerror(failure),
			    why);
	}
	self->next = self->found;
	return connect_next(self, why);
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
redis_socket_step(struct redis_socket *self, char why[REDIS_SOCKET_WHY_MAX])
{
	struct pollfd wait = { .fd = self->fd, .events = POLLOUT };
	int failure = 0;
	socklen_t len = sizeof failure;

	if (poll(&wait, 1, 0) <= 0)
		return ERR_BUSY;
	if (getsockopt(self->fd, SOL_SOCKET, SO_ERROR, &failure, &len) != 0)
		failure = errno;
	if (failure == 0)
		return ERR_OK;
	errno = failure;
	return self->next ? connect_next(self, why)
			  : fail(self, "cannot connect: ", strerror(failure), why);
}

void
redis_socket_close(struct redis_socket *self)
{
	close_fd(self);
	if (self->found)
		freeaddrinfo(self->found);
	self->found = self->next = NULL;
}
