/* Writes Prometheus's text format: https://prometheus.io/docs/instrumenting/exposition_formats/
 * Labels and help are escaped; what is no valid UTF-8 comes out as U+FFFD. */
#ifndef LOADER_REPORT_METRIC_TEXT_H
#define LOADER_REPORT_METRIC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct metric_text {
	char *text; /* owned; zero all of it before the first use */
	size_t len, room;
	bool has_failed; /* without memory: what stands is not whole */
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* Begin anew, with the memory that is there. */
__attribute__((nonnull)) void metric_text_reset(struct metric_text *out);

/* HELP and TYPE of "martlet_" and `name`; to be followed by its values. */
__attribute__((nonnull)) void metric_text_begin(struct metric_text *out, const char *name,
						enum metric_kind kind, const char *help);

/* A value of it.  label   its name, NULL: none; value as a text of any octets */
__attribute__((nonnull(1, 2))) void
metric_text_uint(struct metric_text *out, const char *name, const char *label,
		 const char *label_value, uint64_t value);
__attribute__((nonnull(1, 2))) void
metric_text_double(struct metric_text *out, const char *name, const char *label,
		   const char *label_value, double value);

/* One bucket of a histogram: `count` of all that is at most `limit`, infinite: all. */
__attribute__((nonnull(1, 2))) void
metric_text_bucket(struct metric_text *out, const char *name, const char *label,
		   const char *label_value, double limit, uint64_t count);

#endif
