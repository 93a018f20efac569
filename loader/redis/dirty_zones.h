/* Zones that are known to have changed and are not read yet, each once, oldest first.
 *
 * As many as there are zones can wait; beyond that it is said that there are more, and
 * everything has to be compared. */
#ifndef LOADER_REDIS_DIRTY_ZONES_H
#define LOADER_REDIS_DIRTY_ZONES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/key_table.h"
#include "loader/redis/redis_link.h"

/* All zero, with a limit, is an empty one. */
struct dirty_zones {
	struct key_table names;		/* as written; forgotten when none waits */
	struct dirty_mark {
		uint64_t since_us;	/* Unix time of the first event */
		uint32_t next;		/* in the queue */
		bool is_waiting, is_queued;
	} *marks;			/* by number */
	size_t room;
	uint32_t first, last;		/* the queue, when `queued` is not 0 */
	size_t queued, waiting;
	size_t limit;			/* how many may wait */
	bool has_lost;			/* there were more: compare everything */
};

__attribute__((nonnull))
void dirty_zones_fini(struct dirty_zones *dirty);

__attribute__((nonnull))
void dirty_zones_clear(struct dirty_zones *dirty);

/* A zone has changed; `name` as written.  Without memory, and beyond the limit, has_lost
 * is set. */
__attribute__((nonnull))
void dirty_zones_mark(struct dirty_zones *dirty, struct redis_text name, uint64_t now_us);

/* Take the oldest out; its name is borrowed until the next mark or clear.
 * since_us  when it was marked first
 * returns   false when none waits. */
__attribute__((nonnull))
bool dirty_zones_take(struct dirty_zones *dirty, struct redis_text *name, uint64_t *since_us);

/* When the oldest was marked.  returns false when none waits. */
__attribute__((nonnull))
bool dirty_zones_oldest(const struct dirty_zones *dirty, uint64_t *since_us);

/* It waits no longer, another reading covers it. */
__attribute__((nonnull))
void dirty_zones_drop(struct dirty_zones *dirty, struct redis_text name);

#endif
