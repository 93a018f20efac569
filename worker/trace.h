/* What the general path did for one query, as plain events in the order in which they came:
 * the input of `martletctl explain` (master/explain/).  Nothing is formatted here.
 *
 * Workers have no trace: `trace` is NULL in answer_options and in struct steerer, and a call
 * costs one test that is never met.  A step records itself by one call of a function below,
 * once it is decided:
 *
 *	trace_node(a->options->trace, TRACE_MET, met, &d->node);
 *	steer_run_trace(run, TRACE_COUNTRY, how);	(worker/steer_run.h)
 *
 * For a new kind of step: a row in enum trace_kind or enum trace_step_name that says which
 * members it sets, the call, and its text in master/explain/.  Pointers are borrowed from the store
 * until it is renewed; what does not live so long (names, facts of geo_find) is copied. */
#ifndef WORKER_TRACE_H
#define WORKER_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/node.h"
#include "worker/client_place.h"
#include "worker/geo.h"

enum { TRACE_MAX = 256, TRACE_SET_WORDS = 4 };

/* Behind each: what `value` is, and which other members are set. */
enum trace_kind {
	/* ---- finding: trace_node where a node is set, else trace_name ---- */
	TRACE_ZONE = 1,			/* its labels; name and node of the apex */
	TRACE_NO_ZONE,			/* 0; name that is in no zone here */
	TRACE_MET,			/* enum meeting; name and node at the end of the way */
	TRACE_WILDCARD,			/* enum lookup_result; name, node if it is there */
	TRACE_TARGET,			/* enum lookup_result; name whose addresses go into the
					 * additional section, node if it is there */
	TRACE_FOLLOW,			/* RR type of the alias; name that is next */
	TRACE_PROOF,			/* NSEC or NSEC3; node whose record is a proof of denial */

	/* ---- what is answered: trace_block, trace_value ---- */
	TRACE_BLOCK,			/* RR type asked for; block that answers it */
	TRACE_STEERED,			/* enum section; block, of which records are chosen */
	TRACE_LOOP,			/* 0: the alias was followed before */
	TRACE_TOO_LONG,			/* 0: the chain is */
	TRACE_NODATA, TRACE_NXDOMAIN,	/* 0 */
	TRACE_REFERRAL,			/* 0 */
	TRACE_ANY,			/* 1: every RRset of the name, 0: the first one alone */
	TRACE_SIGNATURES,		/* 0: those of the name, which were asked for */
	TRACE_END,			/* enum step */

	/* ---- who asks: trace_client, trace_facts ---- */
	TRACE_CLIENT,			/* 0; client */
	TRACE_GEO,			/* 0; facts, about the client */

	/* ---- choosing, each between TRACE_STEERED and TRACE_CHOSEN ---- */
	TRACE_STEP,			/* enum trace_step_name; how, left */
	TRACE_DRAW,			/* candidate that is first; drawn, bound */
	TRACE_CHOSEN,			/* count of records; left: which of them, as bits */
	TRACE_SCOPE,			/* scope of the answer; place_len */

	/* ---- ANAME: trace_name ---- */
	TRACE_ANAME,			/* 1: target is served here; name of the target */
};

/* Steps of the chain (worker/steer.h). */
enum trace_step_name {
	TRACE_HEALTH = 0, TRACE_FALLBACK, TRACE_SUBNET, TRACE_ASN, TRACE_REGION, TRACE_COUNTRY,
	TRACE_CONTINENT, TRACE_NEAREST, TRACE_STICKY,
};

/* What a step did. */
enum trace_how {
	TRACE_MATCHED = 0,		/* those that match are left */
	TRACE_DEFAULT,			/* none matches: those that are the default */
	TRACE_KEPT_ALL,			/* neither: all that were left, by no_match or policy */
	TRACE_KEPT_NONE,		/* neither: none, by no_match or policy */
	TRACE_SKIPPED,			/* left out: what it goes by is not known */
};

struct trace_event {
	uint8_t kind;			/* enum trace_kind */
	uint8_t how;			/* enum trace_how */
	uint8_t name_len;		/* 0: no name */
	uint8_t place_len;		/* 0..128, as in struct geo_facts */
	bool has_node;
	uint64_t value;
	uint64_t drawn, bound;		/* 0 <= drawn < bound; bound 0: nothing was drawn */
	uint64_t left[TRACE_SET_WORDS];	/* candidates, a bit each */
	struct node node;		/* borrowed */
	struct block block;		/* borrowed; payload NULL: none */
	struct client_place client;
	struct geo_facts facts;
	uint8_t name[DNAME_MAX];
};

struct trace {
	unsigned count;
	bool is_full;			/* more came than there is room for */
	struct trace_event events[TRACE_MAX];
};

/* The functions that record, for a trace that is there. */
void trace_add(struct trace *trace, enum trace_kind kind, uint64_t value);
void trace_add_name(struct trace *trace, enum trace_kind kind, uint64_t value,
		    const uint8_t *name, unsigned name_len);
void trace_add_node(struct trace *trace, enum trace_kind kind, uint64_t value,
		    const struct node *node);
void trace_add_block(struct trace *trace, enum trace_kind kind, uint64_t value,
		     const struct block *block);
void trace_add_client(struct trace *trace, const struct client_place *client);
void trace_add_facts(struct trace *trace, const struct geo_facts *facts);
void trace_add_step(struct trace *trace, enum trace_step_name step, enum trace_how how,
		    const uint64_t *left, unsigned words);
void trace_add_draw(struct trace *trace, unsigned first, uint64_t drawn, uint64_t bound);
void trace_add_chosen(struct trace *trace, const uint8_t *records, unsigned count);
void trace_add_scope(struct trace *trace, unsigned scope_len, unsigned place_len);

#define TRACE_UNLIKELY(trace) __builtin_expect((trace) != NULL, 0)

static inline void
trace_value(struct trace *trace, enum trace_kind kind, uint64_t value)
{
	if (TRACE_UNLIKELY(trace))
		trace_add(trace, kind, value);
}

/* The name, in wire form, is copied. */
static inline void
trace_name(struct trace *trace, enum trace_kind kind, uint64_t value, const uint8_t *name,
	   unsigned name_len)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_name(trace, kind, value, name, name_len);
}

/* The name is the node's owner. */
static inline void
trace_node(struct trace *trace, enum trace_kind kind, uint64_t value,
	   const struct node *node)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_node(trace, kind, value, node);
}

static inline void
trace_block(struct trace *trace, enum trace_kind kind, uint64_t value,
	    const struct block *block)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_block(trace, kind, value, block);
}

static inline void
trace_client(struct trace *trace, const struct client_place *client)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_client(trace, client);
}

static inline void
trace_facts(struct trace *trace, const struct geo_facts *facts)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_facts(trace, facts);
}

/* `left`, of `words` words, is what the step has left. */
static inline void
trace_step(struct trace *trace, enum trace_step_name step, enum trace_how how,
	   const uint64_t *left, unsigned words)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_step(trace, step, how, left, words);
}

/* Candidate `first` was drawn by the number `drawn` below `bound`; 0: without a draw. */
static inline void
trace_draw(struct trace *trace, unsigned first, uint64_t drawn, uint64_t bound)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_draw(trace, first, drawn, bound);
}

static inline void
trace_chosen(struct trace *trace, const uint8_t *records, unsigned count)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_chosen(trace, records, count);
}

static inline void
trace_scope(struct trace *trace, unsigned scope_len, unsigned place_len)
{
	if (TRACE_UNLIKELY(trace))
		trace_add_scope(trace, scope_len, place_len);
}

#endif
