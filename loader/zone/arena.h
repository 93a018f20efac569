/* Memory for one zone: pieces are cut from growing chunks and given back all at once. */
#ifndef LOADER_ZONE_ARENA_H
#define LOADER_ZONE_ARENA_H

#include <stddef.h>

/* Octets behind any piece that may be read (their content is undefined): hashing and
 * copying of names read whole words. */
enum { ARENA_PAD = 8 };

struct arena;

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct arena *arena_new(void);

/* Give back all memory of the arena; NULL is allowed. */
void arena_free(struct arena *arena);

/* Clear all that was cut, for what nobody else may find; only arena_free may follow. */
__attribute__((nonnull))
void arena_wipe(struct arena *arena);

/* `size` octets without alignment, uninitialised; they live as long as the arena.
 * returns NULL when there is no memory; what was cut before stays. */
__attribute__((nonnull, warn_unused_result))
void *arena_take(struct arena *arena, size_t size);

/* `count` items of `size` octets, aligned for any object, uninitialised. */
__attribute__((nonnull, warn_unused_result))
void *arena_take_items(struct arena *arena, size_t count, size_t size);

/* The same as arena_take, filled from `bytes` (which may be NULL when `size` is 0). */
__attribute__((nonnull(1), warn_unused_result))
void *arena_copy(struct arena *arena, const void *bytes, size_t size);

/* Move all that `from` holds into `arena`, where it lives on; `from` is empty then. */
__attribute__((nonnull))
void arena_adopt(struct arena *arena, struct arena *from);

/* Octets of all chunks. */
__attribute__((nonnull, pure))
size_t arena_bytes(const struct arena *arena);

#endif
