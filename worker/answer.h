/* The answering core: from a batch of messages to a batch of responses, in place.
 * Knows no sockets, no LMDB; allocates nothing, calls nothing outside.
 *
 * The stages run over the whole batch, so that what one stage prefetches has arrived
 * when the next one reads it: decode, find zones, find owners, answer what needs no further
 * node, answer the others (worker/fast_wait.h). */
#ifndef WORKER_ANSWER_H
#define WORKER_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/region_source.h"
#include "shm/settings.h"
#include "shm/stats.h"
#include "worker/query.h"

struct cookie_jar;
struct isolation;
struct limiter;
struct resolved_view;
struct signed_sets;
struct stage_clock;
struct steerer;
struct trace;
struct zone_store;

enum { ANSWER_BATCH = 64 };

/* The options that an answer depends on; a copy, refreshed by the worker when the
 * configuration changes (between batches). */
struct answer_options {
	struct limiter *limiter;	/* this worker's own; NULL: nothing is limited */
	struct isolation *isolation;	/* the same; NULL: no zone is kept down */
	const struct cookie_jar *cookies;	/* this worker's own; NULL: not looked at */
	uint16_t udp_size;
	uint8_t any_policy;		/* enum any_policy */
	bool ecs;			/* EDNS Client Subnet is honoured, else not looked at */
	uint8_t identity_len, version_len; /* 0: refused */
	char identity[SETTINGS_IDENTITY_MAX + 1];
	char version[SETTINGS_IDENTITY_MAX + 1];
	uint8_t changes_len;		/* 0: refused */
	char changes[SOURCE_PROBE_MAX];	/* changes.server, see region_source.h */
	struct steerer *steerer;	/* this worker's own, not a copy; NULL: see worker/steer.h */
	struct resolved_view *resolved;	/* the same; NULL: nothing outside is known */
	struct signed_sets *signed_sets; /* the same; NULL: only what is signed ahead */
	struct trace *trace;		/* worker/trace.h: of the general path; NULL in workers */
	struct stage_clock *clock;	/* told of each stage; NULL: nobody is */
};

/* Answer `count` (at most ANSWER_BATCH) queries from `store`, all from this one
 * state of the data.  Each query's `response_len` says what to send.
 * `stats` is this worker's own block. */
void answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
		  const struct answer_options *options, struct stats_block *stats);

/* The same without the straight path for common queries (worker/answer_fast.h): slower,
 * and the measure of it.  For tests. */
void answer_batch_general(struct query *queries, unsigned count,
			  const struct zone_store *store, const struct answer_options *options,
			  struct stats_block *stats);

#endif
