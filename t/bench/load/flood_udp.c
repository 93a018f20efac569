/* Queries over UDP, many at a time. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "shm/clock.h"
#include "t/bench/load/flood_random.h"
#include "t/bench/load/flood_source.h"
#include "t/bench/load/flood_tcp.h"
#include "t/bench/load/flood_udp.h"

enum { BUFFER_OCTETS = 4 << 20, SEND_TRIES = 20 };

struct flood_messages {
	struct mmsghdr out[FLOOD_BATCH], in[FLOOD_BATCH];
	struct iovec out_parts[FLOOD_BATCH], in_parts[FLOOD_BATCH];
	uint64_t numbers[FLOOD_BATCH];
	uint32_t sources[FLOOD_BATCH];
	uint8_t queries[FLOOD_BATCH][FLOOD_QUERY_ROOM];
	uint8_t responses[FLOOD_BATCH][FLOOD_RESPONSE_ROOM];
	_Alignas(struct cmsghdr) uint8_t controls[FLOOD_BATCH][FLOOD_CONTROL_ROOM];
};

static int
fail(const char *what)
{
	fprintf(stderr, "martlet-flood: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- sockets ---- */

static int
open_messages(struct flood_load *load)
{
	struct flood_messages *m = calloc(1, sizeof *m);

	if (!m)
		return fail("messages");
	for (unsigned i = 0; i < FLOOD_BATCH; i++) {
		m->out_parts[i].iov_base = m->queries[i];
		m->in_parts[i] = (struct iovec){ m->responses[i], FLOOD_RESPONSE_ROOM };
		m->out[i].msg_hdr.msg_iov = &m->out_parts[i];
		m->in[i].msg_hdr.msg_iov = &m->in_parts[i];
		m->out[i].msg_hdr.msg_iovlen = m->in[i].msg_hdr.msg_iovlen = 1;
	}
	load->messages = m;
	return 0;
}

/* With sources of our own, each message names its source and the server. */
static int
connect_socket(const struct flood_load *load, int fd)
{
	const struct flood_options *options = load->options;
	struct sockaddr_storage any = { .ss_family = options->target.ss_family };

	if (options->source_count > 0)
		return bind(fd, (const struct sockaddr *)&any, options->target_len);
	return connect(fd, (const struct sockaddr *)&options->target,
		       options->target_len);
}

static int
open_socket(struct flood_load *load, unsigned which)
{
	struct flood_socket *at = &load->sockets[which];
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = which };
	int size = BUFFER_OCTETS;

	at->source = which;
	at->fd = socket(load->options->target.ss_family,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (at->fd < 0)
		return fail("a socket cannot be opened (ulimit -n?)");
	if (connect_socket(load, at->fd) != 0)
		return fail(load->options->server);
	/* the system's limit holds; more than that helps only root */
	setsockopt(at->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	setsockopt(at->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, at->fd, &event) != 0)
		return fail("epoll");
	if (!flood_pending_init(&at->pending, flood_options_slots(load->options),
				flood_random_next(&load->random_state)))
		return fail("queries on their way");
	return 0;
}

int
flood_udp_open(struct flood_load *load)
{
	int rc = open_messages(load);

	load->sockets = calloc(load->socket_count, sizeof *load->sockets);
	if (!load->sockets)
		return fail("sockets");
	for (unsigned i = 0; i < load->socket_count; i++)
		load->sockets[i].fd = -1;
	for (unsigned i = 0; rc == 0 && i < load->socket_count; i++)
		rc = open_socket(load, i);
	return rc;
}

void
flood_udp_close(struct flood_load *load)
{
	for (unsigned i = 0; load->sockets && i < load->socket_count; i++) {
		if (load->sockets[i].fd >= 0)
			close(load->sockets[i].fd);
		free(load->sockets[i].pending.slots);
	}
	free(load->sockets);
	free(load->messages);
}

/* ---- queries ---- */

static void
put_query(struct flood_load *load, struct flood_socket *at, unsigned slot,
	  uint64_t number)
{
	const struct flood_options *options = load->options;
	struct flood_messages *m = load->messages;
	struct msghdr *header = &m->out[slot].msg_hdr;
	uint32_t source = at->source;

	if (options->source_count > 0) {
		source = (uint32_t)(number % options->source_count);
		header->msg_name = (void *)(uintptr_t)&options->target;
		header->msg_namelen = options->target_len;
		header->msg_control = m->controls[slot];
		header->msg_controllen =
			flood_source_control(options, source, header->msg_control);
	}
	m->numbers[slot] = number;
	m->sources[slot] = source;
	m->out_parts[slot].iov_len =
		flood_load_put(load, number, source, m->queries[slot]);
}

/* Fill a batch with the queries that come next and are due.  One over TCP among them is
 * handed on; when it finds no room there it is an error at a constant rate, and in a closed
 * loop waits, and all behind it.  returns how many are ours. */
static unsigned
fill(struct flood_load *load, struct flood_socket *at, unsigned count)
{
	bool has_rate = load->options->rate > 0;
	uint64_t last = load->done + 2 * FLOOD_BATCH;
	unsigned filled = 0;

	for (; filled < count && load->done < last; load->done++) {
		uint64_t number = flood_load_number(load);

		if (!flood_load_is_asked(load, number) ||
		    flood_load_due_ns(load, number) > load->now_ns)
			break;
		if (!flood_load_is_tcp(load, number))
			put_query(load, at, filled++, number);
		else if (flood_tcp_ask(load, number))
			continue;
		else if (has_rate)
			flood_add(&load->figures.send_errors, 1);
		else
			break;
	}
	return filled;
}

/* A send has failed before `slot`.  returns whether to try that one again. */
static bool
try_again(struct flood_load *load, struct flood_socket *at, unsigned slot,
	  unsigned *tries)
{
	struct pollfd full = { .fd = at->fd, .events = POLLOUT };

	/* what is told of an earlier query; it is lost in its time */
	if (errno == ECONNREFUSED)
		flood_add(&load->figures.unreachable, 1);
	if (errno == EAGAIN || errno == ENOBUFS)
		(void)poll(&full, 1, 1);
	if ((errno == ECONNREFUSED || errno == EAGAIN || errno == ENOBUFS) &&
	    ++*tries < SEND_TRIES)
		return true;
	__atomic_store_n(&load->send_errno, errno, __ATOMIC_RELAXED);
	flood_add(&load->figures.send_errors, 1);
	flood_pending_cancel(&at->pending, wire_get_u16(load->messages->queries[slot]));
	return false;
}

static void
send_all(struct flood_load *load, struct flood_socket *at, unsigned count)
{
	unsigned tries = 0;

	for (unsigned slot = 0; slot < count;) {
		int done = sendmmsg(at->fd, load->messages->out + slot, count - slot, 0);

		if (done > 0) {
			flood_add(&load->figures.sent, (unsigned)done);
			slot += (unsigned)done;
		} else if (!try_again(load, at, slot, &tries)) {
			slot++;
		}
	}
}

unsigned
flood_udp_ask(struct flood_load *load, struct flood_socket *at, unsigned count)
{
	struct flood_messages *m = load->messages;
	uint64_t before = load->done;
	unsigned filled;

	load->now_ns = clock_now_ns();
	filled = fill(load, at, count < FLOOD_BATCH ? count : FLOOD_BATCH);
	for (unsigned i = 0; i < filled; i++)
		wire_put_u16(m->queries[i],
			     flood_load_note(load, &at->pending, m->numbers[i],
					     m->sources[i]));
	send_all(load, at, filled);
	return (unsigned)(load->done - before);
}

/* ---- responses ---- */

bool
flood_udp_receive(struct flood_load *load, struct flood_socket *at)
{
	struct flood_messages *m = load->messages;
	int count = recvmmsg(at->fd, m->in, FLOOD_BATCH, MSG_DONTWAIT, NULL);

	if (count < 0 && errno != EAGAIN && errno != EINTR)
		flood_add(&load->figures.unreachable, 1);
	load->now_ns = clock_now_ns();
	for (int i = 0; i < count; i++)
		flood_load_take(load, &at->pending, m->responses[i], m->in[i].msg_len,
				false);
	return count == FLOOD_BATCH;
}
