/* `generations`: what stands in state_dir. */
#include "loader/clerk.h"
#include "loader/store/generations.h"
#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "shm/errcode.h"

/* Why it could not be served; NULL when nothing is known against it. */
static const char *
find_fault(const struct clerk *clerk, const struct generation_entry *entry,
	   char reason[STATE_REASON_MAX])
{
	if (entry->damaged && state_read_damage(clerk->heritage->settings->state_dir,
						entry->manifest.id, reason))
		return reason;
	return entry->error ? errcode_text(entry->error) : NULL;
}

static void
write_generation(struct clerk *clerk, const struct generation_entry *entry,
		 uint64_t served_id)
{
	struct json_out *json = clerk->json;
	uint64_t id = entry->manifest.id;
	char time[CLERK_TIME_MAX], reason[STATE_REASON_MAX];
	const char *fault = find_fault(clerk, entry, reason);

	json_out_begin_object(json, NULL);
	json_out_uint(json, "id", id);
	if (entry->error) {
		json_out_null(json, "created");
		json_out_null(json, "zones");
		json_out_null(json, "records");
	} else {
		clerk_print_time(entry->manifest.created_s, time);
		json_out_text(json, "created", time);
		json_out_uint(json, "zones", entry->manifest.zone_count);
		json_out_uint(json, "records", entry->manifest.record_count);
	}
	json_out_uint(json, "bytes", entry->bytes);
	json_out_bool(json, "serving", id == served_id);
	json_out_text(json, "state",
		      entry->damaged ? "damaged"
		      : entry->error ? "unreadable"
				     : "ok");
	json_out_text(json, "reason", fault);
	json_out_end_object(json);
}

unsigned
clerk_generations(struct clerk *clerk)
{
	const char *state_dir = clerk->heritage->settings->state_dir;
	uint64_t served_id = atomic_load(&clerk->heritage->region->swap.published_id);
	uint64_t chosen_id = 0;
	struct generation_list list;
	int result = generations_list(state_dir, &list);

	if (result)
		return clerk_refuse(clerk, "%s/%s: %s", state_dir, GENERATIONS_DIR,
				    errcode_text(result));
	if (state_read_chosen(state_dir, &chosen_id) != 0)
		chosen_id = 0;
	json_out_begin_object(clerk->json, NULL);
	json_out_begin_array(clerk->json, "generations");
	for (size_t i = 0; i < list.count; i++)
		write_generation(clerk, &list.entries[i], served_id);
	json_out_end_array(clerk->json);
	if (chosen_id != 0)
		json_out_uint(clerk->json, "chosen", chosen_id);
	else
		json_out_null(clerk->json, "chosen");
	json_out_end_object(clerk->json);
	generations_list_free(&list);
	return 0;
}
