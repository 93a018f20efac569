/* Reading a ring, whatever stands in it. */
#include "shm/ring.h"

const void *
ring_next(struct ring *ring, uint32_t least, bool *is_damaged)
{
	uint64_t head = atomic_load_explicit(&ring->ends->head, memory_order_acquire);

	while (ring->at != head) {
		uint64_t off = ring->at & (ring->size - 1), to_end = ring->size - off;
		uint64_t written = head - ring->at;
		const uint8_t *record = ring->data + off;
		uint32_t len;

		if (written > ring->size || off % RING_UNIT)
			break;
		memcpy(&len, record, sizeof len);
		if (len == 0 && to_end <= written) {
			ring->at += to_end;
			continue;
		}
		if (len < least || len % RING_UNIT || len > written || len > to_end)
			break;
		ring->at += len;
		return record;
	}
	*is_damaged |= ring->at != head;
	ring->at = head;
	return NULL;
}
