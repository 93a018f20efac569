/* The stages of a batch, and the frame around each answer: header, OPT, counters. */
#include "worker/answer.h"

#include <string.h>

#include "shm/wire.h"
#include "worker/additional.h"
#include "worker/answer_fast.h"
#include "worker/answering.h"
#include "worker/chaos.h"
#include "worker/cookie.h"
#include "worker/denial.h"
#include "worker/edns.h"
#include "worker/isolation.h"
#include "worker/limit.h"
#include "worker/probes.h"
#include "worker/resolve.h"
#include "worker/rrl.h"
#include "worker/stage.h"
#include "worker/stage_clock.h"
#include "worker/tsig.h"

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
	trace_value(a->options->trace, TRACE_END, step);
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
	case STEP_UNRESOLVED:
		stats_add(a->stats, STAT_aname_unresolved, 1);
		give_up(a, RCODE_SERVFAIL);
		a->extended_error = EDE_NO_REACHABLE_AUTHORITY;
		return;
	case STEP_FAILED:
		give_up(a, RCODE_SERVFAIL);
		a->extended_error = EDE_INVALID_DATA;
		return;
	}
}

static void
answer_lookup(struct answering *a, const struct stage *stage)
{
	struct owner_fetch owner = { stage->hash, stage->off };
	struct zone zone;
	enum step step;

	if (stage->status == STAGE_NO_ZONE) {
		trace_name(a->options->trace, TRACE_NO_ZONE, 0, a->q->name,
			   a->q->name_len);
		a->rcode = RCODE_REFUSED;
		a->extended_error = EDE_NOT_AUTHORITATIVE;
		return;
	}
	if (stage->status == STAGE_DAMAGED) {
		conclude(a, STEP_DAMAGED);
		return;
	}
	zone.apex.bytes = stage->apex;
	memcpy(&zone.apex.head, stage->apex, sizeof zone.apex.head);
	/* the straight path has seen facts there, not that they lie within the node */
	if (!zone_open(&zone, stage->zone_labels)) {
		conclude(a, STEP_DAMAGED);
		return;
	}
	trace_node(a->options->trace, TRACE_ZONE, zone.labels, &zone.apex);
	/* cppcheck-suppress autoVariables ; `a` is not looked at behind this function */
	a->zone = &zone;
	a->owner = stage->status == STAGE_BELOW_APEX ? &owner : NULL;
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

	header[2] =
		(uint8_t)(FLAG_QR | (header[2] & (FLAG_OPCODE | FLAG_RD)) |
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
		[RCODE_NOERROR] = STAT_noerror,   [RCODE_FORMERR] = STAT_formerr,
		[RCODE_SERVFAIL] = STAT_servfail, [RCODE_NXDOMAIN] = STAT_nxdomain,
		[RCODE_NOTIMP] = STAT_notimp,     [RCODE_REFUSED] = STAT_refused,
		[RCODE_YXDOMAIN] = STAT_yxdomain, [RCODE_NOTAUTH] = STAT_notauth,
		[RCODE_BADVERS] = STAT_badvers,
	};

	stats_add(stats, counter[rcode], 1);
}

static void
add_opt(struct answering *a, unsigned len)
{
	if (len == 0)
		return;
	stats_add(a->stats, STAT_edns, 1);
	if (a->q->flags & QUERY_DO)
		stats_add(a->stats, STAT_edns_do, 1);
	a->q->scope_len = a->scope_len;
	edns_add(&a->response, a->q, a->options, len, a->rcode, a->extended_error,
		 a->scope_len);
}

static void
finish(struct answering *a)
{
	struct query *q = a->q;

	if (a->truncated)
		stats_add(a->stats, STAT_truncated, 1);
	count_rcode(a->stats, a->rcode);
	write_header(a);
	q->response_len = a->response.at;
}

/* OPT is written over the query's TSIG, the error about that behind it. */
static void
finish_notauth(struct answering *a, unsigned opt_len)
{
	struct tsig_error error;

	tsig_make_error(a->q, &error);
	add_opt(a, opt_len);
	a->response.limit += opt_len; /* its room was kept free */
	tsig_add_error(&a->response, &error);
	finish(a);
}

/* What is wrong only for who honours it: a subnet (RFC 7871, section 7.1.2), a cookie
 * (RFC 7873, section 5.2.2), and a cookie instead of a question (section 5.4). */
static bool
is_malformed(const struct query *q, const struct answer_options *options)
{
	if (q->verdict == QUERY_ERROR)
		return q->rcode == RCODE_NOERROR && !options->cookies;
	return (options->ecs && (q->flags & QUERY_ECS_BAD)) ||
	       (options->cookies && (q->flags & QUERY_COOKIE_BAD));
}

static void
answer_one(struct query *q, const struct stage *stage, const struct zone_store *store,
	   const struct answer_options *options, struct stats_block *stats)
{
	struct answering a;
	unsigned opt_len = edns_len(q, options);

	PROBE3(general, q->packet, q->received_len, q->verdict);
	a.q = q;
	a.store = store;
	a.options = options;
	a.stats = stats;
	q->source = SOURCE_OWNER;
	a.chain_len = a.proof_count = 0;
	a.has_additional = a.authoritative = a.truncated = false;
	a.flat.is_on = a.flat.is_given_up = false;
	a.rcode = q->rcode;
	a.extended_error = a.scope_len = 0;
	a.response.packet = q->packet;
	a.response.dnssec = q->flags & QUERY_DO;
	a.response.limit = q->limit - opt_len;
	drop_sections(&a);
	if (is_malformed(q, options)) {
		a.rcode = RCODE_FORMERR;
	} else if (q->verdict == QUERY_LOOKUP) {
		query_place_question(q);
		answer_lookup(&a, stage);
	} else if (q->verdict == QUERY_CHAOS) {
		stats_add(stats, STAT_chaos, 1);
		chaos_answer(&a);
	} else if (a.rcode == RCODE_NOTIMP) {
		a.extended_error = EDE_NOT_SUPPORTED;
	}
	if (a.rcode == RCODE_NOTAUTH) {
		finish_notauth(&a, opt_len);
		return;
	}
	add_opt(&a, opt_len);
	finish(&a);
}

/* ---- a batch ---- */

/* Count and mark what is not answered. */
static void
drop(struct query *q, struct stats_block *stats)
{
	q->response_len = 0;
	stats_add(stats,
		  q->received_len < QUERY_HEADER_LEN ? STAT_dropped_short
						     : STAT_dropped_response,
		  1);
}

/* Answer those of a batch whose bits are set in `which`, whatever they are: the others were
 * by the straight path. */
static void
answer_general(struct query *queries, const struct stage *stages, uint64_t which,
	       const struct zone_store *store, const struct answer_options *options,
	       struct stats_block *stats)
{
	if (which)
		stage_clock_enter(options->clock, STAGE_GENERAL,
				  (unsigned)__builtin_popcountll(which));
	for (; which; which &= which - 1) {
		unsigned i = (unsigned)__builtin_ctzll(which);

		if (queries[i].verdict == QUERY_DROP)
			drop(&queries[i], stats);
		else
			answer_one(&queries[i], &stages[i], store, options, stats);
	}
}

/* Take a batch through its stages; clients over their limits are refused, and queries of
 * zones that must be kept down are shed.
 * returns those that are to be answered, as bits. */
static uint64_t
stage_limited(struct query *queries, struct stage *stages, unsigned count,
	      const struct zone_store *store, const struct answer_options *options,
	      struct stats_block *stats)
{
	struct limiter *limiter = options->limiter;
	uint64_t which = ~UINT64_C(0);

	if (limiter && limiter->limits_clients)
		limit_fetch_clients(limiter, queries, count);
	stage_batch(queries, stages, count, store, options->udp_size);
	if (limiter)
		stage_clock_enter(options->clock, STAGE_LIMIT, count);
	if (options->cookies)
		cookie_take(options->cookies, queries, count, stats);
	if (limiter && limiter->limits_clients)
		which = ~limit_clients(limiter, queries, count, stats);
	if (isolation_is_on(options->isolation) && !(queries->flags & QUERY_TCP))
		which &= ~isolation_shed(options->isolation, queries, stages, count,
					 store, stats);
	if (limiter && limiter->limits_responses)
		rrl_begin(limiter, queries, stages, count);
	stage_clock_enter(options->clock, STAGE_ANSWER, count);
	return which;
}

/* What the straight path has left. */
static void
answer_left(struct query *queries, const struct stage *stages, uint64_t which,
	    const struct zone_store *store, const struct answer_options *options,
	    struct stats_block *stats)
{
	bool is_measured = which != 0 && isolation_is_on(options->isolation) &&
			   !(queries->flags & QUERY_TCP);

	if (is_measured)
		isolation_begin_general(options->isolation);
	answer_general(queries, stages, which, store, options, stats);
	if (is_measured)
		isolation_end_general(options->isolation, which);
}

static void
limit_responses(struct query *queries, unsigned count,
		const struct answer_options *options, struct stats_block *stats)
{
	if (!options->limiter || !options->limiter->limits_responses)
		return;
	stage_clock_enter(options->clock, STAGE_LIMIT, count);
	rrl_limit(options->limiter, queries, count, options->udp_size, stats);
}

void
answer_batch(struct query *queries, unsigned count, const struct zone_store *store,
	     const struct answer_options *options, struct stats_block *stats)
{
	struct stage stages[ANSWER_BATCH];
	uint64_t which = stage_limited(queries, stages, count, store, options, stats);

	which &= answer_fast(queries, stages, count, store, options, stats);
	answer_left(queries, stages, which, store, options, stats);
	limit_responses(queries, count, options, stats);
}

void
answer_batch_general(struct query *queries, unsigned count,
		     const struct zone_store *store, const struct answer_options *options,
		     struct stats_block *stats)
{
	struct stage stages[ANSWER_BATCH];
	uint64_t which;

	if (count == 0)
		return;
	which = stage_limited(queries, stages, count, store, options, stats);
	which &= ~UINT64_C(0) >> (ANSWER_BATCH - count);
	answer_general(queries, stages, which, store, options, stats);
	limit_responses(queries, count, options, stats);
}
