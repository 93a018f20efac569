/* Prometheus's text format: escapes, numbers. */
#include "loader/report/metric_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/tap.h"

static const char *
text_of(struct metric_text *out)
{
	static char text[4096];

	memcpy(text, out->text, out->len);
	text[out->len] = '\0';
	metric_text_reset(out);
	return text;
}

int
main(void)
{
	static const struct {
		const char *label, *want;
	} labels[] = {
		{ "plain", "plain" },
		{ "a\"b\\c\nd", "a\\\"b\\\\c\\nd" },
		{ "<script>\x1b[2J", "<script>\x1b[2J" },
		{ "\xff\xc3\xa9", "\xef\xbf\xbd\xc3\xa9" },
		{ "\xc0\xaf\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf"
					  "\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x90\xa6\xe2\x82",
		  "\xf0\x9f\x90\xa6\xef\xbf\xbd\xef\xbf\xbd" },
		{ "", "" },
	};
	struct metric_text out = { .text = NULL };
	char want[256];

	for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
		metric_text_uint(&out, "x_total", "zone", labels[i].label, i);
		snprintf(want, sizeof want, "martlet_x_total{zone=\"%s\"} %zu\n",
			 labels[i].want, i);
		is(text_of(&out), want, "label %zu", i);
	}
	metric_text_begin(&out, "up", METRIC_GAUGE, "it is");
	metric_text_uint(&out, "up", NULL, NULL, UINT64_MAX);
	is(text_of(&out),
	   "# HELP martlet_up it is\n# TYPE martlet_up gauge\nmartlet_up "
	   "18446744073709551615\n",
	   "a gauge");
	metric_text_double(&out, "s", NULL, NULL, 1234567.000001);
	is(text_of(&out), "martlet_s 1234567.000001\n", "a fraction of a large one");
	metric_text_bucket(&out, "t", "cause", "x", 0.000001024, 7);
	metric_text_bucket(&out, "t", NULL, NULL, INFINITY, 8);
	is(text_of(&out),
	   "martlet_t_bucket{cause=\"x\",le=\"1.024e-06\"} 7\n"
	   "martlet_t_bucket{le=\"+Inf\"} 8\n",
	   "buckets");
	for (unsigned i = 0; i < 10000; i++)
		metric_text_uint(&out, "many", "worker", "12", i);
	ok(out.len > 200000 && !out.has_failed, "as much as there is");
	free(out.text);
	return done_testing();
}
