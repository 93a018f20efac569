/* The set of connections, their order of progress, and the listening sockets. */
#include "worker/tcp.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	TCP_EVENTS = 32, /* connections served in one turn */
	TCP_ACCEPTS = 16, /* accepted from one socket in one turn */
	TCP_PAUSE_MS = 100, /* out of descriptors and nothing to close */
	TCP_WARN_MS = 60000,
	TCP_DRAIN_POLL_MS = 50,
	/* what the kernel keeps for a peer that does not read: by itself it would grow to
	 * megabytes */
	TCP_SNDBUF_LEN = 128 * 1024,
};

/* epoll data: a pointer to a stream (even), or a listening socket's fd. */
static uint64_t
tcp_listener_tag(int fd)
{
	return (uint64_t)fd << 1 | 1;
}

/* ---- order of progress ---- */

static void
tcp_unlink(struct tcp_server *server, struct tcp_stream *stream)
{
	*(stream->older ? &stream->older->newer : &server->oldest) = stream->newer;
	*(stream->newer ? &stream->newer->older : &server->newest) = stream->older;
}

static void
tcp_link_newest(struct tcp_server *server, struct tcp_stream *stream, uint64_t now_ms)
{
	stream->progress_ms = now_ms;
	stream->has_progressed = false;
	stream->newer = NULL;
	stream->older = server->newest;
	*(server->newest ? &server->newest->newer : &server->oldest) = stream;
	server->newest = stream;
}

/* ---- opening and closing connections ---- */

/* Connections and spare ones together stay within the limit. */
static void
tcp_shrink_pool(struct tcp_server *server)
{
	uint32_t clients = server->limits.clients;

	tcp_pool_shrink(&server->pool,
			clients > server->open_count ? clients - server->open_count : 0);
}

static void
tcp_count_open(struct tcp_server *server, int change, struct client_cells client)
{
	server->open_count += (uint32_t)change;
	client_count_add(&server->slot->clients, client, change);
	stats_set(server->stats, STAT_tcp_open, server->open_count);
}

static void
tcp_close(struct tcp_server *server, struct tcp_stream *stream)
{
	struct linger abort = { .l_onoff = 1, .l_linger = 0 };

	/* who does not read would keep the kernel trying for minutes */
	if (stream->out_len)
		setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
	close(stream->fd);
	tcp_unlink(server, stream);
	tcp_count_open(server, -1, stream->client);
	tcp_pool_put(&server->pool, stream);
	tcp_shrink_pool(server);
}

/* One that is ending was counted when it began to. */
static void
tcp_close_oldest(struct tcp_server *server, enum stat_id why)
{
	if (!server->oldest->is_ending)
		stats_add(server->stats, why, 1);
	tcp_close(server, server->oldest);
}

static uint32_t
tcp_share(const struct tcp_server *server)
{
	uint32_t workers = server->region->worker_count;

	return server->limits.clients / workers + (server->limits.clients % workers != 0);
}

/* Connections of all workers. */
static uint64_t
tcp_total(const struct tcp_server *server)
{
	const struct region *region = server->region;
	uint64_t total = 0;

	for (unsigned i = 0; i < region->worker_count; i++)
		total +=
			atomic_load_explicit(&region->slots[i].stats.value[STAT_tcp_open],
					     memory_order_relaxed);
	return total;
}

/* Close old ones until `wanted` more fit. */
static void
tcp_make_room(struct tcp_server *server, uint32_t wanted)
{
	uint32_t share = tcp_share(server);

	while (server->oldest && server->open_count + wanted > share &&
	       tcp_total(server) + wanted > server->limits.clients)
		tcp_close_oldest(server, STAT_tcp_closed_full);
}

static void
tcp_start_stream(struct tcp_server *server, int fd, const struct sockaddr_storage *peer,
		 struct client_cells client, uint64_t now_ms)
{
	struct tcp_stream *stream = tcp_pool_take(&server->pool);
	uint32_t flags = peer->ss_family == AF_INET6 ? QUERY_TCP | QUERY_IPV6 : QUERY_TCP;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };

	if (!stream || epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		if (stream)
			tcp_pool_put(&server->pool, stream);
		stats_add(server->stats, STAT_tcp_closed_full, 1);
		close(fd);
		return;
	}
	tcp_stream_init(stream, fd, flags);
	stream->client = client;
	memcpy(&stream->peer, peer, sizeof stream->peer);
	stream->armed = EPOLLIN;
	tcp_link_newest(server, stream, now_ms);
	tcp_count_open(server, 1, client);
	stats_add(server->stats, STAT_tcp_accepted, 1);
}

/* ---- accepting ---- */

static void
tcp_arm_listeners(const struct tcp_server *server, uint32_t events)
{
	for (unsigned i = 0; i < server->listener_count; i++) {
		int fd = server->listeners[i];
		struct epoll_event event = { .events = events,
					     .data.u64 = tcp_listener_tag(fd) };

		epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, fd, &event);
	}
}

/* No descriptor or memory for one more: make room, or leave the listening sockets alone
 * for a while, since they would stay readable. */
static void
tcp_note_shortage(struct tcp_server *server, uint64_t now_ms)
{
	if (now_ms - server->warned_ms >= TCP_WARN_MS || !server->warned_ms) {
		log_warn("no room for a TCP connection beside %u open ones; raise the "
			 "limit of open files (LimitNOFILE)",
			 server->open_count);
		server->warned_ms = now_ms;
	}
	if (server->oldest) {
		tcp_close_oldest(server, STAT_tcp_closed_full);
		return;
	}
	tcp_arm_listeners(server, 0);
	server->resume_ms = now_ms + TCP_PAUSE_MS;
}

static void
tcp_admit(struct tcp_server *server, int fd, const struct sockaddr_storage *peer,
	  uint64_t now_ms)
{
	struct client_cells client = client_cells_of(&server->region->client_seed, peer);

	if (region_client_count(server->region, client) >= server->limits.per_client) {
		stats_add(server->stats, STAT_tcp_refused_client, 1);
		close(fd);
		return;
	}
	tcp_make_room(server, 1);
	tcp_start_stream(server, fd, peer, client, now_ms);
}

static void
tcp_accept(struct tcp_server *server, int listener, uint64_t now_ms)
{
	struct sockaddr_storage peer = { 0 };

	for (unsigned i = 0; i < TCP_ACCEPTS; i++) {
		socklen_t len = sizeof peer;
		int fd = accept4(listener, (struct sockaddr *)&peer, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			tcp_admit(server, fd, &peer, now_ms);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			   errno == ENOMEM) {
			/* said also when nobody waits, as somebody does at first only */
			if (i == 0)
				tcp_note_shortage(server, now_ms);
			return;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			return;
		}
		/* else that connection has failed before we saw it */
	}
}

/* ---- turns ---- */

static void
tcp_serve_stream(struct tcp_server *server, struct tcp_stream *stream, uint64_t now_ms)
{
	struct epoll_event event = { .data.ptr = stream };

	event.events =
		tcp_stream_turn(stream, &server->workspace, server->limits.queries);
	if (event.events == 0) {
		tcp_close(server, stream);
		return;
	}
	if (event.events != stream->armed) {
		epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, stream->fd, &event);
		stream->armed = event.events;
	}
	if (stream->has_progressed) {
		tcp_unlink(server, stream);
		tcp_link_newest(server, stream, now_ms);
	}
}

/* Connections first: accepting may close one that is among the events. */
void
tcp_serve(struct tcp_server *server, uint64_t now_ms)
{
	struct epoll_event events[TCP_EVENTS];
	int count = epoll_wait(server->epoll_fd, events, TCP_EVENTS, 0);

	for (int i = 0; i < count; i++)
		if ((events[i].data.u64 & 1) == 0)
			tcp_serve_stream(server, events[i].data.ptr, now_ms);
	for (int i = 0; i < count; i++)
		if ((events[i].data.u64 & 1) != 0 && !server->is_draining &&
		    !server->resume_ms)
			tcp_accept(server, (int)(events[i].data.u64 >> 1), now_ms);
}

/* While draining: what has nothing under way need not wait for its idle time. */
static void
tcp_sweep_draining(struct tcp_server *server, uint64_t now_ms)
{
	struct tcp_stream *stream = server->oldest, *next;

	for (; stream; stream = next) {
		bool is_quiet = stream->is_shut || tcp_stream_is_quiet(stream);

		next = stream->newer;
		if (now_ms >= server->drain_end_ms ||
		    (is_quiet && now_ms - stream->progress_ms >= TCP_DRAIN_QUIET_MS))
			tcp_close(server, stream);
	}
}

void
tcp_sweep(struct tcp_server *server, uint64_t now_ms)
{
	while (server->oldest &&
	       now_ms - server->oldest->progress_ms >= server->limits.idle_ms)
		tcp_close_oldest(server, STAT_tcp_closed_idle);
	/* other workers have accepted while this one has more than its share */
	if (server->open_count > tcp_share(server))
		tcp_make_room(server, 0);
	if (server->resume_ms && now_ms >= server->resume_ms) {
		server->resume_ms = 0;
		tcp_arm_listeners(server, EPOLLIN);
	}
	if (server->is_draining)
		tcp_sweep_draining(server, now_ms);
}

int
tcp_timeout_ms(const struct tcp_server *server, uint64_t now_ms, int most)
{
	uint64_t due_ms = now_ms + (uint64_t)most;

	if (server->oldest &&
	    server->oldest->progress_ms + server->limits.idle_ms < due_ms)
		due_ms = server->oldest->progress_ms + server->limits.idle_ms;
	if (server->resume_ms && server->resume_ms < due_ms)
		due_ms = server->resume_ms;
	if (server->is_draining && now_ms + TCP_DRAIN_POLL_MS < due_ms)
		due_ms = now_ms + TCP_DRAIN_POLL_MS;
	return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

void
tcp_drain(struct tcp_server *server, uint64_t now_ms)
{
	while (server->listener_count)
		tcp_remove_listener(server, server->listeners[0]);
	server->is_draining = true;
	server->drain_end_ms = now_ms + TCP_DRAIN_MS;
}

/* ---- setting up ---- */

int
tcp_add_listener(struct tcp_server *server, int fd)
{
	struct epoll_event event = { .events = EPOLLIN,
				     .data.u64 = tcp_listener_tag(fd) };
	int on = 1, len = TCP_SNDBUF_LEN;

	if (server->listener_count ==
	    sizeof server->listeners / sizeof *server->listeners)
		return ERR_FULL;
	/* every accepted socket inherits these */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
	if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return errcode_from_errno(errno);
	server->listeners[server->listener_count++] = fd;
	return ERR_OK;
}

void
tcp_remove_listener(struct tcp_server *server, int fd)
{
	for (unsigned i = 0; i < server->listener_count; i++)
		if (server->listeners[i] == fd) {
			epoll_ctl(server->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
			server->listeners[i] =
				server->listeners[--server->listener_count];
			return;
		}
}

void
tcp_set_limits(struct tcp_server *server, const struct tcp_limits *limits)
{
	server->limits = *limits;
	tcp_shrink_pool(server);
}

int
tcp_init(struct tcp_server *server, const struct serving *serving, struct region *region,
	 unsigned id)
{
	memset(server, 0, offsetof(struct tcp_server, workspace));
	server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->epoll_fd < 0)
		return errcode_from_errno(errno);
	server->region = region;
	server->slot = &region->slots[id];
	server->stats = serving->stats;
	client_count_clear(&server->slot->clients);
	tcp_workspace_init(&server->workspace, serving);
	return ERR_OK;
}

void
tcp_fini(struct tcp_server *server)
{
	while (server->oldest)
		tcp_close(server, server->oldest);
	tcp_pool_shrink(&server->pool, 0);
	close(server->epoll_fd);
}
