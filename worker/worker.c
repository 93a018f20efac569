/* The worker's loop: who is ready, who is to be served besides, when to end. */
#include "worker/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/fence.h"
#include "shm/heap_sampler.h"
#include "shm/log.h"
#include "shm/process_seat.h"
#include "shm/wake.h"
#include "worker/answer_options.h"
#include "worker/cookie.h"
#include "worker/geo.h"
#include "worker/isolation.h"
#include "worker/limit.h"
#include "worker/noter.h"
#include "worker/resolved_view.h"
#include "worker/sampler.h"
#include "worker/serving.h"
#include "worker/signed_sets.h"
#include "worker/slice.h"
#include "worker/steer.h"
#include "worker/store_keeper.h"
#include "worker/tcp.h"
#include "worker/udp.h"

enum {
	WORKER_HEARTBEAT_MS = 500, /* longest sleep */
	WORKER_ROUNDS = 8, /* batches per UDP socket before anything else */
	WORKER_BUSY = 16, /* queries in one: more have come meanwhile */
	WORKER_LAST_BATCHES = 256, /* more than a receive buffer holds */
};

/* What a worker waits for, by its index in `waits`. */
enum { WAIT_SIGNAL, WAIT_WAKE, WAIT_TCP, WAIT_UDP, /* the first of them */ };

struct worker {
	const struct heritage *heritage;
	struct region *region;
	struct worker_slot *slot;
	unsigned id;
	unsigned listen_count;
	unsigned served; /* workers whose sockets we serve: this one, its predecessors */
	int signal_fd;
	unsigned terms; /* SIGTERMs so far */
	uint32_t live_seq;
	bool shows_changes;
	uint64_t changes_seq; /* of the text that is answered */
	struct answer_options options;
	struct steerer steerer;
	struct geo geo;
	struct resolved_view resolved;
	struct signed_sets signed_sets;
	struct limiter limiter;
	struct isolation isolation;
	struct cookie_jar cookies;
	struct stage_clock clock;
	struct query_log log;
	struct noter noter;
	struct serving serving;
	struct sampler sampler;
	/* Polled, since an epoll set is told of each datagram that comes, and of each that
	 * has left: there is room to write.  Our own sockets stand first, then those of
	 * each predecessor that we serve; so in `sockets`.  Room for those of all workers. */
	struct pollfd *waits;
	struct udp_socket *sockets;
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

/* The worker `steps` before this one. */
static unsigned
worker_predecessor(const struct worker *worker, unsigned steps)
{
	return (worker->id + worker->region->worker_count - steps) %
	       worker->region->worker_count;
}

static const struct listen_pair *
worker_pairs(const struct worker *worker, unsigned whose)
{
	return &worker->heritage->sockets[(size_t)whose * worker->listen_count];
}

/* Serve the sockets of one more worker: first our own, without which we are of no use. */
static void
worker_add_sockets(struct worker *worker)
{
	const struct listen_address *addresses = worker->heritage->settings->listen;
	unsigned whose = worker_predecessor(worker, worker->served);
	const struct listen_pair *pairs = worker_pairs(worker, whose);

	for (unsigned i = 0; i < worker->listen_count; i++) {
		unsigned at = worker->served * worker->listen_count + i;
		int rc = tcp_add_listener(&worker->tcp, pairs[i].tcp_fd);

		worker->sockets[at] =
			udp_socket_of(pairs[i].udp_fd, &addresses[i].address);
		worker->waits[WAIT_UDP + at] =
			(struct pollfd){ .fd = pairs[i].udp_fd, .events = POLLIN };
		if (rc == ERR_OK)
			continue;
		if (whose == worker->id)
			worker_fail(addresses[i].text, rc);
		log_warnx("%s of worker %u is not served over TCP meanwhile: the epoll "
			  "set %s",
			  addresses[i].text, whose, errcode_text(rc));
	}
	worker->served++;
}

/* Those that were added last. */
static void
worker_remove_sockets(struct worker *worker)
{
	const struct listen_pair *pairs =
		worker_pairs(worker, worker_predecessor(worker, --worker->served));

	for (unsigned i = 0; i < worker->listen_count; i++)
		tcp_remove_listener(&worker->tcp, pairs[i].tcp_fd);
}

/* A worker that backs off is served by the next one that does not. */
static void
worker_follow_neighbours(struct worker *worker)
{
	const struct region *region = worker->region;
	unsigned ours = 1;

	while (ours < region->worker_count &&
	       atomic_load_explicit(
		       &region->slots[worker_predecessor(worker, ours)].state,
		       memory_order_relaxed) == WORKER_BACKOFF)
		ours++;
	while (worker->served < ours)
		worker_add_sockets(worker);
	while (worker->served > ours)
		worker_remove_sockets(worker);
}

/* ---- options that change at run time ---- */

static void
worker_follow_live(struct worker *worker)
{
	struct region_live live;

	worker->options.limiter =
		limiter_follow(&worker->limiter) ? &worker->limiter : NULL;
	worker->options.isolation =
		worker->limiter.config.isolates ? &worker->isolation : NULL;
	worker->options.cookies =
		worker->limiter.config.has_cookies ? &worker->cookies : NULL;
	if (atomic_load_explicit(&worker->region->live.seq, memory_order_acquire) ==
	    worker->live_seq)
		return;
	worker->live_seq = region_get_live(worker->region, &live);
	answer_options_follow(&worker->options, &live);
	worker->shows_changes = live.shows_changes;
	worker->changes_seq = UINT64_MAX;
	tcp_set_limits(&worker->tcp, &(struct tcp_limits){
					     .clients = live.tcp_clients,
					     .per_client = live.tcp_per_client,
					     .idle_ms = live.tcp_idle_ms,
					     .queries = live.tcp_queries,
				     });
	query_log_follow(&worker->log, live.query_log_sample);
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

/* A batch from each socket in turn, for as long as they are busy. */
static void
worker_serve_udp(struct worker *worker)
{
	struct pollfd *waits = worker->waits + WAIT_UDP;
	unsigned count = worker->served * worker->listen_count;
	bool is_busy = true;

	for (unsigned round = 0; round < WORKER_ROUNDS && is_busy; round++) {
		is_busy = false;
		for (unsigned i = 0; i < count; i++) {
			if (!waits[i].revents)
				continue;
			if (udp_serve(&worker->udp, &worker->sockets[i]) >= WORKER_BUSY)
				is_busy = true;
			else
				waits[i].revents = 0;
		}
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
	wake_clear(worker->keeper.wake_fd);
	store_keeper_get(&worker->keeper);
}

/* Wait for something to do, at most until the next heartbeat, and do it. */
static void
worker_turn(struct worker *worker)
{
	const struct pollfd *waits = worker->waits;
	nfds_t count = WAIT_UDP + worker->served * worker->listen_count;
	uint64_t now_ns;
	int timeout_ms;
	bool is_ready;

	serving_rest(&worker->serving);
	now_ns = stage_clock_move(&worker->clock, STAGE_WAIT, 1);
	timeout_ms = tcp_timeout_ms(&worker->tcp, now_ns / 1000000, WORKER_HEARTBEAT_MS);
	is_ready = poll(worker->waits, count, timeout_ms) > 0;
	worker->udp.woken_ns = stage_clock_move(&worker->clock, STAGE_UPKEEP, 1);
	worker->cookies.now_s = (uint32_t)clock_wall_s();
	sampler_follow(&worker->sampler);
	/* before anything is answered that came after the change */
	worker_follow_live(worker);
	worker_follow_changes(worker);
	if (geo_has_offer(&worker->geo))
		geo_take(&worker->geo);
	resolved_view_follow(&worker->resolved, worker->heritage->settings->state_dir,
			     atomic_load_explicit(&worker->region->resolver.store_seq,
						  memory_order_acquire));
	if (is_ready && waits[WAIT_SIGNAL].revents)
		worker_take_signal(worker);
	if (is_ready && waits[WAIT_WAKE].revents)
		worker_take_wake(worker);
	if (is_ready)
		worker_serve_udp(worker);
	now_ns = worker->clock.entered_ns;
	atomic_store_explicit(&worker->slot->heartbeat_ns, now_ns, memory_order_relaxed);
	if (is_ready && waits[WAIT_TCP].revents) {
		stage_clock_move(&worker->clock, STAGE_TCP, 1);
		tcp_serve(&worker->tcp, now_ns / 1000000);
	}
	tcp_sweep(&worker->tcp, now_ns / 1000000);
	signed_sets_tell(&worker->signed_sets);
	stats_set(&worker->slot->stats, STAT_log_dropped, log_dropped());
}

/* What waits in the sockets now; what comes later is nobody's. */
static void
worker_empty_udp(struct worker *worker)
{
	for (unsigned i = 0; i < worker->served * worker->listen_count; i++) {
		unsigned left = WORKER_LAST_BATCHES;

		while (left-- > 0 && udp_serve(&worker->udp, &worker->sockets[i]) > 0)
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
	worker_add_sockets(worker);
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
	size_t sockets;
	int rc;

	worker->heritage = heritage;
	worker->region = heritage->region;
	worker->slot = &heritage->region->slots[id];
	worker->id = id;
	worker->listen_count = (unsigned)heritage->settings->listen_count;
	worker->serving.keeper = &worker->keeper;
	worker->options.steerer = &worker->steerer;
	resolved_view_init(&worker->resolved, &worker->slot->wishes);
	worker->options.resolved = &worker->resolved;
	worker->options.signed_sets = &worker->signed_sets;
	signed_sets_init(&worker->signed_sets, heritage, id);
	worker->serving.options = &worker->options;
	query_log_init(&worker->log, heritage, id);
	worker->serving.log = &worker->log;
	worker->serving.stats = &worker->slot->stats;
	stage_clock_init(&worker->clock, &worker->slot->times);
	worker->serving.clock = worker->options.clock = &worker->clock;
	noter_init(&worker->noter, &worker->slot->top,
		   (struct hash_seed){ worker->region->client_seed.a,
				       worker->region->client_seed.b });
	worker->serving.noter = &worker->noter;
	worker->live_seq = ~UINT32_C(0);
	sockets = (size_t)worker->region->worker_count * worker->listen_count;
	worker->sockets = calloc(sockets + 1, sizeof *worker->sockets);
	worker->waits = calloc(WAIT_UDP + sockets, sizeof *worker->waits);
	if (!worker->sockets || !worker->waits)
		worker_fail("room for sockets", ERR_NOMEM);
	rc = steerer_init(&worker->steerer, &worker->geo);
	if (rc != ERR_OK)
		worker_fail("random numbers", rc);
	worker->steerer.board = worker->heritage->board;
	limiter_init(&worker->limiter, worker->region, id);
	isolation_init(&worker->isolation, &worker->slot->floods);
	worker->cookies.config = &worker->limiter.config;
	worker_set_signals(worker);
	worker_raise_files();
	udp_init(&worker->udp, &worker->serving);
	rc = tcp_init(&worker->tcp, &worker->serving, worker->region, id);
	if (rc != ERR_OK)
		worker_fail("an epoll set", rc);
	worker_follow_live(worker);
	process_seat_defer();
	rc = store_keeper_start(&worker->keeper, heritage->settings->state_dir,
				worker->region, id, &worker->geo);
	if (rc != ERR_OK)
		worker_fail("a thread", rc);
	worker->waits[WAIT_SIGNAL] = (struct pollfd){ worker->signal_fd, POLLIN, 0 };
	worker->waits[WAIT_WAKE] = (struct pollfd){ worker->keeper.wake_fd, POLLIN, 0 };
	worker->waits[WAIT_TCP] = (struct pollfd){ worker->tcp.epoll_fd, POLLIN, 0 };
}

_Noreturn void
worker_run(const struct heritage *heritage, unsigned id)
{
	struct worker *worker = &self;
	char name[32];

	snprintf(name, sizeof name, "worker %u", id);
	heritage_enter(heritage, name);
	fence_enter(heritage, FENCE_WORKER,
		    &(const struct fence_gate){ true, NULL, NULL });
	slice_shorten();
	heap_sampler_leave(); /* nothing is allocated but at the start */
	worker_open(worker, heritage, id);
	sampler_init(&worker->sampler, heritage->profile, id, &worker->clock,
		     __builtin_frame_address(0));
	while (!worker->terms && !store_keeper_get(&worker->keeper))
		worker_turn(worker);
	if (!worker->terms)
		worker_serve(worker);
	_exit(0); /* not exit: what the master has registered is not ours to run */
}
