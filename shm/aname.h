/* ANAME: a name whose addresses are those of another one.
 *
 * BLOCK_ANAME of a node (shm/node.h), its type ANAME_TYPE; at most one, and not beside a
 * CNAME:
 *
 *	+------------+---------------------+
 *	| aname_head | the target's name   |	lower-cased, whole
 *	+ 8 ---------+ target_len ---------+
 *
 * It answers for A and AAAA, for each by itself, when the name has no RRset of that type. */
#ifndef SHM_ANAME_H
#define SHM_ANAME_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/dname.h"
#include "shm/node.h"

struct aname_head {
	uint32_t ttl; /* the most that is answered */
	uint8_t target_len; /* 1..DNAME_MAX */
	uint8_t reserved[3]; /* 0 */
};
_Static_assert(sizeof(struct aname_head) == 8, "as it is stored");

enum { ANAME_LEN_MAX = (int)sizeof(struct aname_head) + DNAME_MAX };

/* A BLOCK_ANAME taken apart; `target` is borrowed from the map. */
struct aname {
	struct aname_head head;
	const uint8_t *target;
};

/* returns false when the target is no name: damage. */
static inline bool
aname_open(const struct block *block, struct aname *out)
{
	if (block->head.len < sizeof out->head)
		return false;
	memcpy(&out->head, block->payload, sizeof out->head);
	out->target = block->payload + sizeof out->head;
	return block->head.len == sizeof out->head + out->head.target_len &&
	       dname_is_whole(out->target, out->head.target_len);
}

/* What is wrong with one, for node_check; NULL: nothing. */
static inline const char *
aname_check(const struct block *block)
{
	struct aname aname;

	return block->head.type == ANAME_TYPE && aname_open(block, &aname)
		       ? NULL
		       : "the target of an ANAME is no name";
}

#endif
