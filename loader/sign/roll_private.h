/* A roll being looked at: what the steps of roll_step share. */
#ifndef LOADER_SIGN_ROLL_PRIVATE_H
#define LOADER_SIGN_ROLL_PRIVATE_H

#include "loader/sign/roll.h"

struct rolling {
	struct roll_zone *zone;
	const struct roll_view *view;
	struct roll_outcome outcome;
};

/* It is to be looked at again then. */
__attribute__((nonnull))
void roll_note_next(struct rolling *r, int64_t at_s);

/* Has it been so, since it was first served (0: it is not yet), for that long?  If not, it is
 * looked at again then. */
__attribute__((nonnull, warn_unused_result))
bool roll_is_over(struct rolling *r, int64_t since_s, int64_t interval_s);

/* TTLds, as far as it was seen. */
__attribute__((nonnull, pure))
int64_t roll_ttl_ds(const struct rolling *r);

/* Ipub, IpubC (RFC 7583, sections 3.2.1 and 3.3.1); what the key for all signs must be
 * everywhere, too (Iret of section 3.2.2). */
__attribute__((nonnull, pure))
int64_t roll_publish_interval(const struct rolling *r, enum roll_role role);

/* Iret: section 3.2.1 (Dsgn is nothing, since time runs from when all is signed anew), and
 * 3.3.1; both for one that signs all. */
__attribute__((nonnull, pure))
int64_t roll_retire_interval(const struct rolling *r, enum roll_role role);

/* Take the next step of a key, or of all of an algorithm, that is due.  returns whether there
 * was one. */
__attribute__((nonnull, warn_unused_result))
bool roll_step_keys(struct rolling *r);

/* Begin what was wished for, and the rolls of keys that are old. */
__attribute__((nonnull))
void roll_begin_due(struct rolling *r);

/* Does a key with one role follow one with the other?  One for all that got a ZSK beside it
 * does what a KSK does, and may still be looked for in signatures over data. */
static inline bool
roll_is_same_work(unsigned a, unsigned b)
{
	return (a == ROLL_ZSK) == (b == ROLL_ZSK);
}

/* Is it on its way to become active? */
static inline bool
roll_key_comes(const struct roll_key *key)
{
	return key->stage < ROLL_ACTIVE;
}

#endif
