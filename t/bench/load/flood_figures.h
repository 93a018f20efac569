/* What a thread of the load counts: one writes, any may read meanwhile. */
#ifndef T_FLOOD_FIGURES_H
#define T_FLOOD_FIGURES_H

#include <stdint.h>

#include "t/bench/load/flood_hist.h"

enum { FLOOD_RCODES = 25 };

/* clang-format off */
/* name, how it is told in JSON */
#define FLOOD_FIGURES(X)                                                               \
	X(sent)			/* = answered + lost once all is over */               \
	X(answered)                                                                    \
	X(lost)			/* not answered in time, or with its connection */     \
	X(late)			/* answers to lost ones */                             \
	X(stray)		/* answers to nothing that was asked, or no answers */ \
	X(send_errors)		/* queries that could not be sent at all */            \
	X(unreachable)		/* times that the system said so */                    \
	X(with_answer)		/* answers that hold records */                        \
	X(truncated)                                                                   \
	X(octets)		/* of all answers */                                   \
	X(tcp_sent)                                                                    \
	X(tcp_answered)                                                                \
	X(tcp_connects)                                                                \
	X(tcp_closed)		/* by the server, or broken */                         \
	X(max_behind_us)	/* the latest that a query was sent after its time */
/* clang-format on */

struct flood_figures {
#define X(name) uint64_t name;
	FLOOD_FIGURES(X)
#undef X
	uint64_t rcodes[FLOOD_RCODES]; /* the last one: all others */
	struct flood_hist udp, tcp;
};

static inline void
flood_add(uint64_t *figure, uint64_t more)
{
	__atomic_store_n(figure, *figure + more, __ATOMIC_RELAXED);
}

static inline uint64_t
flood_get(const uint64_t *figure)
{
	return __atomic_load_n(figure, __ATOMIC_RELAXED);
}

/* Add what a thread has counted so far to `into`. */
void flood_figures_join(struct flood_figures *into, const struct flood_figures *from);

#endif
