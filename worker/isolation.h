/* One zone under flood must not cost the others their answers: limit.isolation.
 *
 * While a worker is short of time (worker/queue_watch.h), each zone on its heavy list
 * (worker/heavy_list.h) has a credit of the worker's time: it grows by the zone's share of
 * the time that goes by, and each answer takes off what one costs, as it is measured.  Behind
 * the look-up and before the answer, the queries of a zone that asks for unfairly much are
 * shed, not answered at all:
 *
 *	names that do not exist, or that a wildcard	once the credit is less than half
 *	answers
 *	names that exist, and those below a zone	once there is none left
 *	cut or DNAME
 *
 * so these have what the others leave.  Who has sent a valid cookie is always answered, and
 * what comes over TCP is not looked at.  Zones that are not on the list are not touched.
 * What belongs to no zone, errors too, is taken together as one zone.
 *
 * As long as a worker is not short, nothing is counted and a query costs nothing. */
#ifndef WORKER_ISOLATION_H
#define WORKER_ISOLATION_H

#include "worker/answer.h"
#include "worker/heavy_list.h"
#include "worker/queue_watch.h"
#include "worker/stage.h"

struct isolation {
	struct queue_watch watch;
	uint64_t now_ns;		/* of the present batch */
	/* CPU time of an answer, sending included, and what the general path takes more */
	int64_t answer_ns, general_ns;
	uint64_t began_ns, general_began_ns;	/* CPU time; 0: not to be measured */
	unsigned answered;		/* of the present batch, as far as we know */
	uint64_t told_ns;		/* since when is counted what will be told next */
	unsigned sample;
	struct flood_list *told;	/* in the region */
	uint8_t place[ANSWER_BATCH];	/* on the list, of a query's zone, or HEAVY_NONE */
	struct heavy_list list;
};

__attribute__((nonnull))
void isolation_init(struct isolation *isolation, struct flood_list *told);

/* Before a batch. */
static inline void
isolation_set_time(struct isolation *isolation, uint64_t now_ns)
{
	isolation->now_ns = now_ns;
}

/* Behind the look-ups of a batch of datagrams: shed what must be.
 * returns those queries, as bits. */
__attribute__((nonnull))
uint64_t isolation_shed(struct isolation *isolation, struct query *queries,
			const struct stage *stages, unsigned count,
			const struct zone_store *store, struct stats_block *stats);

/* Before and behind the general path; it has answered `which`. */
__attribute__((nonnull))
void isolation_begin_general(struct isolation *isolation);
__attribute__((nonnull))
void isolation_end_general(struct isolation *isolation, uint64_t which);

/* A batch of datagrams was sent, which came from the queue of `fd`. */
__attribute__((nonnull))
void isolation_end_batch(struct isolation *isolation, struct queue_facts *queue, int fd,
			 bool is_full, struct stats_block *stats);

/* Is there anything to be shed? */
static inline bool
isolation_is_on(const struct isolation *isolation)
{
	return isolation && isolation->watch.is_short;
}

#endif
