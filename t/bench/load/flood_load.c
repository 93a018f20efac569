/* One thread of the load. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shm/clock.h"
#include "shm/wire.h"
#include "t/bench/load/flood_load.h"
#include "t/bench/load/flood_random.h"
#include "t/bench/load/flood_response.h"
#include "t/bench/load/flood_tcp.h"
#include "t/bench/load/flood_udp.h"

enum { EVENTS = 64, NAP_NS = 1000000, GRACE_NS = 2000000000, RCODE_MAYBE_BADCOOKIE = 7 };

/* ---- queries ---- */

uint64_t
flood_load_due_ns(const struct flood_load *load, uint64_t number)
{
	if (load->options->rate <= 0)
		return load->now_ns;
	return load->start_ns + (uint64_t)((double)number * 1e9 / load->options->rate);
}

bool
flood_load_is_asked(const struct flood_load *load, uint64_t number)
{
	return number < load->options->count &&
	       (load->options->rate <= 0 ||
		flood_load_due_ns(load, number) < load->end_ns);
}

bool
flood_load_is_tcp(const struct flood_load *load, uint64_t number)
{
	double share = load->options->tcp_share;

	if (share <= 0)
		return false;
	return (uint64_t)((double)(number + 1) * share + 1e-6) >
	       (uint64_t)((double)number * share + 1e-6);
}

unsigned
flood_load_put(struct flood_load *load, uint64_t number, uint32_t source, uint8_t *out)
{
	struct flood_dress dress = { .random_state = &load->random_state };
	uint8_t cookie[FLOOD_COOKIE_MAX];

	if (load->options->cookies != COOKIES_NONE) {
		uint64_t own =
			flood_random_mix(load->options->seed ^ flood_random_mix(source));

		memcpy(cookie, &own, FLOOD_CLIENT_COOKIE_LEN);
		dress.cookie = cookie;
		dress.cookie_len = FLOOD_CLIENT_COOKIE_LEN;
		if (load->cookies && load->cookies[source].len > 0) {
			dress.cookie = load->cookies[source].octets;
			dress.cookie_len = load->cookies[source].len;
		}
	}
	return flood_queries_put(load->queries, number, &dress, out);
}

uint16_t
flood_load_note(struct flood_load *load, struct flood_pending *pending, uint64_t number,
		uint32_t source)
{
	uint64_t due_ns = flood_load_due_ns(load, number);
	uint64_t behind_us = (load->now_ns - due_ns) / 1000;
	struct flood_slot query = { .due_ns = due_ns, .source = source };
	unsigned lost = 0;
	uint16_t id;

	query.given_up_ns = load->now_ns + (uint64_t)(load->options->timeout_s * 1e9);
	id = flood_pending_add(pending, query, &lost);
	if (lost > 0)
		flood_add(&load->figures.lost, lost);
	if (behind_us > load->figures.max_behind_us)
		flood_add(&load->figures.max_behind_us,
			  behind_us - load->figures.max_behind_us);
	return id;
}

/* ---- responses ---- */

/* The whole rcode; and the cookie is kept for the source's next queries. */
static unsigned
read_more(struct flood_load *load, const uint8_t *message, unsigned len, uint32_t source)
{
	struct flood_response response;
	unsigned rcode = message[3] & 15u;

	if (!load->cookies && rcode != RCODE_MAYBE_BADCOOKIE)
		return rcode;
	flood_response_read(message, len, &response);
	if (load->cookies && response.cookie_len > FLOOD_CLIENT_COOKIE_LEN) {
		struct flood_cookie *cookie = &load->cookies[source];

		memcpy(cookie->octets, response.cookie, response.cookie_len);
		cookie->len = (uint8_t)response.cookie_len;
	}
	return response.rcode;
}

void
flood_load_take(struct flood_load *load, struct flood_pending *pending,
		const uint8_t *message, unsigned len, bool is_tcp)
{
	struct flood_figures *figures = &load->figures;
	enum flood_taken taken = TAKEN_STRAY;
	struct flood_slot query;
	uint64_t ns;

	if (flood_response_is_one(message, len))
		taken = flood_pending_take(pending, wire_get_u16(message), &query);
	if (taken != TAKEN_ANSWER) {
		flood_add(taken == TAKEN_LATE ? &figures->late : &figures->stray, 1);
		return;
	}
	ns = load->now_ns > query.due_ns ? load->now_ns - query.due_ns : 0;
	flood_hist_add(is_tcp ? &figures->tcp : &figures->udp, ns);
	flood_add(&figures->tcp_answered, is_tcp);
	flood_response_count(figures, message, len,
			     read_more(load, message, len, query.source));
}

/* ---- the thread ---- */

int
flood_load_open(struct flood_load *load)
{
	const struct flood_options *options = load->options;
	uint64_t sources = options->source_count
				   ? options->source_count
				   : FLOOD_SOCKETS_MAX + FLOOD_CONNECTIONS_MAX;
	int rc;

	load->random_state =
		flood_random_mix(options->seed + load->index * UINT64_C(0x10001));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (options->cookies == COOKIES_FULL)
		load->cookies = calloc(sources, sizeof *load->cookies);
	if (load->epoll < 0 || (options->cookies == COOKIES_FULL && !load->cookies)) {
		perror("martlet-flood: a thread");
		return 1;
	}
	rc = flood_udp_open(load);
	if (rc == 0 && load->connection_count > 0)
		rc = flood_tcp_open(load);
	return rc;
}

void
flood_load_close(struct flood_load *load)
{
	flood_tcp_close(load);
	flood_udp_close(load);
	free(load->cookies);
	if (load->epoll >= 0)
		close(load->epoll);
}

/* Sleep until something can be received, at most for `ns`; then take it. */
static void
receive(struct flood_load *load, uint64_t ns)
{
	struct timespec nap = { .tv_nsec = (long)(ns < NAP_NS ? ns : NAP_NS) };
	struct pollfd any = { .fd = load->epoll, .events = POLLIN };
	struct epoll_event events[EVENTS];
	int count;

	/* epoll's own waiting counts in ms */
	if (ns > 0 && ppoll(&any, 1, &nap, NULL) <= 0)
		return;
	count = epoll_wait(load->epoll, events, EVENTS, 0);
	for (int i = 0; i < count; i++) {
		uint64_t which = events[i].data.u64;

		if (which >= load->socket_count)
			flood_tcp_event(load, (unsigned)which - load->socket_count,
					events[i].events);
		else
			flood_udp_receive(load, &load->sockets[which]);
	}
}

/* Ask what is due, or what the windows have room for.  returns whether that was anything. */
static bool
ask(struct flood_load *load)
{
	const struct flood_options *options = load->options;
	bool has_asked = false;

	for (unsigned i = 0; i < load->socket_count; i++) {
		struct flood_socket *at = &load->sockets[load->next_socket];
		unsigned window = options->rate > 0 ? FLOOD_BATCH + at->pending.waiting
						    : options->window;

		load->next_socket = (load->next_socket + 1) % load->socket_count;
		if (at->pending.waiting >= window)
			continue;
		if (flood_udp_ask(load, at, window - at->pending.waiting) > 0)
			has_asked = true;
		else if (options->rate > 0)
			break;
	}
	return has_asked;
}

/* returns how many queries are still waited for. */
static unsigned
tend(struct flood_load *load)
{
	unsigned waiting = flood_tcp_tend(load);

	load->tended_ns = load->now_ns;
	for (unsigned i = 0; i < load->socket_count; i++) {
		struct flood_pending *pending = &load->sockets[i].pending;

		flood_add(&load->figures.lost,
			  flood_pending_expire(pending, load->now_ns));
		waiting += pending->waiting;
	}
	return waiting;
}

/* How long nothing is due. */
static uint64_t
idle_ns(const struct flood_load *load)
{
	uint64_t due_ns = flood_load_due_ns(load, flood_load_number(load));

	if (load->options->rate <= 0)
		return NAP_NS;
	return due_ns > load->now_ns ? due_ns - load->now_ns : 0;
}

static bool
has_more(const struct flood_load *load)
{
	uint64_t end_ns = load->end_ns;

	/* what is behind its time is still sent, but not for ever */
	if (load->options->rate > 0)
		end_ns += (uint64_t)(load->options->timeout_s * 1e9) + GRACE_NS;
	return !__atomic_load_n(load->stopping, __ATOMIC_RELAXED) &&
	       flood_load_is_asked(load, flood_load_number(load)) &&
	       load->now_ns < end_ns;
}

void
flood_load_run(struct flood_load *load)
{
	unsigned waiting = 1;

	/* sleep as exactly as can be */
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	load->now_ns = clock_now_ns();
	while (has_more(load)) {
		bool has_asked = ask(load);
		bool is_busy = has_asked || load->options->is_spinning;

		receive(load, is_busy ? 0 : idle_ns(load));
		load->now_ns = clock_now_ns();
		if (load->connection_count > 0 ||
		    load->now_ns - load->tended_ns >= NAP_NS)
			tend(load);
	}
	load->is_ending = true;
	while (waiting > 0) {
		receive(load, NAP_NS);
		load->now_ns = clock_now_ns();
		waiting = tend(load);
	}
	__atomic_store_n(&load->is_over, 1, __ATOMIC_RELEASE);
}
