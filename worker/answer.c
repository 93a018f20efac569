/* The stages of a batch, and the frame around each answer: header, OPT, counters. */
#include "worker/answer.h"

#include "shm/wire.h"
#include "worker/additional.h"
#include "worker/answering.h"
#include "worker/chaos.h"
#include "worker/denial.h"
#include "worker/edns.h"
#include "worker/resolve.h"

enum { APEX_LINES = 5 };	/* cache lines of an apex node: its facts and its SOA */

/* Where the look-ups of one query stand between two stages. */
struct stage {
	struct zone zone;
	struct owner_fetch fetch;	/* the zone's key, then the owner's */
	int zone_depth;			/* labels of the zone's key, -1: none to look for */
	enum lookup_result found;
	bool has_owner;			/* fetch is the owner's */
};

/* ---- one answer ---- */

static void
drop_sections(struct answering *a)
{
	a->response.at = a->q->question_end;
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		a->response.count[i] = 0;
}

static void
give_up(struct answering *a, enum dns_rcode rcode)
{
	drop_sections(a);
	a->rcode = (uint8_t)rcode;
	a->authoritative = false;
}

/* What `step` means for the response as a whole. */
static void
conclude(struct answering *a, enum step step)
{
	switch (step) {
	case STEP_DONE:
	case STEP_FOLLOW:
		return;
	case STEP_FULL:
		drop_sections(a);
		a->truncated = true;
		return;
	case STEP_DAMAGED:
		stats_add(a->stats, STAT_store_damage, 1);
		give_up(a, RCODE_SERVFAIL);
		return;
	case STEP_FAILED:
		give_up(a, RCODE_SERVFAIL);
		return;
	}
}

static void
answer_lookup(struct answering *a, struct stage *stage)
{
	enum step step;

	if (stage->found == LOOKUP_MISSING) {
		a->rcode = RCODE_REFUSED;
		return;
	}
	if (stage->found == LOOKUP_DAMAGED) {
		conclude(a, STEP_DAMAGED);
		return;
	}
	a->zone = &stage->zone;
	a->owner = stage->has_owner ? &stage->fetch : NULL;
	step = resolve(a);
	if (step == STEP_DONE && a->proof_count > 0)
		step = denial_add(a);
	if (step == STEP_DONE && a->has_additional)
		step = additional_add(a);
	conclude(a, step);
}

static void
write_header(const struct answering *a)
{
	const struct query *q = a->q;
	uint8_t *header = q->packet;
	bool authoritative = a->authoritative && q->class != CLASS_ANY;

	header[2] = (uint8_t)(FLAG_QR | (header[2] & (FLAG_OPCODE | FLAG_RD)) |
			      (authoritative ? FLAG_AA : 0) | (a->truncated ? FLAG_TC : 0));
	header[3] = (uint8_t)((header[3] & FLAG_CD) | (a->rcode & 15));
	wire_put_u16(header + 4, q->question_end > QUERY_HEADER_LEN);
	for (unsigned i = 0; i < SECTION_COUNT; i++)
		wire_put_u16(header + 6 + (size_t)2 * i, a->response.count[i]);
}

static void
count_rcode(struct stats_block *stats, unsigned rcode)
{
	static const uint8_t counter[] = {
		[RCODE_NOERROR] = STAT_noerror,	  [RCODE_FORMERR] = STAT_formerr,
		[RCODE_SERVFAIL] = STAT_servfail, [RCODE_NXDOMAIN] = STAT_nxdomain,
		[RCODE_NOTIMP] = STAT_notimp,	  [RCODE_REFUSED] = STAT_refused,
		[RCODE_YXDOMAIN] = STAT_yxdomain, [RCODE_BADVERS] = STAT_badvers,
	};

	stats_add(stats, counter[rcode], 1);
}

static void
finish(struct answering *a, unsigned opt_len)
{
	struct query *q = a->q;

	if (opt_len > 0) {
		stats_add(a->stats, STAT_edns, 1);
		if (q->flags & QUERY_DO)
			stats_add(a->stats, STAT_edns_do, 1);
		edns_add(&a->response, q, a->options, opt_len, a->rcode);
	}
	if (a->truncated)
		stats_add(a->stats, STAT_truncated, 1);
	count_rcode(a->stats, a->rcode);
	write_header(a);
	q->response_len = a->response.at;
}

static void
answer_one(struct query *q, struct stage *stage, const struct zone_store *store,
	   const struct answer_options *options, struct stats_block *stats)
{
	struct answering a;
	unsigned opt_len = edns_len(q, options);

	a.q = q;
	a.store = store;
	a.options = options;
	a.stats = stats;
	a.chain_len = a.proof_count = 0;
	a.has_additional = a.authoritative = a.truncated = false;
	a.rcode = q->rcode;
	a.response.packet = q->packet;
	a.response.dnssec = q->flags & QUERY_DO;
	a.response.limit = q->limit - opt_len;
	drop_sections(&a);
	if (q->verdict == QUERY_LOOKUP) {
		answer_lookup(&a, stage);
	} else if (q->verdict == QUERY_CHAOS) {
		stats_add(stats, STAT_chaos, 1);
		chaos_answer(&a);
	}
	finish(&a, opt_len);
}

/* ---- the stages ---- */

static inline void
stage_fetch_zone(struct query *q, struct stage *stage, const struct zone_store *store)
{
	stage->zone_depth = -1;
	stage->has_owner = false;
	if (q->verdict != QUERY_LOOKUP)
		return;
	query_hash_labels(q, &store->gen.head.seed);
	stage->zone_depth = zone_candidate_depth(store, q->label_count);
	if (stage->zone_depth < 0)
		return;
	stage->fetch.hash = name_hash_key(&store->gen.head.seed, q->state[stage->zone_depth],
					  CATALOGUE_ID);
	zone_store_prefetch(store, stage->fetch.hash);
}

/* The zone at the first depth that was tried, else at the next ones up. */
static inline enum lookup_result
stage_take_zone(const struct query *q, struct stage *stage, const struct zone_store *store)
{
	unsigned depth = (unsigned)stage->zone_depth;
	enum lookup_result found;

	found = lookup_fetched(store, stage->fetch.hash, stage->fetch.off, CATALOGUE_ID,
			       query_suffix(q, depth), query_suffix_len(q, depth),
			       &stage->zone.apex);
	if (found == LOOKUP_FOUND)
		return zone_open(&stage->zone, depth) ? LOOKUP_FOUND : LOOKUP_DAMAGED;
	if (found == LOOKUP_DAMAGED || depth == 0)
		return found;
	return zone_find(store, q, depth - 1, &stage->zone);
}

static inline void
stage_fetch_owner(const struct query *q, struct stage *stage, const struct zone_store *store)
{
	stage->found = LOOKUP_MISSING;
	if (stage->zone_depth < 0)
		return;
	stage->found = stage_take_zone(q, stage, store);
	if (stage->found != LOOKUP_FOUND || stage->zone.labels == q->label_count)
		return;
	stage->fetch.hash = name_hash_key(&store->gen.head.seed, q->state[q->label_count],
					  stage->zone.facts->zone_id);
	stage->has_owner = true;
	zone_store_prefetch(store, stage->fetch.hash);
}

/* Count and mark what is not answered. */
static void
drop(struct query *q, struct stats_block *stats)
{
	q->response_len = 0;
	stats_add(stats, q->received_len < QUERY_HEADER_LEN ? STAT_dropped_short
							     : STAT_dropped_response, 1);
}

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *options, struct stats_block *stats)
{
	struct stage stages[ANSWER_BATCH];

	for (unsigned i = 0; i < count; i++)
		query_decode(&queries[i], options->udp_size);
	for (unsigned i = 0; i < count; i++)
		stage_fetch_zone(&queries[i], &stages[i], store);
	for (unsigned i = 0; i < count; i++)
		if (stages[i].zone_depth >= 0)
			stages[i].fetch.off = lookup_fetch_node(store, stages[i].fetch.hash,
								APEX_LINES);
	for (unsigned i = 0; i < count; i++)
		stage_fetch_owner(&queries[i], &stages[i], store);
	for (unsigned i = 0; i < count; i++)
		if (stages[i].has_owner)
			stages[i].fetch.off = lookup_fetch_node(store, stages[i].fetch.hash,
								LOOKUP_NODE_LINES);
	for (unsigned i = 0; i < count; i++) {
		if (queries[i].verdict == QUERY_DROP)
			drop(&queries[i], stats);
		else
			answer_one(&queries[i], &stages[i], store, options, stats);
	}
}
