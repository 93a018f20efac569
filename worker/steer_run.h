/* What the steps of the chain (worker/steer.h) share, each in its file: steer_health.c,
 * steer_subnet.c, steer_place.c, steer_nearest.c, steer_order.c, steer_sticky.c. */
#ifndef WORKER_STEER_RUN_H
#define WORKER_STEER_RUN_H

#include "worker/geo.h"
#include "worker/steer.h"
#include "worker/steer_set.h"
#include "worker/trace.h"

/* One choice on its way through the chain. */
struct steer_run {
	struct steerer *steerer;	/* NULL: every draw is 0 */
	const struct steered *steered;
	unsigned words;			/* of all sets */
	struct steer_set left;		/* candidates; a step takes some out */
	struct steer_choice *out;
};

/* What was left depends on the client's place, as far as a prefix of `len` tells it. */
static inline void
steer_run_note_place(struct steer_run *run, uint8_t len)
{
	run->out->by_place = true;
	if (len > run->out->place_len)
		run->out->place_len = len;
}

/* Each step tells what it did, once it is done: run->left is what it has left. */
static inline void
steer_run_trace(const struct steer_run *run, enum trace_step_name step, enum trace_how how)
{
	if (run->steerer)
		trace_step(run->steerer->trace, step, how, run->left.bits, run->words);
}

/* At the end of a step: leave those that match, else those that are the default, else what
 * `no_match` says. */
static inline void
steer_run_leave(struct steer_run *run, enum trace_step_name step,
		const struct steer_set *matching, const struct steer_set *otherwise)
{
	enum trace_how how = TRACE_KEPT_ALL;

	if (steer_set_keep(&run->left, matching, run->words)) {
		how = TRACE_MATCHED;
	} else if (steer_set_keep(&run->left, otherwise, run->words)) {
		how = TRACE_DEFAULT;
	} else if (run->steerer->no_match == NO_MATCH_NONE) {
		steer_set_clear(&run->left, run->words);
		how = TRACE_KEPT_NONE;
	}
	steer_run_trace(run, step, how);
}

/* Leave by the status board, which the steerer has; the RRset is probed. */
void steer_by_health(struct steer_run *run);

/* Leave those that are no fallback, if there are any. */
void steer_by_fallback(struct steer_run *run);

/* Leave by networks, which the RRset has; `client` NULL: it is not known. */
void steer_by_subnet(struct steer_run *run, const struct geo_address *client);

/* Leave by ASN, region, country, continent or location, as the RRset says; `client` NULL: it
 * is not known.  The steerer has a geo. */
void steer_by_place(struct steer_run *run, const struct geo_address *client);

/* Leave those nearest to the client; NULL: it is not known. */
void steer_by_distance(struct steer_run *run, const struct geo_address *client);

/* The candidate that is answered first; there is one. */
unsigned steer_draw_first(struct steer_run *run);

/* The same for one who always gets the same. */
unsigned steer_stick(struct steer_run *run, const struct geo_address *client);

#endif
