/* What was measured, as one JSON object. */
#include <stdio.h>

#include "shm/errcode.h"
#include "shm/json_out.h"
#include "t/bench/load/flood_rcode.h"
#include "t/bench/load/flood_watch.h"

static int
put(void *arg, const void *data, size_t len)
{
	return fwrite(data, 1, len, arg) == len ? 0 : ERR_IO;
}

static void
put_us(struct json_out *out, const char *name, double ns)
{
	json_out_double(out, name, ns / 1e3, 1);
}

static void
put_latency(struct json_out *out, const char *name, const struct flood_hist *hist)
{
	json_out_begin_object(out, name);
	json_out_uint(out, "count", hist->count);
	put_us(out, "min", (double)hist->min_ns);
	put_us(out, "mean", flood_hist_mean_ns(hist));
	put_us(out, "p50", flood_hist_quantile_ns(hist, 0.5));
	put_us(out, "p90", flood_hist_quantile_ns(hist, 0.9));
	put_us(out, "p99", flood_hist_quantile_ns(hist, 0.99));
	put_us(out, "p999", flood_hist_quantile_ns(hist, 0.999));
	put_us(out, "p9999", flood_hist_quantile_ns(hist, 0.9999));
	put_us(out, "max", (double)hist->max_ns);
	json_out_end_object(out);
}

/* What is not empty: where a bucket begins and ends, and how many. */
static void
put_histogram(struct json_out *out, const struct flood_hist *hist)
{
	json_out_begin_array(out, "histogram");
	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (hist->bucket[i] == 0)
			continue;
		json_out_begin_object(out, NULL);
		json_out_double(out, "from_us", (double)flood_hist_from_ns(i) / 1e3, 3);
		json_out_double(out, "to_us", (double)flood_hist_from_ns(i + 1) / 1e3, 3);
		json_out_uint(out, "count", hist->bucket[i]);
		json_out_end_object(out);
	}
	json_out_end_array(out);
}

static void
put_intervals(struct json_out *out, const struct flood_report *report)
{
	json_out_begin_array(out, "intervals");
	for (unsigned i = 0; i < report->interval_count; i++) {
		const struct flood_interval *interval = &report->intervals[i];

		json_out_begin_object(out, NULL);
		json_out_double(out, "end_s", interval->end_s, 3);
		json_out_uint(out, "sent", interval->sent);
		json_out_uint(out, "answered", interval->answered);
		json_out_uint(out, "lost", interval->lost);
		put_us(out, "p50_us", interval->p50_ns);
		put_us(out, "p99_us", interval->p99_ns);
		put_us(out, "max_us", interval->max_ns);
		json_out_end_object(out);
	}
	json_out_end_array(out);
}

static void
put_rcodes(struct json_out *out, const struct flood_figures *figures)
{
	json_out_begin_object(out, "rcodes");
	for (unsigned i = 0; i < FLOOD_RCODES; i++)
		if (figures->rcodes[i] > 0)
			json_out_uint(out, flood_rcode_name(i), figures->rcodes[i]);
	json_out_end_object(out);
}

static void
put_all(struct json_out *out, const struct flood_report *report)
{
	const struct flood_options *options = report->options;
	const struct flood_figures *figures = &report->figures;

	json_out_text(out, "server", options->server);
	json_out_uint(out, "port", options->port);
	json_out_double(out, "seconds", report->seconds, 6);
	if (options->rate > 0)
		json_out_double(out, "rate", options->rate, 3);
	else
		json_out_null(out, "rate");
	json_out_uint(out, "sockets", options->sockets);
	json_out_uint(out, "threads", options->threads);
#define X(name) json_out_uint(out, #name, figures->name);
	FLOOD_FIGURES(X)
#undef X
	json_out_uint(out, "unsent", report->unsent);
	json_out_double(out, "sent_qps", (double)figures->sent / report->seconds, 1);
	json_out_double(out, "answered_qps", (double)figures->answered / report->seconds,
			1);
	json_out_bool(out, "has_given_up", report->has_given_up);
	json_out_bool(out, "was_stopped", report->was_stopped);
	put_rcodes(out, figures);
	put_latency(out, "latency_us", &report->latency);
	put_latency(out, "udp_latency_us", &figures->udp);
	put_latency(out, "tcp_latency_us", &figures->tcp);
	put_intervals(out, report);
	put_histogram(out, &report->latency);
}

int
flood_json(const struct flood_report *report)
{
	char buffer[4096];
	struct json_out out;

	json_out_init(&out, buffer, sizeof buffer, put, stdout);
	json_out_begin_object(&out, NULL);
	put_all(&out, report);
	json_out_end_object(&out);
	if (json_out_finish(&out) == 0 && putchar('\n') != EOF && fflush(stdout) == 0)
		return 0;
	perror("martlet-flood: standard output");
	return 1;
}
