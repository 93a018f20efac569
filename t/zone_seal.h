/* A generation for tests, out of zones that were made in memory (t/zone_maker.h). */
#ifndef T_ZONE_SEAL_H
#define T_ZONE_SEAL_H

#include "loader/store/builder.h"
#include "t/tap.h"

/* Seal `zones`, which are freed, in the new directory `dir` as generation 1. */
static inline void
zone_seal(const char *dir, struct zone_records **zones, size_t count)
{
	const struct builder_seal_options options = { .id = 1 };
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	if (builder_new(NULL, NULL, NULL, &builder) != 0)
		bail_out("no builder");
	for (size_t i = 0; i < count; i++) {
		if (builder_add(builder, zones[i], true) != 0)
			bail_out("zone %zu cannot be added", i);
		zone_records_free(zones[i]);
	}
	if (builder_seal(builder, dir, &options, &manifest, reason) != 0)
		bail_out("%s", reason);
	builder_free(builder);
}

#endif
