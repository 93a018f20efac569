/* Receiving, answering and sending one batch of datagrams. */
#include "worker/udp.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "worker/isolation.h"
#include "worker/probes.h"

enum {
	UDP_SNDBUF_LEN = 4 << 20, /* cut by the kernel to net.core.wmem_max */
	UDP_SEND_WAITS = 2, /* a full send buffer: how often per batch to wait, */
	UDP_SEND_WAIT_MS = 1, /* and how long, before the rest is dropped */
};

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= UDP_CONTROL_LEN, "control room");
_Static_assert(offsetof(struct sockaddr_in, sin_port) ==
		       offsetof(struct sockaddr_in6, sin6_port),
	       "the port of a peer is read without looking at its family");

static bool
udp_kind_is_any(enum udp_kind kind)
{
	return kind == UDP_IPV4_ANY || kind == UDP_IPV6_ANY;
}

static bool
udp_kind_is_ipv6(enum udp_kind kind)
{
	return kind == UDP_IPV6 || kind == UDP_IPV6_ANY;
}

/* Length of the control data of a datagram: exactly one message, since the kernel
 * writes it for receiving and reads it for sending. */
static size_t
udp_control_len(enum udp_kind kind)
{
	switch (kind) {
	case UDP_IPV4:
	case UDP_IPV6:
		return 0;
	case UDP_IPV4_ANY:
		return CMSG_SPACE(sizeof(struct in_pktinfo));
	case UDP_IPV6_ANY:
		return CMSG_SPACE(sizeof(struct in6_pktinfo));
	case UDP_KIND_COUNT:
		break;
	}
	assert(kind != UDP_KIND_COUNT);
	return 0;
}

/* Slot `i` as it is before a receive.  The length of the peer's address needs no further
 * care: the kernel stores what it finds there, always the family's own. */
static void
udp_reset_slot(struct udp_server *server, enum udp_kind kind, unsigned i)
{
	struct udp_headers *headers = &server->headers[kind];
	struct msghdr *header = &headers->message[i].msg_hdr;

	headers->span[i].iov_base = server->packets[i];
	headers->span[i].iov_len = QUERY_MESSAGE_MAX;
	memset(header, 0, sizeof *header);
	header->msg_name = &server->peers[i];
	header->msg_namelen = udp_kind_is_ipv6(kind) ? sizeof(struct sockaddr_in6)
						     : sizeof(struct sockaddr_in);
	header->msg_iov = &headers->span[i];
	header->msg_iovlen = 1;
	header->msg_controllen = udp_control_len(kind);
	if (header->msg_controllen)
		header->msg_control = server->controls[i].octets;
}

void
udp_init(struct udp_server *server, const struct serving *serving)
{
	server->serving = serving;
	for (unsigned i = 0; i < ANSWER_BATCH; i++) {
		server->queries[i].packet = server->packets[i];
		server->queries[i].room = UDP_MESSAGE_MAX;
		server->queries[i].client = &server->peers[i];
		for (unsigned kind = 0; kind < UDP_KIND_COUNT; kind++)
			udp_reset_slot(server, (enum udp_kind)kind, i);
	}
}

struct udp_socket
udp_socket_of(int fd, const struct sockaddr_storage *address)
{
	struct udp_socket out = { .fd = fd, .kind = UDP_IPV4 };
	struct sockaddr_in6 in6;
	struct sockaddr_in in;
	int on = 1, len = UDP_SNDBUF_LEN;

	if (address->ss_family == AF_INET6) {
		memcpy(&in6, address, sizeof in6);
		out.kind =
			IN6_IS_ADDR_UNSPECIFIED(&in6.sin6_addr) ? UDP_IPV6_ANY : UDP_IPV6;
	} else {
		memcpy(&in, address, sizeof in);
		out.kind = in.sin_addr.s_addr == INADDR_ANY ? UDP_IPV4_ANY : UDP_IPV4;
	}
	if (out.kind == UDP_IPV4_ANY)
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
	if (out.kind == UDP_IPV6_ANY)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &len, sizeof len);
	return out;
}

/* The response leaves from the address that the query was sent to.  The interface is
 * left to routing, since the way back may be another one; a link-local address means
 * nothing without it.  A control message without the address sends without. */
static void
udp_turn_control(struct msghdr *header)
{
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(header);
	struct in6_pktinfo info6;
	struct in_pktinfo info;

	if (cmsg && cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof info)) {
		memcpy(&info, CMSG_DATA(cmsg), sizeof info);
		info.ipi_ifindex = 0;
		memcpy(CMSG_DATA(cmsg), &info, sizeof info);
	} else if (cmsg && cmsg->cmsg_level == IPPROTO_IPV6 &&
		   cmsg->cmsg_type == IPV6_PKTINFO &&
		   cmsg->cmsg_len == CMSG_LEN(sizeof info6)) {
		memcpy(&info6, CMSG_DATA(cmsg), sizeof info6);
		if (!IN6_IS_ADDR_LINKLOCAL(&info6.ipi6_addr))
			info6.ipi6_ifindex = 0;
		memcpy(CMSG_DATA(cmsg), &info6, sizeof info6);
	} else {
		header->msg_controllen = 0;
	}
}

static bool
udp_is_sendable(const struct query *q, const struct sockaddr_in6 *peer)
{
	return q->response_len != 0 && peer->sin6_port != 0;
}

/* Move the slots that have something to send to the front, from `first` on, the first
 * that has not.  returns the number of messages to be sent. */
static unsigned
udp_close_gaps(struct udp_server *server, struct udp_headers *headers, unsigned first,
	       unsigned count)
{
	unsigned out = first;

	for (unsigned i = first; i < count; i++) {
		if (!udp_is_sendable(&server->queries[i], &server->peers[i]))
			continue;
		headers->span[out].iov_base = server->packets[i];
		headers->span[out].iov_len = server->queries[i].response_len;
		headers->message[out].msg_hdr = headers->message[i].msg_hdr;
		headers->message[out].msg_hdr.msg_iov = &headers->span[out];
		PROBE3(udp_response, server->packets[i], headers->span[out].iov_len,
		       &server->peers[i]);
		out++;
	}
	return out;
}

static bool
udp_is_worth_waiting(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS ||
	       error == ENOMEM;
}

/* returns the number of messages that the kernel has taken. */
static unsigned
udp_send(int fd, struct mmsghdr *messages, unsigned count)
{
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	unsigned done = 0, failed = 0, waits = 0;

	while (done < count) {
		int n = sendmmsg(fd, messages + done, count - done, MSG_DONTWAIT);

		if (n > 0) {
			done += (unsigned)n;
		} else if (errno == EINTR) {
			continue;
		} else if (!udp_is_worth_waiting(errno)) {
			/* this one peer's trouble: no route, filtered, too long */
			done++;
			failed++;
		} else if (waits++ < UDP_SEND_WAITS) {
			poll(&wait, 1, UDP_SEND_WAIT_MS);
		} else {
			failed += count - done;
			break;
		}
	}
	return count - failed;
}

/* Point the headers at the responses of a batch of `count`.
 * returns the number of messages to be sent, `count` when there is no gap. */
static unsigned
udp_prepare(struct udp_server *server, struct udp_headers *headers, unsigned count)
{
	const struct query *q = server->queries;
	const struct sockaddr_in6 *peer = server->peers;
	struct iovec *span = headers->span;

	for (const struct query *end = q + count; q != end; q++, peer++, span++) {
		if (__builtin_expect(!udp_is_sendable(q, peer), 0))
			return udp_close_gaps(server, headers,
					      (unsigned)(q - server->queries), count);
		span->iov_len = q->response_len;
		PROBE3(udp_response, q->packet, q->response_len, peer);
	}
	return count;
}

/* Send the responses of a batch of `count`, and set the headers up for the next one. */
static void
udp_respond(struct udp_server *server, const struct udp_socket *socket, unsigned count)
{
	struct udp_headers *headers = &server->headers[socket->kind];
	struct stats_block *stats = server->serving->stats;
	unsigned ready = udp_prepare(server, headers, count);
	unsigned sent = udp_send(socket->fd, headers->message, ready);

	PROBE3(udp_send, socket->fd, ready, sent);
	stats_add(stats, STAT_udp_responses, sent);
	if (sent < ready)
		stats_add(stats, STAT_udp_send_failed, ready - sent);
	if (ready < count || udp_kind_is_any(socket->kind))
		for (unsigned i = 0; i < count; i++)
			udp_reset_slot(server, socket->kind, i);
	else
		for (unsigned i = 0; i < count; i++)
			headers->span[i].iov_len = QUERY_MESSAGE_MAX;
}

static unsigned
udp_receive(struct udp_server *server, const struct udp_socket *socket)
{
	struct udp_headers *headers = &server->headers[socket->kind];
	uint32_t flags = udp_kind_is_ipv6(socket->kind) ? QUERY_IPV6 : 0;
	int count =
		recvmmsg(socket->fd, headers->message, ANSWER_BATCH, MSG_DONTWAIT, NULL);

	/* nothing there, or an error that an earlier response met: it is cleared now */
	if (count <= 0)
		return 0;
	PROBE2(udp_receive, socket->fd, count);
	for (int i = 0; i < count; i++) {
		server->queries[i].received_len = headers->message[i].msg_len;
		server->queries[i].flags = flags;
		PROBE3(udp_query, server->packets[i], headers->message[i].msg_len,
		       &server->peers[i]);
	}
	if (udp_kind_is_any(socket->kind))
		for (int i = 0; i < count; i++)
			udp_turn_control(&headers->message[i].msg_hdr);
	return (unsigned)count;
}

static void
udp_note_queue(const struct udp_server *server, struct udp_socket *socket, unsigned count,
	       uint64_t now_ns)
{
	uint64_t wait_ns =
		queue_time_take(&socket->time, count, count == ANSWER_BATCH,
				socket->queue.waiting_len, server->woken_ns, now_ns);

	histogram_add(&server->serving->clock->times->took[STAGE_QUEUE], wait_ns, count);
}

unsigned
udp_serve(struct udp_server *server, struct udp_socket *socket)
{
	const struct serving *serving = server->serving;
	uint64_t start_ns;
	unsigned count;

	stage_clock_move(serving->clock, STAGE_RECEIVE, 0);
	count = udp_receive(server, socket);
	if (count == 0)
		return 0;
	serving->clock->count = count;
	start_ns = stage_clock_move(serving->clock, STAGE_LOOKUP, count);
	udp_note_queue(server, socket, count, start_ns);
	/* before anything is sent: who has a response finds its query counted */
	stats_add(serving->stats, STAT_batches, 1);
	stats_add(serving->stats, STAT_udp_queries, count);
	if (udp_kind_is_ipv6(socket->kind))
		stats_add(serving->stats, STAT_ipv6_queries, count);
	serving_answer(serving, server->queries, count, start_ns);
	stage_clock_move(serving->clock, STAGE_SEND, count);
	udp_respond(server, socket, count);
	serving_sent(serving, start_ns, count, STAGE_UPKEEP);
	if (serving->options->isolation)
		isolation_end_batch(serving->options->isolation, &socket->queue,
				    socket->fd, count == ANSWER_BATCH, serving->stats);
	return count;
}
