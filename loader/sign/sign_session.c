/* Batches to the signer, over several connections. */
#include "loader/sign/sign_session.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "loader/sign/signer_proto.h"
#include "shm/errcode.h"

enum {
	LANES_MAX = 16,
	BATCH_ITEMS = 128,
	BATCH_PACED = 16, /* who waits for a slow one must not seem to stand still */
	BATCH_LEN = 64 << 10, /* octets after which a batch is sent */
	ATTEMPTS_MAX = 20,
	ATTEMPT_PAUSE_MS = 250,
	ANSWER_S = 60, /* a batch of the largest RSA keys on a busy machine */
	ANSWER_LEN_MAX = 16 << 20,
};

/* A connection, and the batch that was sent over it or is being filled. */
struct lane {
	int fd; /* -1: closed */
	bool has_keys; /* the signer has loaded the zone's keys for it */
	bool is_waiting; /* the batch is sent */
	uint8_t *octets; /* SIGNER_REQUEST_MAX */
	size_t len;
	unsigned count;
	struct {
		uint8_t *signature;
		uint16_t len;
	} items[BATCH_ITEMS];
};

struct sign_session {
	int signer_fd;
	bool is_paced;
	bool is_lost; /* it did not answer: it is not waited for again */
	int error; /* the first one */
	uint8_t zone[DNAME_MAX];
	size_t zone_len;
	struct sign_keys keys;
	unsigned lane_count, lanes_max, at; /* lanes[at] is being filled */
	unsigned batch_items; /* at most */
	struct lane lanes[LANES_MAX];
};

struct sign_session *
sign_session_new(int signer_fd, bool is_paced)
{
	struct sign_session *session = calloc(1, sizeof *session);
	cpu_set_t cpus;

	if (!session)
		return NULL;
	session->signer_fd = signer_fd;
	session->is_lost = signer_fd < 0;
	session->is_paced = is_paced;
	session->batch_items = is_paced ? BATCH_PACED : BATCH_ITEMS;
	session->lanes_max = 1;
	if (!is_paced && sched_getaffinity(0, sizeof cpus, &cpus) == 0)
		session->lanes_max = (unsigned)CPU_COUNT(&cpus);
	if (session->lanes_max > LANES_MAX)
		session->lanes_max = LANES_MAX;
	return session;
}

static void
lane_close(struct lane *lane)
{
	if (lane->fd >= 0)
		close(lane->fd);
	lane->fd = -1;
	lane->has_keys = false;
}

void
sign_session_free(struct sign_session *session)
{
	if (!session)
		return;
	for (unsigned i = 0; i < session->lane_count; i++) {
		lane_close(&session->lanes[i]);
		free(session->lanes[i].octets);
	}
	free(session);
}

/* ---- one connection ---- */

static bool
send_descriptor(int to, int fd)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = { 0 };
	char octet = 0;
	struct iovec piece = { .iov_base = &octet, .iov_len = 1 };
	struct msghdr head = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	struct cmsghdr *part = CMSG_FIRSTHDR(&head);

	part->cmsg_level = SOL_SOCKET;
	part->cmsg_type = SCM_RIGHTS;
	part->cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(part), &fd, sizeof fd);
	return sendmsg(to, &head, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static bool
lane_open(const struct sign_session *session, struct lane *lane)
{
	const struct timeval patience = { .tv_sec = ANSWER_S };
	int ends[2];

	if (lane->fd >= 0)
		return true;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
		return false;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (send_descriptor(session->signer_fd, ends[1]))
		lane->fd = ends[0];
	else
		close(ends[0]);
	close(ends[1]);
	return lane->fd >= 0;
}

static bool
lane_send(const struct sign_session *session, struct lane *lane, uint32_t op,
	  const void *octets, size_t len)
{
	const struct signer_request request = {
		.op = op,
		.len = (uint32_t)len,
		.is_paced = session->is_paced,
	};

	return signer_write(lane->fd, &request, sizeof request) &&
	       signer_write(lane->fd, octets, len);
}

/* returns false when the signer is gone. */
static bool
lane_hear(struct lane *lane, int *result, char **octets, size_t *len)
{
	struct signer_reply reply;

	*octets = NULL;
	if (!signer_read(lane->fd, &reply, sizeof reply) || reply.len > ANSWER_LEN_MAX)
		return false;
	*octets = malloc((size_t)reply.len + 1);
	if (!*octets || !signer_read(lane->fd, *octets, reply.len)) {
		free(*octets);
		*octets = NULL;
		return false;
	}
	(*octets)[reply.len] = '\0';
	*result = reply.result;
	*len = reply.len;
	return true;
}

static void
wait_a_little(void)
{
	const struct timespec pause = { .tv_nsec = ATTEMPT_PAUSE_MS * 1000000L };

	nanosleep(&pause, NULL);
}

static int
add_lane(struct sign_session *session)
{
	struct lane *lane = &session->lanes[session->lane_count];

	*lane = (struct lane){ .fd = -1, .octets = malloc(SIGNER_REQUEST_MAX) };
	if (!lane->octets)
		return ERR_NOMEM;
	session->lane_count++;
	return ERR_OK;
}

/* Ask until there is an answer. */
static int
lane_ask(struct sign_session *session, struct lane *lane, uint32_t op, const void *octets,
	 size_t len, char **reply, size_t *reply_len)
{
	unsigned attempts = session->is_lost ? 1 : ATTEMPTS_MAX;

	for (unsigned i = 0; i < attempts; i++) {
		int result;

		if (lane_open(session, lane) &&
		    lane_send(session, lane, op, octets, len) &&
		    lane_hear(lane, &result, reply, reply_len)) {
			session->is_lost = false;
			return result;
		}
		lane_close(lane);
		if (i + 1 < attempts)
			wait_a_little();
	}
	session->is_lost = true;
	*reply = NULL;
	return ERR_TIMEOUT;
}

int
sign_session_ask(struct sign_session *session, uint32_t op, const void *octets,
		 size_t len, char **reply, size_t *reply_len)
{
	*reply = NULL;
	if (session->lane_count == 0 && add_lane(session) != ERR_OK)
		return ERR_NOMEM;
	session->lanes[0].has_keys = false;
	return lane_ask(session, &session->lanes[0], op, octets, len, reply, reply_len);
}

/* ---- a zone's keys ---- */

static bool
unpack_keys(const char *octets, size_t len, struct sign_keys *out)
{
	struct signer_keys_head head;
	size_t items_len, problems_len;

	memset(out, 0, sizeof *out);
	if (len < sizeof head)
		return false;
	memcpy(&head, octets, sizeof head);
	if (head.count > SIGN_KEYS_MAX || head.problem_count > SIGN_PROBLEMS_MAX)
		return false;
	items_len = head.count * sizeof *out->items;
	problems_len = head.problem_count * sizeof *out->problems;
	if (len != sizeof head + items_len + problems_len)
		return false;
	out->count = head.count;
	out->problem_count = head.problem_count;
	out->next_s = head.next_s;
	out->goal = head.goal;
	out->is_list_lost = head.is_list_lost;
	memcpy(out->rolled_by, head.rolled_by, sizeof out->rolled_by);
	memcpy(out->items, octets + sizeof head, items_len);
	memcpy(out->problems, octets + sizeof head + items_len, problems_len);
	return true;
}

static int
load_keys(struct sign_session *session, struct lane *lane, struct sign_keys *out)
{
	size_t len;
	char *reply;
	int rc = lane_ask(session, lane, SIGNER_KEYS, session->zone, session->zone_len,
			  &reply, &len);

	if (rc == ERR_OK && !unpack_keys(reply, len, out))
		rc = ERR_FORMAT;
	lane->has_keys = rc == ERR_OK;
	free(reply);
	return rc;
}

/* Every connection must sign with the keys that we know of. */
static int
prepare_lane(struct sign_session *session, struct lane *lane)
{
	struct sign_keys *keys;
	int rc;

	if (lane->fd >= 0 && lane->has_keys)
		return ERR_OK;
	keys = malloc(sizeof *keys);
	if (!keys)
		return ERR_NOMEM;
	rc = load_keys(session, lane, keys);
	if (rc == ERR_OK &&
	    (keys->count != session->keys.count || keys->goal != session->keys.goal ||
	     memcmp(keys->items, session->keys.items,
		    keys->count * sizeof *keys->items) != 0))
		rc = ERR_BUSY;
	free(keys);
	return rc;
}

int
sign_session_start(struct sign_session *session, const uint8_t *zone, size_t len,
		   struct sign_keys *keys)
{
	int rc = session->lane_count > 0 ? ERR_OK : add_lane(session);

	if (rc != ERR_OK)
		return rc;
	for (unsigned i = 0; i < session->lane_count; i++) {
		session->lanes[i].has_keys = false;
		session->lanes[i].is_waiting = false;
		session->lanes[i].count = 0;
		session->lanes[i].len = 0;
	}
	memcpy(session->zone, zone, len);
	session->zone_len = len;
	session->at = 0;
	session->error = load_keys(session, &session->lanes[0], &session->keys);
	if (session->error == ERR_OK)
		*keys = session->keys;
	return session->error;
}

/* ---- batches ---- */

/* Hand out the signatures of a batch. */
static int
lane_take(struct lane *lane, const char *octets, size_t len)
{
	size_t at = 0;

	for (unsigned i = 0; i < lane->count; i++) {
		if (lane->items[i].len > len - at)
			return ERR_FORMAT;
		memcpy(lane->items[i].signature, octets + at, lane->items[i].len);
		at += lane->items[i].len;
	}
	lane->is_waiting = false;
	lane->count = 0;
	lane->len = 0;
	return at == len ? ERR_OK : ERR_FORMAT;
}

/* Wait for the batch of a lane; if its signer has died, ask the next one. */
static int
lane_finish(struct sign_session *session, struct lane *lane)
{
	char *reply = NULL;
	size_t len = 0;
	int result = ERR_OK;

	if (!lane_hear(lane, &result, &reply, &len)) {
		lane_close(lane);
		result = prepare_lane(session, lane);
		if (result == ERR_OK)
			result = lane_ask(session, lane, SIGNER_SIGN, lane->octets,
					  lane->len, &reply, &len);
	}
	if (result == ERR_OK)
		result = lane_take(lane, reply, len);
	free(reply);
	return result;
}

static int
lane_start(struct sign_session *session, struct lane *lane)
{
	int rc = prepare_lane(session, lane);

	if (rc != ERR_OK)
		return rc;
	/* a signer that is gone is noticed when we listen */
	(void)!lane_send(session, lane, SIGNER_SIGN, lane->octets, lane->len);
	lane->is_waiting = true;
	return ERR_OK;
}

/* Send the batch, and find a lane for the next one. */
static int
send_batch(struct sign_session *session)
{
	int rc = lane_start(session, &session->lanes[session->at]);

	if (rc == ERR_OK && session->lane_count < session->lanes_max) {
		rc = add_lane(session);
		session->at = session->lane_count - 1;
		return rc;
	}
	session->at = (session->at + 1) % session->lane_count;
	if (rc == ERR_OK && session->lanes[session->at].is_waiting)
		rc = lane_finish(session, &session->lanes[session->at]);
	return rc;
}

static int
add_item(struct sign_session *session, unsigned key, const uint8_t *octets, size_t len,
	 uint8_t *signature)
{
	const struct signer_item item = { .key = (uint16_t)key, .len = (uint32_t)len };
	struct lane *lane = &session->lanes[session->at];

	if (len > SIGNER_REQUEST_MAX - BATCH_LEN - sizeof item)
		return ERR_RANGE;
	memcpy(lane->octets + lane->len, &item, sizeof item);
	memcpy(lane->octets + lane->len + sizeof item, octets, len);
	lane->len += sizeof item + len;
	lane->items[lane->count].signature = signature;
	lane->items[lane->count++].len = session->keys.items[key].signature_len;
	return lane->count == session->batch_items || lane->len >= BATCH_LEN
		       ? send_batch(session)
		       : ERR_OK;
}

int
sign_session_add(struct sign_session *session, unsigned key, const uint8_t *octets,
		 size_t len, uint8_t *signature)
{
	if (session->error == ERR_OK)
		session->error = add_item(session, key, octets, len, signature);
	return session->error;
}

int
sign_session_finish(struct sign_session *session)
{
	if (session->error == ERR_OK && session->lanes[session->at].count > 0)
		session->error = lane_start(session, &session->lanes[session->at]);
	for (unsigned i = 0; i < session->lane_count; i++) {
		struct lane *lane = &session->lanes[i];

		if (session->error == ERR_OK && lane->is_waiting)
			session->error = lane_finish(session, lane);
		if (session->error != ERR_OK)
			lane_close(lane);
	}
	return session->error;
}
