/* The unanswered queries of one socket or connection, by id.  Ids are given in turn, so
 * that the oldest query is the first that is still waited for. */
#ifndef T_FLOOD_PENDING_H
#define T_FLOOD_PENDING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct flood_slot {
	uint64_t due_ns; /* when it was to be sent */
	uint64_t given_up_ns; /* when it is lost; 0: answered, or lost */
	uint32_t source;
	uint16_t id;
	bool was_lost; /* an answer now is late */
};

struct flood_pending {
	struct flood_slot *slots;
	uint32_t mask;
	uint32_t next, oldest; /* ids are their lower 16 bits */
	unsigned waiting;
};

enum flood_taken { TAKEN_ANSWER, TAKEN_LATE, TAKEN_STRAY };

/* slots   a power of 2, at most 65536.  returns false without memory. */
static inline bool
flood_pending_init(struct flood_pending *pending, unsigned slots, uint64_t random)
{
	pending->slots = calloc(slots, sizeof *pending->slots);
	pending->mask = slots - 1;
	pending->next = pending->oldest = (uint32_t)random;
	return pending->slots != NULL;
}

/* Find the query with this id; of an answer, it is waited for no longer. */
static inline enum flood_taken
flood_pending_take(struct flood_pending *pending, uint16_t id, struct flood_slot *out)
{
	struct flood_slot *slot = &pending->slots[id & pending->mask];

	if (slot->id != id || (slot->given_up_ns == 0 && !slot->was_lost))
		return TAKEN_STRAY;
	*out = *slot;
	slot->was_lost = false;
	if (out->was_lost)
		return TAKEN_LATE;
	slot->given_up_ns = 0;
	pending->waiting--;
	return TAKEN_ANSWER;
}

/* Give up what is due to be given up by now; UINT64_MAX: all.  returns how many are lost. */
static inline unsigned
flood_pending_expire(struct flood_pending *pending, uint64_t now_ns)
{
	unsigned lost = 0;

	for (; pending->oldest != pending->next; pending->oldest++) {
		struct flood_slot *slot = &pending->slots[pending->oldest & pending->mask];

		if (slot->given_up_ns == 0)
			continue;
		if (slot->given_up_ns > now_ns)
			break;
		slot->given_up_ns = 0;
		slot->was_lost = true;
		lost++;
	}
	pending->waiting -= lost;
	return lost;
}

/* Wait for one more.  When all slots are taken the oldest is given up for it: `lost` is
 * raised by one.  returns its id. */
static inline uint16_t
flood_pending_add(struct flood_pending *pending, struct flood_slot query, unsigned *lost)
{
	struct flood_slot *slot = &pending->slots[pending->next & pending->mask];

	if (pending->next - pending->oldest > pending->mask) {
		*lost += slot->given_up_ns != 0;
		pending->waiting -= slot->given_up_ns != 0;
		pending->oldest++;
	}
	query.id = (uint16_t)pending->next++;
	*slot = query;
	pending->waiting++;
	return query.id;
}

/* The query that was added last with this id has not been sent. */
static inline void
flood_pending_cancel(struct flood_pending *pending, uint16_t id)
{
	struct flood_slot *slot = &pending->slots[id & pending->mask];

	if (slot->id == id && slot->given_up_ns != 0) {
		slot->given_up_ns = 0;
		pending->waiting--;
	}
}

#endif
