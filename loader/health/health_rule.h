/* What a probe's outcome makes of a target's status: redins's counter.
 *
 * Above zero a target is up, and each success brings it one nearer to up_count; below zero it
 * fails, and each failure one nearer to down_count, where it is down.  Zero is unknown.  One
 * outcome of the other kind starts from 1, or -1. */
#ifndef LOADER_HEALTH_HEALTH_RULE_H
#define LOADER_HEALTH_HEALTH_RULE_H

#include <stdbool.h>

static inline int
health_rule_next(int status, bool is_up, int up_count, int down_count)
{
	if (is_up) {
		status = status < 0 ? 1 : status + 1;
		return status > up_count ? up_count : status;
	}
	status = status > 0 ? -1 : status - 1;
	return status < down_count ? down_count : status;
}

#endif
