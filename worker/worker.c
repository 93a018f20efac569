/* The worker's loop: who is ready, who is to be served besides, when to end. */
#include "worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "worker/serving.h"
#include "worker/store_keeper.h"
#include "worker/tcp.h"
#include "worker/udp.h"

enum {
	WORKER_HEARTBEAT_MS = 500, /* longest sleep */
	WORKER_EVENTS = 64,
	WORKER_ROUNDS = 8, /* batches per UDP socket before anything else */
	WORKER_LAST_BATCHES = 256, /* more than a receive buffer holds */
};

/* epoll data: the index of a UDP socket in heritage->sockets, or one of these. */
#define SOURCE_TCP (UINT64_C(1) << 32)
#define SOURCE_WAKE (UINT64_C(2) << 32)
#define SOURCE_SIGNAL (UINT64_C(3) << 32)

struct worker {
	const struct heritage *heritage;
	struct region *region;
	struct worker_slot *slot;
	unsigned id;
	unsigned listen_count;
	unsigned adopted; /* predecessors whose sockets we serve */
	int epoll_fd, signal_fd;
	unsigned terms; /* SIGTERMs so far */
	uint32_t live_seq;
	bool shows_changes;
	uint64_t changes_seq; /* of the text that is answered */
	struct answer_options options;
	struct serving serving;
	struct udp_socket *sockets; /* as heritage->sockets; set when first served */
	struct store_keeper keeper;
	struct udp_server udp;
	struct tcp_server tcp;
};

static struct worker self;

_Noreturn static void
worker_fail(const char *what, int rc)
{
	log_errorx("cannot start: %s %s", what, errcode_text(rc));
	_exit(1);
}

/* ---- which sockets ---- */

static int
worker_watch(const struct worker *worker, int fd, uint64_t source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = source };

	if (epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return errcode_from_errno(errno);
	return ERR_OK;
}

/* Serve the sockets of worker `whose`.  Without its own a worker is of no use. */
static void
worker_add_sockets(struct worker *worker, unsigned whose)
{
	const struct listen_address *addresses = worker->heritage->settings->listen;

	for (unsigned i = 0; i < worker->listen_count; i++) {
		unsigned index = whose * worker->listen_count + i;
		const struct listen_pair *pair = &worker->heritage->sockets[index];
		int tcp = tcp_add_listener(&worker->tcp, pair->tcp_fd), udp;

		worker->sockets[index] =
			udp_socket_of(pair->udp_fd, &addresses[i].address);
		udp = worker_watch(worker, pair->udp_fd, index);
		if (tcp == ERR_OK && udp == ERR_OK)
			continue;
		if (whose == worker->id)
			worker_fail(addresses[i].text, udp != ERR_OK ? udp : tcp);
		log_warnx("%s of worker %u is not served meanwhile: the epoll set %s",
			  addresses[i].text, whose,
			  errcode_text(udp != ERR_OK ? udp : tcp));
	}
}

static void
worker_remove_sockets(struct worker *worker, unsigned whose)
{
	for (unsigned i = 0; i < worker->listen_count; i++) {
		const struct listen_pair *pair =
			&worker->heritage->sockets[whose * worker->listen_count + i];

		epoll_ctl(worker->epoll_fd, EPOLL_CTL_DEL, pair->udp_fd, NULL);
		tcp_remove_listener(&worker->tcp, pair->tcp_fd);
	}
}

/* The worker `steps` before this one. */
static unsigned
worker_predecessor(const struct worker *worker, unsigned steps)
{
	return (worker->id + worker->region->worker_count - steps) %
	       worker->region->worker_count;
}

/* A worker that backs off is served by the next one that does not. */
static void
worker_follow_neighbours(struct worker *worker)
{
	const struct region *region = worker->region;
	unsigned orphans = 0;

	while (orphans + 1 < region->worker_count &&
	       atomic_load_explicit(
		       &region->slots[worker_predecessor(worker, orphans + 1)].state,
		       memory_order_relaxed) == WORKER_BACKOFF)
		orphans++;
	for (; worker->adopted < orphans; worker->adopted++)
		worker_add_sockets(worker,
				   worker_predecessor(worker, worker->adopted + 1));
	for (; worker->adopted > orphans; worker->adopted--)
		worker_remove_sockets(worker,
				      worker_predecessor(worker, worker->adopted));
}

/* ---- options that change at run time ---- */

static void
worker_follow_live(struct worker *worker)
{
	struct region_live live;
	struct answer_options *options = &worker->options;

	if (atomic_load_explicit(&worker->region->live.seq, memory_order_acquire) ==
	    worker->live_seq)
		return;
	worker->live_seq = region_get_live(worker->region, &live);
	options->udp_size = live.udp_size;
	options->any_policy = live.any_policy;
	options->identity_len = live.identity_len;
	options->version_len = live.version_len;
	memcpy(options->identity, live.identity, sizeof options->identity);
	memcpy(options->version, live.version, sizeof options->version);
	worker->shows_changes = live.shows_changes;
	worker->changes_seq = UINT64_MAX;
	options->changes_len = 0;
	tcp_set_limits(&worker->tcp, &(struct tcp_limits){
					     .clients = live.tcp_clients,
					     .per_client = live.tcp_per_client,
					     .idle_ms = live.tcp_idle_ms,
					     .queries = live.tcp_queries,
				     });
	log_set_level((enum log_level)live.log_level);
}

/* Before a batch sees the latest data: what is told to be served then is. */
static void
worker_follow_changes(struct worker *worker)
{
	const struct region_source *source = &worker->region->source;
	struct answer_options *options = &worker->options;
	uint64_t seq;

	if (!worker->shows_changes)
		return;
	seq = region_source_probe_seq(source);
	if (seq == worker->changes_seq)
		return;
	worker->changes_seq = seq;
	options->changes_len =
		(uint8_t)region_source_print_probe(source, options->changes);
}

/* ---- turns ---- */

static void
worker_set_state(struct worker *worker, enum worker_state state)
{
	atomic_store_explicit(&worker->slot->state, state, memory_order_release);
}

/* A batch from each socket in turn, for as long as batches are full. */
static void
worker_serve_udp(struct worker *worker, uint32_t *ready, unsigned count)
{
	for (unsigned round = 0; round < WORKER_ROUNDS && count > 0; round++) {
		unsigned full = 0;

		for (unsigned i = 0; i < count; i++)
			if (udp_serve(&worker->udp, &worker->sockets[ready[i]]) ==
			    ANSWER_BATCH)
				ready[full++] = ready[i];
		count = full;
	}
}

static void
worker_take_signal(struct worker *worker)
{
	struct signalfd_siginfo info;

	if (read(worker->signal_fd, &info, sizeof info) == sizeof info)
		worker->terms++;
}

/* Take over what is published now, since there may be no query for a long time. */
static void
worker_take_wake(struct worker *worker)
{
	uint64_t count;

	while (read(worker->keeper.wake_fd, &count, sizeof count) < 0 && errno == EINTR)
		;
	store_keeper_get(&worker->keeper);
}

/* Wait for something to do, at most until the next heartbeat, and do it. */
static void
worker_turn(struct worker *worker)
{
	struct epoll_event events[WORKER_EVENTS];
	uint32_t udp[WORKER_EVENTS];
	unsigned udp_count = 0;
	bool tcp = false;
	uint64_t now_ns;
	int timeout_ms =
		tcp_timeout_ms(&worker->tcp, clock_now_ms(), WORKER_HEARTBEAT_MS);
	int count;

	serving_rest(&worker->serving);
	count = epoll_wait(worker->epoll_fd, events, WORKER_EVENTS, timeout_ms);
	/* before anything is answered that came after the change */
	worker_follow_live(worker);
	worker_follow_changes(worker);
	for (int i = 0; i < count; i++) {
		uint64_t source = events[i].data.u64;

		if (source < SOURCE_TCP)
			udp[udp_count++] = (uint32_t)source;
		else if (source == SOURCE_TCP)
			tcp = true;
		else if (source == SOURCE_WAKE)
			worker_take_wake(worker);
		else
			worker_take_signal(worker);
	}
	worker_serve_udp(worker, udp, udp_count);
	now_ns = clock_now_ns();
	atomic_store_explicit(&worker->slot->heartbeat_ns, now_ns, memory_order_relaxed);
	if (tcp)
		tcp_serve(&worker->tcp, now_ns / 1000000);
	tcp_sweep(&worker->tcp, now_ns / 1000000);
	stats_set(&worker->slot->stats, STAT_log_dropped, log_dropped());
}

/* What waits in the sockets now; what comes later is nobody's. */
static void
worker_empty_udp(struct worker *worker)
{
	for (unsigned back = 0; back <= worker->adopted; back++)
		for (unsigned i = 0; i < worker->listen_count; i++) {
			unsigned whose = worker_predecessor(worker, back),
				 left = WORKER_LAST_BATCHES;

			while (left-- > 0 &&
			       udp_serve(&worker->udp,
					 &worker->sockets[whose * worker->listen_count +
							  i]) > 0)
				;
		}
}

static void
worker_stop(struct worker *worker)
{
	worker_set_state(worker, WORKER_STOPPING);
	tcp_drain(&worker->tcp, clock_now_ms());
	while (worker->terms < 2 && !tcp_is_drained(&worker->tcp))
		worker_turn(worker);
	if (worker->terms < 2)
		worker_empty_udp(worker);
	tcp_fini(&worker->tcp);
}

static void
worker_serve(struct worker *worker)
{
	worker_add_sockets(worker, worker->id);
	worker_set_state(worker, WORKER_SERVING);
	while (!worker->terms) {
		worker_follow_neighbours(worker);
		worker_turn(worker);
	}
	worker_stop(worker);
}

/* ---- setting up ---- */

/* SIGTERM is read from a descriptor.  The others are the master's business, also when
 * a terminal sends them to all processes. */
static void
worker_set_signals(struct worker *worker)
{
	static const int ignored[] = { SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
	sigset_t term;

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	worker->signal_fd = signalfd(-1, &term, SFD_NONBLOCK | SFD_CLOEXEC);
	if (worker->signal_fd < 0)
		worker_fail("a descriptor for signals", errcode_from_errno(errno));
}

/* Connections need descriptors: take all that we may have. */
static void
worker_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
worker_open(struct worker *worker, const struct heritage *heritage, unsigned id)
{
	int rc;

	worker->heritage = heritage;
	worker->region = heritage->region;
	worker->slot = &heritage->region->slots[id];
	worker->id = id;
	worker->listen_count = (unsigned)heritage->settings->listen_count;
	worker->serving.keeper = &worker->keeper;
	worker->serving.options = &worker->options;
	worker->serving.stats = &worker->slot->stats;
	worker->live_seq = ~UINT32_C(0);
	worker->sockets =
		calloc((size_t)worker->region->worker_count * worker->listen_count + 1,
		       sizeof *worker->sockets);
	worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!worker->sockets || worker->epoll_fd < 0)
		worker_fail("an epoll set",
			    worker->sockets ? errcode_from_errno(errno) : ERR_NOMEM);
	worker_set_signals(worker);
	worker_raise_files();
	udp_init(&worker->udp, &worker->serving);
	rc = tcp_init(&worker->tcp, &worker->serving, worker->region, id);
	if (rc != ERR_OK)
		worker_fail("an epoll set", rc);
	worker_follow_live(worker);
	rc = store_keeper_start(&worker->keeper, heritage->settings->state_dir,
				worker->region, id);
	if (rc != ERR_OK)
		worker_fail("a thread", rc);
	rc = worker_watch(worker, worker->signal_fd, SOURCE_SIGNAL);
	if (rc == ERR_OK)
		rc = worker_watch(worker, worker->tcp.epoll_fd, SOURCE_TCP);
	if (rc == ERR_OK)
		rc = worker_watch(worker, worker->keeper.wake_fd, SOURCE_WAKE);
	if (rc != ERR_OK)
		worker_fail("an epoll set", rc);
}

_Noreturn void
worker_run(const struct heritage *heritage, unsigned id)
{
	struct worker *worker = &self;
	char name[32];

	snprintf(name, sizeof name, "worker %u", id);
	heritage_enter(heritage, name);
	worker_open(worker, heritage, id);
	while (!worker->terms && !store_keeper_get(&worker->keeper))
		worker_turn(worker);
	if (!worker->terms)
		worker_serve(worker);
	_exit(0); /* not exit: what the master has registered is not ours to run */
}
