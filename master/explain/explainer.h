/* A worker that serves nobody: it opens what workers read from, and answers as they do, with
 * a trace (worker/trace.h).  It counts for itself alone, and draws for itself. */
#ifndef EXPLAIN_EXPLAINER_H
#define EXPLAIN_EXPLAINER_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/heritage.h"
#include "shm/stats.h"
#include "worker/answer.h"
#include "worker/geo.h"
#include "worker/query.h"
#include "worker/resolved_view.h"
#include "worker/steer.h"
#include "worker/trace.h"
#include "worker/zone_store.h"

enum {
	EXPLAINER_REASON_MAX = 256,
	EXPLAINER_PACKET_LEN = QUERY_MESSAGE_MAX + 65,	/* the core copies in large steps */
};

struct explainer {
	const struct heritage *heritage;
	uint64_t generation;
	struct zone_store *store;
	struct geo geo;
	struct resolved_view resolved;
	struct steerer steerer;
	struct answer_options options;
	struct stats_block stats;
	struct trace trace;
};

/* Who asks, and how. */
struct explain_client {
	bool has_address, has_subnet;
	struct sockaddr_in6 address;	/* of either family, as in struct query */
	struct query_subnet subnet;
};

struct explain_question {
	uint8_t name[DNAME_MAX];	/* as it is asked for */
	unsigned name_len;
	uint16_t type;
	bool is_tcp, dnssec;
	struct explain_client client;
};

/* An answer, and how it came about: explainer->trace. */
struct explain_answer {
	struct query q;
	bool is_same;			/* the straight path says the same */
	uint8_t packet[EXPLAINER_PACKET_LEN];
};

/* Open what is published now.  returns 0, or an error code with a reason for people. */
__attribute__((nonnull, warn_unused_result))
int explainer_open(struct explainer *explainer, const struct heritage *heritage,
		   char reason[EXPLAINER_REASON_MAX]);

__attribute__((nonnull))
void explainer_close(struct explainer *explainer);

/* The query as it comes from the client, written to `packet` of EXPLAINER_PACKET_LEN. */
__attribute__((nonnull))
struct query explainer_query(const struct explain_question *question, uint8_t *packet);

/* Answer from the present state of the live changes; what the trace borrows holds until the
 * next call. */
__attribute__((nonnull))
void explainer_answer(struct explainer *explainer, const struct explain_question *question,
		      struct explain_answer *out);

#endif
