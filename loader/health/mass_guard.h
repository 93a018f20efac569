/* health.mass_guard: when many targets fail at once, it is rather we who are cut off.
 *
 * Counts the targets that fell, that is failed after they were up, within the last interval.
 * More than the share of all of which something is known, and these are at least
 * MASS_GUARD_MIN: the guard begins.  It ends when no more than the share of them fail. */
#ifndef LOADER_HEALTH_MASS_GUARD_H
#define LOADER_HEALTH_MASS_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MASS_GUARD_MIN = 20 };

struct mass_guard {
	double share;
	uint64_t window_ms;
	uint64_t *falls;		/* moments, a ring; owned */
	size_t first, count, room;
	bool is_holding;
};

/* A target fell; `known` of all targets are known.  returns whether the guard begins now. */
__attribute__((nonnull))
bool mass_guard_fall(struct mass_guard *guard, uint64_t now_ms, size_t known);

/* `failing` of the targets that are held fail.  returns whether the guard ends now. */
__attribute__((nonnull))
bool mass_guard_is_over(struct mass_guard *guard, size_t failing, size_t known);

#endif
