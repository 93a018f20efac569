/* The signer: a thread for each connection, its keys that thread's own. */
#include "loader/sign/signer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "loader/sign/signer_private.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	BEAT_MS = 1000,
	CONNECTIONS_MAX = 1024,
	STACK_LEN = 512 << 10,
};

/* ---- connections ---- */

static bool
send_reply(struct signer_connection *c, struct signer_reply *head)
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
serve_request(struct signer_connection *c)
{
	struct signer_reply reply;

	if (!signer_read(c->fd, &c->request, sizeof c->request) ||
	    c->request.len > SIGNER_REQUEST_MAX ||
	    !signer_read(c->fd, c->octets, c->request.len))
		return false;
	c->reply_len = 0;
	reply.result = signer_answer(c);
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
	struct signer_connection *c = argument;

	c->octets = malloc(SIGNER_REQUEST_MAX);
	while (c->octets && serve_request(c))
		;
	signer_drop_keys(c);
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
	struct signer_connection *c = calloc(1, sizeof *c);
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
	signer_show_unkept(&signer); /* of one that was here before, nothing is known */
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
