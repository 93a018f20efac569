/* What the parts of the prober share: the targets, what is due, what is under way. */
#ifndef LOADER_HEALTH_PROBER_H
#define LOADER_HEALTH_PROBER_H

#include "loader/health/deny_list.h"
#include "loader/health/due_queue.h"
#include "loader/health/event_loop.h"
#include "loader/health/mass_guard.h"
#include "loader/health/probe.h"
#include "loader/health/target_table.h"
#include "loader/store/watch.h"
#include "shm/heritage.h"

struct status_link;

/* Targets that are due and find no room, first come first served. */
struct waiting {
	struct target *first, *last;
};

/* A probe under way. */
struct flight {
	struct probe probe;		/* the first member */
	struct target *owner;		/* NULL: it is free */
	struct flight *next;		/* of those that are free */
	struct health_target target;
	bool is_dead;			/* counted among those of targets that fail */
};

struct prober {
	const struct heritage *heritage;
	const struct settings *settings;
	struct region_health *health;
	struct board *board;
	struct event_loop *loop;
	struct event_timer *tick;	/* every second */
	struct event_timer *look;	/* has the list changed? */
	struct deny_list deny;

	struct target_table table;
	struct watch_reader *reader;	/* NULL: to be opened */
	uint32_t list_epoch, list_seq;	/* of what was read */
	bool has_list;

	/* probes; role probe */
	struct probe_bed bed;
	struct http_prober *http;
	struct icmp_prober *icmp;
	struct due_queue due;
	struct event_timer *next;	/* when the first one is due */
	uint64_t begun_ms;		/* when those that were due were started last */
	struct waiting waiting[2];	/* those that may be well, those that fail */
	struct flight *flights, *free_flights;
	unsigned flight_count, dead_count, dead_max; /* under way */
	struct mass_guard guard;
	size_t known_count;		/* targets that are not unknown, a second ago */

	struct status_link *link;	/* NULL: no status keys */
	uint64_t logged_ms;		/* log lines within a while: */
	unsigned logged, unlogged;
};

/* ---- prober_list.c ---- */

/* Bring the table up to date with the watch list, if that has changed. */
__attribute__((nonnull))
void prober_list_look(struct prober *prober);

/* ---- prober_run.c ---- */

/* Everything for role probe.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int prober_run_init(struct prober *prober);

/* A target came, or goes. */
__attribute__((nonnull))
void prober_run_add(struct prober *prober, struct target *target);
__attribute__((nonnull))
void prober_run_drop(struct prober *prober, struct target *target);

/* ---- prober_outcome.c ---- */

/* What a probe has found of its target; `why` as for probe_end_fn. */
__attribute__((nonnull))
void prober_outcome_take(struct prober *prober, struct target *target,
			 enum probe_outcome outcome, const char *why);

/* Once a second: what is known no longer, what is held no longer, and the figures. */
__attribute__((nonnull))
void prober_outcome_tick(struct prober *prober);

/* The interval of a target. */
__attribute__((nonnull, pure))
static inline uint64_t
prober_interval_ms(const struct prober *prober, const struct target *target)
{
	return target->interval_ms ? target->interval_ms
				   : (uint64_t)prober->settings->health.interval_s * 1000;
}

#endif
