/* One label of Redis to records and marks: the part of redis_zone.h that is about values.
 * For redis_zone.c and redis_zone_read.c only. */
#ifndef LOADER_REDIS_REDIS_LABEL_H
#define LOADER_REDIS_REDIS_LABEL_H

#include "loader/redis/redis_zone.h"
#include "loader/zone/record_json.h"

struct redis_zone_reader {
	const struct settings *settings; /* borrowed */
	struct redis_keys keys;
	struct record_json *parser;
	struct record_result result;
	struct redis_value *odd;	/* labels that wait, see redis_zone_read.c; owned */
	size_t odd_count, odd_room;
};

/* As redis_zone_read_label, but not sorted, and duplicates stay. */
__attribute__((nonnull, warn_unused_result))
int redis_label_append(struct redis_zone_reader *reader, const struct redis_label *label,
		       struct zone_records *zone);

/* Note something that means nothing: a fault of kind FAULT_IGNORED.  returns 0 or
 * ERR_NOMEM. */
__attribute__((nonnull, format(printf, 5, 6), warn_unused_result))
int redis_label_ignore(struct zone_records *zone, const uint8_t *owner, size_t owner_len,
		       uint16_t type, const char *format, ...);

#endif
