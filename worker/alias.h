/* CNAME and DNAME: the present name of the question becomes their target's.
 *
 * A chain ends where it comes back to an alias that was followed, and after CHAIN_MAX of
 * them: the resolver asks on from there (STEP_DONE). */
#ifndef WORKER_ALIAS_H
#define WORKER_ALIAS_H

#include "worker/answering.h"

/* Was the alias at the suffix of `labels` labels of the present name followed before? */
bool alias_was_followed(const struct answering *a, unsigned labels);

/* Note that it is followed now.  returns false when it was before, and when the chain is
 * long enough. */
bool alias_note(struct answering *a, unsigned labels);

/* Make `name`, which may not be a->q's own, the one that is looked up; it stands nowhere in
 * the message.  returns STEP_FOLLOW. */
enum step alias_go_to(struct answering *a, const uint8_t *name, unsigned len);

/* The one name in the rdata of a CNAME's RRset, whose owner's place is given.
 * returns its length, 0 on damage. */
unsigned alias_read_target(const struct rrset *rrset, const struct rrset_place *place,
			   uint8_t name[DNAME_MAX]);

/* Go on with the target of the present name's CNAME, which stands in the answer section.
 *
 * place    of the CNAME's owner
 * wire_at  where its RRset stands in the message as stored; 0 when it stands expanded
 * returns  STEP_FOLLOW, STEP_DONE at the end of the chain, STEP_DAMAGED */
enum step alias_follow_cname(struct answering *a, const struct rrset *rrset,
			     const struct rrset_place *place, uint32_t wire_at);

/* RFC 6672, section 3.2: the DNAME, a CNAME made from it, and on with its target.
 *
 * node     of the DNAME's owner, the suffix of `labels` labels of the present name
 * returns  STEP_FOLLOW, STEP_DONE at the end of the chain, for a question that the CNAME
 *          answers, and with RCODE_YXDOMAIN; STEP_FULL, STEP_DAMAGED.  While a chain is
 *          flattened (worker/aname.h) nothing is added, and a chain that must end is
 *          STEP_FAILED */
enum step alias_answer_dname(struct answering *a, const struct node *node,
			     unsigned labels);

#endif
