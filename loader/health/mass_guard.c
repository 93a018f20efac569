/* Falls within a window. */
#include "loader/health/mass_guard.h"

#include <stdlib.h>

enum { FIRST_ROOM = 64 };

static void
forget_old(struct mass_guard *guard, uint64_t now_ms)
{
	while (guard->count > 0 &&
	       now_ms - guard->falls[guard->first] > guard->window_ms) {
		guard->first = (guard->first + 1) % guard->room;
		guard->count--;
	}
}

/* returns false without memory. */
static bool
make_room(struct mass_guard *guard)
{
	size_t room = guard->room ? 2 * guard->room : FIRST_ROOM;
	uint64_t *grown;

	if (guard->count < guard->room)
		return true;
	grown = malloc(room * sizeof *grown);
	if (!grown)
		return false;
	for (size_t i = 0; i < guard->count; i++)
		grown[i] = guard->falls[(guard->first + i) % guard->room];
	free(guard->falls);
	guard->falls = grown;
	guard->first = 0;
	guard->room = room;
	return true;
}

static bool
is_more(const struct mass_guard *guard, size_t part, size_t known)
{
	return (double)part > guard->share * (double)known;
}

bool
mass_guard_fall(struct mass_guard *guard, uint64_t now_ms, size_t known)
{
	forget_old(guard, now_ms);
	if (make_room(guard))
		guard->falls[(guard->first + guard->count++) % guard->room] = now_ms;
	if (guard->is_holding || known < MASS_GUARD_MIN ||
	    !is_more(guard, guard->count, known))
		return false;
	guard->is_holding = true;
	return true;
}

bool
mass_guard_is_over(struct mass_guard *guard, size_t failing, size_t known)
{
	if (!guard->is_holding || is_more(guard, failing, known))
		return false;
	guard->is_holding = false;
	guard->count = 0;
	return true;
}
