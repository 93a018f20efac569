/* The zones of a directory as a store to answer from, for tests and fuzzers that link
 * the answering core alone. */
#ifndef T_ZONE_DIR_STORE_H
#define T_ZONE_DIR_STORE_H

#include "loader/store/builder.h"
#include "loader/zone/zone_load.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "worker/zone_store.h"

static inline void
zone_dir_add(struct builder *builder, struct zone_text *text,
	     const struct zone_list_entry *entry)
{
	struct zone_messages messages = { 0 };
	struct zone_records *zone;
	char line[1024];

	if (zone_load(text, entry, &zone, &messages) != 0) {
		zone_message_to_text(&messages.kept[0], line, sizeof line);
		bail_out("%s", line);
	}
	if (builder_add(builder, zone, false) != 0)
		bail_out("%s: cannot be added", entry->path);
	zone_records_free(zone);
	zone_messages_fini(&messages);
}

/* Build a generation from all zones in `zones_dir`; open it.  It lies in a directory
 * that is gone when this returns. */
static inline void
zone_dir_store_open(const char *zones_dir, struct zone_store *store)
{
	const struct builder_seal_options options = { .id = 1 };
	struct settings settings = { .zones = { .dir = realpath(zones_dir, NULL) } };
	struct zone_messages messages = { 0 };
	struct generation_manifest manifest;
	struct zone_text *text = zone_text_new();
	char *scratch = scratch_dir_make();
	const char *dir = scratch_path(scratch, "generation");
	struct builder *builder;
	struct zone_list list;
	char reason[512];

	if (!settings.zones.dir || !text ||
	    zone_list_make(&settings, &list, &messages) != 0)
		bail_out("%s: no zones there", zones_dir);
	if (builder_new(NULL, NULL, NULL, &builder) != 0)
		bail_out("no builder");
	for (size_t i = 0; i < list.count; i++)
		zone_dir_add(builder, text, &list.entries[i]);
	if (builder_seal(builder, dir, &options, &manifest, reason) != 0)
		bail_out("%s", reason);
	if (zone_store_init(dir, store) != 0)
		bail_out("%s: cannot be opened", dir);
	builder_free(builder);
	zone_list_fini(&list);
	zone_messages_fini(&messages);
	zone_text_free(text);
	free(settings.zones.dir);
	scratch_dir_free(scratch);
}

#endif
