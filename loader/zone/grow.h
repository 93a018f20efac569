/* Arrays that grow: twice as large each time, so that appending costs little in sum. */
#ifndef LOADER_ZONE_GROW_H
#define LOADER_ZONE_GROW_H

#include <stddef.h>

/* As grow_items, which asks whether there is anything to do. */
__attribute__((nonnull(2), warn_unused_result))
void *grow_items_to(void *items, size_t *room, size_t need, size_t item_len);

/* Room for `need` items of `item_len` octets in all, at least; what is new is not cleared.
 *
 * items    by malloc, or NULL at first; moved on success
 * room     in items; 0 at first
 * returns  the array, which may stand elsewhere now; NULL when there is no memory: then
 *          `items` and *room are as they were. */
__attribute__((nonnull(2), warn_unused_result))
static inline void *
grow_items(void *items, size_t *room, size_t need, size_t item_len)
{
	return items && need <= *room ? items
				      : grow_items_to(items, room, need, item_len);
}

#endif
