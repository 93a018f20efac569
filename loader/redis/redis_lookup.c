/* A child for each question to the resolver. */
#include "loader/redis/redis_lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/errcode.h"
#include "shm/title.h"

/* written and read as one */
_Static_assert(sizeof(struct redis_addresses) <= PIPE_BUF, "an answer fits a pipe");

static void
look_up(const char *host, const char *port, int flags, struct redis_addresses *out)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
					.ai_flags = AI_NUMERICSERV | flags };
	struct addrinfo *found = NULL;

	memset(out, 0, sizeof *out);
	out->failure = getaddrinfo(host, port, &hints, &found);
	if (out->failure)
		return;
	for (const struct addrinfo *at = found; at && out->count < REDIS_LOOKUP_MAX;
	     at = at->ai_next) {
		struct redis_address *item = &out->items[out->count];

		if (at->ai_addrlen > sizeof item->at)
			continue;
		memcpy(&item->at, at->ai_addr, at->ai_addrlen);
		item->len = at->ai_addrlen;
		out->count++;
	}
	freeaddrinfo(found);
}

/* Nothing that sync holds open may outlive it here: peers wait for hang-ups. */
static void
keep_only(int fd)
{
	(void)close_range(STDERR_FILENO + 1, (unsigned)fd - 1, 0);
	(void)close_range((unsigned)fd + 1, ~0u, 0);
}

static _Noreturn void
run_child(const char *host, const char *port, int fd, pid_t parent)
{
	struct redis_addresses found;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	title_set("lookup");
	keep_only(fd);
	look_up(host, port, 0, &found);
	_exit(write(fd, &found, sizeof found) == (ssize_t)sizeof found ? 0 : 1);
}

int
redis_lookup_begin(struct redis_lookup *self, const char *host, const char *port,
		   struct redis_addresses *out)
{
	pid_t parent = getpid();
	int fds[2];

	*self = (struct redis_lookup){ .child = 0 };
	look_up(host, port, AI_NUMERICHOST, out);
	if (out->failure != EAI_NONAME)
		return ERR_OK;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0)
		return ERR_NOMEM;
	self->child = fork();
	if (self->child == 0)
		run_child(host, port, fds[1], parent);
	close(fds[1]);
	self->fd = fds[0];
	if (self->child > 0)
		return ERR_BUSY;
	close(self->fd);
	self->child = 0;
	return ERR_NOMEM;
}

int
redis_lookup_step(struct redis_lookup *self, struct redis_addresses *out)
{
	ssize_t len = read(self->fd, out, sizeof *out);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return ERR_BUSY;
	redis_lookup_end(self);
	return len == (ssize_t)sizeof *out ? ERR_OK : ERR_CLOSED;
}

void
redis_lookup_end(struct redis_lookup *self)
{
	if (self->child <= 0)
		return;
	close(self->fd);
	kill(self->child, SIGKILL);
	while (waitpid(self->child, NULL, 0) < 0 && errno == EINTR)
		;
	self->child = 0;
}
