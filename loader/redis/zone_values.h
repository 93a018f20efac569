/* A zone as the values that redins or z42 keep in Redis: what record_json.h and
 * zone_config_json.h read, written.
 *
 * Types that redins knows are written in its members wherever those hold the data, so
 * that redins itself can read them; all else as "rdata" in presentation form. */
#ifndef LOADER_REDIS_ZONE_VALUES_H
#define LOADER_REDIS_ZONE_VALUES_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/zone/zone_records.h"

struct zone_value {
	const char *label;		/* relative to the zone, "@" for itself; no NUL inside */
	const char *type;		/* lower-case name of the one RRset; NULL: all of them */
	const char *bytes;		/* JSON text, `len` octets and a NUL */
	size_t len;
};

/* All zero is a good start. */
struct zone_values {
	struct zone_value *values;	/* in the zone's order; owned */
	size_t count, room;
	const char *config;		/* the zone's configuration: its SOA; config_len octets */
	size_t config_len;
	struct arena *arena;		/* holds all texts */
};

enum { ZONE_VALUES_REASON_MAX = 512 };

/* Make the values of a zone as zone_load gives it.
 * is_per_rrset  a value for each RRset (z42) instead of each label (redins)
 * reason        on failure why, the rest of a sentence that begins with the zone
 * returns       0; ERR_RANGE for what the schema cannot hold: a signed zone, more RRsets
 *               at a label than a value may have; ERR_NOMEM.  `out` is to be given back
 *               in any case. */
__attribute__((nonnull, warn_unused_result))
int zone_values_make(const struct zone_records *zone, bool is_per_rrset,
		     struct zone_values *out, char reason[ZONE_VALUES_REASON_MAX]);

__attribute__((nonnull))
void zone_values_fini(struct zone_values *values);

#endif
