/* The status board: which health targets are up, for every worker to read at any time.
 *
 * A mapping that the master makes before the first fork.  The prober alone writes it;
 * it stays when the prober dies, and the next one goes on from what stands there.
 *
 *	line	+-------------+-------------+-------------+-------------+
 *	64	| key | value | key | value | key | value | key | value |
 *		+ 8 --+ 8 ----+-------------+-------------+-------------+
 *
 * A key is looked for in its home line, then in those behind it, up to the first that has
 * a place that was never used, at most BOARD_LINES of them.  A value is one word, written
 * at once; a reader looks at the key again behind it, so that a place that meanwhile was
 * given to another target is not taken for this one. */
#ifndef SHM_BOARD_H
#define SHM_BOARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BOARD_SLOTS = 1 << 20,
	BOARD_LINE_SLOTS = 4,
	BOARD_LINES = 8,		/* of one look-up */
	BOARD_KEY_FREE = 0,		/* never used */
	BOARD_KEY_LEFT = 1,		/* no longer used; behind it others may stand */
	BOARD_KEY_MIN = 2,
	/* targets that the prober takes: with more, look-ups would become long */
	BOARD_TARGETS_MAX = BOARD_SLOTS / 2,
};

struct board_slot {
	_Atomic uint64_t key;
	_Atomic uint64_t value;
};

struct board {
	_Alignas(64) struct board_slot slots[BOARD_SLOTS];
	_Alignas(64) _Atomic uint32_t changes;	/* grows with each status that changes */
};

enum board_flag {
	BOARD_HELD = 1,			/* the mass guard holds the last state */
	BOARD_DENIED = 2,		/* may not be probed, hence unknown */
};

/* What is known of a target. */
struct board_status {
	int8_t status;			/* redins's counter: down_count..up_count, 0 unknown */
	uint8_t flags;			/* enum board_flag */
	uint32_t up_s;			/* Unix time of the last probe that succeeded; 0 never */
};

static inline uint64_t
board_pack(struct board_status status)
{
	return (uint64_t)status.up_s << 32 | (uint64_t)status.flags << 8 |
	       (uint8_t)status.status;
}

static inline struct board_status
board_unpack(uint64_t value)
{
	return (struct board_status){
		.status = (int8_t)(uint8_t)value,
		.flags = (uint8_t)(value >> 8),
		.up_s = (uint32_t)(value >> 32),
	};
}

/* All zero: every target unknown.  returns NULL without memory; never unmapped. */
struct board *board_create(void);

/* The place of a key, or NULL. */
__attribute__((nonnull))
struct board_slot *board_find(struct board *board, uint64_t key);

/* What is known of a target; nothing (all zero) when it is not on the board.  Any process,
 * at any time.  `board` may be NULL: there is none. */
static inline struct board_status
board_get(const struct board *board, uint64_t key)
{
	size_t line = key & (BOARD_SLOTS - 1) & ~(size_t)(BOARD_LINE_SLOTS - 1);

	if (!board || key < BOARD_KEY_MIN)
		return (struct board_status){ 0 };
	for (unsigned i = 0; i < BOARD_LINES; i++) {
		const struct board_slot *slots = board->slots + line;
		bool is_last = false;

		for (unsigned j = 0; j < BOARD_LINE_SLOTS; j++) {
			uint64_t here = atomic_load_explicit(&slots[j].key,
							     memory_order_acquire);
			uint64_t value;

			is_last |= here == BOARD_KEY_FREE;
			if (here != key)
				continue;
			value = atomic_load_explicit(&slots[j].value,
						     memory_order_acquire);
			here = atomic_load_explicit(&slots[j].key,
						    memory_order_relaxed);
			return board_unpack(here == key ? value : 0);
		}
		if (is_last)
			break;
		line = (line + BOARD_LINE_SLOTS) & (BOARD_SLOTS - 1);
	}
	return (struct board_status){ 0 };
}

/* ---- the prober ---- */

/* Take a place for a key, with what is known of it, or the place that it has.
 * returns NULL when all that may be its own are taken. */
__attribute__((nonnull))
struct board_slot *board_put(struct board *board, uint64_t key, struct board_status status);

static inline void
board_set(struct board *board, struct board_slot *slot, struct board_status status)
{
	struct board_status before = board_unpack(
		atomic_load_explicit(&slot->value, memory_order_relaxed));

	atomic_store_explicit(&slot->value, board_pack(status), memory_order_release);
	if (status.status != before.status)
		atomic_fetch_add_explicit(&board->changes, 1, memory_order_release);
}

/* Give a place back. */
__attribute__((nonnull))
void board_drop(struct board *board, struct board_slot *slot);

/* Forget everything, when nobody writes. */
__attribute__((nonnull))
void board_clear(struct board *board);

#endif
