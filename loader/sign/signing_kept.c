/* Older RRsets that are served on in the place of bad ones: records of the zone like all others,
 * once it is signed here. */
#include <string.h>

#include "loader/sign/signing.h"
#include "loader/sign/stored_rrset.h"
#include "loader/zone/arena.h"
#include "loader/zone/render_marks.h"
#include "loader/zone/steered_bare.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

/* Is it the signer's, so that there will be a new one? */
static bool
is_made(const struct signing *s, const struct node *served, uint16_t type)
{
	switch (type) {
	case RRTYPE_NSEC3PARAM:
	case RRTYPE_DNSKEY:
	case RRTYPE_CDS:
	case RRTYPE_CDNSKEY:
		return served->head.owner_len == s->zone->origin_len;
	default:
		return false;
	}
}

static int
add_block(struct signing *s, const struct node *served, const struct block *block)
{
	struct zone_records *zone = s->zone;
	struct sign_rrset read;
	struct rrset stored;
	int rc = ERR_OK;

	if (!block_open_rrset(block, &stored))
		return ERR_DAMAGED;
	if (block->head.kind == BLOCK_STEERED)
		/* how it is steered: its signatures will be others */
		rc = steered_bare_add(zone, zone->arena, node_owner(served),
				      served->head.owner_len, block);
	if (rc == ERR_OK)
		rc = stored_rrset_read(served, &stored, zone->origin, zone->origin_len,
				       zone->arena, &read);
	for (size_t i = 0; rc == ERR_OK && i < read.count; i++)
		rc = zone_records_add(zone, &read.records[i]);
	return rc;
}

/* What stays of a served node for one bad RRset of the owner at `first`, or for all. */
static int
add_kept_of(struct signing *s, size_t first, const struct node *served, uint16_t type)
{
	struct owner_group group;
	struct block block;
	uint32_t at = 0;
	int rc = ERR_OK;

	/* records move when others are added */
	while (rc == ERR_OK &&
	       owner_group_read(s->zone, s->zone->records + first, &group) &&
	       render_marks_next_kept(&group, served, type, &at, &block))
		if (block_holds_rrset(&block) && !is_made(s, served, block.head.type))
			rc = add_block(s, served, &block);
	return rc;
}

int
signing_add_kept(struct signing *s)
{
	struct zone_records *zone = s->zone;
	size_t count = zone->count, first = 0;
	struct node served;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < count && s->how->find_served; i++) {
		const struct zone_record *record = &zone->records[i];
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		if (record->owner != zone->records[first].owner)
			first = i;
		if (zone_record_mark(record, &mark, &type, &bytes, &len) &&
		    mark == ZONE_MARK_BAD &&
		    s->how->find_served(s->how->context, zone, record->owner,
					record->owner_len, false, &served))
			rc = add_kept_of(s, first, &served, type);
	}
	s->given_count += zone->count - count;
	return rc == ERR_OK && zone->count > count ? zone_sort(zone) : rc;
}
