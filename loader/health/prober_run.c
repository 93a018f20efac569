/* Probes start when they are due, an address may be probed, and there is room.
 *
 * Each target has a moment of its own in its interval, by its key, which nobody can choose:
 * probes are spread evenly, and stay so.  Those of targets that fail, which may all take
 * their whole timeout, never have more than half of the room. */
#include <stdlib.h>
#include <string.h>

#include "loader/health/prober.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	MS_PER_S = 1000,
	SLICE_MS = 4, /* what is due within it starts together: fewer turns of the loop */
};

static void
set_next(struct prober *prober)
{
	struct due_entry *first = due_queue_first(&prober->due);
	uint64_t now_ms = clock_now_ms(), at_ms = prober->begun_ms + SLICE_MS;

	if (!first) {
		event_timer_clear(prober->next);
		return;
	}
	if (at_ms < first->due_ms)
		at_ms = first->due_ms;
	event_timer_set(prober->next, at_ms > now_ms ? at_ms - now_ms : 0);
}

/* Without memory it is not probed, and unknown once that has lasted. */
static void
put_due(struct prober *prober, struct target *target, uint64_t due_ms)
{
	if (due_queue_put(&prober->due, &target->due, due_ms) != ERR_OK)
		target->due.place = 0;
}

/* ---- starting ---- */

static int
start_way(struct prober *prober, struct flight *flight, const char **why)
{
	switch (flight->target.check.protocol) {
	case HEALTH_HTTP:
	case HEALTH_HTTPS:
		return http_probe_start(prober->http, &flight->probe, why);
	case HEALTH_TCP:
		return tcp_probe_start(&prober->bed, &flight->probe, why);
	case HEALTH_ICMP:
		return icmp_probe_start(prober->icmp, &flight->probe, why);
	}
	return ERR_RANGE;
}

static void
plan_next(struct prober *prober, struct target *target)
{
	uint64_t interval_ms = prober_interval_ms(prober, target);
	uint64_t now_ms = clock_now_ms(), due_ms = target->turn_ms + interval_ms;

	/* long behind: back to its own moment */
	if (due_ms + interval_ms < now_ms)
		due_ms = due_queue_next(now_ms, interval_ms, target->key);
	put_due(prober, target, due_ms);
}

static struct flight *
take_flight(struct prober *prober, struct target *target)
{
	struct flight *flight = prober->free_flights;

	prober->free_flights = flight->next;
	flight->owner = target;
	flight->is_dead = target->status < 0;
	flight->probe.target = &flight->target;
	flight->probe.way = NULL;
	target->flight = flight;
	prober->flight_count++;
	prober->dead_count += flight->is_dead;
	return flight;
}

static void
leave_flight(struct prober *prober, struct flight *flight)
{
	flight->owner->flight = NULL;
	flight->owner = NULL;
	prober->flight_count--;
	prober->dead_count -= flight->is_dead;
	flight->next = prober->free_flights;
	prober->free_flights = flight;
}

static bool
read_target(const struct target *target, struct health_target *out)
{
	memcpy(out->address, target->spec, HEALTH_ADDRESS_LEN);
	return health_check_read(target->spec + HEALTH_ADDRESS_LEN,
				 target->spec_len - HEALTH_ADDRESS_LEN, &out->check) &&
	       health_check_is_sound(&out->check);
}

static void
start(struct prober *prober, struct target *target)
{
	struct flight *flight = take_flight(prober, target);
	const char *why = "the check is none that can be made";

	if (read_target(target, &flight->target) &&
	    start_way(prober, flight, &why) == ERR_OK)
		return;
	leave_flight(prober, flight);
	prober_outcome_take(prober, target, PROBE_UNKNOWN, why);
	plan_next(prober, target);
}

/* ---- room ---- */

static bool
has_room(const struct prober *prober, bool is_dead)
{
	return prober->free_flights &&
	       (!is_dead || prober->dead_count < prober->dead_max);
}

static void
wait_for_room(struct prober *prober, struct target *target)
{
	struct waiting *waiting = &prober->waiting[target->status < 0];

	target->is_waiting = true;
	target->wait_next = NULL;
	if (waiting->last)
		waiting->last->wait_next = target;
	else
		waiting->first = target;
	waiting->last = target;
}

static struct target *
take_waiting(struct waiting *waiting)
{
	struct target *target = waiting->first;

	waiting->first = target->wait_next;
	if (!waiting->first)
		waiting->last = NULL;
	target->is_waiting = false;
	return target;
}

static void
stop_waiting(struct waiting *waiting, struct target *target)
{
	struct target **at = &waiting->first, *before = NULL;

	while (*at && *at != target) {
		before = *at;
		at = &(*at)->wait_next;
	}
	if (!*at)
		return;
	*at = target->wait_next;
	if (waiting->last == target)
		waiting->last = before;
	target->is_waiting = false;
}

static void
start_waiting(struct prober *prober)
{
	for (unsigned dead = 0; dead < 2; dead++)
		while (prober->waiting[dead].first && has_room(prober, dead))
			start(prober, take_waiting(&prober->waiting[dead]));
}

/* ---- what is due ---- */

/* May its address be probed now?  Else it is put where it may. */
static bool
take_turn(struct prober *prober, struct target *target, uint64_t now_ms)
{
	unsigned rate = prober->settings->health.target_rate;
	struct target_address *address = target->address;
	uint64_t spacing_ms, from_ms;

	if (rate == 0 || target->is_reserved) {
		target->is_reserved = false;
		return true;
	}
	spacing_ms = (MS_PER_S + rate - 1) / rate;
	if (address->next_ms > now_ms) {
		target->is_reserved = true;
		put_due(prober, target, address->next_ms);
		address->next_ms += spacing_ms;
		return false;
	}
	/* counted from when it was due, so that being late by a little adds up to nothing */
	from_ms = target->due.due_ms;
	if (from_ms + spacing_ms < now_ms)
		from_ms = now_ms;
	address->next_ms = from_ms + spacing_ms;
	return true;
}

static void
begin(struct prober *prober, struct target *target, uint64_t now_ms)
{
	due_queue_drop(&prober->due, &target->due);
	if (!target->is_reserved)
		target->turn_ms = target->due.due_ms;
	if (!take_turn(prober, target, now_ms))
		return;
	if (has_room(prober, target->status < 0))
		start(prober, target);
	else
		wait_for_room(prober, target);
}

static void
on_next(void *context)
{
	struct prober *prober = context;
	uint64_t now_ms = clock_now_ms();
	struct due_entry *first;

	prober->begun_ms = now_ms;
	while ((first = due_queue_first(&prober->due)) && first->due_ms <= now_ms)
		begin(prober, (struct target *)first, now_ms);
	set_next(prober);
}

/* What ends is told to a function without a context: there is one prober in a process. */
static struct prober *the_prober;

static void
on_end(struct probe *probe, enum probe_outcome outcome, const char *why)
{
	struct flight *flight = (struct flight *)probe;
	struct target *target = flight->owner;

	leave_flight(the_prober, flight);
	prober_outcome_take(the_prober, target, outcome, why);
	plan_next(the_prober, target);
	start_waiting(the_prober);
	set_next(the_prober);
}

void
prober_run_add(struct prober *prober, struct target *target)
{
	uint64_t interval_ms = prober_interval_ms(prober, target);

	if (target->is_denied)
		return;
	put_due(prober, target, due_queue_next(clock_now_ms(), interval_ms, target->key));
	set_next(prober);
}

static void
cancel(struct prober *prober, struct flight *flight)
{
	switch (flight->target.check.protocol) {
	case HEALTH_HTTP:
	case HEALTH_HTTPS:
		http_probe_cancel(prober->http, &flight->probe);
		break;
	case HEALTH_TCP:
		tcp_probe_cancel(&flight->probe);
		break;
	case HEALTH_ICMP:
		icmp_probe_cancel(prober->icmp, &flight->probe);
		break;
	}
	leave_flight(prober, flight);
}

void
prober_run_drop(struct prober *prober, struct target *target)
{
	due_queue_drop(&prober->due, &target->due);
	if (target->is_waiting)
		for (unsigned dead = 0; dead < 2; dead++)
			stop_waiting(&prober->waiting[dead], target);
	if (target->flight)
		cancel(prober, target->flight);
}

int
prober_run_init(struct prober *prober)
{
	const struct settings *settings = prober->settings;
	unsigned room = settings->health.concurrency;

	the_prober = prober;
	prober->bed = (struct probe_bed){ prober->loop, &prober->deny, on_end,
					  settings->health.ca_file };
	prober->flights = calloc(room, sizeof *prober->flights);
	prober->http = http_prober_new(&prober->bed);
	prober->icmp = icmp_prober_new(&prober->bed, prober->heritage->icmp_fds);
	prober->next = event_timer_new(prober->loop, on_next, prober);
	if (!prober->flights || !prober->http || !prober->icmp || !prober->next)
		return ERR_NOMEM;
	for (unsigned i = room; i-- > 0;) {
		prober->flights[i].next = prober->free_flights;
		prober->free_flights = &prober->flights[i];
	}
	prober->dead_max = room > 1 ? room / 2 : 1;
	prober->guard.share = settings->health.mass_guard;
	prober->guard.window_ms =
		(uint64_t)settings->health.interval_s * MS_PER_S + MS_PER_S;
	return ERR_OK;
}
