/* The SOA of a zone as it is served, as the config that it would come from: for a zone
 * whose present config cannot be used. */
#ifndef LOADER_ZONE_SERVED_SOA_H
#define LOADER_ZONE_SERVED_SOA_H

#include <stdbool.h>

#include "loader/zone/zone_config_json.h"
#include "shm/node.h"

/* Fill all that a SOA tells: names, times, TTL, and the serial (has_serial is left); and
 * whether the zone is flattened.
 * returns false when the node has none that can be read; `out` is untouched then. */
__attribute__((nonnull, warn_unused_result))
bool served_soa_read(const struct node *apex, struct zone_config *out);

#endif
