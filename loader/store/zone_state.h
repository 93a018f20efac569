/* What a generation knows of one zone as a whole: taken from its apex node, for the
 * commands that list zones. */
#ifndef LOADER_STORE_ZONE_STATE_H
#define LOADER_STORE_ZONE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"

struct zone_state {
	struct node apex;		/* borrowed from the map, like all below */
	struct zone_facts facts;
	struct source_facts source;	/* kind 0 when unknown */
	const char *paths;		/* source.path_count NUL-terminated paths */
	size_t paths_len;
	const char *error;		/* error_len octets; NULL for none */
	size_t error_len;
	struct redis_facts redis;	/* of a zone from Redis, else all 0 */
	bool is_redis;
	struct block faults;		/* for rrset_fault_next; head.len 0 for none */
};

/* Read an apex node.  returns false when it is none: damage. */
__attribute__((nonnull, warn_unused_result))
bool zone_state_read(const struct node *apex, struct zone_state *out);

/* "ok"; "partial": some RRsets are not served as the source has them; "stale": the source
 * is bad and older data is served; "error": SERVFAIL. */
__attribute__((nonnull, returns_nonnull, pure))
const char *zone_state_name(const struct zone_state *zone);

/* The zone file, or "" when it has none; borrowed from the map. */
__attribute__((nonnull, returns_nonnull, pure))
const char *zone_state_path(const struct zone_state *zone);

/* An error as it is stored, "PATH:LINE: reason" or "PATH: reason", taken apart. */
struct zone_error {
	const char *path;		/* borrowed, path_len octets; 0: the text names none */
	size_t path_len;
	uint32_t line;			/* 0 unknown */
	const char *reason;
	size_t reason_len;
};

/* Only a path that the zone's source names is taken as one.  `zone` has an error. */
__attribute__((nonnull))
void zone_state_parse_error(const struct zone_state *zone, struct zone_error *out);

/* Of an RRset that is not served as the source has it: "error": SERVFAIL; "partial":
 * something of it is left out. */
__attribute__((returns_nonnull, const))
const char *zone_state_fault_name(uint8_t kind);

#endif
