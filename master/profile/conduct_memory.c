/* What each process has mapped, as it says itself. */
#include "master/profile/conductor.h"
#include "master/profile/memory_parts.h"

static struct memory_parts all; /* of all processes together */

static void
print_sizes(struct json_out *json, const struct smaps_sizes *sizes)
{
	json_out_uint(json, "mapped_bytes", sizes->mapped);
	json_out_uint(json, "resident_bytes", sizes->resident);
	json_out_uint(json, "proportional_bytes", sizes->proportional);
	json_out_uint(json, "shared_bytes", sizes->shared);
	json_out_uint(json, "private_bytes", sizes->private);
	json_out_uint(json, "anonymous_bytes", sizes->anonymous);
	json_out_uint(json, "swap_bytes", sizes->swap);
}

static void
print_process(struct json_out *json, const struct process_seat *seat,
	      const struct memory_parts *parts)
{
	json_out_begin_object(json, NULL);
	json_out_text(json, "process", seat->name);
	json_out_int(json, "pid", atomic_load(&seat->pid));
	print_sizes(json, &parts->all);
	json_out_begin_object(json, "parts");
	for (unsigned i = 0; i < MEMORY_PARTS; i++) {
		json_out_begin_object(json, memory_part_name((enum memory_part)i));
		print_sizes(json, &parts->parts[i]);
		json_out_end_object(json);
	}
	json_out_end_object(json);
	json_out_begin_array(json, "generations");
	for (unsigned i = 0; i < parts->generation_count; i++) {
		json_out_begin_object(json, NULL);
		json_out_uint(json, "generation", parts->generations[i].id);
		print_sizes(json, &parts->generations[i].sizes);
		json_out_end_object(json);
	}
	json_out_end_array(json);
	json_out_end_object(json);
}

/* The same generation in several processes: how many map it, and their shares. */
static void
print_generations(struct json_out *json)
{
	json_out_begin_array(json, "generations");
	for (unsigned i = 0; i < all.generation_count; i++) {
		json_out_begin_object(json, NULL);
		json_out_uint(json, "generation", all.generations[i].id);
		json_out_uint(json, "processes", all.generations[i].processes);
		print_sizes(json, &all.generations[i].sizes);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}

unsigned
conduct_memory(struct conductor *c)
{
	uint32_t number = process_seat_ask(c->area, SEAT_ASK_MAPS, CONDUCTOR_ANSWER_MS);
	struct json_out *json = &c->reply.json;
	unsigned silent = 0;
	struct memory_parts parts;

	conductor_begin(c, "memory");
	json_out_begin_array(json, "processes");
	for (unsigned i = 0; i < process_seat_count(c->area); i++) {
		const struct process_seat *seat = process_seat_at(c->area, i);

		if (!process_seat_is_live(seat))
			continue;
		if (atomic_load(&seat->answered) != number) {
			silent++;
			continue;
		}
		memory_parts_read(seat, c->heritage->settings->state_dir, &parts);
		print_process(json, seat, &parts);
		memory_parts_add(&all, &parts);
	}
	json_out_end_array(json);
	print_generations(json);
	json_out_uint(json, "silent", silent);
	json_out_end_object(json);
	process_seat_forget(c->area);
	return 0;
}
