/* Names of signed zones whose addresses are those of another name: by an ANAME, or a CNAME
 * where the zone is flattened.  What it leads to stands at the name itself, signed, as
 * BLOCK_RRSET or BLOCK_STEERED with a BLOCK_RESOLVED (shm/node.h), and its type in the
 * record of the chain of denial; both come and go in one transaction. */
#ifndef LOADER_STORE_LIVE_ADDRESSES_H
#define LOADER_STORE_LIVE_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/live.h"

/* Does a node lead on to another name for its addresses?  Those of a cut are not ours. */
static inline bool
live_leads_on(const struct node *node)
{
	return (node->head.flags & (NODE_HAS_ANAME | NODE_FLATTENED)) &&
	       !(node->head.flags & NODE_HAS_NS);
}

enum live_addresses_state {
	LIVE_ADDRESSES_KEEP,		/* nothing is known: what stands there stays */
	LIVE_ADDRESSES_NONE,
	LIVE_ADDRESSES_SET,
};

/* What a name leads to, of one type.  All zero at first. */
struct live_addresses {
	enum live_addresses_state state;
	bool is_steered;
	bool is_awaited;		/* KEEP, and soon no more: resolvers were not asked as yet */
	uint32_t ttl;			/* to be answered with */
	uint32_t signed_ttl;		/* no less, and the same whatever resolvers say */
	uint8_t *payload;		/* of its block, without signatures; owned */
	size_t len, room;
};

enum live_address_type { LIVE_A, LIVE_AAAA, LIVE_ADDRESS_TYPES };

__attribute__((const))
uint16_t live_address_rrtype(enum live_address_type type);

struct live_leader {
	uint8_t owner[DNAME_MAX + NAME_PAD];
	size_t owner_len;
	struct live_addresses types[LIVE_ADDRESS_TYPES];
};

/* Make a plain RRset of `count` addresses of 4 or 16 octets each, in any order, some of them
 * perhaps twice.  ttl and signed_ttl stand already.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int live_addresses_set(struct live_addresses *addresses, enum live_address_type type,
		       const uint8_t *octets, unsigned count);

/* The same with the records of an RRset, plain or steered, of any name; what is steered is
 * signed with the TTL that it is answered with. */
__attribute__((nonnull, warn_unused_result))
int live_addresses_copy(struct live_addresses *addresses, const struct block *block);

__attribute__((nonnull))
void live_leader_fini(struct live_leader *leader);

/* Is this what stands at the node, or as good?  A TTL that is lower than need be, by less than
 * half, is good enough. */
__attribute__((nonnull, warn_unused_result))
bool live_addresses_are_there(const struct node *node, enum live_address_type type,
			      const struct live_addresses *addresses);

/* What a name of an edit under way leads to; what is not known stays LIVE_ADDRESSES_KEEP.
 * edit     as far as it has come: other names may be about to change, too
 * node     as it is about to stand; borrowed for the call
 * out      owner and owner_len are set
 * returns  0 or ERR_NOMEM */
typedef int live_lead_fn(void *context, const struct live_edit *edit,
			 const struct node *node, struct live_leader *out);

/* A name that leads on is put with its zone as a whole: what it leads to is put later. */
typedef void live_led_fn(void *context, uint32_t zone_id, const uint8_t *owner, size_t len);

/* From now on edits of signed zones put what is known of the names that they change in the same
 * transaction, and `put` is told of names that are put otherwise.  NULL: nobody asks. */
__attribute__((nonnull(1)))
void live_set_lead(struct live *live, live_lead_fn *find, live_led_fn *put, void *context);

/* Put them at names of one zone, which is signed here, in a transaction of its own; the zone's
 * serial stays.  Names that are gone are passed over.
 * made     receives how many signatures were made
 * returns  0; as live_edit_begin and live_edit_end, then nothing has changed. */
__attribute__((nonnull, warn_unused_result))
int live_put_addresses(struct live *live, const uint8_t *origin, size_t origin_len,
		       const struct live_leader *leaders, size_t count, uint64_t *made);

#endif
