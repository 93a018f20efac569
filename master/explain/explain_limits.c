/* Limits are tried with copies of the buckets that they would take from. */
#include "master/explain/explain_limits.h"

#include <stdio.h>
#include <string.h>

#include "master/explain/explain_message.h"
#include "shm/clock.h"
#include "shm/region.h"
#include "worker/limit.h"
#include "worker/rrl.h"
#include "worker/stage.h"

enum { LEFT_MAX = 1 << 30 };

/* What a worker has, for this process alone; of the tables two sets each are used. */
static struct limiter limiter;
static struct limit_seen seen;
static struct limit_table clients, responses;
static uint8_t packet[EXPLAINER_PACKET_LEN];

static void
open_limiter(const struct explain_steps *steps)
{
	struct region *region = steps->explainer->heritage->region;

	limiter_init(&limiter, region, 0);
	limiter_follow(&limiter);
	limiter_set_time(&limiter, clock_now_ns());
	limiter.config.log_only = false; /* told apart */
	limiter.seen = &seen;
	limiter.clients.table = &clients;
	limiter.clients.block = 1; /* no stock */
	for (unsigned i = 0; i < LIMIT_RRL_CLASSES; i++) {
		limiter.responses[i].table = &responses;
		limiter.responses[i].block = 1;
	}
}

static void
tell(struct explain_steps *steps, const char *what, const char *verdict, int64_t left,
     const char *text)
{
	bool is_log_only = steps->explainer->heritage->settings->limit.log_only &&
			   strcmp(what, "isolation") != 0 && strcmp(verdict, "pass") != 0;

	explain_steps_begin(steps, "limit", "%s%s", text,
			    is_log_only ? "; limit.log_only: it is answered all the same"
					: "");
	json_out_text(steps->json, "limit", what);
	json_out_text(steps->json, "verdict", verdict);
	json_out_bool(steps->json, "log_only", is_log_only);
	if (left >= 0)
		json_out_int(steps->json, "left", left);
	else
		json_out_null(steps->json, "left");
	json_out_end_object(steps->json);
}

/* ---- the client ---- */

static void
tell_client(struct explain_steps *steps, const struct query *q, enum prefix_list list,
	    int64_t left)
{
	const char *over = limiter.config.client_drops ? "no answer" : "REFUSED";
	char text[256];

	if (list == PREFIX_WHITE) {
		tell(steps, "client", "pass", -1,
		     "the client is on limit.client.whitelist: not limited");
		return;
	}
	if (q->verdict == QUERY_LOOKUP) {
		snprintf(text, sizeof text,
			 "limit.client: the client may ask, and %lld more at once",
			 (long long)left);
		tell(steps, "client", "pass", left, text);
		return;
	}
	if (list == PREFIX_BLACK)
		snprintf(text, sizeof text, "the client is on limit.client.blacklist: %s",
			 over);
	else
		snprintf(text, sizeof text,
			 "the client is over limit.client.rate, %u a minute: %s",
			 limiter.config.client_rate, over);
	tell(steps, "client", limiter.config.client_drops ? "drop" : "refuse", 0, text);
}

/* Have the bucket of `hash` in our table as it is in the workers'. */
static void
copy_bucket(struct limit_table *to, struct limit_table *from, uint64_t hash)
{
	memcpy(limit_set_of(to, hash), limit_set_of(from, hash),
	       sizeof(struct limit_set));
}

static void
look_at_client(struct explain_steps *steps, const struct explain_answer *answer)
{
	struct region *region = steps->explainer->heritage->region;
	static struct stats_block stats;
	struct query q = answer->q;
	enum prefix_list list = limit_list_of(&limiter, &q);
	bool has_rate = limiter.config.client_rate != 0 && list == PREFIX_NONE;
	int64_t left = -1;

	if (!has_rate && list == PREFIX_NONE)
		return;
	q.verdict = QUERY_LOOKUP;
	limit_fetch_clients(&limiter, &q, 1);
	if (has_rate)
		copy_bucket(&clients, &region->limited_clients, limiter.hashes[0]);
	limit_clients(&limiter, &q, 1, &stats);
	if (has_rate)
		left = limit_take(&clients, limiter.hashes[0], &limiter.clients.rate,
				  limiter.now_ticks, LEFT_MAX);
	tell_client(steps, &q, list, left);
}

/* ---- the response ---- */

/* Of which class is the response, and what becomes of it? */
static struct query
try_response(const struct explain_answer *answer)
{
	static struct stats_block stats;
	struct query q = answer->q;

	q.packet = packet;
	memcpy(packet, answer->packet, answer->q.response_len);
	rrl_limit(&limiter, &q, 1, EXPLAIN_UDP_SIZE, &stats);
	return q;
}

static void
tell_response(struct explain_steps *steps, const struct query *q, int64_t left)
{
	const struct limited_query *kept = &limiter.kept[0];
	const char *class = limit_reason_class((enum limit_reason)kept->reason);
	unsigned rate = limiter.config.rrl_rates[kept->reason - LIMIT_RRL_ANSWERS];
	bool is_held_back = q->response_len == 0;
	char text[256];

	if (!is_held_back)
		snprintf(text, sizeof text,
			 "limit.rrl: of %u %s a second, the client's network has %lld "
			 "more "
			 "now",
			 rate, class, (long long)left);
	else
		snprintf(text, sizeof text,
			 "limit.rrl: the client's network has had its %u %s a second: no "
			 "answer%s",
			 rate, class,
			 limiter.config.rrl_slip ? ", but for one in limit.rrl.slip"
						 : "");
	tell(steps, class, is_held_back ? "drop" : "pass", left, text);
}

static void
look_at_response(struct explain_steps *steps, const struct explain_answer *answer)
{
	struct region *region = steps->explainer->heritage->region;
	const struct zone_store *store = steps->explainer->store;
	static struct explain_answer fresh;
	struct limited_query *kept = &limiter.kept[0];
	struct stage stage;
	struct query q;
	int64_t left;

	/* what is lost while it is answered is told by the query as it came */
	fresh.q = explainer_query(steps->question, fresh.packet);
	stage_batch(&fresh.q, &stage, 1, store, EXPLAIN_UDP_SIZE);
	rrl_begin(&limiter, &fresh.q, &stage, 1);
	limiter.config.rrl_slip = 0;
	(void)try_response(answer);
	if (kept->bucket == 0 || limit_list_of(&limiter, &answer->q) == PREFIX_WHITE)
		return;
	copy_bucket(&responses, &region->limited_networks, kept->bucket);
	q = try_response(answer);
	left = limit_take(&responses, kept->bucket,
			  &limiter.responses[kept->reason - LIMIT_RRL_ANSWERS].rate,
			  limiter.now_ticks, LEFT_MAX);
	limiter.config.rrl_slip = steps->explainer->heritage->settings->limit.rrl.slip;
	tell_response(steps, &q, left);
}

/* ---- the zone ---- */

/* Is it, as any worker's list has it, kept down? */
static bool
is_kept_down(const struct region *region, const uint8_t *name, unsigned name_len)
{
	struct flood_zone zones[FLOOD_ZONES];
	uint64_t now_ns = clock_now_ns();

	for (unsigned w = 0; w < region->worker_count; w++) {
		unsigned count = flood_list_get(&region->slots[w].floods, zones);

		for (unsigned i = 0; i < count; i++)
			if (zones[i].last_ns + (uint64_t)FLOOD_TOLD_S * 1000000000 >
				    now_ns &&
			    zones[i].name_len == name_len &&
			    memcmp(zones[i].name, name, name_len) == 0)
				return true;
	}
	return false;
}

static void
look_at_zone(struct explain_steps *steps)
{
	const struct region *region = steps->explainer->heritage->region;
	bool has_zone = steps->has_zone;
	const uint8_t *name = has_zone ? node_owner(&steps->apex) : (const uint8_t *)"";
	unsigned name_len = has_zone ? steps->apex.head.owner_len : 0;

	if (!is_kept_down(region, name, name_len))
		return;
	tell(steps, "isolation", "drop", -1,
	     has_zone ? "limit.isolation: the zone is under flood; what it may not have "
			"is "
			"dropped: names that do not exist first, then others"
		      : "limit.isolation: queries for no zone that is served are under "
			"flood, and dropped");
}

void
explain_limits_tell(struct explain_steps *steps, const struct explain_answer *answer)
{
	bool has_client = steps->question->client.has_address;

	open_limiter(steps);
	if (has_client)
		look_at_client(steps, answer);
	if (has_client && limiter.limits_responses)
		look_at_response(steps, answer);
	if (limiter.config.isolates && !steps->question->is_tcp)
		look_at_zone(steps);
}
