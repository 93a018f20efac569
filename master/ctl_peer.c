/* Buffers of one control connection. */
#include "master/ctl_peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "master/alloc.h"
#include "shm/clock.h"
#include "shm/errcode.h"

void
ctl_peer_open(struct ctl_peer *peer, int fd)
{
	memset(peer, 0, sizeof *peer);
	peer->state = CTL_PEER_READING;
	peer->fd = fd;
	peer->deadline_ms = clock_now_ms() + CTL_REQUEST_MS;
	peer->in_room = sizeof(struct ctl_head);
	peer->in = alloc_zero(peer->in_room, 1);
}

void
ctl_peer_close(struct ctl_peer *peer)
{
	close(peer->fd);
	free(peer->in);
	free(peer->out);
	memset(peer, 0, sizeof *peer);
	peer->fd = -1;
}

/* The buffer is full: with the head, which tells how much comes, or with all. */
static int
take_full(struct ctl_peer *peer, const char **reason)
{
	const size_t head_len = sizeof(struct ctl_head);
	size_t len;

	if (peer->in_room > head_len) {
		*reason = ctl_request_split(peer->in + head_len, peer->in_len - head_len,
					    &peer->request);
		return *reason ? ERR_SYNTAX : 1;
	}
	*reason = ctl_request_check_head(peer->in, &len);
	if (*reason)
		return ERR_SYNTAX;
	peer->in_room += len;
	peer->in = alloc_again(peer->in, peer->in_room, 1);
	return 0;
}

int
ctl_peer_read(struct ctl_peer *peer, const char **reason)
{
	int result = 0;

	while (result == 0) {
		ssize_t got = recv(peer->fd, peer->in + peer->in_len,
				   peer->in_room - peer->in_len, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && errno == EAGAIN)
			return 0;
		if (got <= 0)
			return ERR_CLOSED;
		peer->in_len += (size_t)got;
		if (peer->in_len == peer->in_room)
			result = take_full(peer, reason);
	}
	return result;
}

void
ctl_peer_put(struct ctl_peer *peer, uint8_t kind, const void *data, size_t len,
	     unsigned status)
{
	const struct ctl_head head = {
		.magic_be = htons(CTL_MAGIC),
		.version = CTL_VERSION,
		.kind = kind,
		.status_be = htons((uint16_t)status),
		.len_be = htonl((uint32_t)len),
	};

	peer->out = alloc_again(peer->out, peer->out_len + sizeof head + len, 1);
	memcpy(peer->out + peer->out_len, &head, sizeof head);
	if (len > 0)
		memcpy(peer->out + peer->out_len + sizeof head, data, len);
	peer->out_len += sizeof head + len;
}

int
ctl_peer_put_json(void *arg, const void *data, size_t len)
{
	ctl_peer_put(arg, CTL_DATA, data, len, 0);
	return 0;
}

void
ctl_peer_put_error(struct ctl_peer *peer, const char *reason)
{
	char buffer[2048];
	struct json_out json;

	json_out_init(&json, buffer, sizeof buffer, ctl_peer_put_json, peer);
	json_out_begin_object(&json, NULL);
	json_out_text(&json, "error", reason);
	json_out_end_object(&json);
	if (json_out_finish(&json) == 0)
		ctl_peer_put(peer, CTL_END, NULL, 0, 1);
}

int
ctl_peer_write(struct ctl_peer *peer)
{
	uint64_t now_ms = clock_now_ms();

	if (peer->state != CTL_PEER_WRITING) {
		peer->state = CTL_PEER_WRITING;
		peer->deadline_ms = now_ms + CTL_PEER_REPLY_MS;
	}
	while (peer->out_sent < peer->out_len) {
		ssize_t sent =
			send(peer->fd, peer->out + peer->out_sent,
			     peer->out_len - peer->out_sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return 0;
		if (sent < 0)
			return ERR_CLOSED;
		peer->out_sent += (size_t)sent;
	}
	/* all is said; a close before the peer has read may cost it the rest when
	 * something that it sent is still unread */
	shutdown(peer->fd, SHUT_WR);
	peer->state = CTL_PEER_LEAVING;
	peer->deadline_ms = now_ms + CTL_PEER_LEAVE_MS;
	return 0;
}
