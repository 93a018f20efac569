/* Is somebody listening?  A connection that is made is closed at once, with a reset: nobody
 * has to wait for its last packets, neither they nor we. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/health/probe.h"
#include "loader/health/probe_address.h"
#include "shm/errcode.h"

struct tcp_probe {
	struct probe_bed *bed;
	struct probe *probe;
	struct event_watch *watch;
	struct event_timer *timer;
	int fd, error; /* of the dial */
};

static void
give_up(struct tcp_probe *tcp)
{
	const struct linger reset = { .l_onoff = 1 };

	event_watch_free(tcp->watch);
	event_timer_free(tcp->timer);
	if (tcp->fd >= 0) {
		setsockopt(tcp->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(tcp->fd);
	}
	tcp->probe->way = NULL;
	free(tcp);
}

static void
end(struct tcp_probe *tcp, enum probe_outcome outcome, const char *why)
{
	struct probe_bed *bed = tcp->bed;
	struct probe *probe = tcp->probe;

	give_up(tcp);
	bed->end(probe, outcome, why);
}

static void
on_late(void *context)
{
	struct tcp_probe *tcp = context;

	end(tcp, PROBE_DOWN, tcp->error ? strerror(tcp->error) : "no connection in time");
}

static void
on_ready(void *context, unsigned events)
{
	struct tcp_probe *tcp = context;
	int error = 0;
	socklen_t len = sizeof error;

	(void)events;
	if (getsockopt(tcp->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
		error = errno;
	end(tcp, error ? PROBE_DOWN : PROBE_UP, error ? strerror(error) : "");
}

/* Some errors say nothing of the target: we have no room, or may not. */
static bool
is_ours(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM ||
	       error == ENOBUFS || error == EACCES || error == EPERM ||
	       error == EADDRNOTAVAIL || error == EAFNOSUPPORT || error == ENETUNREACH;
}

/* returns 0 when it is under way; an error that is the target's is told by the socket. */
static int
dial(struct tcp_probe *tcp)
{
	struct sockaddr_storage address;
	socklen_t len = probe_address(tcp->probe->target->address,
				      tcp->probe->target->check.port, &address);

	tcp->fd =
		socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (tcp->fd < 0)
		return errno;
	if (connect(tcp->fd, (const struct sockaddr *)&address, len) == 0 ||
	    errno == EINPROGRESS)
		return 0;
	return errno;
}

int
tcp_probe_start(struct probe_bed *bed, struct probe *probe, const char **why)
{
	struct tcp_probe *tcp = calloc(1, sizeof *tcp);

	*why = "not enough memory";
	if (!tcp)
		return ERR_NOMEM;
	*tcp = (struct tcp_probe){ .bed = bed, .probe = probe, .fd = -1 };
	probe->way = tcp;
	tcp->error = dial(tcp);
	if (is_ours(tcp->error)) {
		int error = tcp->error;

		*why = strerror(error);
		give_up(tcp);
		return errcode_from_errno(error);
	}
	tcp->timer = event_timer_new(bed->loop, on_late, tcp);
	if (!tcp->error)
		tcp->watch =
			event_watch_new(bed->loop, tcp->fd, EVENT_WRITE, on_ready, tcp);
	if (!tcp->timer || (!tcp->error && !tcp->watch)) {
		give_up(tcp);
		return ERR_NOMEM;
	}
	/* refused at once, or no route: the target's, told in the next turn */
	event_timer_set(tcp->timer, tcp->error ? 0 : probe->target->check.timeout_ms);
	return ERR_OK;
}

void
tcp_probe_cancel(struct probe *probe)
{
	if (probe->way)
		give_up(probe->way);
}
