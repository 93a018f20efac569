/* "health_check" of an RRset: how its addresses are probed, and what is answered when all
 * are down. */
#ifndef LOADER_ZONE_HEALTH_JSON_H
#define LOADER_ZONE_HEALTH_JSON_H

#include "loader/zone/steering_json.h"

/* Read it; as steering_json_read_rrset. */
__attribute__((nonnull))
void health_json_read(const struct steering_reader *reader, const struct json_node *check,
		      const uint8_t *owner);

#endif
