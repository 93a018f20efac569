/* What was measured, as a plot: the time line above, the distribution of latencies below.
 * It refers to nothing outside and runs no script. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "t/bench/load/flood_watch.h"

enum {
	WIDTH = 960,
	HEIGHT = 640,
	LEFT = 80,
	RIGHT = 20,
	PLOT_WIDTH = WIDTH - LEFT - RIGHT,
	PLOT_HEIGHT = 210,
	TOP_RATE = 70,
	TOP_LATENCY = 370,
	COLUMNS_A_DOUBLING = 4,
};

static const char style[] =
	"<style>text{font:12px sans-serif;fill:#333}.t{font-size:15px}.e{text-anchor:end}"
	".m{text-anchor:middle}.g{stroke:#ddd}.a{fill:none;stroke:#1b6ca8;stroke-width:2}"
	".s{fill:none;stroke:#999;stroke-dasharray:4 3}.l{fill:none;stroke:#c0392b;"
	"stroke-width:2}.b{fill:#7fb3d5}.p{stroke:#c0392b;stroke-dasharray:3 "
	"3}</style>\n";

/* ---- axes ---- */

/* The least of 1, 2, 5, 10, 20, ... that is not below `value`. */
static double
round_up(double value)
{
	double power = value > 0 ? pow(10, floor(log10(value))) : 1;

	for (unsigned i = 0; i < 3; i++) {
		static const double steps[] = { 1, 2, 5 };

		if (steps[i] * power >= value)
			return steps[i] * power;
	}
	return 10 * power;
}

static void
put_rates(FILE *out, double top)
{
	for (unsigned i = 0; i <= 5; i++) {
		double y = TOP_RATE + PLOT_HEIGHT * (1 - i / 5.0);

		fprintf(out,
			"<path class='g' d='M%d %.1fh%d'/>"
			"<text class='e' x='%d' y='%.1f'>%.15g</text>\n",
			LEFT, y, PLOT_WIDTH, LEFT - 6, y + 4, top * i / 5);
	}
}

static void
put_seconds(FILE *out, double seconds)
{
	double step = round_up(seconds / 10);

	for (double at = 0; at <= seconds * 1.0001; at += step)
		fprintf(out, "<text class='m' x='%.1f' y='%d'>%.15g s</text>\n",
			LEFT + PLOT_WIDTH * at / seconds, TOP_RATE + PLOT_HEIGHT + 16,
			at);
}

/* ---- the time line ---- */

struct line {
	const char *class, *name;
	size_t at; /* of the figure in an interval */
};

static const struct line lines[] = {
	{ "s", "sent", offsetof(struct flood_interval, sent) },
	{ "a", "answered", offsetof(struct flood_interval, answered) },
	{ "l", "lost", offsetof(struct flood_interval, lost) },
};

/* A second, in the interval `i`. */
static double
rate_of(const struct flood_report *report, unsigned i, const struct line *line)
{
	const struct flood_interval *interval = &report->intervals[i];
	double from_s = i > 0 ? interval[-1].end_s : 0;
	uint64_t count;

	memcpy(&count, (const char *)interval + line->at, sizeof count);
	return interval->end_s > from_s ? (double)count / (interval->end_s - from_s) : 0;
}

static double
greatest_rate(const struct flood_report *report)
{
	double greatest = 1;

	for (unsigned i = 0; i < report->interval_count; i++)
		for (unsigned k = 0; k < sizeof lines / sizeof lines[0]; k++)
			greatest = fmax(greatest, rate_of(report, i, &lines[k]));
	return greatest;
}

/* Steps: what an interval holds is known for it as a whole. */
static void
put_line(FILE *out, const struct flood_report *report, const struct line *line,
	 double top, double seconds)
{
	fprintf(out, "<path class='%s' d='M%d", line->class, LEFT);
	for (unsigned i = 0; i < report->interval_count; i++) {
		double y = TOP_RATE + PLOT_HEIGHT * (1 - rate_of(report, i, line) / top);

		fprintf(out, "%s%.1fH%.1f", i > 0 ? "V" : " ", y,
			LEFT + PLOT_WIDTH * report->intervals[i].end_s / seconds);
	}
	fprintf(out, "'/>\n");
}

static void
put_time_line(FILE *out, const struct flood_report *report)
{
	unsigned count = report->interval_count;
	double seconds = count > 0 ? report->intervals[count - 1].end_s : 1;
	double top = round_up(greatest_rate(report));

	fprintf(out,
		"<text x='%d' y='%d'>queries a second: answered (blue), sent (grey), "
		"lost (red)</text>\n",
		LEFT, TOP_RATE - 12);
	put_rates(out, top);
	put_seconds(out, seconds);
	for (unsigned k = 0; count > 0 && k < sizeof lines / sizeof lines[0]; k++)
		put_line(out, report, &lines[k], top, seconds);
}

/* ---- latencies ---- */

struct columns {
	uint64_t sums[HIST_BUCKETS];
	unsigned first, last; /* that are not empty */
	uint64_t most;
};

static void
sum_columns(const struct flood_hist *hist, struct columns *c)
{
	memset(c, 0, sizeof *c);
	c->first = HIST_BUCKETS;
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		unsigned column = i / (HIST_PARTS / COLUMNS_A_DOUBLING);

		if (hist->bucket[i] == 0)
			continue;
		c->sums[column] += hist->bucket[i];
		c->first = column < c->first ? column : c->first;
		c->last = column;
		c->most = c->sums[column] > c->most ? c->sums[column] : c->most;
	}
}

/* Where a latency stands, in columns: as the buckets, even within a doubling. */
static double
column_of(double ns)
{
	unsigned bucket = flood_hist_index((uint64_t)ns);
	double from = (double)flood_hist_from_ns(bucket);
	double to = (double)flood_hist_from_ns(bucket + 1);

	return (bucket + (ns - from) / (to - from)) * COLUMNS_A_DOUBLING / HIST_PARTS;
}

static double
x_of(const struct columns *c, double column)
{
	return LEFT + PLOT_WIDTH * (column - c->first) / (c->last + 1 - c->first);
}

static void
put_columns(FILE *out, const struct columns *c)
{
	double width = (double)PLOT_WIDTH / (c->last + 1 - c->first);

	for (unsigned i = c->first; i <= c->last; i++) {
		double height =
			(double)PLOT_HEIGHT * (double)c->sums[i] / (double)c->most;

		if (c->sums[i] > 0)
			fprintf(out,
				"<rect class='b' x='%.1f' y='%.1f' width='%.1f' "
				"height='%.1f'><title>%llu</title></rect>\n",
				x_of(c, i) + 0.5, TOP_LATENCY + PLOT_HEIGHT - height,
				width > 2 ? width - 1 : width, height,
				(unsigned long long)c->sums[i]);
	}
}

static void
put_time(FILE *out, double ns)
{
	if (ns < 1e6)
		fprintf(out, "%.3g us", ns / 1e3);
	else if (ns < 1e9)
		fprintf(out, "%.3g ms", ns / 1e6);
	else
		fprintf(out, "%.3g s", ns / 1e9);
}

/* A mark at each 1, 2, 5, 10 us, ... that has room. */
static void
put_times(FILE *out, const struct columns *c)
{
	double last_x = 0;

	for (double ns = 1000; ns < 2e11; ns = round_up(ns * 1.01)) {
		double x = x_of(c, column_of(ns));

		if (x < LEFT || x > WIDTH - RIGHT || x < last_x + 45)
			continue;
		fprintf(out, "<text class='m' x='%.1f' y='%d'>", x,
			TOP_LATENCY + PLOT_HEIGHT + 16);
		put_time(out, ns);
		fprintf(out, "</text>\n");
		last_x = x;
	}
}

static void
put_mark(FILE *out, const struct columns *c, const struct flood_hist *hist,
	 const char *name, double share, unsigned row)
{
	double ns = flood_hist_quantile_ns(hist, share);
	double x = x_of(c, column_of(ns));
	bool is_right = x > WIDTH - RIGHT - 90;

	fprintf(out,
		"<path class='p' d='M%.1f %dv%d'/><text class='%s' x='%.1f' y='%u'>%s ",
		x, TOP_LATENCY, PLOT_HEIGHT, is_right ? "e" : "",
		is_right ? x - 3 : x + 3, TOP_LATENCY + 12 + 14 * row, name);
	put_time(out, ns);
	fprintf(out, "</text>\n");
}

static void
put_latencies(FILE *out, const struct flood_report *report)
{
	const struct flood_hist *hist = &report->latency;
	struct columns columns;

	fprintf(out,
		"<text x='%d' y='%d'>latency of %llu answers, from when each query was "
		"%s</text>\n<path class='g' d='M%d %dh%d'/>\n",
		LEFT, TOP_LATENCY - 12, (unsigned long long)hist->count,
		report->options->rate > 0 ? "due" : "sent", LEFT,
		TOP_LATENCY + PLOT_HEIGHT, PLOT_WIDTH);
	if (hist->count == 0)
		return;
	sum_columns(hist, &columns);
	put_columns(out, &columns);
	put_times(out, &columns);
	put_mark(out, &columns, hist, "p50", 0.5, 0);
	put_mark(out, &columns, hist, "p90", 0.9, 1);
	put_mark(out, &columns, hist, "p99", 0.99, 2);
	put_mark(out, &columns, hist, "p99.9", 0.999, 3);
}

int
flood_svg(const struct flood_report *report)
{
	const char *path = report->options->svg_path;
	FILE *out = fopen(path, "w");
	bool is_good;

	if (!out) {
		perror(path);
		return 1;
	}
	fprintf(out,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' "
		"viewBox='0 0 %d %d'>\n%s<rect width='%d' height='%d' fill='#fff'/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT, style, WIDTH, HEIGHT);
	fprintf(out,
		"<text class='t' x='%d' y='28'>%s port %u: %llu sent, %llu answered, "
		"%llu lost in %.3g s</text>\n",
		LEFT, report->options->server, report->options->port,
		(unsigned long long)report->figures.sent,
		(unsigned long long)report->figures.answered,
		(unsigned long long)report->figures.lost, report->seconds);
	put_time_line(out, report);
	put_latencies(out, report);
	fprintf(out, "</svg>\n");
	is_good = !ferror(out);
	if (fclose(out) == 0 && is_good)
		return 0;
	perror(path);
	return 1;
}
