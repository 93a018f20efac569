/* Changes may have been missed: everything is compared. */
#include "loader/redis/follow_gap.h"

#include <stdarg.h>
#include <stdio.h>

#include "shm/log.h"

void
follow_gap_compare(struct follow *f, bool is_strict)
{
	f->round.wants_urgent = true;
	f->round.wants_strict = f->round.wants_strict || is_strict;
	region_source_set_state(f->board, SOURCE_RESYNCING);
}

void
follow_gap_entries(struct follow *f, const char *format, ...)
{
	char reason[FOLLOW_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	log_warnx("%s: all zones are compared", reason);
	region_source_add(f->board, SOURCE_redis_gaps, 1);
	region_source_set_text(f->board, SOURCE_TEXT_GAP,
			       "%s; all zones are being compared with Redis", reason);
	follow_gap_compare(f, true);
}
