/* ANAME, and CNAMEs of a flattened zone: the addresses of another name, answered as those of
 * the name itself (struct flattening).
 *
 * From such a name on, nothing that is followed is answered: CNAMEs, DNAMEs and ANAMEs, in
 * whatever zone they stand here, only lead on, and their TTLs bound that of the answer.  The
 * chain ends
 *	at an RRset, plain or steered: its records, under the name that was asked for
 *	where there is none, nor such a name: then that name has no address of the type
 *	at a name outside of our zones: what resolvers say (shm/resolved.h); when their own
 *	chain comes back to a name of ours, it goes on there
 *	at a name that was followed before, and after CHAIN_MAX of them: SERVFAIL */
#ifndef WORKER_ANAME_H
#define WORKER_ANAME_H

#include "worker/answering.h"

/* Is the type one that an ANAME answers for? */
static inline bool
aname_answers(uint16_t type)
{
	return type == TYPE_A || type == TYPE_AAAA;
}

/* Does this block, which answers the question at a name of a->zone, only lead on? */
static inline bool
aname_leads_on(const struct answering *a, const struct block *block)
{
	const struct zone_facts *facts = a->zone->facts;

	if (block->head.kind == BLOCK_ANAME)
		return true;
	if (block->head.type != TYPE_CNAME || !aname_answers(a->q->type))
		return false;
	/* a signature over the CNAME says nothing about addresses */
	return a->flat.is_on || (!a->flat.is_given_up &&
				 (facts->flags & ZONE_FLATTENED) &&
				 !(a->response.dnssec && (facts->flags & ZONE_SIGNED)));
}

/* Go on with the target of such a block.
 *
 * node             of the present name, or of the wildcard that it expands
 * encloser_labels  less than the name's own then
 * place            of the block's owner
 * returns          STEP_FOLLOW, STEP_FAILED, STEP_DAMAGED */
enum step aname_follow(struct answering *a, const struct node *node,
		       const struct block *block, unsigned encloser_labels,
		       const struct rrset_place *place);

/* Add the RRset in which the chain ends, plain or steered; some or none of its records. */
enum step aname_add(struct answering *a, const struct block *block);

/* The chain has left our zones: add what is known of the present name.
 * returns  STEP_DONE, records or none; STEP_FOLLOW where its chain comes back; STEP_FULL,
 *          STEP_FAILED, STEP_UNRESOLVED, STEP_DAMAGED */
enum step aname_add_outside(struct answering *a);

/* Can the chain, whose end is not resolved, be answered as CNAMEs, which the client follows? */
static inline bool
aname_may_give_up(const struct answering *a)
{
	return a->flat.is_on && a->flat.is_cname;
}

/* The present name is again the one that is answered for, in its zone. */
void aname_return(struct answering *a, struct node *node, unsigned *encloser_labels);

#endif
