/* Signatures over what was chosen of a steered RRset: made ahead, or on demand by the signer,
 * who is asked for those that are not there. */
#ifndef WORKER_SIGNED_SETS_H
#define WORKER_SIGNED_SETS_H

#include "shm/node.h"
#include "shm/region_signer.h"
#include "shm/stats.h"
#include "shm/steered_cache.h"
#include "shm/steered_request.h"

enum { SIGNED_SETS_ASKED = 64 };

/* One a worker, its own. */
struct signed_sets {
	const struct steered_cache *cache;	/* NULL: nothing is signed on demand */
	struct region_signer *signer;		/* with a cache */
	struct ring requests;			/* the same */
	bool has_asked;				/* since the signer was woken last */
	uint64_t asked[SIGNED_SETS_ASKED];	/* what waits in the ring, by its hash */
};

/* In the process that answers. */
struct heritage;
__attribute__((nonnull))
void signed_sets_init(struct signed_sets *sets, const struct heritage *heritage, unsigned id);

/* returns whether there are signatures over these records; `to` then has them,
 * steered->rrset.head.sig_len octets. */
static inline bool
signed_sets_find(const struct signed_sets *sets, const struct steered *steered,
		 const struct node *node, const struct steered_records *of, uint8_t *to)
{
	const uint8_t *ahead = steered_signatures(steered, of);
	unsigned len = steered->rrset.head.sig_len;
	const struct steered_key key = {
		.mark = steered->mark,
		.of = *of,
		.type = steered->rrset.type,
		.owner_len = node->head.owner_len,
		.owner = node_owner(node),
	};
	struct steered_records set;

	if (ahead)
		memcpy(to, ahead, len);
	return ahead || (sets && steered->sets &&
			 steered_cache_holds(sets->cache, key.owner_len, len) &&
			 steered_cache_get(sets->cache, &key, len, &set, to));
}

/* Ask for signatures over `set`, some of the records of a node's steered RRset.
 * group  what would be left for this client, were all of them up */
__attribute__((nonnull))
void signed_sets_ask(struct signed_sets *sets, const struct steered *steered,
		     const struct node *node, const struct steered_records *set,
		     const struct steered_records *group, struct stats_block *stats);

/* What is signed of such a group: what was signed last for it, else all of it, else all
 * records.
 * sets  NULL: nothing is signed on demand */
__attribute__((nonnull(2, 3, 4, 5)))
void signed_sets_stand_in(const struct signed_sets *sets, const struct steered *steered,
			  const struct node *node, const struct steered_records *group,
			  uint8_t *to, struct steered_records *set);

/* Between batches: wake the signer, if it sleeps and was asked. */
__attribute__((nonnull))
void signed_sets_tell(struct signed_sets *sets);

#endif
