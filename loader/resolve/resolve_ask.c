/* A channel of c-ares for each question. */
#include "loader/resolve/resolve_ask.h"

#include <ares.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "loader/resolve/resolve_answer.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	FDS_EACH = 2, /* UDP, and TCP behind it */
	TRIES_MAX = 3, /* times timeout_ms that a question may take, all in all */
};

struct question {
	ares_channel channel; /* NULL: this place is free */
	uint64_t number, end_ms;
	bool is_done;
	int status; /* of c-ares */
	uint8_t *message; /* owned; NULL: none */
	size_t len;
};

struct resolve_ask {
	resolve_ask_done_fn *done;
	void *context;
	unsigned count;
	struct question questions[RESOLVE_ASK_MAX];
};

struct resolve_ask *
resolve_ask_new(resolve_ask_done_fn *done, void *context)
{
	struct resolve_ask *ask = calloc(1, sizeof *ask);

	if (!ask)
		return NULL;
	ask->done = done;
	ask->context = context;
	return ask;
}

static void
forget(struct resolve_ask *ask, struct question *question)
{
	if (question->channel)
		ares_destroy(question->channel);
	free(question->message);
	memset(question, 0, sizeof *question);
	ask->count--;
}

/* ---- asking ---- */

static void
on_reply(void *arg, int status, int timeouts, unsigned char *message, int len)
{
	struct question *question = arg;

	(void)timeouts;
	if (question->is_done)
		return;
	question->is_done = true;
	question->status = status;
	if (!message || len <= 0)
		return;
	question->message = malloc((size_t)len);
	if (!question->message)
		return;
	memcpy(question->message, message, (size_t)len);
	question->len = (size_t)len;
}

/* One server, no files, no environment, no search, no cache. */
static int
open_channel(const struct listen_address *server, unsigned timeout_ms, ares_channel *out)
{
	struct in_addr none = { .s_addr = htonl(INADDR_LOOPBACK) };
	char lookups[] = "b";
	struct ares_options options = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOSEARCH |
			 ARES_FLAG_NOALIASES | ARES_FLAG_STAYOPEN,
		.timeout = (int)timeout_ms,
		.tries = 1,
		.ndots = 1,
		.servers = &none,
		.nservers = 1,
		.lookups = lookups,
	};
	struct ares_addr_port_node node = { .next = NULL };
	int rc = ares_init_options(out, &options,
				   ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					   ARES_OPT_NDOTS | ARES_OPT_SERVERS |
					   ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS |
					   ARES_OPT_SORTLIST);

	if (rc != ARES_SUCCESS)
		return rc;
	node.family = server->address.ss_family;
	if (node.family == AF_INET) {
		const struct sockaddr_in *in = (const void *)&server->address;

		node.addr.addr4 = in->sin_addr;
		node.udp_port = node.tcp_port = ntohs(in->sin_port);
	} else {
		const struct sockaddr_in6 *in = (const void *)&server->address;

		memcpy(&node.addr.addr6, &in->sin6_addr, sizeof node.addr.addr6);
		node.udp_port = node.tcp_port = ntohs(in->sin6_port);
	}
	rc = ares_set_servers_ports(*out, &node);
	if (rc != ARES_SUCCESS)
		ares_destroy(*out);
	return rc;
}

static struct question *
find_free(struct resolve_ask *ask)
{
	for (unsigned i = 0; i < RESOLVE_ASK_MAX; i++)
		if (!ask->questions[i].channel)
			return &ask->questions[i];
	return NULL;
}

int
resolve_ask_start(struct resolve_ask *ask, const struct listen_address *server,
		  unsigned timeout_ms, const uint8_t *name, size_t name_len,
		  uint16_t type, uint64_t number)
{
	struct question *question = find_free(ask);
	uint8_t message[RESOLVE_QUESTION_MAX];
	ares_channel channel;
	uint16_t id;
	size_t len;
	int rc;

	if (!question)
		return ERR_BUSY;
	if (getrandom(&id, sizeof id, 0) != sizeof id)
		return ERR_IO;
	rc = open_channel(server, timeout_ms, &channel);
	if (rc != ARES_SUCCESS)
		return rc == ARES_ENOMEM ? ERR_NOMEM : ERR_IO;
	*question = (struct question){
		.channel = channel,
		.number = number,
		.end_ms = clock_now_ms() + (uint64_t)TRIES_MAX * timeout_ms,
	};
	ask->count++;
	len = resolve_answer_ask(id, name, name_len, type, message);
	ares_send(channel, message, (int)len, on_reply, question);
	return ERR_OK;
}

/* ---- waiting ---- */

static unsigned
poll_one(struct question *question, struct pollfd *fds, int *timeout_ms)
{
	struct timeval longest = { .tv_sec = 1 }, left;
	ares_socket_t sockets[FDS_EACH];
	int mask, wait_ms;
	unsigned count = 0;

	if (question->is_done) {
		*timeout_ms = 0;
		return 0;
	}
	mask = ares_getsock(question->channel, sockets, FDS_EACH);
	for (int i = 0; i < FDS_EACH; i++) {
		short events = 0;

		/* the macros for this shift into the sign */
		if ((unsigned)mask >> i & 1)
			events |= POLLIN;
		if ((unsigned)mask >> (i + ARES_GETSOCK_MAXNUM) & 1)
			events |= POLLOUT;
		if (events)
			fds[count++] =
				(struct pollfd){ .fd = sockets[i], .events = events };
	}
	ares_timeout(question->channel, &longest, &left);
	wait_ms = (int)(left.tv_sec * 1000 + left.tv_usec / 1000) + 1;
	if (wait_ms < *timeout_ms)
		*timeout_ms = wait_ms;
	return count;
}

unsigned
resolve_ask_poll(struct resolve_ask *ask, struct pollfd fds[RESOLVE_ASK_FDS_MAX],
		 int *timeout_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; ask->count > 0 && i < RESOLVE_ASK_MAX; i++)
		if (ask->questions[i].channel)
			count += poll_one(&ask->questions[i], fds + count, timeout_ms);
	return count;
}

static ares_socket_t
ready(const struct pollfd *fd, short events)
{
	return fd->revents & (events | POLLERR | POLLHUP) ? fd->fd : ARES_SOCKET_BAD;
}

/* Let c-ares have what has come for the sockets of this question. */
static void
process(struct question *question, const struct pollfd *fds, unsigned count)
{
	ares_socket_t sockets[FDS_EACH];
	int mask = ares_getsock(question->channel, sockets, FDS_EACH);

	for (int i = 0; i < FDS_EACH; i++) {
		if (!ARES_GETSOCK_READABLE(mask, i) && !ARES_GETSOCK_WRITABLE(mask, i))
			continue;
		for (unsigned at = 0; at < count; at++)
			if (fds[at].fd == sockets[i] && fds[at].revents) {
				ares_process_fd(question->channel,
						ready(&fds[at], POLLIN),
						ready(&fds[at], POLLOUT));
				break;
			}
	}
	/* what has taken too long */
	ares_process_fd(question->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static const char *
status_reason(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return "does not answer";
	case ARES_ECONNREFUSED:
		return "cannot be reached";
	}
	return "does not answer as a resolver does";
}

static void
tell(struct resolve_ask *ask, struct question *question)
{
	struct question ended = *question;
	struct resolve_reply reply = {
		.message = ended.message,
		.len = ended.len,
		.reason = ended.message ? "" : status_reason(ended.status),
	};

	/* its place is free before the next question is asked */
	question->message = NULL;
	forget(ask, question);
	ask->done(ask->context, ended.number, &reply);
	free(ended.message);
}

void
resolve_ask_step(struct resolve_ask *ask, const struct pollfd *fds, unsigned count)
{
	uint64_t now_ms = clock_now_ms();

	for (unsigned i = 0; ask->count > 0 && i < RESOLVE_ASK_MAX; i++) {
		struct question *question = &ask->questions[i];

		if (!question->channel)
			continue;
		if (!question->is_done)
			process(question, fds, count);
		if (!question->is_done && now_ms > question->end_ms) {
			question->is_done = true;
			question->status = ARES_ETIMEOUT;
		}
		if (question->is_done)
			tell(ask, question);
	}
}
