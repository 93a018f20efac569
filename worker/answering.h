/* The answer in the making: what the files of the core share about one query. */
#ifndef WORKER_ANSWERING_H
#define WORKER_ANSWERING_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/dns.h"
#include "worker/answer.h"
#include "worker/lookup.h"
#include "worker/query.h"
#include "worker/response.h"
#include "worker/trace.h"
#include "worker/zone_store.h"

enum {
	CHAIN_MAX = 16,			/* CNAMEs and DNAMEs followed for one query */
	PROOF_MAX = CHAIN_MAX + 4,	/* a wildcard in the chain adds one each */
};

/* The zone that the name is looked up in. */
struct zone {
	struct node apex;
	const struct zone_facts *facts;	/* in the apex node */
	unsigned labels;		/* of the apex */
};

/* The owner's key, and where it was seen to stand while the batch was staged. */
struct owner_fetch {
	uint64_t hash;
	uint64_t off;			/* see lookup_fetch_node */
};

/* An NSEC or NSEC3 RRset that goes into the authority section. */
struct proof {
	struct node node;
	uint16_t type;
	struct rrset_place place;
};

/* The RRset whose targets' addresses go into the additional section. */
struct additional_source {
	struct rrset rrset;
	uint32_t wire_at;		/* 0: stands expanded, targets' offsets do not hold */
	unsigned cut_labels;		/* of a referral's cut; 0 for answers */
};

/* Addresses of other names are answered as those of one: see worker/aname.h. */
struct flattening {
	bool is_on;
	bool is_cname;			/* it began at a CNAME, which may be answered itself */
	bool is_given_up;		/* so it is: CNAMEs are not flattened */
	unsigned chain_len;		/* where it began */
	uint8_t owner[DNAME_MAX + NAME_PAD]; /* the name that is answered for */
	uint8_t owner_len;
	uint8_t encloser_labels;	/* less than the owner's: it expands a wildcard */
	struct name_place place;	/* of the owner in the message */
	struct zone zone;		/* its own, and its node */
	struct node node;
	uint32_t ttl;			/* the least of what was followed */
};

struct answering {
	struct query *q;
	const struct zone_store *store;
	const struct answer_options *options;
	struct stats_block *stats;
	struct response response;
	struct zone *zone;
	const struct owner_fetch *owner; /* NULL once the name is another one */
	unsigned chain_len;
	/* hash states of the owners that were followed: a loop ends at them */
	uint64_t chain[CHAIN_MAX];
	struct flattening flat;
	unsigned proof_count;
	struct proof proofs[PROOF_MAX];
	bool has_additional;
	struct additional_source additional;
	uint8_t rcode;
	uint8_t extended_error;		/* enum dns_extended_error; 0: none */
	uint8_t scope_len;		/* bits of the subnet of the client that mattered */
	bool authoritative, truncated;
};

/* How to go on. */
enum step {
	STEP_DONE = 0,			/* the sections stand */
	STEP_FOLLOW,			/* q->name is the next name of the chain */
	STEP_FULL,			/* something that must be there does not fit */
	STEP_FAILED,			/* nothing good is known: SERVFAIL */
	STEP_UNRESOLVED,		/* of a name elsewhere: the same */
	STEP_DAMAGED,			/* the store contradicts itself: SERVFAIL, counted */
};

static inline enum step
step_from(enum response_result result)
{
	return result == RESPONSE_ADDED ? STEP_DONE
	       : result == RESPONSE_FULL ? STEP_FULL
					 : STEP_DAMAGED;
}

static inline uint16_t
answering_apex_at(const struct answering *a)
{
	return name_place_suffix(&a->q->place,
				 (unsigned)a->q->name_len - a->zone->apex.head.owner_len);
}

/* The place of an RRset owned by the suffix of `labels` labels of the present name. */
static inline struct rrset_place
answering_place(const struct answering *a, unsigned labels)
{
	const struct query *q = a->q;
	unsigned skip = q->label_start[q->label_count - labels];

	return (struct rrset_place){
		.owner = q->name + skip,
		.apex = node_owner(&a->zone->apex),
		.owner_len = (uint16_t)(q->name_len - skip),
		.apex_len = a->zone->apex.head.owner_len,
		.owner_at = name_place_suffix(&q->place, skip),
		.apex_at = answering_apex_at(a),
		.owner_is_own = true,
	};
}

/* What the response is of; what its first name leads to says nothing about that. */
static inline void
answering_note_source(const struct answering *a, enum query_source source, unsigned labels)
{
	if (a->chain_len == 0 && !a->flat.is_on)
		query_set_source(a->q, source, labels);
}

/* The same of its zone, and of the deepest node that exists at or above it. */
static inline void
answering_note_closest(const struct answering *a, const struct node *closest)
{
	if (a->chain_len == 0 && !a->flat.is_on) {
		a->q->apex = a->zone->apex.bytes;
		a->q->closest = closest->bytes;
	}
}

/* Take `node` for the zone's apex.  returns false when it is none: damage. */
static inline bool
zone_open(struct zone *zone, unsigned labels)
{
	zone->labels = labels;
	zone->facts = node_facts(&zone->apex);
	return zone->facts != NULL;
}

/* Find the deepest zone at or above the suffix of `labels` labels of the name.
 * `q->state` must be set.  returns LOOKUP_MISSING when none is served here. */
enum lookup_result zone_find(const struct zone_store *store, const struct query *q,
			     unsigned labels, struct zone *out);

/* Probe for the node of the suffix of `labels` labels in the present zone. */
static inline enum lookup_result
zone_probe(const struct answering *a, unsigned labels, struct node *out)
{
	const struct query *q = a->q;
	uint32_t zone_id = a->zone->facts->zone_id;
	const uint8_t *name = query_suffix(q, labels);
	unsigned name_len = query_suffix_len(q, labels);
	uint64_t hash;

	if (a->owner && labels == q->label_count)
		return lookup_fetched(a->store, a->owner->hash, a->owner->off, zone_id, name,
				      name_len, out);
	hash = name_hash_key(&a->store->gen.head.seed, q->state[labels], zone_id);
	return lookup(a->store, hash, zone_id, name, name_len, out);
}

#endif
