/* A sidecar: `<origin>.json` beside a zone file, RRsets in the form that redins has for labels
 * (record_json.h), which replace those of the file at their owners, types by type.
 *
 *	{ "www": { "a": { "filter": {...}, "records": [...] } },
 *	  "@": { "aname": { "location": "cdn.example.net." } },
 *	  "@config": { "cname_flattening": true } }
 *
 * It is part of the zone's source: what is wrong with it is wrong with the zone, but for
 * records that record_json.h leaves out. */
#ifndef LOADER_ZONE_SIDECAR_H
#define LOADER_ZONE_SIDECAR_H

#include <limits.h>
#include <stdbool.h>

#include "loader/zone/zone_list.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"

#define SIDECAR_CONFIG "@config"

/* Where the sidecar of a zone file would be: in the file's directory.  returns false when
 * there can be none, for an origin that makes no file name. */
__attribute__((nonnull, warn_unused_result))
bool sidecar_path(const struct zone_list_entry *entry, char out[PATH_MAX]);

/* Is there one? */
__attribute__((nonnull, warn_unused_result))
bool sidecar_exists(const char *path);

/* Merge the sidecar, if there is one, into the records of the file, which are not sorted
 * yet; it becomes the last of the zone's paths.
 * returns  0, or an error code and at least one ZONE_ERROR message. */
__attribute__((nonnull, warn_unused_result))
int sidecar_merge(const struct zone_list_entry *entry, struct zone_records *zone,
		  struct zone_messages *messages);

#endif
