/* One TCP connection: messages led by their length (RFC 1035, section 4.2.2), answered
 * in order, as many at a time as have arrived.
 *
 * A connection owns room for one message coming in and some responses going out, and
 * no more: while responses wait for the peer to read, nothing further is read from it.
 * Queries are answered in a workspace that all connections share.  What the peer does
 * not take at once is kept; responses that find no room there are dropped again, and
 * their queries, still in the input, are answered anew, one at a time, when the peer has
 * read on.  So no peer can make us hold more than this struct. */
#ifndef WORKER_TCP_STREAM_H
#define WORKER_TCP_STREAM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "shm/client_count.h"
#include "worker/answer.h"
#include "worker/serving.h"

enum {
	TCP_PREFIX_LEN = 2,
	TCP_FRAME_MAX = TCP_PREFIX_LEN + QUERY_MESSAGE_MAX,
	TCP_IN_LEN = TCP_FRAME_MAX,
	TCP_OUT_LEN = 2 * TCP_FRAME_MAX,	/* at least one response fits */
	/* an odd number of cache lines, as in UDP */
	TCP_SLOT_LEN = 1025 * 64,
};
_Static_assert(TCP_SLOT_LEN >= TCP_FRAME_MAX, "a slot holds a whole frame");

/* Where a worker answers the queries of one connection after the other.  Large, but only
 * what is used gets memory: static, or mapped once. */
struct tcp_workspace {
	const struct serving *serving;
	struct query queries[ANSWER_BATCH];
	struct iovec spans[ANSWER_BATCH];
	_Alignas(64) uint8_t slots[ANSWER_BATCH][TCP_SLOT_LEN];
};

struct tcp_stream {
	/* for the owner, worker/tcp.c */
	struct tcp_stream *older, *newer;	/* in order of progress */
	uint64_t progress_ms;			/* of the last query or of octets taken */
	struct client_cells client;
	struct sockaddr_in6 peer;		/* room for both families; family 0: unknown */
	uint32_t armed;				/* epoll events that it waits for */

	int fd;				/* non-blocking */
	uint32_t query_flags;		/* QUERY_TCP, perhaps QUERY_IPV6 */
	uint32_t query_count;		/* answered so far */
	uint32_t in_off, in_len;	/* unanswered: in[in_off..in_len) */
	uint32_t out_off, out_len;	/* not taken yet: out[out_off..out_len) */
	uint64_t charged;		/* of the next queries, as bits: answered before, see QUERY_CHARGED */
	uint8_t chunk;			/* queries to answer at a time */
	bool has_progressed;		/* since the owner last reset it */
	bool peer_is_done;		/* it sends no more */
	bool is_ending;			/* no more queries are answered */
	bool is_shut;			/* all is sent, waiting for the peer to close */
	bool is_large;			/* has used more than its first page */
	uint8_t in[TCP_IN_LEN];
	uint8_t out[TCP_OUT_LEN];
};

void tcp_workspace_init(struct tcp_workspace *workspace, const struct serving *serving);

/* Begin with the connected, non-blocking `fd` (owned by the caller). */
void tcp_stream_init(struct tcp_stream *stream, int fd, uint32_t query_flags);

/* Do what can be done now, one batch of queries at most; never blocks.
 * `query_limit` is the number of queries after which the connection ends, 0 for none.
 * returns the epoll event to be waited for (EPOLLOUT also when queries are left: it
 * comes at once), or 0: there is nothing more to be done, close it. */
__attribute__((warn_unused_result))
uint32_t tcp_stream_turn(struct tcp_stream *stream, struct tcp_workspace *workspace,
			 uint32_t query_limit);

/* Is nothing under way: no part of a query, no response that waits? */
static inline bool
tcp_stream_is_quiet(const struct tcp_stream *stream)
{
	return stream->in_off == stream->in_len && stream->out_len == 0;
}

#endif
