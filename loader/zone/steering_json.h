/* The members by which redins and z42 choose among addresses: "filter" and
 * "health_check" of an A or AAAA RRset, "weight", "country" and "asn" of its records.
 *
 * They are looked at so that a slip of the pen is told when it is made; answers are not
 * steered by them. */
#ifndef LOADER_ZONE_STEERING_JSON_H
#define LOADER_ZONE_STEERING_JSON_H

#include "loader/zone/json_reader.h"

/* Are the members of the RRset's object of the kinds that they should be?  Words are not
 * judged: redins takes unknown ones for its defaults. */
__attribute__((nonnull))
void steering_json_check_rrset(struct json_fault *fault, const struct json_node *rrset);

/* The same for one record.  "country" and "asn" may be one value or a list. */
__attribute__((nonnull))
void steering_json_check_record(struct json_fault *fault, const struct json_node *record);

#endif
