/* Which records of a zone are data, for who compares what machines serve: signatures differ
 * between them, and where we sign a zone, so may all that is made for it. */
#ifndef LOADER_ZONE_DATA_VIEW_H
#define LOADER_ZONE_DATA_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/node.h"
#include "shm/rrtype.h"

enum data_view {
	DATA_VIEW_ALL,
	DATA_VIEW_UNSIGNED,		/* no signatures: of a zone that came as it is */
	DATA_VIEW_OWN,			/* nor keys, the chain of denial and what ANAMEs lead
					 * to: of one that we sign */
};

/* Of a zone, its signatures left out; NULL for one that is not there. */
static inline enum data_view
data_view_of(const struct node *apex)
{
	struct block block;

	return apex && node_find_block(apex, BLOCK_SIGNING, 0, &block) ? DATA_VIEW_OWN
									: DATA_VIEW_UNSIGNED;
}

static inline bool
data_view_has(enum data_view view, uint16_t type)
{
	if (view != DATA_VIEW_OWN)
		return true;
	return type != RRTYPE_DNSKEY && type != RRTYPE_CDS && type != RRTYPE_CDNSKEY &&
	       type != RRTYPE_NSEC && type != RRTYPE_NSEC3 && type != RRTYPE_NSEC3PARAM;
}

/* Of a node's RRset: what an ANAME leads to is not the zone's. */
static inline bool
data_view_has_rrset(enum data_view view, const struct node *node, uint16_t type)
{
	return data_view_has(view, type) &&
	       (view != DATA_VIEW_OWN || !node_is_resolved(node, type));
}

#endif
