/* Where clients are, for the query log: handles of our own on the copies of the databases
 * that geoip.* name (shm/geo_path.h). */
#ifndef LOADER_QUERY_LOG_QUERY_PLACES_H
#define LOADER_QUERY_LOG_QUERY_PLACES_H

#include "loader/query_log/query_line.h"
#include "shm/geo_db.h"
#include "shm/region.h"

/* All zero: none is open. */
struct query_places {
	struct geo_db *dbs[GEO_KINDS];
	uint64_t numbers[GEO_KINDS];	/* of the copies that are open, or were tried last */
};

/* Take the copies that are told of now.  Cheap when nothing has changed. */
__attribute__((nonnull)) void query_places_follow(struct query_places *places,
						  const struct region *region,
						  const char *state_dir);

/* Fill in country and ASN of an address. */
__attribute__((nonnull)) void query_places_find(const struct query_places *places,
						const uint8_t address[16],
						struct query_facts *out);

/* Leave of the client's addresses what query_log.client says. */
__attribute__((nonnull)) void query_places_hide(const struct settings *settings,
						struct query_record *record);

#endif
