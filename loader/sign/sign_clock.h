/* When signatures begin and end: with some spread, so that they do not end all at once. */
#ifndef LOADER_SIGN_SIGN_CLOCK_H
#define LOADER_SIGN_SIGN_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/rrset_sign.h"
#include "shm/region_clock.h"
#include "shm/settings.h"

enum { SIGN_INCEPTION_AGO_S = 3600 };	/* for validators whose clock is behind */

struct sign_clock {
	int64_t now_s;
	int64_t earliest_s, latest_s;	/* that it may be, when the machine's clock is in doubt:
					 * what is signed holds at both */
	int64_t renew_before_s;		/* signatures that end earlier are made anew */
	uint32_t validity_s;
	uint64_t random;
};

/* Look whether the time is in doubt (shm/region_clock.h), for all threads of this process and
 * those that it forks: no signature seems to be due then, and each that is there and by a present key is
 * kept. */
__attribute__((nonnull))
void sign_clock_look(const struct region *region);

/* The latest time that it may be: what has been stays so. */
__attribute__((warn_unused_result))
int64_t sign_clock_latest_s(void);

/* Is what is to be renewed at a time due? */
__attribute__((warn_unused_result))
bool sign_clock_is_due(int64_t renew_at_s, int64_t now_s);

/* is_renewal  what would be due within sign_clock_ahead_s is renewed, too
 * zone        its name: zones that are signed in the same second spread differently */
__attribute__((nonnull))
void sign_clock_set(struct sign_clock *clock, const struct settings *settings, int64_t now_s,
		    bool is_renewal, const uint8_t *zone, size_t len);

/* How far a renewal looks ahead. */
__attribute__((nonnull, pure))
int64_t sign_clock_ahead_s(const struct settings *settings);

/* Are signatures of a zone's apex yet to begin, made under a clock that was ahead, so that
 * nobody believes them? */
__attribute__((nonnull, warn_unused_result))
bool sign_clock_is_to_come(const struct node *apex, int64_t now_s);

/* The times of a new signature.  returns when it ends (Unix time). */
__attribute__((nonnull))
int64_t sign_clock_draw(struct sign_clock *clock, struct sign_times *out);

#endif
