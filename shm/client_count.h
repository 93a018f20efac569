/* How many TCP connections a client has, over all workers, without a lock.
 *
 * Each worker counts its own connections in its own table, two cells for each; the
 * others only read.  A client's connections are the smaller of its two cells, each
 * summed over all tables: exact unless both cells are shared with others, and then
 * too high, never too low.  The cells follow from a secret seed, so that nobody can
 * choose addresses that count against somebody else.
 *
 * A client is an IPv4 address, or an IPv6 /64: who has one address of a /64 has all. */
#ifndef SHM_CLIENT_COUNT_H
#define SHM_CLIENT_COUNT_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	CLIENT_COUNT_ROWS = 2,
	CLIENT_COUNT_CELLS = 16384,	/* a power of two; 100,000 connections are 6 a cell */
};

struct client_count {
	_Atomic uint32_t used;		/* 0: all cells are 0, no page of them was touched */
	_Atomic uint32_t row[CLIENT_COUNT_ROWS][CLIENT_COUNT_CELLS];
};

struct client_seed {
	uint64_t a, b;
};

/* Where a client is counted. */
struct client_cells {
	uint32_t cell[CLIENT_COUNT_ROWS];
};

/* The cells of the client at `address`, AF_INET or AF_INET6; an IPv4-mapped address
 * is the IPv4 client that it maps. */
__attribute__((nonnull, warn_unused_result))
struct client_cells client_cells_of(const struct client_seed *seed,
				    const struct sockaddr_storage *address);

/* One connection more or less (`change` is 1 or -1); only by the table's owner. */
static inline void
client_count_add(struct client_count *own, struct client_cells at, int change)
{
	atomic_store_explicit(&own->used, 1, memory_order_relaxed);
	for (unsigned row = 0; row < CLIENT_COUNT_ROWS; row++) {
		_Atomic uint32_t *cell = &own->row[row][at.cell[row]];

		atomic_store_explicit(cell,
				      atomic_load_explicit(cell, memory_order_relaxed) +
					      (uint32_t)change,
				      memory_order_relaxed);
	}
}

static inline uint32_t
client_count_get(const struct client_count *table, struct client_cells at, unsigned row)
{
	return atomic_load_explicit(&table->row[row][at.cell[row]], memory_order_relaxed);
}

/* All zero, only by the table's owner: what an earlier owner left behind. */
void client_count_clear(struct client_count *own);

#endif
