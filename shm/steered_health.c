/* Candidates by the state of what they point at. */
#include "shm/steered_health.h"

#include "shm/health_target.h"

enum { INTERVAL_S = 10 }; /* of probes, when it is not known */

/* What is known of all targets. */
struct statuses {
	struct board_status of[STEERED_MAX];
	int best; /* the highest status of those that count, not below down_count */
	uint32_t last_up_s;
	bool skips_fallbacks; /* they do not count */
};

static void
add(struct steered_records *set, unsigned member)
{
	set->bits[member / 64] |= UINT64_C(1) << member % 64;
}

static bool
is_empty(const struct steered_records *set)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < STEERED_WORDS; i++)
		any |= set->bits[i];
	return any == 0;
}

static bool
counts(const struct steered *steered, const struct statuses *statuses, unsigned at)
{
	return !statuses->skips_fallbacks || !steered_is_fallback(steered, at);
}

/* Fallbacks wait until all others are down: a better status is no reason to take them. */
static void
find_best(const struct steered *steered, struct statuses *out)
{
	int down = steered->health.down_count, best[2] = { down, down };

	for (unsigned at = 0; at < steered->candidate_count; at++) {
		int *of = &best[steered_is_fallback(steered, at)];

		if (out->of[at].status > *of)
			*of = out->of[at].status;
	}
	out->skips_fallbacks = best[0] > down;
	out->best = out->skips_fallbacks ? best[0] : best[1];
}

static void
read_statuses(const struct steered *steered, const struct board *board,
	      struct statuses *out)
{
	out->last_up_s = 0;
	for (unsigned at = 0; at < steered->candidate_count; at++) {
		struct board_status *status = &out->of[at];

		*status = board_get(board, steered_target(steered, at));
		if (status->up_s > out->last_up_s)
			out->last_up_s = status->up_s;
	}
	find_best(steered, out);
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
interval_of(const struct steered *steered, unsigned interval_s)
{
	struct health_check check;

	if (steered->probe &&
	    health_check_read(steered->probe, steered->probe_len, &check) &&
	    check.interval_s > 0)
		return check.interval_s;
	return interval_s > 0 ? interval_s : INTERVAL_S;
}

static void
leave_all(const struct steered *steered, struct steered_records *left)
{
	for (unsigned at = 0; at < steered->candidate_count; at++)
		add(left, at);
}

/* All are down. */
static enum steered_left
follow_policy(const struct steered *steered, const struct statuses *statuses,
	      unsigned interval_s, struct steered_records *left)
{
	uint32_t within_s;

	switch (steered->health.policy) {
	case STEERED_CLOSED:
		return STEERED_LEFT_NONE;
	case STEERED_LAST:
		if (statuses->last_up_s == 0)
			break;
		within_s = interval_of(steered, interval_s);
		for (unsigned at = 0; at < steered->candidate_count; at++)
			if (statuses->of[at].up_s > 0 &&
			    statuses->last_up_s - statuses->of[at].up_s <= within_s)
				add(left, at);
		return STEERED_LEFT_LAST;
	}
	leave_all(steered, left);
	return STEERED_LEFT_ALL;
}

enum steered_left
steered_leave_healthy(const struct steered *steered, const struct board *board,
		      unsigned interval_s, struct steered_records *left)
{
	struct statuses statuses;
	int least;

	memset(left, 0, sizeof *left);
	read_statuses(steered, board, &statuses);
	least = least_status(steered, statuses.best);
	for (unsigned at = 0; at < steered->candidate_count; at++)
		if (counts(steered, &statuses, at) && statuses.of[at].status >= least &&
		    statuses.of[at].status > steered->health.down_count)
			add(left, at);
	if (!is_empty(left))
		return STEERED_LEFT_GOOD;
	return follow_policy(steered, &statuses, interval_s, left);
}
