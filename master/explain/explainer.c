/* Answering as a worker does. */
#include "master/explain/explainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "master/explain/explain_message.h"
#include "shm/errcode.h"
#include "worker/answer_options.h"

/* A swap may come in between, and the generation that we open be removed. */
static int
open_published(struct explainer *explainer, char reason[EXPLAINER_REASON_MAX])
{
	const struct region_swap *swap = &explainer->heritage->region->swap;
	const char *state_dir = explainer->heritage->settings->state_dir;
	uint64_t id = 0, seen;
	int result;

	do {
		seen = id;
		id = atomic_load(&swap->published_id);
		if (id == 0) {
			snprintf(reason, EXPLAINER_REASON_MAX,
				 "no generation is served yet");
			return ERR_NOTFOUND;
		}
		result = zone_store_open(state_dir, id, &explainer->store);
	} while (result != ERR_OK && id != seen);
	if (result != ERR_OK)
		snprintf(reason, EXPLAINER_REASON_MAX, "generation %" PRIu64 " %s", id,
			 errcode_text(result));
	explainer->generation = id;
	return result;
}

int
explainer_open(struct explainer *explainer, const struct heritage *heritage,
	       char reason[EXPLAINER_REASON_MAX])
{
	struct region_live live;
	int result;

	explainer->heritage = heritage;
	result = steerer_init(&explainer->steerer, &explainer->geo);
	if (result != ERR_OK) {
		snprintf(reason, EXPLAINER_REASON_MAX, "random numbers: %s",
			 errcode_text(result));
		return result;
	}
	explainer->steerer.board = heritage->board;
	explainer->options.steerer = &explainer->steerer;
	(void)region_get_live(heritage->region, &live);
	answer_options_follow(&explainer->options, &live);
	/* what is not there is not wished for: nobody waits for this answer */
	resolved_view_init(&explainer->resolved, NULL);
	resolved_view_follow(&explainer->resolved, heritage->settings->state_dir,
			     atomic_load(&heritage->region->resolver.store_seq));
	explainer->options.resolved = &explainer->resolved;
	geo_follow(&explainer->geo, heritage->settings->state_dir,
		   &heritage->region->geo);
	geo_take(&explainer->geo);
	return open_published(explainer, reason);
}

void
explainer_close(struct explainer *explainer)
{
	zone_store_close(explainer->store);
	explainer->store = NULL;
	resolved_view_close(&explainer->resolved);
	geo_fini(&explainer->geo);
}

struct query
explainer_query(const struct explain_question *question, uint8_t *packet)
{
	struct query q = {
		.packet = packet,
		.room = QUERY_MESSAGE_MAX,
		.flags = question->is_tcp ? QUERY_TCP : 0,
	};

	if (question->client.has_address) {
		q.client = &question->client.address;
		if (q.client->sin6_family == AF_INET6)
			q.flags |= QUERY_IPV6;
	}
	q.received_len = explain_message_put(question, packet);
	return q;
}

/* Both paths draw from the same numbers, so both must say the same. */
void
explainer_answer(struct explainer *explainer, const struct explain_question *question,
		 struct explain_answer *out)
{
	static uint8_t packet[EXPLAINER_PACKET_LEN];
	const struct random_source random = explainer->steerer.random;
	struct query q = explainer_query(question, packet);

	zone_store_renew(explainer->store);
	resolved_view_rest(&explainer->resolved);
	explainer->trace.count = 0;
	explainer->trace.is_full = false;
	explainer->options.trace = explainer->steerer.trace = &explainer->trace;
	answer_batch_general(&q, 1, explainer->store, &explainer->options,
			     &explainer->stats);
	explainer->options.trace = explainer->steerer.trace = NULL;
	explainer->steerer.random = random;
	out->q = explainer_query(question, out->packet);
	answer_batch(&out->q, 1, explainer->store, &explainer->options,
		     &explainer->stats);
	out->is_same = out->q.response_len == q.response_len &&
		       memcmp(out->packet, packet, q.response_len) == 0;
}
