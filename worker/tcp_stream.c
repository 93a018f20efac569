/* Framing, answering and flow control of one TCP connection. */
#include "worker/tcp_stream.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "worker/probes.h"

enum {
	/* what lies in the first page of a mapped stream, whatever the size of pages */
	TCP_SMALL_LEN = 4096 - offsetof(struct tcp_stream, in),
};

enum tcp_frame { FRAME_PARTIAL, FRAME_WHOLE, FRAME_BAD };

void
tcp_workspace_init(struct tcp_workspace *workspace, const struct serving *serving)
{
	workspace->serving = serving;
	for (unsigned i = 0; i < ANSWER_BATCH; i++)
		workspace->queries[i].packet = workspace->slots[i] + TCP_PREFIX_LEN;
}

void
tcp_stream_init(struct tcp_stream *stream, int fd, uint32_t query_flags)
{
	memset(stream, 0, offsetof(struct tcp_stream, in));
	stream->fd = fd;
	stream->query_flags = query_flags;
	stream->chunk = ANSWER_BATCH;
}

static bool
tcp_is_weather(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

static void
tcp_stream_end(struct tcp_stream *stream, const struct tcp_workspace *workspace,
	       enum stat_id why)
{
	if (!stream->is_ending)
		stats_add(workspace->serving->stats, why, 1);
	stream->is_ending = true;
}

static bool
tcp_stream_is_over(const struct tcp_stream *stream, uint32_t query_limit)
{
	return query_limit && stream->query_count >= query_limit;
}

/* What stands in the input at `off`?  *len is the length of a whole message. */
static enum tcp_frame
tcp_stream_frame(const struct tcp_stream *stream, uint32_t off, uint32_t *len)
{
	uint32_t there = stream->in_len - off;

	if (there < TCP_PREFIX_LEN)
		return FRAME_PARTIAL;
	*len = (uint32_t)stream->in[off] << 8 | stream->in[off + 1];
	if (*len < QUERY_HEADER_LEN)
		return FRAME_BAD;
	return there - TCP_PREFIX_LEN < *len ? FRAME_PARTIAL : FRAME_WHOLE;
}

static bool
tcp_stream_has_work(const struct tcp_stream *stream)
{
	uint32_t len;

	return tcp_stream_frame(stream, stream->in_off, &len) != FRAME_PARTIAL;
}

/* Read what there is behind an incomplete message.  returns false on a broken stream. */
static bool
tcp_stream_fill(struct tcp_stream *stream)
{
	ssize_t len;

	if (stream->in_off != 0) {
		stream->in_len -= stream->in_off;
		memmove(stream->in, stream->in + stream->in_off, stream->in_len);
		stream->in_off = 0;
	}
	assert(stream->in_len < sizeof stream->in); /* else the message were complete */
	len = recv(stream->fd, stream->in + stream->in_len,
		   sizeof stream->in - stream->in_len, 0);
	if (len < 0)
		return tcp_is_weather(errno);
	stream->peer_is_done = len == 0;
	stream->in_len += (uint32_t)len;
	if (stream->in_len > TCP_SMALL_LEN)
		stream->is_large = true;
	return true;
}

/* Send what was left over.  returns false on a broken stream. */
static bool
tcp_stream_flush(struct tcp_stream *stream)
{
	ssize_t len;

	if (stream->out_len == 0)
		return true;
	len = send(stream->fd, stream->out + stream->out_off,
		   stream->out_len - stream->out_off, MSG_NOSIGNAL);
	if (len < 0)
		return tcp_is_weather(errno);
	stream->has_progressed = true;
	stream->out_off += (uint32_t)len;
	if (stream->out_off == stream->out_len)
		stream->out_off = stream->out_len = 0;
	return true;
}

/* Put complete messages into the workspace, `max` at most.  ends[i] is the offset behind
 * message i.  returns their number. */
static unsigned
tcp_stream_take(const struct tcp_stream *stream, struct tcp_workspace *workspace,
		unsigned max, uint32_t ends[ANSWER_BATCH])
{
	uint32_t off = stream->in_off, len;
	unsigned count = 0;

	while (count < max && tcp_stream_frame(stream, off, &len) == FRAME_WHOLE) {
		struct query *q = &workspace->queries[count];

		memcpy(q->packet, stream->in + off + TCP_PREFIX_LEN, len);
		q->received_len = len;
		q->room = QUERY_MESSAGE_MAX;
		q->flags = stream->query_flags |
			   (stream->charged >> count & 1 ? (uint32_t)QUERY_CHARGED : 0);
		q->client = &stream->peer;
		PROBE3(tcp_query, q->packet, len, &stream->peer);
		off += TCP_PREFIX_LEN + len;
		ends[count++] = off;
	}
	return count;
}

/* Frame the responses, up to the first that there is none of.  returns their number. */
static unsigned
tcp_workspace_frame(struct tcp_workspace *workspace, unsigned count)
{
	unsigned i;

	for (i = 0; i < count && workspace->queries[i].response_len != 0; i++) {
		uint32_t len = workspace->queries[i].response_len;

		workspace->slots[i][0] = (uint8_t)(len >> 8);
		workspace->slots[i][1] = (uint8_t)len;
		workspace->spans[i].iov_base = workspace->slots[i];
		workspace->spans[i].iov_len = TCP_PREFIX_LEN + len;
		PROBE3(tcp_response, workspace->queries[i].packet, len,
		       workspace->queries[i].client);
	}
	return i;
}

/* Send `count` framed responses and keep what is not taken, as far as it fits.
 * returns how many are sent or kept, at least one; 0 on a broken stream. */
static unsigned
tcp_stream_send(struct tcp_stream *stream, struct tcp_workspace *workspace,
		unsigned count)
{
	struct msghdr header = { .msg_iov = workspace->spans, .msg_iovlen = count };
	ssize_t len = sendmsg(stream->fd, &header, MSG_NOSIGNAL);
	size_t taken = len < 0 ? 0 : (size_t)len;
	unsigned i;

	if (len < 0 && !tcp_is_weather(errno))
		return 0;
	for (i = 0; i < count; i++) {
		const struct iovec *span = &workspace->spans[i];
		size_t done = taken < span->iov_len ? taken : span->iov_len;
		size_t rest = span->iov_len - done;

		if (rest > sizeof stream->out - stream->out_len)
			break;
		taken -= done;
		if (rest) {
			memcpy(stream->out + stream->out_len, workspace->slots[i] + done,
			       rest);
			stream->out_len += (uint32_t)rest;
			stream->is_large = true;
		}
	}
	return i;
}

/* Responses that found no room were made in vain: go on one at a time, and only slowly
 * back to more. */
static void
tcp_stream_pace(struct tcp_stream *stream, bool had_room)
{
	if (!had_room)
		stream->chunk = 1;
	else if (stream->chunk < ANSWER_BATCH)
		stream->chunk = (uint8_t)(stream->chunk * 2);
}

/* Of a batch of `count` the first `kept` are answered: those behind them, if they were
 * answered in vain, are not charged again. */
static void
tcp_stream_keep_charged(struct tcp_stream *stream, const struct query *queries,
			unsigned kept, unsigned count)
{
	for (unsigned i = kept; i < count; i++)
		if (queries[i].flags & QUERY_CHARGED)
			stream->charged |= UINT64_C(1) << i;
	stream->charged = kept < ANSWER_BATCH ? stream->charged >> kept : 0;
}

/* Answer one batch.  `out` is empty.  returns false on a broken stream. */
static bool
tcp_stream_answer(struct tcp_stream *stream, struct tcp_workspace *workspace,
		  uint32_t query_limit)
{
	struct stats_block *stats = workspace->serving->stats;
	uint32_t ends[ANSWER_BATCH], left = UINT32_MAX;
	unsigned count, good, kept;
	uint64_t start_ns;

	if (query_limit)
		left = query_limit - stream->query_count;
	count = tcp_stream_take(stream, workspace,
				left < stream->chunk ? left : stream->chunk, ends);
	if (count == 0) {
		tcp_stream_end(stream, workspace, STAT_tcp_closed_broken);
		return true;
	}
	start_ns = stage_clock_move(workspace->serving->clock, STAGE_LOOKUP, count);
	serving_answer(workspace->serving, workspace->queries, count, start_ns);
	stage_clock_move(workspace->serving->clock, STAGE_SEND, count);
	good = tcp_workspace_frame(workspace, count);
	kept = good ? tcp_stream_send(stream, workspace, good) : 0;
	serving_sent(workspace->serving, start_ns, kept, STAGE_TCP);
	if (good && !kept)
		return false;
	if (kept) {
		serving_tell(workspace->serving, workspace->queries, kept, start_ns);
		stage_clock_move(workspace->serving->clock, STAGE_TCP, 0);
	}
	stats_add(stats, STAT_tcp_responses, kept);
	stream->has_progressed = true;
	tcp_stream_pace(stream, kept == good);
	tcp_stream_keep_charged(stream, workspace->queries, kept, good);
	if (kept == good && good < count) {
		/* the core does not answer this one: no stream of queries */
		stats_add(stats, STAT_tcp_queries, 1);
		tcp_stream_end(stream, workspace, STAT_tcp_closed_broken);
	}
	if (kept)
		stream->in_off = ends[kept - 1];
	stream->query_count += kept;
	stats_add(stats, STAT_tcp_queries, kept);
	if (stream->query_flags & QUERY_IPV6)
		stats_add(stats, STAT_ipv6_queries, kept);
	return true;
}

/* Closing while unread octets wait would reset the connection, and the peer could lose
 * responses that it has not read: let it close first. */
static uint32_t
tcp_stream_discard(struct tcp_stream *stream, struct tcp_workspace *workspace)
{
	ssize_t len = recv(stream->fd, workspace->slots[0], TCP_SLOT_LEN, 0);

	return len > 0 || (len < 0 && tcp_is_weather(errno)) ? EPOLLIN : 0;
}

static uint32_t
tcp_stream_next(struct tcp_stream *stream, struct tcp_workspace *workspace)
{
	if (stream->out_len)
		return EPOLLOUT;
	if (stream->is_ending) {
		if (stream->peer_is_done || shutdown(stream->fd, SHUT_WR) != 0)
			return 0;
		stream->is_shut = true;
		return EPOLLIN;
	}
	if (tcp_stream_has_work(stream))
		return EPOLLOUT;
	if (!stream->peer_is_done)
		return EPOLLIN;
	if (!tcp_stream_is_quiet(stream))
		tcp_stream_end(stream, workspace, STAT_tcp_closed_broken);
	return 0;
}

uint32_t
tcp_stream_turn(struct tcp_stream *stream, struct tcp_workspace *workspace,
		uint32_t query_limit)
{
	bool is_whole;

	if (stream->is_shut)
		return tcp_stream_discard(stream, workspace);
	is_whole = tcp_stream_flush(stream);
	if (is_whole && !stream->out_len && !stream->is_ending) {
		if (!tcp_stream_has_work(stream) && !stream->peer_is_done)
			is_whole = tcp_stream_fill(stream);
		if (is_whole && tcp_stream_has_work(stream) &&
		    !tcp_stream_is_over(stream, query_limit))
			is_whole = tcp_stream_answer(stream, workspace, query_limit);
		if (is_whole && tcp_stream_is_over(stream, query_limit))
			tcp_stream_end(stream, workspace, STAT_tcp_closed_queries);
	}
	if (!is_whole) {
		tcp_stream_end(stream, workspace, STAT_tcp_closed_broken);
		return 0;
	}
	return tcp_stream_next(stream, workspace);
}
