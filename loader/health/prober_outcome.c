/* What is found of targets, and told: on the board, in the log, in figures. */
#include <inttypes.h>
#include <stdio.h>

#include "loader/health/health_rule.h"
#include "loader/health/prober.h"
#include "loader/health/status_link.h"
#include "shm/clock.h"
#include "shm/log.h"

enum {
	STALE_INTERVALS = 3,
	LOG_MAX = 20, /* lines about targets within LOG_MS */
	LOG_MS = 10000,
};

/* ---- the log ---- */

/* Strangers choose targets, and how often they change. */
static bool
may_log(struct prober *prober)
{
	uint64_t now_ms = clock_now_ms();

	if (now_ms - prober->logged_ms > LOG_MS) {
		if (prober->unlogged > 0)
			log_info("%u more targets went down, or came up again",
				 prober->unlogged);
		prober->logged_ms = now_ms;
		prober->logged = prober->unlogged = 0;
	}
	if (prober->logged < LOG_MAX) {
		prober->logged++;
		return true;
	}
	prober->unlogged++;
	return false;
}

static void
tell_transition(struct prober *prober, const struct target *target, int before,
		const char *why)
{
	bool is_down = target->status == target->down_count;
	char text[TARGET_TEXT_MAX];

	if (is_down == (before == target->down_count))
		return;
	region_health_add(prober->health, HEALTH_transitions, 1);
	if (!may_log(prober))
		return;
	target_print(target, text);
	if (is_down)
		log_warnx("%s is down: %.200s", text, why);
	else
		log_info("%s is up again", text);
}

static void
note_error(struct prober *prober, const struct target *target, const char *why)
{
	char text[TARGET_TEXT_MAX], error[HEALTH_ERROR_MAX];

	target_print(target, text);
	snprintf(error, sizeof error, "%.150s: %.100s", text, why);
	region_health_set_error(prober->health, HEALTH_ERROR_PROBE, error);
}

/* ---- the guard ---- */

static void
hold_fallen(void *context, struct target *target)
{
	struct prober *prober = context;

	if (target->status >= 0 || target->fell_ms == 0 ||
	    clock_now_ms() - target->fell_ms > prober->guard.window_ms)
		return;
	target->is_held = true;
	target_show(prober->board, target);
}

static void
fall(struct prober *prober, struct target *target, int before)
{
	target->fell_ms = clock_now_ms();
	target->held_status = (int8_t)before;
	target->is_held = prober->guard.is_holding;
	if (!mass_guard_fall(&prober->guard, target->fell_ms, prober->known_count))
		return;
	target->is_held = true;
	target_table_each(&prober->table, hold_fallen, prober);
	region_health_add(prober->health, HEALTH_mass_guards, 1);
	atomic_store(&prober->health->guard_since_s, clock_wall_s());
	atomic_store(&prober->health->is_guarding, 1);
	log_errorx("more than %.0f %% of %zu targets failed within %" PRIu64
		   " s: their last state stands, see health.mass_guard",
		   prober->guard.share * 100, prober->known_count,
		   prober->guard.window_ms / 1000);
}

static void
let_go(void *context, struct target *target)
{
	struct prober *prober = context;

	if (!target->is_held)
		return;
	target->is_held = false;
	target_show(prober->board, target);
}

/* ---- outcomes ---- */

static void
count(struct prober *prober, const struct target *target, enum probe_outcome outcome,
      const char *why)
{
	if (outcome == PROBE_UNKNOWN) {
		region_health_add(prober->health, HEALTH_unsent, 1);
	} else {
		region_health_add(prober->health, HEALTH_probes, 1);
		if (outcome == PROBE_DOWN)
			region_health_add(prober->health, HEALTH_failures, 1);
	}
	if (outcome != PROBE_UP)
		note_error(prober, target, why);
}

void
prober_outcome_take(struct prober *prober, struct target *target,
		    enum probe_outcome outcome, const char *why)
{
	int before = target->status;

	count(prober, target, outcome, why);
	if (outcome == PROBE_UNKNOWN)
		return;
	target->status = (int8_t)health_rule_next(before, outcome == PROBE_UP,
						  target->up_count, target->down_count);
	target->known_ms = clock_now_ms();
	if (outcome == PROBE_UP) {
		target->up_s = (uint32_t)clock_wall_s();
		target->is_held = false;
	} else if (before > 0) {
		fall(prober, target, before);
	}
	target_show(prober->board, target);
	tell_transition(prober, target, before, why);
	if (prober->link)
		status_link_put(prober->link, target);
}

/* ---- every second ---- */

struct figures {
	struct prober *prober;
	uint64_t now_ms;
	size_t up, down, unknown, denied, held, failing_held;
};

static void
look_at(void *context, struct target *target)
{
	struct figures *figures = context;
	uint64_t interval_ms = prober_interval_ms(figures->prober, target);
	struct board_status told;

	if (target->status != 0 &&
	    figures->now_ms - target->known_ms >
		    STALE_INTERVALS * interval_ms + target->timeout_ms) {
		target->status = 0;
		target->is_held = false;
		target_show(figures->prober->board, target);
	}
	told = target_board_status(target);
	figures->up += told.status > 0;
	figures->down += told.status < 0;
	figures->unknown += told.status == 0;
	figures->denied += target->is_denied;
	figures->held += target->is_held;
	figures->failing_held += target->is_held && target->status < 0;
}

void
prober_outcome_tick(struct prober *prober)
{
	struct figures figures = { .prober = prober, .now_ms = clock_now_ms() };

	target_table_each(&prober->table, look_at, &figures);
	prober->known_count = figures.up + figures.down;
	if (mass_guard_is_over(&prober->guard, figures.failing_held,
			       prober->known_count)) {
		target_table_each(&prober->table, let_go, prober);
		atomic_store(&prober->health->is_guarding, 0);
		log_info("no more than %.0f %% of the targets fail: what is found of "
			 "them counts again",
			 prober->guard.share * 100);
		figures.held = 0;
	}
	region_health_set(prober->health, HEALTH_targets, prober->table.count);
	region_health_set(prober->health, HEALTH_up, figures.up);
	region_health_set(prober->health, HEALTH_down, figures.down);
	region_health_set(prober->health, HEALTH_unknown, figures.unknown);
	region_health_set(prober->health, HEALTH_denied, figures.denied);
	region_health_set(prober->health, HEALTH_held, figures.held);
}
