/* The records of one zone as they grow: an array over an arena. */
#include "loader/zone/zone_records.h"

#include <stdlib.h>
#include <string.h>

#include "loader/zone/arena.h"
#include "loader/zone/grow.h"
#include "shm/errcode.h"
#include "shm/wire.h"

struct zone_records *
zone_records_new(const uint8_t *origin, size_t origin_len)
{
	struct zone_records *zone = calloc(1, sizeof *zone);

	if (!zone)
		return NULL;
	zone->arena = arena_new();
	if (!zone->arena) {
		free(zone);
		return NULL;
	}
	memcpy(zone->origin, origin, origin_len);
	zone->origin_len = origin_len;
	return zone;
}

void
zone_records_free(struct zone_records *zone)
{
	if (!zone)
		return;
	arena_free(zone->arena);
	free(zone->records);
	free(zone->paths);
	free(zone->faults);
	free(zone);
}

/* The owner, from the record before when it is the same; NULL without memory. */
static const uint8_t *
keep_owner(struct zone_records *zone, const uint8_t *owner, size_t owner_len)
{
	if (zone->count > 0) {
		const struct zone_record *last = &zone->records[zone->count - 1];

		if (last->owner_len == owner_len &&
		    memcmp(last->owner, owner, owner_len) == 0)
			return last->owner;
	}
	return arena_copy(zone->arena, owner, owner_len);
}

int
zone_records_add(struct zone_records *zone, const struct zone_record *record)
{
	struct zone_record *records, *kept;

	if (zone->count == UINT32_MAX)
		return ERR_FULL;
	records =
		grow_items(zone->records, &zone->room, zone->count + 1, sizeof *records);
	if (!records)
		return ERR_NOMEM;
	zone->records = records;
	kept = &records[zone->count];
	*kept = *record;
	kept->owner = keep_owner(zone, record->owner, record->owner_len);
	kept->rdata = arena_copy(zone->arena, record->rdata, record->rdata_len);
	if (!kept->owner || !kept->rdata)
		return ERR_NOMEM;
	zone->count++;
	return ERR_OK;
}

int
zone_records_add_mark(struct zone_records *zone, const uint8_t *owner, size_t owner_len,
		      enum zone_mark mark, uint16_t type, const void *bytes, size_t len)
{
	uint8_t rdata[ZONE_MARK_HEAD + ZONE_MARK_STEERED_MAX];
	size_t most =
		mark == ZONE_MARK_STEERED ? ZONE_MARK_STEERED_MAX : ZONE_MARK_LEN_MAX;
	struct zone_record record = {
		.owner = owner,
		.owner_len = (uint8_t)owner_len,
		.rdata = rdata,
		.rdata_len = (uint16_t)(ZONE_MARK_HEAD + len),
		.type = ZONE_MARK_TYPE,
	};

	if (len > most)
		return ERR_RANGE;
	rdata[0] = (uint8_t)mark;
	wire_put_u16(rdata + 1, type);
	if (len > 0)
		memcpy(rdata + ZONE_MARK_HEAD, bytes, len);
	return zone_records_add(zone, &record);
}

bool
zone_record_mark(const struct zone_record *record, enum zone_mark *mark, uint16_t *type,
		 const uint8_t **bytes, size_t *len)
{
	if (record->type != ZONE_MARK_TYPE || record->rdata_len < ZONE_MARK_HEAD)
		return false;
	*mark = (enum zone_mark)record->rdata[0];
	*type = wire_get_u16(record->rdata + 1);
	*bytes = record->rdata + ZONE_MARK_HEAD;
	*len = (size_t)record->rdata_len - ZONE_MARK_HEAD;
	return true;
}

int
zone_records_add_path(struct zone_records *zone, const char *path)
{
	char **paths, *copy;

	for (size_t i = 0; i < zone->path_count; i++)
		if (strcmp(zone->paths[i], path) == 0)
			return (int)i;
	if (zone->path_count == ZONE_PATHS_MAX)
		return ERR_FULL;
	paths = grow_items(zone->paths, &zone->path_room, zone->path_count + 1,
			   sizeof *paths);
	if (!paths)
		return ERR_NOMEM;
	zone->paths = paths;
	copy = arena_copy(zone->arena, path, strlen(path) + 1);
	if (!copy)
		return ERR_NOMEM;
	paths[zone->path_count] = copy;
	return (int)zone->path_count++;
}

const char *
zone_records_path(const struct zone_records *zone, const struct zone_record *record)
{
	return record->file < zone->path_count ? zone->paths[record->file] : "";
}

int
zone_records_add_fault(struct zone_records *zone, const struct zone_fault *fault)
{
	if (!zone->faults)
		zone->faults = calloc(ZONE_FAULTS_LISTED, sizeof *zone->faults);
	if (!zone->faults)
		return ERR_NOMEM;
	if (zone->fault_count < ZONE_FAULTS_LISTED)
		zone->faults[zone->fault_count] = *fault;
	zone->fault_count++;
	return ERR_OK;
}
