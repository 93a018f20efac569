/* A bump allocator over a list of chunks, each twice as large as the one before. */
#include "loader/zone/arena.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Most zones are tiny, and there are ten thousands of them.  The pieces of a large one are
 * visited in any order: huge pages spare most misses of the TLB. */
enum { FIRST_CHUNK = 1024, LARGEST_CHUNK = 32 << 20, HUGE_PAGE = 2 << 20 };

struct chunk {
	struct chunk *older;
	size_t size; /* of the whole chunk, this header included */
};

struct arena {
	struct chunk *newest;
	unsigned char *next, *end; /* what is left of it; the pad lies behind `end` */
	size_t bytes;
};

struct arena *
arena_new(void)
{
	return calloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *arena)
{
	if (!arena)
		return;
	while (arena->newest) {
		struct chunk *chunk = arena->newest;

		arena->newest = chunk->older;
		free(chunk);
	}
	free(arena);
}

void
arena_wipe(struct arena *arena)
{
	for (struct chunk *chunk = arena->newest; chunk; chunk = chunk->older)
		explicit_bzero(chunk + 1, chunk->size - sizeof *chunk);
}

static size_t
next_chunk_size(const struct arena *arena)
{
	if (!arena->newest)
		return FIRST_CHUNK;
	return arena->newest->size < LARGEST_CHUNK / 2 ? arena->newest->size * 2
						       : LARGEST_CHUNK;
}

static void
use_huge_pages(unsigned char *bytes, size_t size)
{
	size_t skip = -(uintptr_t)bytes & (HUGE_PAGE - 1);

	if (size >= skip + HUGE_PAGE)
		(void)madvise(bytes + skip, (size - skip) / HUGE_PAGE * HUGE_PAGE,
			      MADV_HUGEPAGE);
}

static int
add_chunk(struct arena *arena, size_t piece_size)
{
	size_t size = next_chunk_size(arena), overhead = sizeof(struct chunk) + ARENA_PAD;
	struct chunk *chunk;

	if (piece_size > SIZE_MAX - overhead)
		return -1;
	if (size < piece_size + overhead)
		size = piece_size + overhead;
	chunk = malloc(size);
	if (!chunk)
		return -1;
	use_huge_pages((unsigned char *)chunk, size);
	chunk->older = arena->newest;
	chunk->size = size;
	arena->newest = chunk;
	arena->next = (unsigned char *)(chunk + 1);
	arena->end = (unsigned char *)chunk + size - ARENA_PAD;
	arena->bytes += size;
	return 0;
}

void *
arena_take(struct arena *arena, size_t size)
{
	void *piece;

	if (!arena->newest || size > (size_t)(arena->end - arena->next))
		if (add_chunk(arena, size) < 0)
			return NULL;
	piece = arena->next;
	arena->next += size;
	return piece;
}

void *
arena_take_items(struct arena *arena, size_t count, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	unsigned char *piece;

	if (count > (SIZE_MAX - align) / size)
		return NULL;
	piece = arena_take(arena, count * size + align - 1);
	return piece ? piece + (-(uintptr_t)piece & (align - 1)) : NULL;
}

void *
arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *piece = arena_take(arena, size);

	if (piece && size > 0)
		memcpy(piece, bytes, size);
	return piece;
}

void
arena_adopt(struct arena *arena, struct arena *from)
{
	struct chunk *oldest = from->newest;

	if (!arena->newest) {
		*arena = *from;
	} else if (oldest) {
		while (oldest->older)
			oldest = oldest->older;
		oldest->older = arena->newest->older;
		arena->newest->older = from->newest;
		arena->bytes += from->bytes;
	}
	*from = (struct arena){ .newest = NULL };
}

size_t
arena_bytes(const struct arena *arena)
{
	return arena->bytes;
}
