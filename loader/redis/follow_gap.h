/* Changes that nobody told of: everything is to be compared with Redis. */
#ifndef LOADER_REDIS_FOLLOW_GAP_H
#define LOADER_REDIS_FOLLOW_GAP_H

#include "loader/redis/follow_state.h"

/* Compare everything at once; `is_strict`: entries of the stream were lost. */
__attribute__((nonnull))
void follow_gap_compare(struct follow *f, bool is_strict);

/* Entries may be lost: find out by comparison, then go on from where the stream ends. */
__attribute__((nonnull, format(printf, 2, 3)))
void follow_gap_entries(struct follow *f, const char *format, ...);

#endif
