/* What zones are called by who owns them: domain_id in redins's configuration of a zone,
 * read from what is served, and kept for a while. */
#ifndef LOADER_QUERY_LOG_ZONE_IDS_H
#define LOADER_QUERY_LOG_ZONE_IDS_H

#include <stdint.h>

#include "shm/heritage.h"

struct zone_ids;

/* `heritage` is borrowed.  returns NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result)) struct zone_ids *
zone_ids_new(const struct heritage *heritage);

/* Of the zone `name` in wire form, in any case.
 * returns a text, "" when it has none; borrowed until the next call. */
__attribute__((nonnull, returns_nonnull)) const char *
zone_ids_find(struct zone_ids *ids, const uint8_t *name, unsigned name_len);

/* Before waiting: let go of the store. */
__attribute__((nonnull)) void zone_ids_rest(struct zone_ids *ids);

#endif
