/* The steps that leave records by the state of what they point at: those that are up, and
 * those that are no fallback. */
#include "shm/health_target.h"
#include "worker/steer_run.h"

enum { INTERVAL_S = 10 }; /* of probes, when it is not known */

/* What is known of all targets that are left. */
struct statuses {
	struct board_status of[STEERED_MAX];
	int best; /* the highest status of those that count, not below down_count */
	uint32_t last_up_s;
	bool skips_fallbacks; /* they do not count */
};

static bool
counts(const struct steer_run *run, const struct statuses *statuses, unsigned at)
{
	return !statuses->skips_fallbacks || !steered_is_fallback(run->steered, at);
}

/* Fallbacks wait until all others are down: a better status is no reason to take them. */
static void
find_best(const struct steer_run *run, struct statuses *out)
{
	int down = run->steered->health.down_count, best[2] = { down, down };

	for (unsigned at = 0; at < run->steered->candidate_count; at++) {
		int *of = &best[steered_is_fallback(run->steered, at)];

		if (out->of[at].status > *of)
			*of = out->of[at].status;
	}
	out->skips_fallbacks = best[0] > down;
	out->best = out->skips_fallbacks ? best[0] : best[1];
}

static void
read_statuses(const struct steer_run *run, struct statuses *out)
{
	out->last_up_s = 0;
	for (unsigned at = 0; at < run->steered->candidate_count; at++) {
		struct board_status *status = &out->of[at];

		*status =
			board_get(run->steerer->board, steered_target(run->steered, at));
		if (status->up_s > out->last_up_s)
			out->last_up_s = status->up_s;
	}
	find_best(run, out);
}

/* redins's rule: where one is up, or about to be, only those that are as good as the best;
 * else all that are not down.  Where all are down, none. */
static int
least_status(const struct steered *steered, int best)
{
	int down = steered->health.down_count, up = steered->health.up_count;

	return best < up - 1 ? down + 1 : best;
}

/* How long ago a record may have been up when another one was last, in seconds: probes of
 * targets that fall together come in at different times within an interval. */
static uint32_t
interval_of(const struct steer_run *run)
{
	struct health_check check;

	if (run->steered->probe &&
	    health_check_read(run->steered->probe, run->steered->probe_len, &check) &&
	    check.interval_s > 0)
		return check.interval_s;
	return run->steerer->interval_s > 0 ? run->steerer->interval_s : INTERVAL_S;
}

/* All are down. */
static enum trace_how
follow_policy(struct steer_run *run, const struct statuses *statuses)
{
	struct steer_set last = { { 0 } };
	uint32_t interval_s;

	switch (run->steered->health.policy) {
	case STEERED_CLOSED:
		steer_set_clear(&run->left, run->words);
		return TRACE_KEPT_NONE;
	case STEERED_LAST:
		if (statuses->last_up_s == 0)
			return TRACE_KEPT_ALL;
		interval_s = interval_of(run);
		for (unsigned at = 0; at < run->steered->candidate_count; at++)
			if (statuses->of[at].up_s > 0 &&
			    statuses->last_up_s - statuses->of[at].up_s <= interval_s)
				steer_set_add(&last, at);
		(void)steer_set_keep(&run->left, &last, run->words);
		return TRACE_DEFAULT;
	}
	return TRACE_KEPT_ALL;
}

void
steer_by_health(struct steer_run *run)
{
	struct steer_set good = { { 0 } };
	enum trace_how how = TRACE_MATCHED;
	struct statuses statuses;
	int least;

	read_statuses(run, &statuses);
	least = least_status(run->steered, statuses.best);
	for (unsigned at = 0; at < run->steered->candidate_count; at++)
		if (counts(run, &statuses, at) && statuses.of[at].status >= least &&
		    statuses.of[at].status > run->steered->health.down_count)
			steer_set_add(&good, at);
	if (!steer_set_keep(&run->left, &good, run->words))
		how = follow_policy(run, &statuses);
	steer_run_trace(run, TRACE_HEALTH, how);
}

void
steer_by_fallback(struct steer_run *run)
{
	struct steer_set first_choice = { { 0 } };
	bool any;

	for (unsigned at = 0; at < run->steered->candidate_count; at++)
		if (!steered_is_fallback(run->steered, at))
			steer_set_add(&first_choice, at);
	any = steer_set_keep(&run->left, &first_choice, run->words);
	steer_run_trace(run, TRACE_FALLBACK, any ? TRACE_MATCHED : TRACE_DEFAULT);
}
