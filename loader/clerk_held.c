/* `held`: what the shrink guard holds, from the note in which it stands. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/clerk.h"
#include "loader/redis/held.h"
#include "shm/dname.h"
#include "shm/errcode.h"

enum { LISTED_MAX = 100, ID_TEXT_MAX = 48 };

static void
write_zone(struct json_out *json, const struct held_zone *zone)
{
	char name[DNAME_TEXT_MAX];

	dname_to_text(zone->name, name);
	json_out_begin_object(json, NULL);
	json_out_text(json, "zone", name);
	json_out_uint(json, "served", zone->served);
	json_out_uint(json, "offered", zone->offered);
	json_out_text(json, "reason", held_reason_text((enum held_reason)zone->reason));
	json_out_end_object(json);
}

static void
write_set(struct clerk *clerk, const struct held_set *set)
{
	struct json_out *json = clerk->json;
	char since[CLERK_TIME_MAX], change[ID_TEXT_MAX];

	clerk_print_time(set->since_ms / 1000, since);
	snprintf(change, sizeof change, "%" PRIu64 "-%" PRIu64, set->change_ms,
		 set->change_seq);
	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", set->id);
	json_out_text(json, "since", since);
	json_out_text(json, "change", set->change_ms ? change : NULL);
	json_out_text(json, "reason", held_reason_text((enum held_reason)set->reason));
	json_out_uint(json, "served", set->served);
	json_out_uint(json, "offered", set->offered);
	json_out_uint(json, "zones", set->zone_count);
	json_out_begin_array(json, "first");
	for (uint32_t i = 0; i < set->zone_count && i < LISTED_MAX; i++)
		write_zone(json, &set->zones[i]);
	json_out_end_array(json);
	json_out_end_object(json);
}

/* The list as it was packed: one note, or none. */
struct reading {
	struct held_list *list;
	int result;
};

static int
take_note(void *context, const struct store_note *note)
{
	struct reading *reading = context;

	if (note->name_len != sizeof HELD_NOTE - 1)
		return 0;
	reading->result = held_unpack(reading->list, note->value, note->value_len);
	return 0;
}

static int
read_list(struct store_walk *walk, struct held_list *list)
{
	struct reading reading = { .list = list };
	int result = store_walk_notes(walk, HELD_NOTE, take_note, &reading);

	return result ? result : reading.result;
}

unsigned
clerk_held(struct clerk *clerk)
{
	struct held_list *list = calloc(1, sizeof *list);
	struct store_walk *walk;
	char reason[256];
	int result;

	if (!list)
		return clerk_refuse(clerk, "%s", errcode_text(ERR_NOMEM));
	if (clerk_open_served(clerk, &walk, reason) != 0) {
		free(list);
		return clerk_refuse(clerk, "%s", reason);
	}
	result = read_list(walk, list);
	store_walk_close(walk);
	if (result == 0) {
		json_out_begin_object(clerk->json, NULL);
		json_out_begin_array(clerk->json, "held");
		for (size_t i = 0; i < list->count; i++)
			write_set(clerk, &list->sets[i]);
		json_out_end_array(clerk->json);
		json_out_end_object(clerk->json);
	} else {
		(void)clerk_refuse(clerk, "the list of what is held %s",
				   errcode_text(result));
	}
	held_fini(list);
	free(list);
	return result ? 1 : 0;
}
