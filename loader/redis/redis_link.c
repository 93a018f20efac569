/* Commands out, replies in, and the clock beside them. */
#include "loader/redis/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/redis/redis_filter.h"
#include "loader/redis/redis_parser.h"
#include "loader/redis/redis_socket.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	READ_LEN = 16384, /* hiredis moves what is left of a piece after each reply */
	OUT_KEPT = 1 << 20, /* of a larger buffer nothing is kept when it is empty */
	OCTETS_PER_MS = 1024, /* the least that a long reply must bring */
	TRY_OCTETS = 1 << 20, /* taken in one redis_link_try: others wait meanwhile */
};

/* Octets of one reply, with what is left out of it: no stream of them is without an end. */
#define RECEIVED_MAX (UINT64_C(2) * REDIS_REPLY_BYTES_MAX)

struct redis_link {
	struct redis_socket socket;
	struct redis_parser *parser; /* NULL: not connected */
	struct arena
		*building; /* where the next reply is built; borrowed, or `partial`: */
	struct arena *partial; /* holds one that is not whole yet, between calls */
	unsigned timeout_ms;
	uint64_t due_ms; /* of the dial */
	uint64_t heard_ms;
	bool is_dialing, was_flooded;
	bool is_secret; /* what comes and goes */
	char *out; /* queued for sending: [out_at, out_len) */
	size_t out_at, out_len, out_room;
	char address[256];
	char reason[REDIS_REASON_MAX];
};

/* ---- life ---- */

struct redis_link *
redis_link_new(unsigned timeout_ms)
{
	struct redis_link *link = calloc(1, sizeof *link);

	if (!link)
		return NULL;
	link->socket.fd = -1;
	link->timeout_ms = timeout_ms;
	link->partial = arena_new();
	if (!link->partial) {
		free(link);
		return NULL;
	}
	return link;
}

void
redis_link_free(struct redis_link *link)
{
	if (!link)
		return;
	redis_link_drop(link);
	arena_free(link->partial);
	free(link->out);
	free(link);
}

void
redis_link_drop(struct redis_link *link)
{
	struct arena *rest = arena_new();

	redis_socket_close(&link->socket);
	if (link->is_secret && link->parser)
		redis_parser_wipe(link->parser);
	redis_parser_free(link->parser);
	link->parser = NULL;
	link->is_dialing = false;
	link->out_at = link->out_len = 0;
	if (rest) {
		arena_adopt(rest, link->partial);
		if (link->is_secret)
			arena_wipe(rest);
		arena_free(rest);
	}
}

int
redis_link_fail(struct redis_link *link, const char *format, ...)
{
	char text[REDIS_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	snprintf(link->reason, sizeof link->reason, "Redis %.110s: %.390s", link->address,
		 text);
	redis_link_drop(link);
	return ERR_IO;
}

int
redis_link_fd(const struct redis_link *link)
{
	return link->is_dialing ? redis_socket_poll_fd(&link->socket) : link->socket.fd;
}

short
redis_link_events(const struct redis_link *link)
{
	if (link->is_dialing)
		return redis_socket_events(&link->socket);
	return link->out_at < link->out_len ? POLLIN | POLLOUT : POLLIN;
}

int
redis_link_due_ms(const struct redis_link *link)
{
	uint64_t now_ms = clock_now_ms();

	if (!link->is_dialing)
		return -1;
	return link->due_ms > now_ms ? (int)(link->due_ms - now_ms) : 0;
}

bool
redis_link_is_open(const struct redis_link *link)
{
	return link->parser != NULL;
}

uint64_t
redis_link_heard_ms(const struct redis_link *link)
{
	return link->heard_ms;
}

const char *
redis_link_reason(const struct redis_link *link)
{
	return link->reason;
}

bool
redis_link_was_flooded(const struct redis_link *link)
{
	return link->was_flooded;
}

/* ---- connecting ---- */

/* The socket is connected: from now on the link is open. */
static int
open_link(struct redis_link *link)
{
	link->is_dialing = false;
	link->parser = redis_parser_new();
	return link->parser ? ERR_OK : redis_link_fail(link, "not enough memory");
}

int
redis_link_dial(struct redis_link *link, const char *address)
{
	char why[REDIS_SOCKET_WHY_MAX];
	int code;

	redis_link_drop(link);
	link->was_flooded = false;
	snprintf(link->address, sizeof link->address, "%s", address);
	link->due_ms = clock_now_ms() + link->timeout_ms;
	code = redis_socket_dial(&link->socket, address, why);
	if (code == ERR_OK)
		return open_link(link);
	if (code != ERR_BUSY)
		return redis_link_fail(link, "%s", why);
	link->is_dialing = true;
	return ERR_OK;
}

int
redis_link_step(struct redis_link *link)
{
	char why[REDIS_SOCKET_WHY_MAX];
	int code;

	if (!link->is_dialing)
		return link->parser ? ERR_OK : ERR_CLOSED;
	code = redis_socket_step(&link->socket, why);
	if (code == ERR_OK)
		return open_link(link);
	if (code != ERR_BUSY)
		return redis_link_fail(link, "%s", why);
	if (clock_now_ms() < link->due_ms)
		return ERR_BUSY;
	return redis_link_fail(link, "%s: no answer in %u ms",
			       link->socket.lookup.child ? "the host cannot be looked up"
							 : "cannot connect",
			       link->timeout_ms);
}

/* ---- sending ---- */

static int
queue(struct redis_link *link, const char *bytes, size_t len)
{
	char *grown;

	if (link->out_at == link->out_len)
		link->out_at = link->out_len = 0;
	grown = grow_items(link->out, &link->out_room, link->out_len + len, 1);
	if (!grown)
		return ERR_NOMEM;
	link->out = grown;
	memcpy(link->out + link->out_len, bytes, len);
	link->out_len += len;
	return ERR_OK;
}

static int
send_arguments(struct redis_link *link, const char *format, va_list args)
{
	char *command;
	size_t len = redis_parser_command(&command, format, args);
	int code;

	if (len == 0)
		return ERR_NOMEM;
	code = link->parser ? queue(link, command, len) : ERR_CLOSED;
	redis_parser_free_command(command);
	return code;
}

int
redis_link_send(struct redis_link *link, const char *format, ...)
{
	va_list args;
	int code;

	va_start(args, format);
	code = send_arguments(link, format, args);
	va_end(args);
	return code;
}

int
redis_link_send_auth(struct redis_link *link, const char *username, const char *password)
{
	if (!username[0])
		return redis_link_send(link, "AUTH %s", password);
	return redis_link_send(link, "AUTH %s %s", username, password);
}

int
redis_link_send_words(struct redis_link *link, size_t count,
		      const struct redis_text *words)
{
	char head[32];
	int len = snprintf(head, sizeof head, "*%zu\r\n", count);
	int code = link->parser ? queue(link, head, (size_t)len) : ERR_CLOSED;

	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		len = snprintf(head, sizeof head, "$%zu\r\n", words[i].len);
		code = queue(link, head, (size_t)len);
		if (code == ERR_OK)
			code = queue(link, words[i].bytes, words[i].len);
		if (code == ERR_OK)
			code = queue(link, "\r\n", 2);
	}
	return code;
}

/* Send what the socket takes. */
static int
flush(struct redis_link *link)
{
	while (link->out_at < link->out_len) {
		ssize_t sent = send(link->socket.fd, link->out + link->out_at,
				    link->out_len - link->out_at, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN
				       ? ERR_OK
				       : redis_link_fail(link, "connection lost: %s",
							 strerror(errno));
		link->out_at += (size_t)sent;
	}
	if (link->is_secret && link->out)
		explicit_bzero(link->out, link->out_len);
	if (link->out_room > OUT_KEPT) {
		free(link->out);
		link->out = NULL;
		link->out_room = 0;
	}
	return ERR_OK;
}

/* ---- receiving ---- */

static int
flooded(struct redis_link *link)
{
	link->was_flooded = true;
	return redis_link_fail(link, "a reply of more than %d MB",
			       REDIS_REPLY_BYTES_MAX >> 20);
}

/* Take a reply out of what has come; *out is NULL when it is not whole yet. */
static int
parse(struct redis_link *link, const struct redis_reply **out)
{
	int code = redis_parser_take(link->parser, out);

	if (code == ERR_OK)
		return ERR_OK;
	if (code == ERR_FULL)
		return flooded(link);
	return redis_link_fail(link, "not the protocol of Redis: %.100s",
			       redis_parser_reason(link->parser));
}

/* Read once; *got is 0 when there is nothing. */
static int
read_some(struct redis_link *link, size_t *got)
{
	char bytes[READ_LEN];
	ssize_t len = recv(link->socket.fd, bytes, sizeof bytes, 0);
	int code;

	*got = 0;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return ERR_OK;
	if (len == 0)
		return redis_link_fail(link, "it has closed the connection");
	if (len < 0)
		return redis_link_fail(link, "connection lost: %s", strerror(errno));
	code = redis_parser_feed(link->parser, bytes, (size_t)len);
	if (link->is_secret)
		explicit_bzero(bytes, (size_t)len);
	if (code == ERR_RANGE)
		return redis_link_fail(link,
				       "not the protocol of Redis: a line of more "
				       "than %d KB",
				       REDIS_FILTER_LINE_MAX >> 10);
	if (code != ERR_OK)
		return redis_link_fail(link, "not enough memory");
	*got = (size_t)len;
	link->heard_ms = clock_now_ms();
	return ERR_OK;
}

void
redis_link_keep_secret(struct redis_link *link, bool is_secret)
{
	if (link->is_secret && link->parser)
		redis_parser_wipe(link->parser);
	if (link->is_secret && link->out)
		explicit_bzero(link->out, link->out_room);
	link->is_secret = is_secret;
}

/* Build the next reply in `arena`, or what is there of one in link->partial. */
static void
begin_reply(struct redis_link *link, struct arena *arena)
{
	if (arena_bytes(link->partial) > 0)
		return;
	link->building = arena;
	redis_parser_begin(link->parser, arena);
}

/* The reply is whole: it lives in `arena` now. */
static void
end_reply(struct redis_link *link, struct arena *arena)
{
	if (link->building == link->partial)
		arena_adopt(arena, link->partial);
}

/* Wait until the socket can be used.  returns ERR_OK or ERR_IO. */
static int
wait_for_socket(struct redis_link *link, uint64_t due_ms)
{
	uint64_t now_ms = clock_now_ms();
	struct pollfd wait = { .fd = link->socket.fd, .events = redis_link_events(link) };

	if (now_ms >= due_ms)
		return redis_link_fail(link,
				       "no whole reply in %u ms (redis.timeout_ms): it "
				       "hangs, or the way to it is slow",
				       link->timeout_ms);
	if (poll(&wait, 1, (int)(due_ms - now_ms)) < 0 && errno != EINTR)
		return redis_link_fail(link, "poll: %s", strerror(errno));
	return ERR_OK;
}

const struct redis_reply *
redis_link_receive(struct redis_link *link, struct arena *arena)
{
	const struct redis_reply *reply = NULL;
	uint64_t begun_ms = clock_now_ms(), received = 0;
	size_t got;

	if (!link->parser)
		return NULL;
	begin_reply(link, arena);
	while (parse(link, &reply) == ERR_OK && !reply) {
		if (flush(link) != ERR_OK || read_some(link, &got) != ERR_OK)
			return NULL;
		received += got;
		if (received > RECEIVED_MAX) {
			(void)flooded(link);
			return NULL;
		}
		if (got == 0 &&
		    wait_for_socket(link, begun_ms + link->timeout_ms +
						  received / OCTETS_PER_MS) != ERR_OK)
			return NULL;
	}
	if (reply)
		end_reply(link, arena);
	return reply;
}

int
redis_link_receive_exec(struct redis_link *link, struct arena *arena, size_t count,
			const struct redis_reply **out)
{
	const struct redis_reply *error = NULL;
	size_t more = count + 1; /* MULTI and EXEC have theirs */

	do {
		*out = redis_link_receive(link, arena);
		if (!*out)
			return ERR_IO;
		if (redis_reply_kind(*out) == REDIS_ERROR && !error)
			error = *out;
	} while (more-- > 0);
	if (error)
		*out = error;
	return redis_reply_kind(*out) == REDIS_LIST ? ERR_OK : ERR_FORMAT;
}

const struct redis_reply *
redis_link_ask(struct redis_link *link, struct arena *arena, const char *format, ...)
{
	va_list args;
	int code;

	va_start(args, format);
	code = send_arguments(link, format, args);
	va_end(args);
	if (code == ERR_NOMEM)
		redis_link_fail(link, "not enough memory");
	return code == ERR_OK ? redis_link_receive(link, arena) : NULL;
}

int
redis_link_try(struct redis_link *link, struct arena *arena,
	       const struct redis_reply **out)
{
	size_t got = 0, taken = 0;

	*out = NULL;
	if (!link->parser)
		return ERR_CLOSED;
	if (flush(link) != ERR_OK)
		return ERR_IO;
	do {
		begin_reply(link, link->partial);
		if (parse(link, out) != ERR_OK)
			return ERR_IO;
		if (*out) {
			end_reply(link, arena);
			return ERR_OK;
		}
		if (read_some(link, &got) != ERR_OK)
			return ERR_IO;
		taken += got;
	} while (got > 0 && taken < TRY_OCTETS);
	return ERR_BUSY;
}
