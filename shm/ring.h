/* A ring of records in shared memory, between one process that writes and one that reads.
 *
 * A record is a multiple of RING_UNIT octets that begins with its length (uint32_t) and
 * never wraps; a length of 0 says that the next one stands at the start.  Positions only
 * grow.  The writer moves `head` when records are whole, the reader `tail` when it has
 * done with them: either may die at any time, and the next one goes on there.  A ring that
 * is full takes nothing, and nobody waits. */
#ifndef SHM_RING_H
#define SHM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { RING_UNIT = 8 };

/* All zero is an empty ring. */
struct ring_ends {
	_Alignas(128) _Atomic uint64_t head;	/* writer */
	_Alignas(128) _Atomic uint64_t tail;	/* reader */
};

/* One process's view.  `size` is a power of two, the same in both. */
struct ring {
	struct ring_ends *ends;
	uint8_t *data;
	uint64_t size;
	uint64_t at;			/* writer: as `head`; reader: of the next record */
};

static inline void
ring_open_writer(struct ring *ring, struct ring_ends *ends, uint8_t *data, uint64_t size)
{
	*ring = (struct ring){ ends, data, size,
			       atomic_load_explicit(&ends->head, memory_order_relaxed) };
}

static inline void
ring_open_reader(struct ring *ring, struct ring_ends *ends, uint8_t *data, uint64_t size)
{
	*ring = (struct ring){ ends, data, size,
			       atomic_load_explicit(&ends->tail, memory_order_relaxed) };
}

/* Writer: room in one piece, for `wanted` octets if there can be so much.
 * returns where; *room receives its octets, 0 when it is full. */
static inline uint8_t *
ring_room(struct ring *ring, uint64_t wanted, uint64_t *room)
{
	uint64_t tail = atomic_load_explicit(&ring->ends->tail, memory_order_acquire);
	uint64_t off = ring->at & (ring->size - 1);
	uint64_t left = ring->at - tail > ring->size ? 0 : ring->size - (ring->at - tail);
	uint64_t to_end = ring->size - off;

	if (to_end < wanted && left > to_end) {
		memset(ring->data + off, 0, sizeof(uint32_t));
		ring->at += to_end;
		left -= to_end;
		off = 0;
		to_end = ring->size;
	}
	*room = left < to_end ? left : to_end;
	return ring->data + off;
}

/* Writer: the records in the first `len` octets of that room are whole. */
static inline void
ring_publish(struct ring *ring, uint64_t len)
{
	ring->at += len;
	atomic_store_explicit(&ring->ends->head, ring->at, memory_order_release);
}

/* Reader: the next record, borrowed until ring_release, of `least` octets or more; the
 * position moves behind it.  What cannot be records is passed over, up to what the writer
 * has written by now: *is_damaged is set then.
 * returns NULL when there is none. */
__attribute__((nonnull, warn_unused_result))
const void *ring_next(struct ring *ring, uint32_t least, bool *is_damaged);

/* Reader: all that was taken may be written over. */
static inline void
ring_release(struct ring *ring)
{
	atomic_store_explicit(&ring->ends->tail, ring->at, memory_order_release);
}

/* Reader: take again what was not released. */
static inline void
ring_rewind(struct ring *ring)
{
	ring->at = atomic_load_explicit(&ring->ends->tail, memory_order_relaxed);
}

/* Octets between what was written and what was released. */
static inline uint64_t
ring_waiting(const struct ring_ends *ends)
{
	uint64_t tail = atomic_load_explicit(&ends->tail, memory_order_acquire);

	return atomic_load_explicit(&ends->head, memory_order_acquire) - tail;
}

#endif
