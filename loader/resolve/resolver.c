/* Its loop: who is due, who is asked, what came. */
#include "loader/resolve/resolver.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "loader/loader.h"
#include "shm/clock.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/fence.h"
#include "shm/log.h"
#include "shm/resolved.h"
#include "shm/wake.h"

enum {
	TICK_MS = 100, /* are there wishes? */
	SWEEP_MS = 10000,
	OPEN_RETRY_MS = 5000,
	BURST_SHARE = 20, /* of a second's questions, that may be asked at once */
	HASTEN_MS = 2000,
};

#define NS_PER_S UINT64_C(1000000000)

/* ---- how often ---- */

static uint64_t
question_ns(const struct resolver *resolver)
{
	return NS_PER_S / resolver->settings->resolver.max_qps;
}

static void
save_up(struct resolver *resolver)
{
	uint64_t now_ns = clock_now_ns(), most = NS_PER_S / BURST_SHARE;

	if (most < question_ns(resolver))
		most = question_ns(resolver);
	resolver->tokens_ns += now_ns - resolver->counted_ns;
	resolver->counted_ns = now_ns;
	if (resolver->tokens_ns > most)
		resolver->tokens_ns = most;
}

void
resolver_tell_turn(struct resolver *resolver)
{
	atomic_store(&resolver->region->resolver.heartbeat_ns, clock_now_ns());
}

/* ---- one look-up ---- */

static struct flight *
find_flight(struct resolver *resolver, uint64_t *number)
{
	for (*number = 0; *number < RESOLVE_ASK_MAX; ++*number)
		if (!resolver->flights[*number].is_used)
			return &resolver->flights[*number];
	return NULL;
}

/* Ask the next server.  returns false when it cannot be done now. */
static bool
ask(struct resolver *resolver, struct wanted_lookup *lookup)
{
	const struct settings *settings = resolver->settings;
	const struct wanted *wanted = wanted_of(lookup);
	int server = servers_choose(&resolver->servers, lookup->tried, clock_now_ms());
	uint64_t number;
	struct flight *flight = find_flight(resolver, &number);
	int rc;

	if (server < 0) {
		resolver_take_failure(resolver, lookup, "no other resolver", "is left");
		return true;
	}
	if (!flight)
		return false;
	rc = resolve_ask_start(resolver->ask, &resolver->servers.addresses[server],
			       settings->resolver.timeout_ms, wanted->name,
			       wanted->name_len,
			       lookup->type == WANTED_A ? TYPE_A : TYPE_AAAA, number);
	if (rc != ERR_OK)
		return false;
	*flight = (struct flight){ lookup, clock_now_ms(), true, (uint8_t)server };
	lookup->tried |= UINT32_C(1) << server;
	wanted_take(&resolver->wanted, lookup);
	resolver->tokens_ns -= question_ns(resolver);
	atomic_fetch_add(&resolver->region->resolver.lookups, 1);
	return true;
}

/* Those that fail are looked up again soon: somebody answers again. */
static void
hasten(struct resolver *resolver)
{
	uint64_t now_ms = clock_now_ms();

	for (size_t i = 0; i < resolver->wanted.bucket_count; i++)
		for (struct wanted *at = resolver->wanted.buckets[i]; at; at = at->next)
			for (unsigned type = 0; type < WANTED_TYPES; type++) {
				struct wanted_lookup *lookup = &at->lookups[type];
				uint64_t due_ms =
					now_ms + resolver_draw(resolver, HASTEN_MS);

				if (lookup->failures > 0 && due_ms < lookup->due_ms &&
				    lookup->at != WANTED_NOWHERE)
					wanted_put(&resolver->wanted, lookup, due_ms);
			}
}

/* A server has not helped: the next one may, or itself if the question was only lost; else
 * it is a failure. */
static void
try_next(struct resolver *resolver, struct wanted_lookup *lookup, const char *server,
	 const char *reason, bool is_silent)
{
	struct servers probe = resolver->servers;
	uint64_t now_ms = clock_now_ms();

	if (is_silent && !lookup->is_repeated &&
	    servers_choose(&probe, lookup->tried, now_ms) < 0 &&
	    servers_down(&probe) < probe.count) {
		lookup->is_repeated = true;
		lookup->tried = 0;
	}
	if (servers_choose(&probe, lookup->tried, now_ms) >= 0)
		wanted_put(&resolver->wanted, lookup, now_ms);
	else
		resolver_take_failure(resolver, lookup, server, reason);
}

/* Keep track of who answers at all. */
static void
note_server(struct resolver *resolver, const struct flight *flight,
	    const struct resolve_reply *reply)
{
	unsigned server = flight->server;
	const char *text = resolver->servers.addresses[server].text;
	uint64_t now_ms = clock_now_ms();

	if (!reply->message) {
		if (servers_note_silence(&resolver->servers, server, flight->asked_ms,
					 now_ms))
			log_warnx("resolver %s %s: others are asked, it is tried every "
				  "%d s",
				  text, reply->reason, SERVERS_RETRY_MS / 1000);
	} else if (servers_note_answer(&resolver->servers, server, now_ms)) {
		log_info("resolver %s answers again", text);
		hasten(resolver);
	}
}

static void
on_reply(void *context, uint64_t number, const struct resolve_reply *reply)
{
	struct resolver *resolver = context;
	struct flight flight = resolver->flights[number];
	const char *server = resolver->servers.addresses[flight.server].text;
	static struct resolve_answer answer;
	const struct wanted *wanted;

	resolver->flights[number].is_used = false;
	resolver->flights[number].lookup = NULL;
	note_server(resolver, &flight, reply);
	if (!flight.lookup)
		return;
	if (!reply->message) {
		try_next(resolver, flight.lookup, server, reply->reason, true);
		return;
	}
	wanted = wanted_of(flight.lookup);
	resolve_answer_read(reply->message, reply->len, wanted->name, wanted->name_len,
			    flight.lookup->type == WANTED_A ? TYPE_A : TYPE_AAAA,
			    &answer);
	switch (answer.verdict) {
	case RESOLVE_ADDRESSES:
	case RESOLVE_NODATA:
		resolver_take_answer(resolver, flight.lookup, &answer);
		break;
	case RESOLVE_NXDOMAIN:
		resolver_take_failure(resolver, flight.lookup, server, answer.reason);
		break;
	case RESOLVE_FAILED:
		try_next(resolver, flight.lookup, server, answer.reason, false);
		break;
	}
}

/* ---- all of them ---- */

static bool
is_wanted(const struct wanted *wanted, uint64_t now_ms)
{
	return wanted->is_watched || wanted->wished_until_ms > now_ms;
}

/* Ask for what is due.  returns ms until more is, at most `limit_ms`. */
static int
ask_due(struct resolver *resolver, int limit_ms)
{
	uint64_t now_ms = clock_now_ms();
	struct wanted_lookup *lookup;

	save_up(resolver);
	while ((lookup = wanted_first(&resolver->wanted)) && lookup->due_ms <= now_ms) {
		if (!is_wanted(wanted_of(lookup), now_ms)) {
			resolver_drop(resolver, wanted_of(lookup));
			continue;
		}
		if (resolver->tokens_ns < question_ns(resolver))
			return (int)((question_ns(resolver) - resolver->tokens_ns) /
				     1000000) +
			       1;
		if (!ask(resolver, lookup))
			return limit_ms / 10 + 1;
	}
	if (lookup && lookup->due_ms - now_ms < (uint64_t)limit_ms)
		return (int)(lookup->due_ms - now_ms) + 1;
	return limit_ms;
}

static void
take_wishes_of(struct resolver *resolver, struct resolver_wishes *wishes)
{
	uint64_t now_ms = clock_now_ms();
	uint8_t name[DNAME_MAX];
	unsigned len, most = RESOLVER_WISHES_MAX;

	while (most-- > 0 && (len = resolver_take_wish(wishes, name)) > 0) {
		struct wanted *wanted = wanted_add(&resolver->wanted, name, len, now_ms);

		if (wanted)
			wanted->wished_until_ms = now_ms + RESOLVER_WISH_MS;
	}
}

/* returns whether there is a new name among them. */
static bool
take_wishes(struct resolver *resolver)
{
	struct region *region = resolver->region;
	size_t count = resolver->wanted.count;

	for (unsigned i = 0; i < region->worker_count; i++)
		take_wishes_of(resolver, &region->slots[i].wishes);
	take_wishes_of(resolver, &region->resolver.wishes);
	return resolver->wanted.count > count;
}

static void
tell_figures(struct resolver *resolver)
{
	struct region_resolver *region = &resolver->region->resolver;

	atomic_store(&region->names, resolver->wanted.count);
	atomic_store(&region->resolved, resolver->resolved_count);
	atomic_store(&region->failing, resolver->failing_count);
	atomic_store(&region->servers_down, servers_down(&resolver->servers));
	if (resolver->failing_count == 0 && resolver->store_error == ERR_OK)
		region_resolver_set_error(region, "");
}

static void
turn(struct resolver *resolver)
{
	struct pollfd fds[RESOLVE_ASK_FDS_MAX + 1];
	int timeout_ms = ask_due(resolver, TICK_MS);
	unsigned count = resolve_ask_poll(resolver->ask, fds, &timeout_ms);

	fds[count] = (struct pollfd){ .fd = resolver->wish_fd, .events = POLLIN };
	(void)poll(fds, count + 1, timeout_ms);
	if (fds[count].revents)
		wake_clear(resolver->wish_fd);
	resolver_tell_turn(resolver);
	resolve_ask_step(resolver->ask, fds, count);
	resolver_commit(resolver);
	/* reading a long list takes a second: somebody waits for these */
	resolver->has_put_off = take_wishes(resolver) && !resolver->has_put_off;
	if (!resolver->has_put_off)
		resolver_watch(resolver);
	resolver_commit(resolver);
	tell_figures(resolver);
	if (clock_now_ms() - resolver->swept_ms > SWEEP_MS) {
		resolved_store_sweep(resolver->store);
		resolver->swept_ms = clock_now_ms();
	}
}

static void
open_store(struct resolver *resolver)
{
	_Atomic uint32_t *seq = &resolver->region->resolver.store_seq;
	const char *state_dir = resolver->settings->state_dir;
	bool was_lost;
	int rc;

	while ((rc = resolved_store_open(state_dir, &resolver->store, &was_lost)) != 0) {
		log_errorx("%s/" RESOLVED_DIR " %s: no name is resolved", state_dir,
			   errcode_text(rc));
		usleep(OPEN_RETRY_MS * 1000);
		resolver_tell_turn(resolver);
	}
	if (was_lost)
		log_warnx("%s/" RESOLVED_DIR " cannot be used, and is made anew: all "
			  "names are looked up again",
			  state_dir);
	if (was_lost || atomic_load(seq) == 0)
		atomic_fetch_add(seq, 1);
}

/* It writes its store, and talks to strangers. */
static void
shut_in(const struct heritage *heritage)
{
	char store[PATH_MAX];
	int len = snprintf(store, sizeof store, "%s/" RESOLVED_DIR "/any",
			   heritage->settings->state_dir);

	fence_enter(heritage, FENCE_RESOLVER,
		    &(const struct fence_gate){ true, NULL,
						len < (int)sizeof store ? store : NULL });
}

_Noreturn void
resolver_run(const struct heritage *heritage)
{
	static struct resolver resolver;
	const struct settings *settings = heritage->settings;
	int rc;

	heritage_enter(heritage, "resolver");
	shut_in(heritage);
	resolver.settings = settings;
	resolver.region = heritage->region;
	resolver.wish_fd = heritage->wish_fd;
	resolver.news_fd = heritage->news_fd;
	resolver.servers.addresses = settings->resolver.servers;
	resolver.servers.count = (unsigned)settings->resolver.server_count;
	resolver.counted_ns = clock_now_ns();
	if (getrandom(&resolver.random, sizeof resolver.random, 0) < 0)
		resolver.random = resolver.counted_ns;
	resolver.random |= 1;
	resolver.batch = 1; /* a look-up that was never put has 0 */
	rc = wanted_init(&resolver.wanted);
	resolver.ask = resolve_ask_new(on_reply, &resolver);
	if (rc != ERR_OK || !resolver.ask) {
		log_errorx("cannot start: %s", errcode_text(rc ? rc : ERR_NOMEM));
		_exit(1);
	}
	open_store(&resolver);
	resolver_load(&resolver);
	resolver_commit(&resolver);
	for (;;)
		turn(&resolver);
}
