/* What ANAMEs lead to, for zones of a generation that are signed as a whole in a job. */
#ifndef LOADER_LEAD_ZONES_H
#define LOADER_LEAD_ZONES_H

#include "loader/lead.h"
#include "loader/zone/zone_records.h"

/* Zones by their ids, ascending. */
struct lead_zones {
	uint32_t *ids;			/* owned */
	size_t count, room;
	uint64_t leaders;		/* names that lead on, in zones that are signed here */
};

/* Those of the generation in `dir`, which `live` is of, in which some name does not have the
 * addresses that it leads to.  *out is all zero at first; returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int lead_zones_find(const char *dir, struct live *live, const struct lead_source *source,
		    struct lead_zones *out);

__attribute__((nonnull))
bool lead_zones_has(const struct lead_zones *zones, uint32_t zone_id);

/* Add what the names of a zone of `live` lead to, as far as it is known, to its records, which
 * are sorted and have nothing of that.  returns 0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int lead_zones_add_records(struct live *live, const struct lead_source *source,
			   struct zone_records *zone);

#endif
