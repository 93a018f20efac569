/* The load as a whole while it runs: progress on standard error, the time line, and the
 * end when the server is dead. */
#ifndef T_FLOOD_WATCH_H
#define T_FLOOD_WATCH_H

#include <stdbool.h>

#include "t/bench/load/flood_load.h"

struct flood_interval {
	double end_s; /* since the start */
	uint64_t sent, answered, lost;
	double p50_ns, p99_ns, max_ns;
};

struct flood_report {
	const struct flood_options *options;
	struct flood_figures figures; /* of all threads, at last */
	struct flood_hist latency; /* UDP and TCP */
	double seconds; /* in which queries were sent */
	struct flood_interval *intervals; /* owned; freed by flood_report_free */
	unsigned interval_count;
	bool has_given_up, was_stopped;
	int send_errno; /* why queries could not be sent; 0 */
	uint64_t unsent; /* due at the rate, but the sender did not keep up */
};

/* Watch running threads until all of them are over; raise `*stopping` to end them.
 * Signals raise it, too.  Fills all of `report` but options. */
void flood_watch(struct flood_load *loads, unsigned count, int *stopping,
		 struct flood_report *report);

void flood_report_free(struct flood_report *report);

/* Whole, to standard output; the plot to the file of the options.  return 0; 1 after a line
 * on standard error. */
int flood_text(const struct flood_report *report);
int flood_json(const struct flood_report *report);
int flood_svg(const struct flood_report *report);

#endif
