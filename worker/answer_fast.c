/* The straight path: what is answered, and with what. */
#include "worker/answer_fast.h"

#include "worker/fast_denial.h"
#include "worker/fast_find.h"
#include "worker/fast_put.h"
#include "worker/fast_steered.h"
#include "worker/fast_subnet.h"
#include "worker/fast_targets.h"
#include "worker/fast_wait.h"
#include "worker/query_common.h"
#include "worker/stage_clock.h"

enum { STEER_TIMED = 16 };

_Static_assert(ANSWER_BATCH <= 64, "a batch fits a word of bits");

/* ---- a name or type that is not there ---- */

/* Does what is not there have to be proved? */
static inline bool
wants_proof(const struct query *q, const struct stage *stage)
{
	return (q->flags & QUERY_DO) && (stage->facts->flags & ZONE_SIGNED);
}

/* Put the zone's negative SOA, which stands behind its facts.  (Always inlined: a call is
 * dear where most of the answer is this.) */
__attribute__((always_inline)) static inline bool
put_negative_soa(struct query *q, const struct stage *stage, struct sealed_taken *soa)
{
	const struct sealed_block *block =
		(const struct sealed_block *)(stage->facts + 1);
	unsigned apex_at = QUERY_HEADER_LEN + (unsigned)stage->zone_start;

	if (block->head.kind != BLOCK_NEGATIVE_SOA ||
	    !sealed_take_rrset(fast_apex(stage), block, q->flags & QUERY_DO, soa) ||
	    !fast_put_rrset(q, soa))
		return false;
	return apex_at == QUERY_HEADER_LEN ||
	       fast_set_soa_pointers(q->packet + q->question_end, q->question_end, soa,
				     apex_at);
}

/* Answer with it alone. */
__attribute__((always_inline)) static inline bool
answer_negative(struct fast *f, struct query *q, const struct stage *stage, uint8_t rcode)
{
	struct sealed_taken soa;

	if (!put_negative_soa(q, stage, &soa))
		return false;
	fast_finish(f, q, q->question_end + soa.len, rcode, 0, soa.records, 0);
	return true;
}

/* Answer with it and with proofs, which are waited for. */
__attribute__((noinline)) static bool
deny(struct fast *f, struct query *q, const struct stage *stage,
     enum fast_denial_kind kind, const struct sealed_node *encloser, unsigned labels)
{
	struct fast_denial denial = { .q = q,
				      .stage = stage,
				      .encloser = encloser,
				      .labels = (uint8_t)labels,
				      .kind = (uint8_t)kind };
	struct sealed_taken soa;

	if (!put_negative_soa(q, stage, &soa))
		return false;
	denial.at = q->question_end + soa.len;
	denial.authority = soa.records;
	return fast_deny(f, &denial);
}

/* ---- a CNAME ---- */

/* The octets of labels in the rdata of a CNAME that end in a pointer to the apex; -1 for
 * any other. */
static inline int
cname_prefix_len(const struct sealed_taken *cname)
{
	unsigned wire_len = cname->rrset->head.wire_len;
	struct rrset_patch patch;

	if (cname->rrset->head.patch_count != 1 || cname->rrset->head.rr_count != 1 ||
	    wire_len < RECORD_RDATA_AT + 2u || wire_len > RECORD_RDATA_AT + DNAME_MAX)
		return -1;
	memcpy(&patch, sealed_rrset_patches(cname), sizeof patch);
	if (patch.to >> PATCH_KIND_SHIFT != PATCH_APEX || patch.at + 2u != wire_len)
		return -1;
	return patch.at - RECORD_RDATA_AT;
}

/* The name's own CNAME, and what was asked for at the name in this zone that it leads to,
 * when nothing can stand in between. */
__attribute__((noinline)) static bool
answer_cname(struct fast *f, struct query *q, const struct stage *stage,
	     const struct sealed_node *node)
{
	unsigned owner_at = QUERY_HEADER_LEN + (unsigned)stage->zone_start, at, records,
		 labels;
	const struct sealed_block *block =
		sealed_find_rrset(node, sealed_blocks(node), TYPE_CNAME);
	uint8_t prefix[DNAME_MAX + 1 + 2 * LOWER_STEP];
	struct sealed_taken cname;
	int prefix_len;

	if (!block || !sealed_take_rrset(node, block, q->flags & QUERY_DO, &cname) ||
	    !fast_put_rrset(q, &cname) || q->type == TYPE_DS)
		return false;
	prefix_len = cname_prefix_len(&cname);
	if (prefix_len < 0)
		return false;
	if (prefix_len > 0)
		copy_lowered(prefix, sealed_rrset_wire(&cname) + RECORD_RDATA_AT,
			     (size_t)prefix_len);
	if (fast_find_prefix(f, q, stage, prefix, (unsigned)prefix_len, &labels, &node) !=
		    LOOKUP_FOUND ||
	    f->store->deepest_apex[stage->zone_labels + labels] != stage->zone_labels ||
	    fast_obstacle_depths(stage, stage->zone_labels + labels) ||
	    (node->head.flags & NODE_HAS_NS))
		return false;
	if (prefix_len > 0)
		owner_at = q->question_end + RECORD_RDATA_AT;
	block = sealed_find_rrset(node, sealed_blocks(node), q->type);
	at = q->question_end + cname.len;
	records = cname.records;
	if (!block || ((const struct sealed_rrset *)(block + 1))->head.target_count > 0 ||
	    !fast_append_rrset(q, node, block, owner_at, &at, &records))
		return false;
	fast_finish(f, q, at, RCODE_NOERROR, records, 0, 0);
	return true;
}

/* ---- what is found ---- */

/* Answer with the name's own NSEC. */
__attribute__((noinline)) static bool
answer_nodata_by_own(struct fast *f, struct query *q, const struct stage *stage,
		     const struct sealed_node *node)
{
	struct sealed_taken soa;
	unsigned at, records;

	if (!put_negative_soa(q, stage, &soa))
		return false;
	at = q->question_end + soa.len;
	records = soa.records;
	if (!fast_put_proof(q, stage, node, &at, &records))
		return false;
	fast_finish(f, q, at, RCODE_NOERROR, 0, records, 0);
	f->nodata++;
	return true;
}

/* From the node of the name; or of a wildcard: then not `is_own`. */
__attribute__((noinline)) static bool
answer_nodata(struct fast *f, struct query *q, const struct stage *stage,
	      const struct sealed_node *node, bool is_own)
{
	if (wants_proof(q, stage)) {
		if (!is_own)
			return false;
		if (!fast_uses_nsec3(stage) &&
		    sealed_find_rrset(node, sealed_blocks(node), TYPE_NSEC))
			return answer_nodata_by_own(f, q, stage, node);
		return deny(f, q, stage, FAST_NO_TYPE, node, q->label_count);
	}
	if (!answer_negative(f, q, stage, RCODE_NOERROR))
		return false;
	f->nodata++;
	return true;
}

__attribute__((noinline)) static bool
put_off_steering(struct fast *f, struct query *q, const struct stage *stage,
		 const struct sealed_node *node)
{
	f->steering[f->steering_count++] = (struct fast_steering){ q, stage, node };
	return true;
}

/* The node has no plain RRset of the type, but a steered one, or an ANAME, of some. */
__attribute__((noinline)) static bool
answer_special(struct fast *f, struct query *q, const struct stage *stage,
	       const struct sealed_node *node, bool is_own)
{
	const struct sealed_block *block =
		sealed_find_block(node, sealed_blocks(node), BLOCK_STEERED, q->type);

	/* more is done with the answer of a wildcard */
	if (block && f->times_steering && is_own)
		return put_off_steering(f, q, stage, node);
	if (block)
		return fast_answer_steered(f, q, node, block);
	return !(node->head.flags & (NODE_HAS_ANAME | NODE_HAS_CNAME)) &&
	       !sealed_may_be_bad(node, q->type) &&
	       answer_nodata(f, q, stage, node, is_own);
}

/* Answer from the node of the name, or of a wildcard: then not `is_own`.  RRsets are looked
 * for from `first_block` on. */
__attribute__((always_inline)) static inline bool
answer_node(struct fast *f, struct query *q, const struct stage *stage,
	    const struct sealed_node *node, const uint8_t *first_block, bool is_own)
{
	const struct sealed_block *block = sealed_find_rrset(node, first_block, q->type);
	struct sealed_taken rrset;

	if (!block) {
		if (q->type == TYPE_ANY || q->type == TYPE_RRSIG)
			return false;
		if (node->head.flags & (NODE_HAS_STEERED | NODE_HAS_ANAME))
			return answer_special(f, q, stage, node, is_own);
		if (sealed_may_be_bad(node, q->type))
			return false;
		if (node->head.flags & NODE_HAS_CNAME)
			return is_own && !(stage->facts->flags & ZONE_FLATTENED) &&
			       answer_cname(f, q, stage, node);
		return answer_nodata(f, q, stage, node, is_own);
	}
	if (!sealed_take_rrset(node, block, q->flags & QUERY_DO, &rrset) ||
	    !fast_put_rrset(q, &rrset) || (!is_own && rrset.rrset->head.patch_count > 0))
		return false;
	if (rrset.rrset->head.target_count > 0)
		return fast_answer_with_targets(f, q, stage, node, &rrset);
	fast_finish(f, q, q->question_end + rrset.len, RCODE_NOERROR, rrset.records, 0,
		    0);
	return true;
}

/* The same with the denial of a closer match. */
static inline bool
answer_expansion(struct fast *f, struct query *q, const struct stage *stage,
		 const struct sealed_node *node, const struct sealed_node *encloser,
		 unsigned encloser_labels)
{
	const struct sealed_block *block =
		sealed_find_rrset(node, sealed_blocks(node), q->type);
	struct fast_denial denial = { .q = q,
				      .stage = stage,
				      .encloser = encloser,
				      .labels = (uint8_t)encloser_labels,
				      .kind = FAST_EXPANSION };
	struct sealed_taken rrset;

	if (!block || !sealed_take_rrset(node, block, true, &rrset) ||
	    rrset.rrset->head.patch_count > 0 || rrset.rrset->head.target_count > 0 ||
	    !fast_put_rrset(q, &rrset))
		return false;
	denial.at = q->question_end + rrset.len;
	denial.answers = rrset.records;
	return fast_deny(f, &denial);
}

/* Answer from the node of a wildcard below `encloser`. */
__attribute__((noinline)) static bool
answer_wildcard(struct fast *f, struct query *q, const struct stage *stage,
		const struct sealed_node *node, const struct sealed_node *encloser,
		unsigned encloser_labels)
{
	bool is_proved = wants_proof(q, stage);

	if (!(is_proved ? answer_expansion(f, q, stage, node, encloser, encloser_labels)
			: answer_node(f, q, stage, node, sealed_blocks(node), false)))
		return false;
	f->wildcards += !is_proved;
	q->closest = (const uint8_t *)encloser;
	query_set_source(q, SOURCE_WILDCARD, encloser_labels);
	return true;
}

static inline bool
answer_nxdomain(struct fast *f, struct query *q, const struct stage *stage,
		const struct sealed_node *encloser, unsigned encloser_labels)
{
	q->closest = (const uint8_t *)encloser;
	if (wants_proof(q, stage))
		return deny(f, q, stage, FAST_NO_NAME, encloser, encloser_labels);
	if (!answer_negative(f, q, stage, RCODE_NXDOMAIN))
		return false;
	f->nxdomain++;
	return true;
}

/* The name has no node: find its closest encloser (see descend.c). */
__attribute__((noinline)) static bool
answer_missing(struct fast *f, struct query *q, const struct stage *stage)
{
	unsigned labels = stage->zone_labels, missing = q->label_count;
	uint64_t depths = fast_obstacle_depths(stage, missing);
	const struct sealed_node *encloser = fast_apex(stage), *node;

	if (depths && (missing > 63 || !fast_pass_depths(f, q, stage, depths, &encloser,
							 &labels, &missing)))
		return false;
	while (missing - labels > 1) {
		unsigned middle = labels + (missing - labels) / 2;

		switch (fast_find_suffix(f, q, stage, middle, &node)) {
		case LOOKUP_FOUND:
			encloser = node;
			labels = middle;
			break;
		case LOOKUP_MISSING:
			missing = middle;
			break;
		case LOOKUP_DAMAGED:
			return false;
		}
	}
	if (encloser->head.flags & NODE_HAS_WILDCARD)
		return fast_find_wildcard(f, q, stage, labels, &node) &&
		       answer_wildcard(f, q, stage, node, encloser, labels);
	return answer_nxdomain(f, q, stage, encloser, labels);
}

/* The name has no node.  Its parent most often has, which may be the apex: wait for it, and
 * for a wildcard there. */
__attribute__((noinline)) static bool
answer_absent(struct fast *f, struct query *q, const struct stage *stage)
{
	const struct hash_seed *seed = &f->store->gen.head.seed;
	unsigned parent = q->label_count - 1u;
	struct fast_waiting *w;

	if (parent == stage->zone_labels && !fast_obstacle_depths(stage, parent + 1) &&
	    !(fast_apex(stage)->head.flags & NODE_HAS_WILDCARD))
		return answer_nxdomain(f, q, stage, fast_apex(stage), parent);
	w = fast_prepare_wait(f, q, stage);
	if (parent != stage->zone_labels)
		fast_begin(f, &w->fetch[0],
			   name_hash_key(seed, q->state[parent], stage->facts->zone_id));
	fast_begin(f, &w->fetch[1], fast_hash_wildcard(f, q, stage, parent));
	f->waiting_count++;
	return true;
}

/* The same once they have come. */
static inline bool
answer_below_parent(struct fast *f, const struct fast_waiting *w)
{
	const struct stage *stage = w->stage;
	struct query *q = w->q;
	unsigned parent = q->label_count - 1u;
	const struct sealed_node *encloser = fast_apex(stage), *node;
	uint8_t name[2 + DNAME_MAX + FAST_COPY_STEP];

	if (parent != stage->zone_labels)
		encloser = fast_fetched(f, stage, &w->fetch[0], query_suffix(q, parent),
					query_suffix_len(q, parent));
	if (!encloser || fast_obstacle_depths(stage, parent) ||
	    (encloser->head.flags & (NODE_HAS_NS | NODE_HAS_DNAME)))
		return answer_missing(f, q, stage);
	if (!(encloser->head.flags & NODE_HAS_WILDCARD))
		return answer_nxdomain(f, q, stage, encloser, parent);
	node = fast_fetched(f, stage, &w->fetch[1], name,
			    fast_spell_wildcard(q, parent, name));
	return node ? answer_wildcard(f, q, stage, node, encloser, parent)
		    : answer_missing(f, q, stage);
}

/* The node was not where it was looked for.  returns it; or NULL, and *done says whether
 * the query was answered. */
__attribute__((noinline)) static const struct sealed_node *
look_further(struct fast *f, struct query *q, const struct stage *stage, bool *done)
{
	const struct sealed_node *node = NULL;
	enum lookup_result found =
		fast_find_further(f, stage, stage->hash, q->name, q->name_len, &node);

	if (found == LOOKUP_FOUND)
		return node;
	*done = found == LOOKUP_MISSING && answer_absent(f, q, stage);
	return NULL;
}

static inline bool
answer_query(struct fast *f, struct query *q, unsigned slot, const struct stage *stage)
{
	const struct sealed_node *node;
	const uint8_t *first_block;

	if (__builtin_expect(q->common != QUERY_COMMON, 0) &&
	    !fast_take_options(f, q, slot))
		return false;
	if (!stage->is_sealed || (stage->facts->flags & ZONE_BROKEN))
		return false;
	node = fast_apex(stage);
	first_block = (const uint8_t *)(stage->facts + 1);
	if (stage->status == STAGE_BELOW_APEX) {
		bool is_live = lookup_may_be_live(f->store, stage->hash);

		node = NULL;
		if (!is_live)
			node = sealed_node_at(&f->store->gen, stage->off,
					      stage->facts->zone_id, q->name, q->name_len,
					      stage->zone_start);
		if (__builtin_expect(!node, 0)) {
			bool done;

			if (!is_live && stage->off == LOOKUP_NOWHERE)
				return answer_absent(f, q, stage);
			node = look_further(f, q, stage, &done);
			if (!node)
				return done;
		}
		if ((node->head.flags & NODE_HAS_NS) || !fast_is_clear(f, q, stage))
			return false;
		first_block = sealed_blocks(node);
	} else if (q->type == TYPE_DS) {
		return false; /* it is the parent's */
	}
	q->closest = (const uint8_t *)node;
	return answer_node(f, q, stage, node, first_block, true);
}

/* ---- a batch ---- */

/* returns those that are left to the general path, as bits. */
static uint64_t
answer_waiting(struct fast *f)
{
	uint64_t left = 0;

	fast_fetch_waiting(f);
	f->may_wait = false;
	for (unsigned i = 0; i < f->waiting_count; i++) {
		const struct fast_waiting *w = &f->waiting[i];

		if (!(w->targets ? fast_answer_fetched(f, w) : answer_below_parent(f, w)))
			left |= UINT64_C(1) << (w->q - f->queries);
	}
	return left;
}

/* Answer those that wait for proofs.  returns the same. */
static uint64_t
answer_denials(struct fast *f)
{
	struct fast_enclosing enclosing[FAST_ENCLOSERS] = { { .encloser = NULL } };
	uint64_t left = 0;

	if (f->denial_count == 0)
		return 0;
	f->enclosing = enclosing;
	fast_find_members(f);
	for (unsigned i = 0; i < f->denial_count; i++) {
		const struct fast_denial *d = &f->denials[i];

		if (!fast_answer_denial(f, d))
			left |= UINT64_C(1) << (d->q - f->queries);
	}
	return left;
}

/* Choose for those that have steered RRsets: a stage of its own.  returns the same. */
static uint64_t
answer_steering(struct fast *f)
{
	uint64_t left = 0;

	if (f->steering_count == 0)
		return 0;
	stage_clock_enter(f->options->clock, STAGE_STEER, f->steering_count);
	f->times_steering = false;
	for (unsigned i = 0; i < f->steering_count; i++) {
		const struct fast_steering *s = &f->steering[i];

		if (!answer_special(f, s->q, s->stage, s->node, true))
			left |= UINT64_C(1) << (s->q - f->queries);
	}
	return left;
}

static void
flush_counts(const struct fast *f, unsigned answered)
{
	stats_add(f->stats, STAT_noerror, answered - f->nxdomain);
	stats_add(f->stats, STAT_nxdomain, f->nxdomain);
	stats_add(f->stats, STAT_nodata, f->nodata);
	stats_add(f->stats, STAT_wildcard_answers, f->wildcards);
	stats_add(f->stats, STAT_steered, f->steered);
	stats_add(f->stats, STAT_edns, f->with_opt[0] + f->with_opt[1]);
	stats_add(f->stats, STAT_edns_do, f->with_opt[1]);
}

/* For one batch in STEER_TIMED: apart, it costs more. */
static bool
times_steering(struct stage_clock *clock)
{
	return clock && clock->batches++ % STEER_TIMED == 0;
}

uint64_t
answer_fast(struct query *queries, const struct stage *stages, unsigned count,
	    const struct zone_store *store, const struct answer_options *options,
	    struct stats_block *stats)
{
	struct fast_waiting waiting[ANSWER_BATCH + 1];
	struct fast_steering steering[ANSWER_BATCH];
	struct fast_denial denials[ANSWER_BATCH];
	struct fast f = { .store = store,
			  .options = options,
			  .stats = stats,
			  .queries = queries,
			  .waiting = waiting,
			  .steering = steering,
			  .denials = denials,
			  .may_wait = true,
			  .times_steering = times_steering(options->clock) };
	uint64_t left = 0;

	for (unsigned dnssec = 0; dnssec < 2; dnssec++)
		edns_put_plain(f.opt[dnssec], options->udp_size, dnssec, RCODE_NOERROR);
	for (unsigned i = 0; i < count; i++)
		if (!answer_query(&f, &queries[i], i, &stages[i]))
			left |= UINT64_C(1) << i;
	left |= answer_waiting(&f);
	left |= answer_denials(&f);
	left |= answer_steering(&f);
	fast_put_cookies(&f, left);
	fast_put_subnets(&f, left);
	flush_counts(&f, count - (unsigned)__builtin_popcountll(left));
	return left;
}
