/* A queue of names without doubles. */
#include "loader/redis/dirty_zones.h"

#include <stdlib.h>

#include "loader/zone/grow.h"
#include "shm/errcode.h"

void
dirty_zones_fini(struct dirty_zones *dirty)
{
	key_table_fini(&dirty->names);
	free(dirty->marks);
	*dirty = (struct dirty_zones){ .limit = dirty->limit };
}

void
dirty_zones_clear(struct dirty_zones *dirty)
{
	key_table_clear(&dirty->names);
	dirty->queued = 0;
	dirty->waiting = 0;
	dirty->has_lost = false;
}

static int
make_room(struct dirty_zones *dirty)
{
	struct dirty_mark *marks = grow_items(dirty->marks, &dirty->room,
					      dirty->names.count + 1, sizeof *marks);

	if (!marks)
		return ERR_NOMEM;
	dirty->marks = marks;
	return ERR_OK;
}

static void
enqueue(struct dirty_zones *dirty, uint32_t number)
{
	if (dirty->queued++ == 0)
		dirty->first = number;
	else
		dirty->marks[dirty->last].next = number;
	dirty->last = number;
	dirty->marks[number].is_queued = true;
}

/* returns the number of the mark, UINT32_MAX when there is no room for it. */
static uint32_t
find_mark(struct dirty_zones *dirty, struct redis_text name)
{
	size_t before = dirty->names.count;
	uint32_t number;

	if (key_table_find(&dirty->names, 0, name.bytes, name.len, &number) == ERR_OK)
		return number;
	if (before >= dirty->limit || make_room(dirty) != ERR_OK ||
	    key_table_add(&dirty->names, 0, name.bytes, name.len, &number) != ERR_OK)
		return UINT32_MAX;
	dirty->marks[number] = (struct dirty_mark){ .since_us = 0 };
	return number;
}

void
dirty_zones_mark(struct dirty_zones *dirty, struct redis_text name, uint64_t now_us)
{
	struct dirty_mark *mark;
	uint32_t number;

	if (dirty->queued == 0)
		key_table_clear(&dirty->names);
	number = find_mark(dirty, name);
	if (number == UINT32_MAX) {
		dirty->has_lost = true;
		return;
	}
	mark = &dirty->marks[number];
	if (mark->is_waiting)
		return;
	mark->is_waiting = true;
	mark->since_us = now_us;
	dirty->waiting++;
	if (!mark->is_queued)
		enqueue(dirty, number);
}

bool
dirty_zones_take(struct dirty_zones *dirty, struct redis_text *name, uint64_t *since_us)
{
	while (dirty->queued > 0) {
		uint32_t number = dirty->first;
		struct dirty_mark *mark = &dirty->marks[number];

		dirty->first = mark->next;
		dirty->queued--;
		mark->is_queued = false;
		if (!mark->is_waiting)
			continue;
		mark->is_waiting = false;
		dirty->waiting--;
		name->bytes = key_table_key(&dirty->names, number, &name->len);
		*since_us = mark->since_us;
		return true;
	}
	return false;
}

bool
dirty_zones_oldest(const struct dirty_zones *dirty, uint64_t *since_us)
{
	uint32_t number = dirty->first;

	for (size_t i = 0; i < dirty->queued; i++, number = dirty->marks[number].next)
		if (dirty->marks[number].is_waiting) {
			*since_us = dirty->marks[number].since_us;
			return true;
		}
	return false;
}

void
dirty_zones_drop(struct dirty_zones *dirty, struct redis_text name)
{
	uint32_t number;

	if (dirty->queued == 0 ||
	    key_table_find(&dirty->names, 0, name.bytes, name.len, &number) != ERR_OK ||
	    !dirty->marks[number].is_waiting)
		return;
	dirty->marks[number].is_waiting = false;
	dirty->waiting--;
}
