/* Datagrams: a batch is received, answered in place and sent, three calls in all.
 *
 * The buffer that a query came in is the one that its response is sent from, and the
 * message headers are made once: between batches only what the kernel or the last
 * answer changed is set again. */
#ifndef WORKER_UDP_H
#define WORKER_UDP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "worker/answer.h"
#include "worker/queue_watch.h"
#include "worker/queue_time.h"
#include "worker/serving.h"

enum {
	UDP_MESSAGE_MAX = 4096,		/* sent; the bound of dns.udp_size */
	/* Room for what is received: any datagram.  An odd number of cache lines, so that
	 * the packets of a batch do not all fall into the same sets of the cache; pages
	 * behind the first are touched only by who sends so much. */
	UDP_PACKET_LEN = QUERY_MESSAGE_MAX + 1 + 3 * 64,
	UDP_CONTROL_LEN = 64,
};

/* Sockets differ in the length of their addresses and in whether each datagram carries
 * the address that it was sent to (when bound to a wildcard). */
enum udp_kind { UDP_IPV4, UDP_IPV6, UDP_IPV4_ANY, UDP_IPV6_ANY, UDP_KIND_COUNT };

struct udp_socket {
	int fd;				/* non-blocking, borrowed */
	enum udp_kind kind;
	struct queue_facts queue;
	struct queue_time time;
};

/* The headers for one kind of socket; slot i of each names packet, peer and control i. */
struct udp_headers {
	struct mmsghdr message[ANSWER_BATCH];
	struct iovec span[ANSWER_BATCH];
};

struct udp_control {
	_Alignas(struct cmsghdr) uint8_t octets[UDP_CONTROL_LEN];
};

/* Large: static, or allocated once. */
struct udp_server {
	const struct serving *serving;
	uint64_t woken_ns;	/* when the worker has last ceased to wait */
	struct query queries[ANSWER_BATCH];
	struct sockaddr_in6 peers[ANSWER_BATCH];	/* room for both families */
	struct udp_headers headers[UDP_KIND_COUNT];
	struct udp_control controls[ANSWER_BATCH];
	_Alignas(64) uint8_t packets[ANSWER_BATCH][UDP_PACKET_LEN];
};

void udp_init(struct udp_server *server, const struct serving *serving);

/* The socket `fd` bound to `address`.  Asks for destination addresses where they are
 * needed, and for a larger send buffer. */
struct udp_socket udp_socket_of(int fd, const struct sockaddr_storage *address);

/* Receive what is there, ANSWER_BATCH datagrams at most, answer, send.  Never blocks for
 * longer than a few milliseconds, and so long only when the send buffer is full.
 * returns the number of datagrams received; ANSWER_BATCH means that there may be more. */
unsigned udp_serve(struct udp_server *server, struct udp_socket *socket);

#endif
