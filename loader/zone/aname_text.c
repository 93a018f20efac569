/* Writing them. */
#include "loader/zone/aname_text.h"

#include <stdio.h>

#include "shm/aname.h"
#include "shm/errcode.h"

int
aname_text_print(const struct node *node, const struct block *block, char *out,
		 size_t room)
{
	const struct zone_facts *facts = node_facts(node);
	char name[DNAME_TEXT_MAX], target[DNAME_TEXT_MAX];
	struct aname aname;
	int len = 0;

	dname_to_text(node_owner(node), name);
	if (block->head.kind == BLOCK_ANAME) {
		if (!aname_open(block, &aname))
			return ERR_DAMAGED;
		dname_to_text(aname.target, target);
		len = snprintf(out, room, "; %s %u IN ANAME %s", name,
			       (unsigned)aname.head.ttl, target);
	} else if (facts && (facts->flags & ZONE_FLATTENED)) {
		len = snprintf(out, room, "; %s: cname_flattening", name);
	}
	return len < (int)room ? len : ERR_RANGE;
}
