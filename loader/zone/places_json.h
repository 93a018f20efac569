/* Places of a record that is steered: "country", "asn", "subnet", "region", "continent",
 * each one value or a list. */
#ifndef LOADER_ZONE_PLACES_JSON_H
#define LOADER_ZONE_PLACES_JSON_H

#include "loader/zone/steering_json.h"

/* Add them as those of the candidate that comes next. */
__attribute__((nonnull))
void places_json_read(const struct steering_reader *reader, const struct json_node *record);

#endif
