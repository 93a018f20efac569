/* The members by which redins and z42 choose among addresses: "filter" and
 * "health_check" of an A or AAAA RRset, "weight", "country" and "asn" of its records.
 *
 * "health_check" is looked at so that a slip of the pen is told when it is made; the others
 * steer answers. */
#ifndef LOADER_ZONE_STEERING_JSON_H
#define LOADER_ZONE_STEERING_JSON_H

#include "loader/zone/json_reader.h"
#include "loader/zone/steering.h"

/* Read the members of the RRset's object; "first" is ours: at most so many records.  Words
 * are not judged: redins takes unknown ones for its defaults. */
__attribute__((nonnull))
void steering_json_read_rrset(struct json_fault *fault, const struct json_node *rrset,
			      struct steering *steering);

/* The same for one record, whose "weight" is returned; its places are added to `steering`,
 * as those of the candidate that comes next.  "country" and "asn" may be one value or a
 * list.  What steers must make sense: a weight of at most STEERED_WEIGHT_MAX, countries of
 * two letters or none. */
__attribute__((nonnull))
uint32_t steering_json_read_record(struct json_fault *fault, const struct json_node *record,
				   struct steering *steering);

#endif
