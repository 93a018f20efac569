/* One control request after the other, see shm/ctl_proto.h. */
#include "loader/report/asker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/ctl_proto.h"

enum { REQUEST_MAX = 256 };

struct asker {
	const char *path;
	struct answer *answers;
	size_t count;
	void (*settled)(void *arg);
	void *arg;
	/* what is under way */
	struct answer *current;
	int fd;
	uint64_t deadline_ms;
	uint8_t request[REQUEST_MAX];
	size_t request_len, sent;
	struct ctl_head head;
	size_t head_len,
		left; /* octets of the head that came; of its data still to come */
	char *text;
	size_t len, room;
};

struct asker *
asker_new(const char *path, struct answer *answers, size_t count,
	  void (*settled)(void *arg), void *arg)
{
	struct asker *asker = calloc(1, sizeof *asker);

	if (!asker)
		return NULL;
	asker->path = path;
	asker->answers = answers;
	asker->count = count;
	asker->settled = settled;
	asker->arg = arg;
	asker->fd = -1;
	return asker;
}

/* ---- the beginning and the end of one ---- */

static void
settle(struct asker *asker, bool has_failed, unsigned status)
{
	struct answer *answer = asker->current;

	close(asker->fd);
	asker->fd = -1;
	asker->current = NULL;
	free(answer->text);
	answer->text = NULL;
	answer->len = 0;
	if (has_failed) {
		free(asker->text);
	} else {
		answer->text = asker->text;
		answer->len = asker->len;
	}
	asker->text = NULL;
	asker->len = asker->room = 0;
	answer->has_failed = has_failed;
	answer->status = status;
	answer->told_ms = clock_now_ms();
	asker->settled(asker->arg);
}

static void
write_request(struct asker *asker, const struct answer *answer)
{
	struct ctl_head head = { .magic_be = htons(CTL_MAGIC),
				 .version = CTL_VERSION,
				 .kind = CTL_REQUEST };
	size_t len = sizeof head;

	for (unsigned i = 0; i < ASKER_ARGS_MAX && answer->args[i]; i++) {
		size_t arg_len = strlen(answer->args[i]) + 1;

		if (len + arg_len > sizeof asker->request)
			break;
		memcpy(asker->request + len, answer->args[i], arg_len);
		len += arg_len;
	}
	head.len_be = htonl((uint32_t)(len - sizeof head));
	memcpy(asker->request, &head, sizeof head);
	asker->request_len = len;
	asker->sent = 0;
}

static void
start(struct asker *asker, struct answer *answer)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	asker->current = answer;
	answer->is_wanted = false;
	answer->asked_ms = clock_now_ms();
	asker->deadline_ms = answer->asked_ms + answer->timeout_ms;
	asker->head_len = asker->left = 0;
	write_request(asker, answer);
	snprintf(address.sun_path, sizeof address.sun_path, "%s", asker->path);
	asker->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (asker->fd < 0 ||
	    connect(asker->fd, (const struct sockaddr *)&address, sizeof address) != 0)
		settle(asker, true, 1);
}

static void
start_next(struct asker *asker)
{
	for (size_t i = 0; i < asker->count && !asker->current; i++)
		if (asker->answers[i].is_wanted)
			start(asker, &asker->answers[i]);
}

/* ---- octets ---- */

static bool
make_room(struct asker *asker, size_t more)
{
	size_t room = asker->room ? asker->room : CTL_DATA_MAX;
	char *grown;

	if (asker->len + more <= asker->room)
		return true;
	if (asker->len + more > ASKER_ANSWER_MAX)
		return false;
	while (room < asker->len + more)
		room *= 2;
	grown = realloc(asker->text, room);
	if (!grown)
		return false;
	asker->text = grown;
	asker->room = room;
	return true;
}

/* returns whether octets were moved, so that there may be more. */
static bool
send_some(struct asker *asker)
{
	ssize_t sent =
		send(asker->fd, asker->request + asker->sent,
		     asker->request_len - asker->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent > 0)
		asker->sent += (size_t)sent;
	else if (errno != EAGAIN && errno != EINTR)
		settle(asker, true, 1);
	return sent > 0;
}

static void
take_head(struct asker *asker)
{
	const struct ctl_head *head = &asker->head;

	asker->left = ntohl(head->len_be);
	if (ntohs(head->magic_be) != CTL_MAGIC || head->version != CTL_VERSION ||
	    asker->left > CTL_DATA_MAX || !make_room(asker, asker->left))
		settle(asker, true, 1);
}

/* All of a frame is there. */
static void
take_frame(struct asker *asker)
{
	asker->head_len = 0;
	if (asker->head.kind == CTL_END)
		settle(asker, asker->len == 0, ntohs(asker->head.status_be) ? 1 : 0);
}

static void
take(struct asker *asker, size_t got)
{
	if (asker->head_len < sizeof asker->head) {
		asker->head_len += got;
		if (asker->head_len == sizeof asker->head)
			take_head(asker);
	} else {
		asker->left -= got;
		/* what is progress is not kept */
		if (asker->head.kind == CTL_DATA)
			asker->len += got;
	}
	if (asker->current && asker->head_len == sizeof asker->head && asker->left == 0)
		take_frame(asker);
}

static bool
receive_some(struct asker *asker)
{
	bool is_head = asker->head_len < sizeof asker->head;
	void *at = is_head ? (void *)((char *)&asker->head + asker->head_len)
			   : asker->text + asker->len;
	ssize_t got = recv(asker->fd, at,
			   is_head ? sizeof asker->head - asker->head_len : asker->left,
			   MSG_DONTWAIT);

	if (got > 0)
		take(asker, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		settle(asker, true, 1);
	return got > 0;
}

/* ---- for the caller ---- */

bool
asker_has(struct asker *asker, struct answer *answer, uint64_t since_ms)
{
	uint64_t now_ms = clock_now_ms();

	if (answer->told_ms > 0 &&
	    (answer->asked_ms >= since_ms || now_ms - answer->told_ms < answer->fresh_ms))
		return true;
	if (asker->current != answer)
		answer->is_wanted = true;
	return false;
}

int
asker_fd(const struct asker *asker, short *events)
{
	*events = asker->sent < asker->request_len ? POLLOUT : POLLIN;
	return asker->fd;
}

void
asker_turn(struct asker *asker)
{
	bool has_moved = true;

	start_next(asker);
	while (asker->current && has_moved)
		has_moved = asker->sent < asker->request_len ? send_some(asker)
							     : receive_some(asker);
	if (asker->current && clock_now_ms() >= asker->deadline_ms)
		settle(asker, true, 1);
	start_next(asker);
}
