/* A heap whose entries know where they are. */
#include "loader/health/due_queue.h"

#include <stdlib.h>

#include "shm/errcode.h"

enum { FIRST_ROOM = 64 };

uint64_t
due_queue_next(uint64_t now_ms, uint64_t interval_ms, uint64_t phase_ms)
{
	uint64_t begun_ms = now_ms - now_ms % interval_ms;
	uint64_t due_ms = begun_ms + phase_ms % interval_ms;

	return due_ms > now_ms ? due_ms : due_ms + interval_ms;
}

static void
set_place(struct due_queue *queue, size_t place, struct due_entry *entry)
{
	queue->heap[place] = entry;
	entry->place = place;
}

static void
rise(struct due_queue *queue, size_t place)
{
	struct due_entry *entry = queue->heap[place];

	while (place > 1 && queue->heap[place / 2]->due_ms > entry->due_ms) {
		set_place(queue, place, queue->heap[place / 2]);
		place /= 2;
	}
	set_place(queue, place, entry);
}

static void
sink(struct due_queue *queue, size_t place)
{
	struct due_entry *entry = queue->heap[place];

	for (;;) {
		size_t child = 2 * place;

		if (child > queue->count)
			break;
		if (child < queue->count &&
		    queue->heap[child + 1]->due_ms < queue->heap[child]->due_ms)
			child++;
		if (queue->heap[child]->due_ms >= entry->due_ms)
			break;
		set_place(queue, place, queue->heap[child]);
		place = child;
	}
	set_place(queue, place, entry);
}

int
due_queue_put(struct due_queue *queue, struct due_entry *entry, uint64_t due_ms)
{
	due_queue_drop(queue, entry);
	if (queue->count + 2 > queue->room) {
		size_t room = queue->room ? 2 * queue->room : FIRST_ROOM;
		struct due_entry **grown = realloc(queue->heap, room * sizeof *grown);

		if (!grown)
			return ERR_NOMEM;
		queue->heap = grown;
		queue->room = room;
	}
	entry->due_ms = due_ms;
	set_place(queue, ++queue->count, entry);
	rise(queue, queue->count);
	return ERR_OK;
}

void
due_queue_drop(struct due_queue *queue, struct due_entry *entry)
{
	size_t place = entry->place;
	struct due_entry *last;

	if (place == 0)
		return;
	entry->place = 0;
	last = queue->heap[queue->count--];
	if (last == entry)
		return;
	set_place(queue, place, last);
	rise(queue, place);
	sink(queue, last->place);
}

struct due_entry *
due_queue_first(const struct due_queue *queue)
{
	return queue->count > 0 ? queue->heap[1] : NULL;
}

void
due_queue_fini(struct due_queue *queue)
{
	free(queue->heap);
	*queue = (struct due_queue){ .count = 0 };
}
