/* Leaving signatures out. */
#include "loader/zone/steered_bare.h"

#include <string.h>

#include "loader/zone/arena.h"
#include "shm/errcode.h"
#include "shm/steered.h"

size_t
steered_bare_write(const struct block *block, uint8_t *out)
{
	struct steered_head head;
	struct rrset rrset;
	const uint8_t *parts;
	size_t parts_len, len;

	parts = steered_own_parts(block, &parts_len);
	if (!parts || !block_open_rrset(block, &rrset))
		return 0;
	memcpy(&head, block->payload, sizeof head);
	if (rrset.head.sig_len > head.rrset_len)
		return 0;
	/* signatures are the last octets of an RRset without patches and targets */
	len = head.rrset_len - rrset.head.sig_len;
	head.rrset_len = (uint32_t)len;
	rrset.head.sig_len = rrset.head.sig_count = 0;
	memcpy(out, &head, sizeof head);
	memcpy(out + sizeof head, block->payload + sizeof head, len);
	memcpy(out + sizeof head, &rrset.head, sizeof rrset.head);
	memcpy(out + sizeof head + len, parts, parts_len);
	return sizeof head + len + parts_len;
}

int
steered_bare_add(struct zone_records *zone, struct arena *scratch, const uint8_t *owner,
		 size_t owner_len, const struct block *block)
{
	uint8_t *bare = arena_take(scratch, block->head.len);
	size_t len = bare ? steered_bare_write(block, bare) : 0;

	if (!bare)
		return ERR_NOMEM;
	return len == 0 ? ERR_DAMAGED
			: zone_records_add_mark(zone, owner, owner_len, ZONE_MARK_STEERED,
						block->head.type, bare, len);
}
