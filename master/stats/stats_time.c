/* Points in time in words. */
#include "master/stats/stats_time.h"

#include <time.h>

#include "shm/clock.h"

enum { TIME_MAX = 32 };

void
stats_time_put_ago(struct json_out *json, const char *name, uint64_t ago_ns)
{
	time_t at = (time_t)(clock_wall_s() - (int64_t)(ago_ns / 1000000000));
	char text[TIME_MAX];
	struct tm parts;

	if (gmtime_r(&at, &parts) &&
	    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) > 0)
		json_out_text(json, name, text);
	else
		json_out_null(json, name);
}
