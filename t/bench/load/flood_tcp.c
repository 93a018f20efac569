/* Queries over TCP. */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/bench/load/flood_random.h"
#include "t/bench/load/flood_source.h"
#include "t/bench/load/flood_tcp.h"

enum {
	OUT_ROOM = 16384,
	IN_ROOM = 2 + 65535,
	SLOTS = 1024, /* unanswered queries of a connection, at most */
	RETRY_NS = 20000000, /* pause before a connection is opened again */
	LEN_LEN = 2,
};

struct flood_connection {
	int fd; /* -1: closed */
	bool wants_write; /* connecting, or the system's buffer is full */
	uint32_t source;
	uint64_t open_from_ns; /* not before */
	uint64_t asked; /* on this connection */
	struct flood_pending pending;
	unsigned out_len, in_len;
	uint8_t out[OUT_ROOM], in[IN_ROOM];
};

static int
fail(const char *what)
{
	fprintf(stderr, "martlet-flood: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- connections ---- */

static void
wait_for(struct flood_load *load, struct flood_connection *at, bool wants_write)
{
	struct epoll_event event = { .events = EPOLLIN | (wants_write ? EPOLLOUT : 0u) };

	event.data.u64 = load->socket_count + (uint64_t)(at - load->connections);
	at->wants_write = wants_write;
	(void)epoll_ctl(load->epoll, EPOLL_CTL_MOD, at->fd, &event);
}

static void
hang_up(struct flood_load *load, struct flood_connection *at)
{
	flood_add(&load->figures.lost, flood_pending_expire(&at->pending, UINT64_MAX));
	close(at->fd);
	at->fd = -1;
	at->out_len = at->in_len = 0;
	at->open_from_ns = load->now_ns;
}

static void
break_off(struct flood_load *load, struct flood_connection *at)
{
	if (errno == ECONNREFUSED)
		flood_add(&load->figures.unreachable, 1);
	flood_add(&load->figures.tcp_closed, 1);
	hang_up(load, at);
	at->open_from_ns += RETRY_NS;
}

static int
bind_source(struct flood_load *load, struct flood_connection *at)
{
	struct sockaddr_storage address;
	socklen_t len = flood_source_address(load->options, at->source, &address);
	int on = 1;

	setsockopt(at->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	return bind(at->fd, (const struct sockaddr *)&address, len);
}

/* Begin to connect; what fails later shows as an event. */
static void
open_one(struct flood_load *load, struct flood_connection *at)
{
	const struct flood_options *options = load->options;
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };
	int on = 1;

	event.data.u64 = load->socket_count + (uint64_t)(at - load->connections);
	at->open_from_ns = load->now_ns + RETRY_NS;
	at->asked = 0;
	at->wants_write = true;
	at->fd = socket(options->target.ss_family,
			SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (at->fd < 0) {
		load->send_errno = errno;
		return;
	}
	setsockopt(at->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	flood_add(&load->figures.tcp_connects, 1);
	if ((options->source_count > 0 && bind_source(load, at) != 0) ||
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, at->fd, &event) != 0 ||
	    (connect(at->fd, (const struct sockaddr *)&options->target,
		     options->target_len) != 0 &&
	     errno != EINPROGRESS)) {
		load->send_errno = errno;
		break_off(load, at);
	}
}

int
flood_tcp_open(struct flood_load *load)
{
	load->connections = calloc(load->connection_count + 1, sizeof *load->connections);
	if (!load->connections)
		return fail("connections");
	load->now_ns = clock_now_ns();
	for (unsigned i = 0; i < load->connection_count; i++) {
		struct flood_connection *at = &load->connections[i];

		at->fd = -1;
		at->source = i * load->options->threads + load->index;
		if (load->options->source_count > 0)
			at->source %= (uint32_t)load->options->source_count;
		if (!flood_pending_init(&at->pending, SLOTS,
					flood_random_next(&load->random_state)))
			return fail("connections");
		open_one(load, at);
	}
	return 0;
}

void
flood_tcp_close(struct flood_load *load)
{
	for (unsigned i = 0; load->connections && i < load->connection_count; i++) {
		if (load->connections[i].fd >= 0)
			close(load->connections[i].fd);
		free(load->connections[i].pending.slots);
	}
	free(load->connections);
}

/* ---- queries ---- */

static void
flush(struct flood_load *load, struct flood_connection *at)
{
	ssize_t len;

	if (at->out_len == 0)
		return;
	len = send(at->fd, at->out, at->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (len < 0 && errno != EAGAIN && errno != ENOTCONN) {
		break_off(load, at);
		return;
	}
	if (len > 0) {
		at->out_len -= (unsigned)len;
		memmove(at->out, at->out + len, at->out_len);
	}
	if (at->out_len > 0 && !at->wants_write)
		wait_for(load, at, true);
}

static bool
has_room(const struct flood_load *load, const struct flood_connection *at)
{
	const struct flood_options *options = load->options;
	unsigned window = options->rate > 0 ? SLOTS : options->window;

	return at->fd >= 0 && at->pending.waiting < window &&
	       OUT_ROOM - at->out_len >= LEN_LEN + FLOOD_QUERY_ROOM &&
	       (options->tcp_queries == 0 || at->asked < options->tcp_queries);
}

/* The next connection that has room; NULL: none. */
static struct flood_connection *
find_room(struct flood_load *load)
{
	for (unsigned i = 0; i < load->connection_count; i++) {
		struct flood_connection *next = &load->connections[load->next_connection];

		load->next_connection =
			(load->next_connection + 1) % load->connection_count;
		if (has_room(load, next))
			return next;
	}
	return NULL;
}

static bool
put_query(struct flood_load *load, uint64_t number)
{
	struct flood_connection *at = find_room(load);
	uint8_t *out;
	unsigned len;

	if (!at)
		return false;
	out = at->out + at->out_len;
	len = flood_load_put(load, number, at->source, out + LEN_LEN);
	wire_put_u16(out, (uint16_t)len);
	wire_put_u16(out + LEN_LEN,
		     flood_load_note(load, &at->pending, number, at->source));
	at->out_len += LEN_LEN + len;
	at->asked++;
	flood_add(&load->figures.sent, 1);
	flood_add(&load->figures.tcp_sent, 1);
	return true;
}

bool
flood_tcp_ask(struct flood_load *load, uint64_t number)
{
	struct flood_backlog *backlog = &load->backlog;

	if (backlog->count == 0 && put_query(load, number))
		return true;
	if (load->options->rate <= 0 || backlog->count == FLOOD_BACKLOG)
		return false;
	backlog->numbers[(backlog->first + backlog->count++) % FLOOD_BACKLOG] = number;
	return true;
}

/* Send what had to wait for a connection; what has waited for too long is never sent. */
static void
work_off(struct flood_load *load)
{
	struct flood_backlog *backlog = &load->backlog;
	uint64_t patience_ns = (uint64_t)(load->options->timeout_s * 1e9);

	for (; backlog->count > 0; backlog->count--, backlog->first++) {
		uint64_t number = backlog->numbers[backlog->first % FLOOD_BACKLOG];

		if (put_query(load, number))
			continue;
		if (flood_load_due_ns(load, number) + patience_ns > load->now_ns)
			return;
		flood_add(&load->figures.send_errors, 1);
	}
}

/* ---- responses ---- */

static void
take_messages(struct flood_load *load, struct flood_connection *at)
{
	unsigned taken = 0;

	load->now_ns = clock_now_ns();
	while (at->in_len - taken >= LEN_LEN) {
		unsigned len = wire_get_u16(at->in + taken);

		if (at->in_len - taken < LEN_LEN + len)
			break;
		flood_load_take(load, &at->pending, at->in + taken + LEN_LEN, len, true);
		taken += LEN_LEN + len;
	}
	at->in_len -= taken;
	memmove(at->in, at->in + taken, at->in_len);
}

static void
receive(struct flood_load *load, struct flood_connection *at)
{
	ssize_t len =
		recv(at->fd, at->in + at->in_len, IN_ROOM - at->in_len, MSG_DONTWAIT);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len <= 0) {
		errno = len == 0 ? 0 : errno;
		break_off(load, at);
		return;
	}
	at->in_len += (unsigned)len;
	take_messages(load, at);
	if (load->options->tcp_queries > 0 && at->asked >= load->options->tcp_queries &&
	    at->pending.waiting == 0)
		hang_up(load, at);
}

void
flood_tcp_event(struct flood_load *load, unsigned which, unsigned events)
{
	struct flood_connection *at = &load->connections[which];

	if (at->fd >= 0 && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		receive(load, at);
	if (at->fd < 0 || !(events & EPOLLOUT))
		return;
	flush(load, at);
	if (at->fd >= 0 && at->out_len == 0)
		wait_for(load, at, false);
}

unsigned
flood_tcp_tend(struct flood_load *load)
{
	unsigned waiting;

	work_off(load);
	waiting = load->backlog.count;
	for (unsigned i = 0; i < load->connection_count; i++) {
		struct flood_connection *at = &load->connections[i];
		bool is_used_up = load->options->tcp_queries > 0 &&
				  at->asked >= load->options->tcp_queries;
		unsigned lost = flood_pending_expire(&at->pending, load->now_ns);

		flood_add(&load->figures.lost, lost);
		if (at->fd >= 0 && is_used_up && at->pending.waiting == 0)
			hang_up(load, at);
		if (at->fd >= 0 && !at->wants_write)
			flush(load, at);
		if (at->fd < 0 && load->now_ns >= at->open_from_ns &&
		    (!load->is_ending || load->backlog.count > 0))
			open_one(load, at);
		waiting += at->pending.waiting;
	}
	return waiting;
}
