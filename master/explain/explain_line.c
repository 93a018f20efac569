/* Reading zone files for their line numbers. */
#include "master/explain/explain_line.h"

#include <string.h>
#include <sys/stat.h>

#include "loader/zone/zone_load.h"
#include "shm/errcode.h"

/* The zone that was read last: steps of one answer mostly ask for one. */
static struct zone_records *last;

/* Are all files as they were when the zone was read, and together not too large? */
static bool
are_unchanged(const struct zone_state *zone)
{
	const char *path = zone->paths;
	off_t room = (off_t)EXPLAIN_LINE_FILE_MAX_MB << 20;

	for (uint32_t i = 0; i < zone->source.path_count; i++) {
		struct stat status;

		if (stat(path, &status) != 0 ||
		    status.st_mtim.tv_sec > zone->facts.loaded_at_s ||
		    status.st_size > room)
			return false;
		room -= status.st_size;
		path += strlen(path) + 1;
	}
	return zone->source.path_count > 0;
}

static bool
is_zone(const struct zone_records *records, const struct node *apex)
{
	return records->origin_len == apex->head.owner_len &&
	       memcmp(records->origin, node_owner(apex), records->origin_len) == 0;
}

/* returns NULL when it cannot be read, or says something else by now. */
static const struct zone_records *
read_zone(const struct zone_state *zone)
{
	const struct zone_list_entry entry = {
		.origin = node_owner(&zone->apex),
		.path = zone->paths,
		.origin_len = zone->apex.head.owner_len,
	};
	struct zone_messages messages = { 0 };
	struct zone_text *text;

	if (last && is_zone(last, &zone->apex))
		return last;
	zone_records_free(last);
	last = NULL;
	text = zone_text_new();
	if (!text)
		return NULL;
	if (zone_load(text, &entry, &last, &messages) != ERR_OK)
		last = NULL;
	zone_messages_fini(&messages);
	zone_text_free(text);
	return last;
}

bool
explain_line_find(const struct zone_state *zone, const struct node *node, uint16_t type,
		  const char **path, uint32_t *line)
{
	const struct zone_records *records = are_unchanged(zone) ? read_zone(zone) : NULL;
	const struct zone_record *found = NULL;

	for (size_t i = 0; records && i < records->count; i++) {
		const struct zone_record *record = &records->records[i];

		if (record->owner_len != node->head.owner_len || record->line == 0 ||
		    memcmp(record->owner, node_owner(node), record->owner_len) != 0)
			continue;
		if (!found || (record->type == type && found->type != type))
			found = record;
	}
	if (!found)
		return false;
	*path = zone_records_path(records, found);
	*line = found->line;
	return true;
}
