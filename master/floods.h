/* Zones that workers keep down (limit.isolation), added up over the workers; and datagrams
 * that no worker has seen, since receive queues ran over. */
#ifndef MASTER_FLOODS_H
#define MASTER_FLOODS_H

#include <stdint.h>

#include "shm/region.h"

enum { FLOODS_MAX = 32, LOSSES_SECONDS = 10 };

/* Rates are of the last second or so that it lasted. */
struct flood {
	uint64_t since_ns, last_ns;	/* CLOCK_MONOTONIC */
	uint64_t shed;			/* since then */
	double asked_s, absent_s, shed_s, shed_existing_s;	/* queries a second */
	uint8_t name_len;		/* 0: of no zone that is served */
	uint8_t name[DNAME_MAX];
	uint64_t sampled;		/* in which the enclosers were counted */
	struct flood_encloser enclosers[FLOOD_ENCLOSERS]; /* the most frequent first */
};

/* The floods of now and of the last FLOOD_TOLD_S seconds, the largest first.
 * returns how many. */
__attribute__((nonnull)) unsigned floods_get(const struct region *region, uint64_t now_ns,
					     struct flood floods[FLOODS_MAX]);

/* udp_socket_drops and udp_queries, a sample each second. */
struct losses {
	uint64_t sampled_ns;		/* 0: never */
	unsigned newest;
	uint64_t lost[LOSSES_SECONDS + 1], received[LOSSES_SECONDS + 1];
};

/* Take a sample when the last one is a second old. */
__attribute__((nonnull)) void losses_sample(struct losses *losses,
					    const struct region *region);

/* What was lost and what was received since the oldest sample, 10 s ago. */
__attribute__((nonnull)) void losses_get(const struct losses *losses,
					 const struct region *region, uint64_t *lost,
					 uint64_t *received);

#endif
