/* From fine buckets to bars, one a doubling. */
#include "master/client/ctl_client_times.h"

#include <stdint.h>
#include <string.h>

#include "master/client/ctl_client_text.h"

enum {
	BARS_MAX = 64,
	LABEL_WIDTH = 30, /* "  below  524.3ms   1234567890  " */
	BAR_WIDTH_MAX = 40,
};

struct bars {
	double counts[BARS_MAX]; /* of times below 2^n us; the last: of all others */
	unsigned first, last;
};

/* The bar of times below `us`; 0 is "no limit". */
static unsigned
find_bar(double us)
{
	unsigned bar = 0;

	if (!(us > 0))
		return BARS_MAX - 1;
	for (double limit = 1; limit < us && bar < BARS_MAX - 2; limit *= 2)
		bar++;
	return bar;
}

static void
fill_bars(struct bars *bars, const struct ctl_json *buckets)
{
	memset(bars, 0, sizeof *bars);
	bars->first = BARS_MAX - 1;
	for (size_t i = 0; i < ctl_json_count(buckets); i++) {
		const struct ctl_json *bucket = ctl_json_item(buckets, i);
		unsigned bar =
			find_bar(ctl_json_number(ctl_json_member(bucket, "below_us")));
		double count = ctl_json_number(ctl_json_member(bucket, "count"));

		bars->counts[bar] += count > 0 ? count : 0;
		if (bar < bars->first)
			bars->first = bar;
		if (bar > bars->last)
			bars->last = bar;
	}
}

static void
print_bar(FILE *out, unsigned bar, double count, double share, size_t width)
{
	char limit[CTL_FIGURE_MAX] = "for ever";
	/* the figures are the server's: they may contradict each other */
	size_t marks = (size_t)((share < 1 ? share : 1) * (double)width + 0.5);

	if (bar < BARS_MAX - 1)
		ctl_text_duration((double)(UINT64_C(1) << bar) / 1e6, limit);
	fprintf(out, "  below %9s  %10.0f%s", limit, count, marks ? "  " : "");
	while (marks-- > 0)
		fputc('#', out);
	fputc('\n', out);
}

void
ctl_times_print(FILE *out, const char *title, const struct ctl_json *times, size_t width)
{
	struct bars bars;
	double total = ctl_json_number(ctl_json_member(times, "count"));
	size_t room = width > LABEL_WIDTH ? width - LABEL_WIDTH : 1;

	if (!(total > 0))
		return;
	fill_bars(&bars, ctl_json_member(times, "buckets"));
	fprintf(out, "\n%s\n", title);
	for (unsigned i = bars.first; i <= bars.last; i++)
		print_bar(out, i, bars.counts[i], bars.counts[i] / total,
			  room < BAR_WIDTH_MAX ? room : BAR_WIDTH_MAX);
}
