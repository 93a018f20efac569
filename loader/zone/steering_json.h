/* The members by which answers are steered: "filter" and "health_check" of an A or AAAA
 * RRset; "weight", "country" and "asn" of its records, as redins and z42 have them, and
 * "subnet", "region", "continent" and "fallback", which are ours.
 *
 * A value of the wrong kind, and one that steers and makes no sense, is a fault.  A word
 * that is not known steers nothing, as in redins; that is noted as a warning, and so is a
 * health check that cannot be made: its targets stay unknown. */
#ifndef LOADER_ZONE_STEERING_JSON_H
#define LOADER_ZONE_STEERING_JSON_H

#include "loader/zone/json_reader.h"
#include "loader/zone/record_notes.h"
#include "loader/zone/steering.h"

/* Where faults go, and warnings. */
struct steering_reader {
	struct json_fault *fault;
	struct record_notes *notes;
	struct steering *steering;
};

/* Read the members of the RRset's object.
 * owner    of the RRset, lower-cased wire form: what is probed over HTTP is asked for it. */
__attribute__((nonnull))
void steering_json_read_rrset(const struct steering_reader *reader,
			      const struct json_node *rrset, const uint8_t *owner);

/* The same for one record, whose "weight" is returned; the rest is added to the steering, as
 * that of the candidate that comes next.  What steers must make sense: a weight of at most
 * STEERED_WEIGHT_MAX, countries of two letters or none. */
__attribute__((nonnull, warn_unused_result))
uint32_t steering_json_read_record(const struct steering_reader *reader,
				   const struct json_node *record);

#endif
