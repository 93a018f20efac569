/* The targets that the prober looks after, by key, and the addresses that they share. */
#ifndef LOADER_HEALTH_TARGET_TABLE_H
#define LOADER_HEALTH_TARGET_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/health/due_queue.h"
#include "shm/board.h"
#include "shm/health_target.h"

/* An address: so many probes a second, whatever their ports and names. */
struct target_address {
	struct target_address *next;
	uint8_t octets[HEALTH_ADDRESS_LEN];
	unsigned target_count;
	uint64_t next_ms;		/* when the next probe may go */
};

struct target {
	struct due_entry due;		/* the first member */
	struct target *next;		/* of the same place in the table */
	struct target *wait_next;	/* of those that wait for room */
	uint64_t key;
	struct board_slot *slot;	/* NULL: the board is full */
	uint8_t *spec;			/* address and written check; owned */
	size_t spec_len;
	struct target_address *address;
	struct flight *flight;		/* the probe under way, or NULL */
	uint32_t interval_ms, timeout_ms;
	int8_t up_count, down_count;
	int8_t status;			/* by the probes; 0: unknown */
	int8_t held_status;		/* what the board says while is_held */
	bool is_held, is_denied, is_listed, is_waiting, is_reserved;
	uint32_t up_s;			/* Unix time of the last success */
	uint64_t turn_ms;		/* the moment that the probe at hand was due */
	uint64_t known_ms;		/* when the last probe ended that tells anything */
	uint64_t fell_ms;		/* when it failed after it was up */
	uint32_t first_pair, pair_count; /* its names, in role's list (status_link.h) */
};

struct target_table {
	struct target **places;		/* owned; a power of 2 */
	size_t place_count, count;
	uint64_t seed;
	struct target_address **addresses; /* owned; as many */
};

/* returns 0; ERR_NOMEM; ERR_IO without random numbers. */
__attribute__((nonnull, warn_unused_result))
int target_table_init(struct target_table *table);

__attribute__((nonnull))
struct target *target_table_find(const struct target_table *table, uint64_t key);

/* A new target from its spec, which is copied.  returns NULL without memory, and for what is no
 * spec. */
__attribute__((nonnull))
struct target *target_table_add(struct target_table *table, uint64_t key,
				const uint8_t *spec, size_t spec_len);

/* Remove and free it. */
__attribute__((nonnull))
void target_table_drop(struct target_table *table, struct target *target);

/* Call for each; what is called may drop that one. */
__attribute__((nonnull(1, 2)))
void target_table_each(struct target_table *table,
		       void (*call)(void *context, struct target *target), void *context);

/* What it says on the board. */
static inline struct board_status
target_board_status(const struct target *target)
{
	return (struct board_status){
		.status = target->is_held ? target->held_status : target->status,
		.flags = (uint8_t)((target->is_held ? BOARD_HELD : 0) |
				   (target->is_denied ? BOARD_DENIED : 0)),
		.up_s = target->up_s,
	};
}

static inline void
target_show(struct board *board, const struct target *target)
{
	if (target->slot)
		board_set(board, target->slot, target_board_status(target));
}

/* "tcp 192.0.2.1 port 80" */
enum { TARGET_TEXT_MAX = 400 };
__attribute__((nonnull))
void target_print(const struct target *target, char out[TARGET_TEXT_MAX]);

#endif
