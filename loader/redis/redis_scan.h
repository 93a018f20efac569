/* All keys of RRsets that a Redis with the schema of z42 holds, by SCAN: what is there
 * need not be guessed, and types that nobody asks for are found. */
#ifndef LOADER_REDIS_REDIS_SCAN_H
#define LOADER_REDIS_REDIS_SCAN_H

#include "loader/redis/redis_read.h"

/* The keys of all zones.  All zero is a good start. */
struct redis_scan {
	struct redis_known_key *keys;	/* sorted by zone, label, type; each once; owned */
	size_t *first;			/* zone_count + 1: where a zone's keys begin; owned */
	struct arena *arena;		/* the labels; owned */
};

/* Scan.  Types that are met are learned (redis_keys_learn_type).
 * names    of the zones, sorted (redis_text_compare); keys of others are left out
 * returns  0; an error code with `reason`; redis_scan_fini in any case. */
__attribute__((nonnull, warn_unused_result))
int redis_scan_run(struct redis_scan *scan, struct redis_link *link, struct redis_keys *keys,
		   const struct redis_text *names, size_t zone_count,
		   char reason[REDIS_REASON_MAX]);

__attribute__((nonnull))
void redis_scan_fini(struct redis_scan *scan);

#endif
