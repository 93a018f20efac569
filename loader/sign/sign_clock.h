/* When signatures begin and end: with some spread, so that they do not end all at once. */
#ifndef LOADER_SIGN_SIGN_CLOCK_H
#define LOADER_SIGN_SIGN_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/rrset_sign.h"
#include "shm/settings.h"

struct sign_clock {
	int64_t now_s;
	int64_t renew_before_s;		/* signatures that end earlier are made anew */
	uint32_t validity_s;
	uint64_t random;
};

/* While the time is in doubt, for this process and those that it forks: no signature seems to
 * be due, and each that is there and by a present key is kept. */
void sign_clock_hold(bool is_held);

/* Is what is to be renewed at a time due? */
__attribute__((pure))
bool sign_clock_is_due(int64_t renew_at_s, int64_t now_s);

/* is_renewal  what would be due within sign_clock_ahead_s is renewed, too
 * zone        its name: zones that are signed in the same second spread differently */
__attribute__((nonnull))
void sign_clock_set(struct sign_clock *clock, const struct settings *settings, int64_t now_s,
		    bool is_renewal, const uint8_t *zone, size_t len);

/* How far a renewal looks ahead. */
__attribute__((nonnull, pure))
int64_t sign_clock_ahead_s(const struct settings *settings);

/* The times of a new signature.  returns when it ends (Unix time). */
__attribute__((nonnull))
int64_t sign_clock_draw(struct sign_clock *clock, struct sign_times *out);

#endif
