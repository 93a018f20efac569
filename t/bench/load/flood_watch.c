/* The load as a whole while it runs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shm/clock.h"
#include "t/bench/load/flood_watch.h"

enum { INTERVALS_MAX = 100000, LOOK_NS = 20000000 };

struct watch {
	struct flood_load *loads;
	unsigned count;
	int *stopping;
	struct flood_report *report;
	struct flood_figures *before; /* at the end of the last interval */
	uint64_t start_ns, interval_ns, next_ns, answered_ns;
};

static void
join(struct watch *w)
{
	struct flood_figures *figures = &w->report->figures;

	memset(figures, 0, sizeof *figures);
	for (unsigned i = 0; i < w->count; i++)
		flood_figures_join(figures, &w->loads[i].figures);
	w->report->latency = figures->udp;
	flood_hist_join(&w->report->latency, &figures->tcp);
}

static bool
is_over(const struct watch *w)
{
	for (unsigned i = 0; i < w->count; i++)
		if (!__atomic_load_n(&w->loads[i].is_over, __ATOMIC_ACQUIRE))
			return false;
	return true;
}

/* ---- intervals ---- */

static struct flood_interval
measure(const struct watch *w, uint64_t now_ns)
{
	struct flood_figures *before = w->before;
	const struct flood_figures *figures = &w->report->figures;
	struct flood_hist all = before->udp, between;

	flood_hist_join(&all, &before->tcp);
	flood_hist_between(&all, &w->report->latency, &between);
	return (struct flood_interval){
		.end_s = (double)(now_ns - w->start_ns) / 1e9,
		.sent = figures->sent - before->sent,
		.answered = figures->answered - before->answered,
		.lost = figures->lost - before->lost,
		.p50_ns = flood_hist_quantile_ns(&between, 0.5),
		.p99_ns = flood_hist_quantile_ns(&between, 0.99),
		.max_ns = (double)between.max_ns,
	};
}

static bool
keep(struct flood_report *report, struct flood_interval interval)
{
	unsigned count = report->interval_count;
	void *grown;

	if (count == INTERVALS_MAX)
		return false;
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * (size_t)count : 1;

		grown = realloc(report->intervals, room * sizeof *report->intervals);
		if (!grown)
			return false;
		report->intervals = grown;
	}
	report->intervals[report->interval_count++] = interval;
	return true;
}

static void
tell(const struct watch *w, const struct flood_interval *interval, double length_s)
{
	const struct flood_figures *f = &w->report->figures;

	fprintf(stderr,
		"%7.1f s  %8.0f q/s sent  %8.0f answered  %6llu lost  %6llu waiting"
		"  p50 %.0f  p99 %.0f  max %.0f us\n",
		interval->end_s, (double)interval->sent / length_s,
		(double)interval->answered / length_s, (unsigned long long)interval->lost,
		(unsigned long long)(f->sent > f->answered + f->lost
					     ? f->sent - f->answered - f->lost
					     : 0),
		interval->p50_ns / 1e3, interval->p99_ns / 1e3, interval->max_ns / 1e3);
}

/* What came behind the last interval, too little for one of its own, is added to it. */
static void
stretch_last(struct watch *w, uint64_t now_ns)
{
	struct flood_report *report = w->report;
	struct flood_interval rest, *last;

	if (report->interval_count == 0)
		return;
	join(w);
	rest = measure(w, now_ns);
	last = &report->intervals[report->interval_count - 1];
	last->end_s = rest.end_s;
	last->sent += rest.sent;
	last->answered += rest.answered;
	last->lost += rest.lost;
	if (rest.max_ns > last->max_ns)
		last->max_ns = rest.max_ns;
}

static void
end_interval(struct watch *w, uint64_t now_ns)
{
	struct flood_interval interval;
	uint64_t from_ns = w->next_ns - w->interval_ns;

	join(w);
	interval = measure(w, now_ns);
	*w->before = w->report->figures;
	keep(w->report, interval);
	if (!w->report->options->is_quiet)
		tell(w, &interval, (double)(now_ns - from_ns) / 1e9);
	w->next_ns = now_ns + w->interval_ns;
}

/* ---- a dead server ---- */

static uint64_t
answered(const struct watch *w)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < w->count; i++)
		sum += flood_get(&w->loads[i].figures.answered);
	return sum;
}

/* Give up when nothing has been answered for too long. */
static void
look_for_answers(struct watch *w, uint64_t now_ns, uint64_t *seen)
{
	uint64_t sum = answered(w), patience_ns;

	patience_ns = (uint64_t)(w->report->options->give_up_s * 1e9);
	if (sum != *seen) {
		*seen = sum;
		w->answered_ns = now_ns;
	}
	if (patience_ns > 0 && now_ns - w->answered_ns >= patience_ns &&
	    !__atomic_exchange_n(w->stopping, 1, __ATOMIC_RELAXED))
		w->report->has_given_up = true;
}

/* ---- the end ---- */

static void
finish(struct watch *w)
{
	struct flood_report *report = w->report;
	const struct flood_options *options = report->options;
	uint64_t now_ns = clock_now_ns();
	double due = options->rate * options->seconds;

	if (report->interval_count == 0 ||
	    now_ns - (w->next_ns - w->interval_ns) >= w->interval_ns / 4)
		end_interval(w, now_ns);
	else
		stretch_last(w, now_ns);
	join(w);
	for (unsigned i = 0; i < w->count; i++)
		if (w->loads[i].send_errno != 0)
			report->send_errno = w->loads[i].send_errno;
	report->was_stopped = *w->stopping && !report->has_given_up;
	report->seconds = (double)(now_ns - w->start_ns) / 1e9;
	if (report->seconds > options->seconds)
		report->seconds = options->seconds;
	if (due > (double)options->count)
		due = (double)options->count;
	if (!*w->stopping &&
	    due > (double)(report->figures.sent + report->figures.send_errors))
		report->unsent = (uint64_t)due - report->figures.sent -
				 report->figures.send_errors;
}

void
flood_watch(struct flood_load *loads, unsigned count, int *stopping,
	    struct flood_report *report)
{
	struct flood_figures *before = calloc(1, sizeof *before);
	struct watch w = { loads, count, stopping, report, before, loads[0].start_ns,
			   0,     0,     0 };
	uint64_t seen = 0;

	if (!before)
		abort();
	w.interval_ns = (uint64_t)(report->options->interval_s * 1e9);
	w.next_ns = w.start_ns + w.interval_ns;
	w.answered_ns = w.start_ns;
	while (!is_over(&w)) {
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = w.next_ns > now_ns ? w.next_ns - now_ns : 0;
		struct timespec nap = { .tv_nsec = left_ns < LOOK_NS ? (long)left_ns
								     : LOOK_NS };

		look_for_answers(&w, now_ns, &seen);
		if (left_ns == 0)
			end_interval(&w, now_ns);
		else
			nanosleep(&nap, NULL);
	}
	finish(&w);
	free(before);
}

void
flood_report_free(struct flood_report *report)
{
	free(report->intervals);
}
