/* Our copies of the databases that geoip.* names: state_dir/geoip/country-00000003.mmdb,
 * one number up for each copy. */
#ifndef SHM_GEO_PATH_H
#define SHM_GEO_PATH_H

#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "shm/geo_db.h"

#define GEO_DIR "geoip"

/* What a copy's name begins with. */
static inline const char *
geo_path_stem(enum geo_db_kind kind)
{
	return kind == GEO_ASN ? "asn" : "country";
}

/* returns false when it does not fit. */
static inline bool
geo_path(const char *state_dir, enum geo_db_kind kind, uint64_t number, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/" GEO_DIR "/%s-%08" PRIu64 ".mmdb", state_dir,
			geo_path_stem(kind), number) < PATH_MAX;
}

#endif
