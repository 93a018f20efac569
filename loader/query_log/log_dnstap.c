/* A reader of dnstap behind a Unix socket: Frame Streams, both ways.
 *
 * We say READY, it ACCEPTs, we START, then each frame is a length and a message; libfstrm
 * knows the control frames, and waiting is ours.  When it has gone, frames that it may not
 * have read whole are sent to the next one again. */
#include <errno.h>
#include <fstrm.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loader/query_log/dnstap_message.h"
#include "loader/query_log/log_target.h"
#include "shm/clock.h"
#include "shm/wire.h"

#define CONTENT_TYPE "protobuf:dnstap.Dnstap"

enum {
	BUFFER_LEN = 128 * 1024,
	FRAME_HEAD = 4,
	CONTROL_MAX = FSTRM_CONTROL_FRAME_LENGTH_MAX + 2 * FRAME_HEAD,
	HANDSHAKE_MS = 2000,
	FINISH_MS = 200, /* so long it may take to say that it has read all */
};

enum log_dnstap_state {
	STATE_CLOSED,
	STATE_READY, /* sending READY, then reading ACCEPT */
	STATE_START, /* sending START */
	STATE_OPEN,
};

struct log_dnstap {
	struct log_target target;
	const struct settings *settings;
	enum log_dnstap_state state;
	uint64_t due_ms; /* of the handshake */
	uint8_t control[CONTROL_MAX]; /* on its way out, then in */
	size_t control_len, control_done, in_len;
	size_t len, done; /* octets of frames, and of these sent */
	uint8_t buffer[BUFFER_LEN];
};

static enum log_add
add(struct log_target *target, const struct query_record *record,
    const struct query_line *line)
{
	struct log_dnstap *dnstap = (struct log_dnstap *)target;
	const struct settings *settings = dnstap->settings;
	uint8_t *at = dnstap->buffer + dnstap->len;
	size_t len;

	(void)line;
	if (sizeof dnstap->buffer - dnstap->len < FRAME_HEAD + DNSTAP_MESSAGE_MAX)
		return LOG_ADD_FULL;
	len = dnstap_message_print(record, settings->dns.identity,
				   settings->query_log.client != LOG_CLIENT_NONE,
				   at + FRAME_HEAD);
	wire_put_u32(at, (uint32_t)len);
	dnstap->len += FRAME_HEAD + len;
	return LOG_ADD_DONE;
}

/* The next reader gets the frame whole that the last one may have a part of. */
static void
return_to_frame(struct log_dnstap *dnstap)
{
	size_t at = 0, next = 0;

	while (next <= dnstap->done && next < dnstap->len) {
		at = next;
		next += FRAME_HEAD + wire_get_u32(dnstap->buffer + at);
	}
	if (next > dnstap->done)
		dnstap->done = at;
}

static enum log_flush
give_up(struct log_dnstap *dnstap, const char *why)
{
	log_target_fail(&dnstap->target, "the reader at %s %s",
			dnstap->settings->query_log.dnstap.socket, why);
	if (dnstap->target.fd >= 0)
		close(dnstap->target.fd);
	dnstap->target.fd = -1;
	dnstap->state = STATE_CLOSED;
	return_to_frame(dnstap);
	return LOG_FLUSH_AGAIN;
}

/* ---- control frames ---- */

/* Behind an escape, a frame of length 0. */
static bool
make_control(struct log_dnstap *dnstap, fstrm_control_type type)
{
	struct fstrm_control *control = fstrm_control_init();
	size_t len = sizeof dnstap->control;
	bool is_made;

	if (!control)
		return false;
	is_made =
		fstrm_control_set_type(control, type) == fstrm_res_success &&
		(type == FSTRM_CONTROL_STOP ||
		 fstrm_control_add_field_content_type(
			 control, (const uint8_t *)CONTENT_TYPE,
			 sizeof CONTENT_TYPE - 1) == fstrm_res_success) &&
		fstrm_control_encode(control, dnstap->control, &len,
				     FSTRM_CONTROL_FLAG_WITH_HEADER) == fstrm_res_success;
	fstrm_control_destroy(&control);
	dnstap->control_len = is_made ? len : 0;
	dnstap->control_done = dnstap->in_len = 0;
	return is_made;
}

static bool
accepts(const uint8_t *frame, size_t len)
{
	struct fstrm_control *control = fstrm_control_init();
	fstrm_control_type type;
	bool is_accept;

	if (!control)
		return false;
	is_accept = fstrm_control_decode(control, frame, len,
					 FSTRM_CONTROL_FLAG_WITH_HEADER) ==
			    fstrm_res_success &&
		    fstrm_control_get_type(control, &type) == fstrm_res_success &&
		    type == FSTRM_CONTROL_ACCEPT &&
		    fstrm_control_match_field_content_type(
			    control, (const uint8_t *)CONTENT_TYPE,
			    sizeof CONTENT_TYPE - 1) == fstrm_res_success;
	fstrm_control_destroy(&control);
	return is_accept;
}

/* returns 1 when all is sent, 0 when it has to wait, -1 on failure. */
static int
send_some(int fd, const uint8_t *octets, size_t len, size_t *done)
{
	while (*done < len) {
		ssize_t sent = send(fd, octets + *done, len - *done,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? 0 : -1;
		*done += (size_t)sent;
	}
	return 1;
}

static int
send_control(struct log_dnstap *dnstap)
{
	dnstap->target.events = POLLOUT;
	return send_some(dnstap->target.fd, dnstap->control, dnstap->control_len,
			 &dnstap->control_done);
}

/* Octets of the control frame that has begun to come, as far as they are known. */
static size_t
wanted_len(const struct log_dnstap *dnstap)
{
	return dnstap->in_len < 2 * FRAME_HEAD
		       ? 2 * FRAME_HEAD
		       : 2 * FRAME_HEAD + wire_get_u32(dnstap->control + FRAME_HEAD);
}

/* As send_some: has ACCEPT come? */
static int
read_accept(struct log_dnstap *dnstap)
{
	size_t wanted;

	dnstap->target.events = POLLIN;
	while (dnstap->in_len < (wanted = wanted_len(dnstap))) {
		ssize_t len;

		if (wanted > sizeof dnstap->control)
			return -1;
		len = recv(dnstap->target.fd, dnstap->control + dnstap->in_len,
			   wanted - dnstap->in_len, MSG_DONTWAIT);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			return len < 0 && errno == EAGAIN ? 0 : -1;
		dnstap->in_len += (size_t)len;
	}
	return accepts(dnstap->control, dnstap->in_len) ? 1 : -1;
}

/* ---- the connection ---- */

static bool
dial(struct log_dnstap *dnstap)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* its length has been checked with the settings */
	strncpy(address.sun_path, dnstap->settings->query_log.dnstap.socket,
		sizeof address.sun_path - 1);
	dnstap->target.fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (dnstap->target.fd < 0 ||
	    connect(dnstap->target.fd, (const struct sockaddr *)&address,
		    sizeof address) != 0)
		return false;
	dnstap->state = STATE_READY;
	dnstap->due_ms = clock_now_ms() + HANDSHAKE_MS;
	return make_control(dnstap, FSTRM_CONTROL_READY);
}

/* returns LOG_FLUSH_DONE when frames can be sent. */
static enum log_flush
shake_hands(struct log_dnstap *dnstap)
{
	int result;

	if (dnstap->state == STATE_CLOSED && !dial(dnstap))
		return give_up(dnstap, errno == ENOENT || errno == ECONNREFUSED
					       ? "is not there: start it"
					       : "cannot be connected to: its user's "
						 "rights, or its queue");
	result = send_control(dnstap);
	if (result > 0 && dnstap->state == STATE_READY) {
		result = read_accept(dnstap);
		if (result > 0) {
			dnstap->state = STATE_START;
			result = make_control(dnstap, FSTRM_CONTROL_START)
					 ? send_control(dnstap)
					 : -1;
		}
	}
	if (result < 0)
		return give_up(dnstap, "does not accept dnstap in Frame Streams");
	if (result == 0)
		return clock_now_ms() < dnstap->due_ms
			       ? LOG_FLUSH_AGAIN
			       : give_up(dnstap, "does not answer");
	dnstap->state = STATE_OPEN;
	dnstap->target.opened_count++;
	return LOG_FLUSH_DONE;
}

static enum log_flush
flush(struct log_target *target)
{
	struct log_dnstap *dnstap = (struct log_dnstap *)target;
	int result;

	if (dnstap->state != STATE_OPEN) {
		enum log_flush shaken = shake_hands(dnstap);

		if (shaken != LOG_FLUSH_DONE)
			return shaken;
	}
	target->events = POLLOUT;
	result = send_some(target->fd, dnstap->buffer, dnstap->len, &dnstap->done);
	if (result < 0)
		return give_up(dnstap, "has gone");
	if (result == 0)
		return LOG_FLUSH_AGAIN;
	dnstap->len = dnstap->done = 0;
	target->why[0] = '\0';
	return LOG_FLUSH_DONE;
}

static void
free_dnstap(struct log_target *target)
{
	struct log_dnstap *dnstap = (struct log_dnstap *)target;

	if (dnstap->state == STATE_OPEN && dnstap->done == dnstap->len &&
	    make_control(dnstap, FSTRM_CONTROL_STOP) && send_control(dnstap) > 0) {
		struct pollfd finish = { .fd = target->fd, .events = POLLIN };

		poll(&finish, 1, FINISH_MS);
	}
	if (target->fd >= 0)
		close(target->fd);
	free(target);
}

static const struct log_target_calls calls = { false, add, flush, NULL, free_dnstap };

struct log_target *
log_dnstap_new(const struct settings *settings)
{
	struct log_dnstap *dnstap = calloc(1, sizeof *dnstap);

	if (!dnstap)
		return NULL;
	dnstap->target.calls = &calls;
	dnstap->target.fd = -1;
	dnstap->settings = settings;
	return &dnstap->target;
}
