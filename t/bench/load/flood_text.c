/* What was measured, for people. */
#include <stdio.h>

#include "t/bench/load/flood_rcode.h"
#include "t/bench/load/flood_watch.h"

enum { BAR_MAX = 50, TIME_ROOM = 32 };

typedef unsigned long long ull;

static const char *
time_text(double ns, char out[TIME_ROOM])
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	unsigned unit = 0;

	for (; ns >= 1000 && unit < 3; unit++)
		ns /= 1000;
	snprintf(out, TIME_ROOM, "%.3g %s", ns >= 999.5 ? 1000 : ns, units[unit]);
	return out;
}

static void
tell_load(const struct flood_report *report)
{
	const struct flood_options *options = report->options;

	printf("%s port %u, %.3g s, ", options->server, options->port, report->seconds);
	if (options->rate > 0)
		printf("%.15g queries a second", options->rate);
	else
		printf("closed loop of %u on each socket", options->window);
	printf(", sockets %u, threads %u", options->sockets, options->threads);
	if (options->tcp_share > 0)
		printf(", %.3g %% over TCP", options->tcp_share * 100);
	if (options->source_count > 0)
		printf(", sources %llu", (ull)options->source_count);
	printf("\n\n");
}

static void
tell_queries(const struct flood_report *report)
{
	const struct flood_figures *f = &report->figures;
	double sent = f->sent > 0 ? (double)f->sent : 1;

	printf("sent      %llu, %.0f a second\n", (ull)f->sent,
	       (double)f->sent / report->seconds);
	printf("answered  %llu, %.0f a second, %.3f %%\n", (ull)f->answered,
	       (double)f->answered / report->seconds, (double)f->answered * 100 / sent);
	printf("lost      %llu, %.3f %%; answers to them that came late %llu\n",
	       (ull)f->lost, (double)f->lost * 100 / sent, (ull)f->late);
	if (f->stray > 0)
		printf("stray     %llu messages that answer nothing\n", (ull)f->stray);
	if (f->send_errors > 0)
		printf("not sent  %llu, for errors\n", (ull)f->send_errors);
	if (report->unsent > 0)
		printf("behind    %llu queries were due and not sent: %s is too slow for "
		       "this "
		       "rate\n",
		       (ull)report->unsent, "the sender");
	if (f->unreachable > 0)
		printf("refused   %llu times the system said that nobody listens\n",
		       (ull)f->unreachable);
	if (f->tcp_connects > 0)
		printf("over TCP  %llu of %llu answered; connections %llu, ended by the "
		       "server "
		       "%llu\n",
		       (ull)f->tcp_answered, (ull)f->tcp_sent, (ull)f->tcp_connects,
		       (ull)f->tcp_closed);
}

static void
tell_answers(const struct flood_figures *f)
{
	if (f->answered == 0)
		return;
	printf("answers  ");
	for (unsigned i = 0; i < FLOOD_RCODES; i++)
		if (f->rcodes[i] > 0)
			printf(" %s %llu", flood_rcode_name(i), (ull)f->rcodes[i]);
	printf("; with records %llu, truncated %llu; %.0f octets each\n",
	       (ull)f->with_answer, (ull)f->truncated,
	       (double)f->octets / (double)f->answered);
}

static void
tell_latency(const char *what, const struct flood_hist *hist)
{
	static const struct {
		const char *name;
		double share;
	} shares[] = { { "p50", 0.5 },
		       { "p90", 0.9 },
		       { "p99", 0.99 },
		       { "p99.9", 0.999 },
		       { "p99.99", 0.9999 } };
	char text[TIME_ROOM];

	if (hist->count == 0)
		return;
	printf("%-9s min %s", what, time_text((double)hist->min_ns, text));
	printf(", mean %s", time_text(flood_hist_mean_ns(hist), text));
	for (unsigned i = 0; i < sizeof shares / sizeof shares[0]; i++)
		printf(", %s %s", shares[i].name,
		       time_text(flood_hist_quantile_ns(hist, shares[i].share), text));
	printf(", max %s\n", time_text((double)hist->max_ns, text));
}

/* A line for each doubling. */
static void
tell_histogram(const struct flood_hist *hist)
{
	uint64_t sums[HIST_DOUBLINGS] = { 0 }, most = 1;
	char from[TIME_ROOM], to[TIME_ROOM];

	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		sums[i / HIST_PARTS] += hist->bucket[i];
	for (unsigned i = 0; i < HIST_DOUBLINGS; i++)
		most = sums[i] > most ? sums[i] : most;
	printf("\n");
	for (unsigned i = 0; i < HIST_DOUBLINGS; i++) {
		int bar = (int)((double)sums[i] * BAR_MAX / (double)most + 0.999);

		if (sums[i] == 0)
			continue;
		printf("%8s .. %-8s %12llu  %.*s\n",
		       time_text((double)flood_hist_from_ns(i * HIST_PARTS), from),
		       time_text((double)flood_hist_from_ns((i + 1) * HIST_PARTS), to),
		       (ull)sums[i], bar,
		       "##################################################");
	}
}

int
flood_text(const struct flood_report *report)
{
	tell_load(report);
	tell_queries(report);
	tell_answers(&report->figures);
	tell_latency("latency", &report->latency);
	if (report->figures.tcp.count > 0) {
		tell_latency("of UDP", &report->figures.udp);
		tell_latency("of TCP", &report->figures.tcp);
	}
	if (report->latency.count > 0)
		tell_histogram(&report->latency);
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	perror("martlet-flood: standard output");
	return 1;
}
