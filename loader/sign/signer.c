/* The signer: a thread for each connection, its keys that thread's own. */
#include "loader/sign/signer.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/sign/key_store.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/signer_proto.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	BEAT_MS = 1000,
	PACE_AHEAD_NS = 5000000, /* so that it is not waited for each signature */
	CONNECTIONS_MAX = 1024,
	STACK_LEN = 512 << 10,
};

struct signer {
	struct key_store *store;
	struct region *region; /* or NULL */
	struct region_signer *board; /* of it */
	atomic_uint connections;
	pthread_mutex_t lock; /* for due_ns */
	uint64_t due_ns; /* when the next paced signature may be made */
	uint64_t pace_ns;
};

struct connection {
	struct signer *signer;
	int fd;
	struct signer_request request;
	uint8_t *octets; /* of the request: SIGNER_REQUEST_MAX */
	uint8_t *reply;
	size_t reply_len, reply_room;
	struct sign_keys keys;
	struct crypto_key *secrets[SIGN_KEYS_MAX];
};

static uint8_t *
reply_take(struct connection *c, size_t len)
{
	uint8_t *grown = grow_items(c->reply, &c->reply_room, c->reply_len + len, 1);

	if (!grown)
		return NULL;
	c->reply = grown;
	c->reply_len += len;
	return grown + c->reply_len - len;
}

static int
reply_put(struct connection *c, const void *octets, size_t len)
{
	uint8_t *at = reply_take(c, len);

	if (!at)
		return ERR_NOMEM;
	if (len > 0)
		memcpy(at, octets, len);
	return ERR_OK;
}

/* With why it was not done, when it was not.  returns `rc`, or ERR_NOMEM. */
static int
reply_reason(struct connection *c, int rc, const char *reason)
{
	if (rc != ERR_OK && reply_put(c, reason, strlen(reason)) != ERR_OK)
		return ERR_NOMEM;
	return rc;
}

/* ---- requests ---- */

static void
drop_keys(struct connection *c)
{
	for (size_t i = 0; i < c->keys.count; i++)
		crypto_key_free(c->secrets[i]);
	c->keys.count = 0;
}

/* A zone's name, as it must be; NULL for what is none. */
static const uint8_t *
zone_at(const struct connection *c, size_t at)
{
	size_t len = c->request.len;

	return at < len && dname_len(c->octets + at, len - at) == len - at
		       ? c->octets + at
		       : NULL;
}

/* Its threads count together. */
static void
count_more(const struct signer *signer, enum signer_figure which, uint64_t n)
{
	if (signer->board)
		atomic_fetch_add(&signer->board->figures[which], n);
}

static int
answer_keys(struct connection *c)
{
	const uint8_t *zone = zone_at(c, 0);
	struct signer_keys_head head;
	int rc;

	drop_keys(c);
	if (!zone)
		return ERR_FORMAT;
	if (c->signer->region)
		sign_clock_look(c->signer->region);
	rc = key_store_load(c->signer->store, zone, &c->keys, c->secrets);
	if (rc != ERR_OK)
		return rc;
	count_more(c->signer, SIGNER_FIGURE_key_faults, c->keys.problem_count);
	head = (struct signer_keys_head){
		.count = (uint32_t)c->keys.count,
		.problem_count = (uint32_t)c->keys.problem_count,
		.next_s = c->keys.next_s,
		.goal = c->keys.goal,
		.is_list_lost = c->keys.is_list_lost,
	};
	memcpy(head.rolled_by, c->keys.rolled_by, sizeof head.rolled_by);
	rc = reply_put(c, &head, sizeof head);
	if (rc == ERR_OK)
		rc = reply_put(c, c->keys.items, c->keys.count * sizeof *c->keys.items);
	if (rc == ERR_OK)
		rc = reply_put(c, c->keys.problems,
			       c->keys.problem_count * sizeof *c->keys.problems);
	return rc;
}

/* Wait until one more signature is within dnssec.max_rate, some ms of which are used ahead. */
static void
keep_pace(struct signer *signer)
{
	uint64_t now_ns = clock_now_ns(), due_ns;

	pthread_mutex_lock(&signer->lock);
	if (signer->due_ns < now_ns)
		signer->due_ns = now_ns;
	due_ns = signer->due_ns;
	signer->due_ns += signer->pace_ns;
	pthread_mutex_unlock(&signer->lock);
	if (due_ns > now_ns + PACE_AHEAD_NS) {
		const struct timespec wait = {
			.tv_sec = (time_t)((due_ns - now_ns) / 1000000000u),
			.tv_nsec = (long)((due_ns - now_ns) % 1000000000u),
		};

		nanosleep(&wait, NULL);
	}
}

static int
sign_item(struct connection *c, const struct signer_item *item, const uint8_t *octets)
{
	struct crypto_key *key;
	uint8_t *signature;

	if (item->key >= c->keys.count)
		return ERR_RANGE;
	key = c->secrets[item->key];
	signature = reply_take(c, crypto_key_signature_len(key));
	return signature ? crypto_key_sign(key, octets, item->len, signature) : ERR_NOMEM;
}

static int
answer_sign(struct connection *c)
{
	const uint8_t *at = c->octets, *end = at + c->request.len;

	while (at < end) {
		struct signer_item item;
		int rc;

		if ((size_t)(end - at) < sizeof item)
			return ERR_FORMAT;
		memcpy(&item, at, sizeof item);
		at += sizeof item;
		if (item.len > (size_t)(end - at))
			return ERR_FORMAT;
		if (c->request.is_paced)
			keep_pace(c->signer);
		rc = sign_item(c, &item, at);
		if (rc != ERR_OK)
			return rc;
		at += item.len;
	}
	return ERR_OK;
}

static bool
put_zone(void *context, const uint8_t *zone, size_t len)
{
	const uint8_t octet = (uint8_t)len;

	return reply_put(context, &octet, 1) == ERR_OK &&
	       reply_put(context, zone, len) == ERR_OK;
}

static int
answer_generate(struct connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct signer_generate));
	char reason[SIGN_PROBLEM_LEN] = "";
	struct signer_generate what;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&what, c->octets, sizeof what);
	rc = key_store_generate(c->signer->store, zone, what.algorithm, what.is_split,
				reason);
	return reply_reason(c, rc, reason);
}

/* The texts of a request that has them: [at, at + len) of its octets. */
static bool
take_text(const struct connection *c, size_t *at, size_t len, const char **out)
{
	if (len > c->request.len - *at)
		return false;
	*out = (const char *)c->octets + *at;
	*at += len;
	return true;
}

static void
show_unkept(const struct signer *signer)
{
	struct key_unkept_count count = key_store_count_unkept(signer->store);

	if (!signer->board)
		return;
	atomic_store(&signer->board->unkept_why, count.why);
	atomic_store(&signer->board->unkept_tries, count.tries);
	atomic_store(&signer->board->unkept_count, count.zones);
}

static int
put(struct connection *c, const uint8_t *zone,
    const struct key_given given[KEY_GIVEN_TEXTS])
{
	int rc = key_store_put(c->signer->store, zone, given);

	if (rc != ERR_OK)
		count_more(c->signer, SIGNER_FIGURE_keys_unkept, 1);
	show_unkept(c->signer);
	return rc;
}

static int
answer_unkept(struct connection *c)
{
	key_store_each_unkept(c->signer->store, put_zone, c);
	show_unkept(c->signer);
	return ERR_OK;
}

static int
answer_put(struct connection *c)
{
	struct key_given given[KEY_GIVEN_TEXTS];
	uint8_t zone[DNAME_MAX];
	const char *name;
	struct signer_put head;
	size_t at = sizeof head;

	if (c->request.len < sizeof head)
		return ERR_FORMAT;
	memcpy(&head, c->octets, sizeof head);
	if (!take_text(c, &at, head.zone_len, &name) || head.zone_len > sizeof zone ||
	    dname_len((const uint8_t *)name, head.zone_len) != head.zone_len)
		return ERR_FORMAT;
	memcpy(zone, name, head.zone_len);
	for (unsigned i = 0; i < KEY_GIVEN_TEXTS; i++) {
		given[i].state = (enum key_given_state)head.texts[i].state;
		given[i].name_len = head.texts[i].name_len;
		given[i].text_len = head.texts[i].text_len;
		if (!take_text(c, &at, given[i].name_len, &given[i].name) ||
		    !take_text(c, &at, given[i].text_len, &given[i].text))
			return ERR_FORMAT;
	}
	return put(c, zone, given);
}

static int
answer_roll(struct connection *c)
{
	const uint8_t *zone = zone_at(c, 0);
	struct roll_zone roll;
	int rc = zone ? key_store_roll(c->signer->store, zone, &roll) : ERR_FORMAT;

	return rc == ERR_OK ? reply_put(c, &roll, sizeof roll) : rc;
}

static int
answer_put_roll(struct connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct roll_zone));
	char reason[SIGN_PROBLEM_LEN] = "";
	struct roll_zone roll;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&roll, c->octets, sizeof roll);
	if (roll.count > SIGN_KEYS_MAX)
		return ERR_FORMAT;
	rc = key_store_put_roll(c->signer->store, zone, &roll, reason);
	return reply_reason(c, rc, reason);
}

static int
answer_list(struct connection *c)
{
	const uint8_t *zone = zone_at(c, sizeof(struct signer_list));
	struct signer_list what;
	size_t len;
	char *text;
	int rc;

	if (!zone)
		return ERR_FORMAT;
	memcpy(&what, c->octets, sizeof what);
	rc = key_store_list(c->signer->store, zone, what.number, what.written_s, &text,
			    &len);
	if (rc != ERR_OK)
		return rc;
	rc = reply_put(c, text, len);
	explicit_bzero(text, len);
	free(text);
	return rc;
}

static int
answer(struct connection *c)
{
	switch (c->request.op) {
	case SIGNER_KEYS:
		return answer_keys(c);
	case SIGNER_SIGN:
		return answer_sign(c);
	case SIGNER_ZONES:
		return key_store_zones(c->signer->store, put_zone, c);
	case SIGNER_GENERATE:
		return answer_generate(c);
	case SIGNER_PUT:
		return answer_put(c);
	case SIGNER_ROLL:
		return answer_roll(c);
	case SIGNER_PUT_ROLL:
		return answer_put_roll(c);
	case SIGNER_ROLLS:
		return key_store_rolls(c->signer->store, put_zone, c);
	case SIGNER_UNKEPT:
		return answer_unkept(c);
	case SIGNER_LIST:
		return answer_list(c);
	default:
		return ERR_FORMAT;
	}
}

/* ---- connections ---- */

static bool
send_reply(struct connection *c, struct signer_reply *head)
{
	bool is_sent;

	head->len = (uint32_t)c->reply_len;
	is_sent = signer_write(c->fd, head, sizeof *head) &&
		  (c->reply_len == 0 || signer_write(c->fd, c->reply, c->reply_len));
	if (c->request.op == SIGNER_LIST && c->reply_len > 0)
		explicit_bzero(c->reply, c->reply_len);
	return is_sent;
}

static bool
serve_request(struct connection *c)
{
	struct signer_reply reply;

	if (!signer_read(c->fd, &c->request, sizeof c->request) ||
	    c->request.len > SIGNER_REQUEST_MAX ||
	    !signer_read(c->fd, c->octets, c->request.len))
		return false;
	c->reply_len = 0;
	reply.result = answer(c);
	if (c->request.op == SIGNER_PUT)
		explicit_bzero(c->octets, c->request.len);
	if (reply.result != ERR_OK && c->request.op != SIGNER_GENERATE &&
	    c->request.op != SIGNER_PUT_ROLL)
		c->reply_len = 0;
	return send_reply(c, &reply);
}

static void *
run_connection(void *argument)
{
	struct connection *c = argument;

	c->octets = malloc(SIGNER_REQUEST_MAX);
	while (c->octets && serve_request(c))
		;
	drop_keys(c);
	atomic_fetch_sub(&c->signer->connections, 1);
	close(c->fd);
	free(c->octets);
	free(c->reply);
	free(c);
	return NULL;
}

static void
start_connection(struct signer *signer, int fd)
{
	struct connection *c = calloc(1, sizeof *c);
	pthread_attr_t attributes;
	pthread_t thread;
	bool is_started = false;

	if (c && atomic_fetch_add(&signer->connections, 1) < CONNECTIONS_MAX) {
		c->signer = signer;
		c->fd = fd;
		pthread_attr_init(&attributes);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attributes, STACK_LEN);
		is_started = pthread_create(&thread, &attributes, run_connection, c) == 0;
		pthread_attr_destroy(&attributes);
	}
	if (is_started)
		return;
	if (c)
		atomic_fetch_sub(&signer->connections, 1);
	free(c);
	close(fd);
}

/* The descriptor that a message brings; -1 for none, -2 when no more come. */
static int
receive_descriptor(int from)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	char octet;
	struct iovec piece = { .iov_base = &octet, .iov_len = 1 };
	struct msghdr head = {
		.msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof control,
	};
	ssize_t len = recvmsg(from, &head, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	const struct cmsghdr *part = len > 0 ? CMSG_FIRSTHDR(&head) : NULL;
	int fd = -1;

	if (len == 0)
		return -2;
	if (part && part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS &&
	    part->cmsg_len == CMSG_LEN(sizeof fd))
		memcpy(&fd, CMSG_DATA(part), sizeof fd);
	return fd;
}

/* What was given is made durable by itself: nobody waits for the device. */
static void *
run_keeper(void *argument)
{
	const struct timespec pause = { .tv_sec = 1 };

	for (;;) {
		key_store_sync(argument);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static void
start_thread(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) == 0)
		pthread_detach(thread);
}

int
signer_serve(const struct signer_options *options)
{
	struct signer signer = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.pace_ns = 1000000000u / options->settings->dnssec.max_rate,
		.region = options->region,
		.board = options->region ? &options->region->signer : NULL,
	};
	struct pollfd poller = { .fd = options->fd, .events = POLLIN };
	int fd, rc;

	/* nobody reads our memory, not even a process of our own user */
	prctl(PR_SET_DUMPABLE, 0);
	rc = key_store_new(options->settings, options->may_write, &signer.store);
	if (rc != ERR_OK) {
		log_errorx("keys cannot be kept in %s/keys: %s",
			   options->settings->state_dir, errcode_text(rc));
		return rc;
	}
	show_unkept(&signer); /* of one that was here before, nothing is known */
	if (options->may_write)
		start_thread(run_keeper, signer.store);
	do {
		if (signer.board)
			atomic_store(&signer.board->heartbeat_ns, clock_now_ns());
		fd = -1;
		if (poll(&poller, 1, BEAT_MS) > 0)
			fd = receive_descriptor(options->fd);
		if (fd >= 0)
			start_connection(&signer, fd);
	} while (fd != -2);
	return ERR_OK;
}

int
signer_fork(const struct settings *settings, pid_t *pid)
{
	int ends[2];

	*pid = 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return errcode_from_errno(errno);
	*pid = fork();
	if (*pid == 0) {
		const struct signer_options options = { .settings = settings,
							.fd = ends[1] };

		close(ends[0]);
		signal(SIGINT, SIG_IGN);
		_exit(signer_serve(&options) == ERR_OK ? 0 : 1);
	}
	close(ends[1]);
	if (*pid > 0)
		return ends[0];
	*pid = 0;
	close(ends[0]);
	return ERR_NOMEM;
}
