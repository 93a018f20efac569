/* One question put to a store by way of the answering core. */
#ifndef T_ASK_STORE_H
#define T_ASK_STORE_H

#include <string.h>

#include "t/query_file.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { ANSWER_ROOM = 1232 };

struct answer {
	uint8_t packet[ANSWER_ROOM];
	unsigned len;			/* 0: none */
};

/* As the first of a batch of its own: what was committed before is seen. */
static inline void
ask_store(struct zone_store *store, const char *name, uint16_t type, struct answer *out)
{
	static const struct answer_options options = { .udp_size = ANSWER_ROOM };
	static struct stats_block stats;
	struct query q = { .packet = out->packet, .room = ANSWER_ROOM };

	memset(out->packet, 0, sizeof out->packet);
	q.received_len = query_file_encode(out->packet, name, type);
	zone_store_renew(store);
	answer_batch(&q, 1, store, &options, &stats);
	out->len = q.response_len;
}

#endif
