/* Places on the status board. */
#include "shm/board.h"

#include <sys/mman.h>

struct board *
board_create(void)
{
	void *at = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static uint64_t
key_of(const struct board_slot *slot)
{
	return atomic_load_explicit(&slot->key, memory_order_relaxed);
}

/* The place of the key, NULL: it has none.  *room: the first that it could take, or NULL. */
static struct board_slot *
look(struct board *board, uint64_t key, struct board_slot **room)
{
	size_t line = key & (BOARD_SLOTS - 1) & ~(size_t)(BOARD_LINE_SLOTS - 1);

	*room = NULL;
	for (unsigned i = 0; i < BOARD_LINES; i++) {
		bool is_last = false;

		for (unsigned j = 0; j < BOARD_LINE_SLOTS; j++) {
			struct board_slot *slot = &board->slots[line + j];
			uint64_t here = key_of(slot);

			if (here == key)
				return slot;
			if (here < BOARD_KEY_MIN && !*room)
				*room = slot;
			is_last |= here == BOARD_KEY_FREE;
		}
		if (is_last)
			break;
		line = (line + BOARD_LINE_SLOTS) & (BOARD_SLOTS - 1);
	}
	return NULL;
}

struct board_slot *
board_find(struct board *board, uint64_t key)
{
	struct board_slot *room;

	return key < BOARD_KEY_MIN ? NULL : look(board, key, &room);
}

struct board_slot *
board_put(struct board *board, uint64_t key, struct board_status status)
{
	struct board_slot *room = NULL;
	struct board_slot *slot = key < BOARD_KEY_MIN ? NULL : look(board, key, &room);

	if (slot || !room)
		return slot;
	board_set(board, room, status);
	atomic_store_explicit(&room->key, key, memory_order_release);
	return room;
}

/* Has the line of this place another one that was never used?  Then no key that begins
 * before it or here stands behind it. */
static bool
ends_here(const struct board *board, const struct board_slot *slot)
{
	size_t at = (size_t)(slot - board->slots);
	const struct board_slot *line =
		board->slots + (at & ~(size_t)(BOARD_LINE_SLOTS - 1));

	for (unsigned i = 0; i < BOARD_LINE_SLOTS; i++)
		if (key_of(&line[i]) == BOARD_KEY_FREE)
			return true;
	return false;
}

void
board_drop(struct board *board, struct board_slot *slot)
{
	bool is_free = ends_here(board, slot);

	atomic_store_explicit(&slot->key, is_free ? BOARD_KEY_FREE : BOARD_KEY_LEFT,
			      memory_order_relaxed);
	/* who reads what the place is given next sees that its key has gone */
	atomic_thread_fence(memory_order_release);
	atomic_store_explicit(&slot->value, 0, memory_order_relaxed);
}

void
board_clear(struct board *board)
{
	if (madvise(board, sizeof *board, MADV_REMOVE) == 0)
		return;
	for (size_t i = 0; i < BOARD_SLOTS; i++)
		if (key_of(&board->slots[i]) != BOARD_KEY_FREE)
			board_drop(board, &board->slots[i]);
}
