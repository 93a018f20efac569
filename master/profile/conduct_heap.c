/* What the heap samplers of the processes have found, without their doing anything; and
 * of workers, which allocate nothing while they answer, how large they are. */
#include <string.h>
#include <unistd.h>

#include "master/profile/conductor.h"
#include "master/profile/memory_parts.h"

static void
print_stack(struct json_out *json, const struct process_seat *seat,
	    const struct heap_stack *stack)
{
	uint64_t depth = stack->depth < HEAP_DEPTH ? stack->depth : HEAP_DEPTH;

	json_out_begin_object(json, NULL);
	json_out_text(json, "process", seat->name);
	json_out_uint(json, "objects", atomic_load(&stack->objects));
	json_out_uint(json, "bytes", atomic_load(&stack->octets));
	json_out_uint(json, "live_objects", atomic_load(&stack->live_objects));
	json_out_uint(json, "live_bytes", atomic_load(&stack->live_octets));
	json_out_begin_array(json, "stack");
	for (unsigned i = 0; i < depth; i++)
		json_out_uint(json, NULL, stack->pcs[i]);
	json_out_end_array(json);
	json_out_end_object(json);
}

/* returns how many found no room. */
static uint64_t
print_heap(struct json_out *json, const struct process_seat *seat)
{
	const struct heap_stacks *heap = &seat->heap;

	/* pages that nobody has touched shall stay so */
	if (atomic_load(&heap->samples) == 0)
		return atomic_load(&heap->lost);
	for (unsigned i = 0; i < HEAP_STACKS; i++)
		if (atomic_load_explicit(&heap->stacks[i].hash, memory_order_acquire))
			print_stack(json, seat, &heap->stacks[i]);
	return atomic_load(&heap->lost);
}

static bool
is_worker(const struct process_seat *seat)
{
	return strncmp(seat->name, "worker ", 7) == 0;
}

static void
print_regions(struct conductor *c, uint32_t number)
{
	struct json_out *json = &c->reply.json;
	struct memory_parts parts;

	json_out_begin_array(json, "regions");
	for (unsigned i = 0; i < process_seat_count(c->area); i++) {
		const struct process_seat *seat = process_seat_at(c->area, i);

		if (!is_worker(seat) || !process_seat_is_live(seat) ||
		    atomic_load(&seat->answered) != number)
			continue;
		memory_parts_read(seat, c->heritage->settings->state_dir, &parts);
		for (unsigned part = 0; part < MEMORY_PARTS; part++) {
			if (parts.parts[part].private == 0)
				continue;
			json_out_begin_object(json, NULL);
			json_out_text(json, "process", seat->name);
			json_out_text(json, "region",
				      memory_part_name((enum memory_part)part));
			json_out_uint(json, "bytes", parts.parts[part].private);
			json_out_end_object(json);
		}
	}
	json_out_end_array(json);
}

unsigned
conduct_heap(struct conductor *c)
{
	uint32_t number = process_seat_ask(c->area, SEAT_ASK_MAPS, CONDUCTOR_ANSWER_MS);
	struct json_out *json = &c->reply.json;
	uint64_t lost = 0;

	conductor_begin(c, "heap");
	json_out_uint(json, "sampled_each_bytes", HEAP_SAMPLE_LEN);
	modules_print(&c->modules, json);
	json_out_begin_array(json, "samples");
	for (unsigned i = 0; i < process_seat_count(c->area); i++) {
		const struct process_seat *seat = process_seat_at(c->area, i);

		if (process_seat_is_live(seat) && atomic_load(&seat->pid) != getpid())
			lost += print_heap(json, seat);
	}
	json_out_end_array(json);
	print_regions(c, number);
	json_out_uint(json, "lost", lost);
	json_out_end_object(json);
	process_seat_forget(c->area);
	return 0;
}
