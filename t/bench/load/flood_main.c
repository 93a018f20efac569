/* martlet-flood - ask a DNS server as fast as it answers, or at a constant rate.
 *
 * One thread or more ask (flood_load.c), over UDP (flood_udp.c) and TCP (flood_tcp.c); this
 * one watches them (flood_watch.c) and tells at last what was measured. */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "shm/clock.h"
#include "t/bench/load/flood_watch.h"

static int stopping;

static void
stop(int signal_number)
{
	(void)signal_number;
	__atomic_store_n(&stopping, 1, __ATOMIC_RELAXED);
}

/* A second signal ends the program at once. */
static void
catch_signals(void)
{
	struct sigaction action = { .sa_handler = stop, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
allow_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static unsigned
share(unsigned all, unsigned threads, unsigned index)
{
	return all / threads + (index < all % threads);
}

static int
open_loads(struct flood_load *loads, const struct flood_options *options,
	   const struct flood_queries *queries)
{
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < options->threads; i++) {
		struct flood_load *load = &loads[i];
		unsigned connections =
			options->tcp_share > 0 ? options->tcp_connections : 0;

		load->options = options;
		load->queries = queries;
		load->index = i;
		load->stopping = &stopping;
		load->socket_count = share(options->sockets, options->threads, i);
		load->connection_count = share(connections, options->threads, i);
		rc = flood_load_open(load);
	}
	return rc;
}

static void *
run(void *load)
{
	flood_load_run(load);
	return NULL;
}

static int
run_loads(struct flood_load *loads, unsigned count, struct flood_report *report)
{
	pthread_t threads[FLOOD_THREADS_MAX];
	uint64_t start_ns = clock_now_ns();
	unsigned started = 0;

	for (; started < count; started++) {
		loads[started].start_ns = start_ns;
		loads[started].end_ns =
			start_ns + (uint64_t)(report->options->seconds * 1e9);
		if (pthread_create(&threads[started], NULL, run, &loads[started]) != 0)
			break;
	}
	if (started == count)
		flood_watch(loads, count, &stopping, report);
	else
		stopping = 1;
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (started < count)
		fputs("martlet-flood: threads cannot be started\n", stderr);
	return started < count;
}

/* Say what was measured.  returns the exit status. */
static int
tell(const struct flood_report *report)
{
	const struct flood_options *options = report->options;
	int rc = options->is_json ? flood_json(report) : flood_text(report);

	if (options->svg_path && flood_svg(report) != 0)
		rc = 1;
	if (report->send_errno != 0)
		fprintf(stderr, "martlet-flood: queries could not be sent: %s\n",
			strerror(report->send_errno));
	if (report->has_given_up || report->figures.answered == 0) {
		fprintf(stderr,
			"martlet-flood: no answer from %s port %u%s: does a server "
			"run there?\n",
			options->server, options->port,
			report->figures.answered > 0 ? " any more" : "");
		rc = 1;
	}
	return rc;
}

static int
flood(const struct flood_options *options, const struct flood_queries *queries)
{
	struct flood_load *loads = calloc(options->threads, sizeof *loads);
	struct flood_report *report = calloc(1, sizeof *report);
	int rc = loads && report ? 0 : 1;

	for (unsigned i = 0; rc == 0 && i < options->threads; i++)
		loads[i].epoll = -1;
	if (rc == 0) {
		report->options = options;
		rc = open_loads(loads, options, queries);
	}
	if (rc == 0)
		rc = run_loads(loads, options->threads, report);
	if (rc == 0)
		rc = tell(report);
	for (unsigned i = 0; loads && i < options->threads; i++)
		if (loads[i].options)
			flood_load_close(&loads[i]);
	if (report)
		flood_report_free(report);
	free(report);
	free(loads);
	return rc;
}

int
main(int argc, char **argv)
{
	struct flood_options options;
	struct flood_queries queries;
	int rc = flood_options_read(&options, argc, argv);

	if (rc >= 0)
		return rc;
	catch_signals();
	allow_files();
	rc = flood_queries_load(&queries, &options);
	if (rc == 0)
		rc = flood(&options, &queries);
	flood_queries_free(&queries);
	return rc;
}
