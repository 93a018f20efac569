/* The apex of a zone: where an edit begins and ends. */
#include <string.h>

#include "loader/store/live_addresses.h"
#include "loader/store/live_signing.h"
#include "loader/zone/render_scan.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

int
live_edit_open(struct live *live, const uint8_t *origin, size_t origin_len,
	       struct live_edit *edit, struct node *apex)
{
	int rc = live_zone(live, origin, origin_len, apex);

	if (rc != ERR_OK)
		return rc;
	*edit = (struct live_edit){
		.live = live,
		.origin_len = origin_len,
		.child_count = apex->head.child_count,
		.has_wildcard = apex->head.flags & NODE_HAS_WILDCARD,
	};
	memcpy(edit->origin, origin, origin_len);
	if (!node_zone_facts(apex, &edit->facts))
		return ERR_DAMAGED;
	if (edit->facts.flags & ZONE_BROKEN)
		return ERR_FORMAT;
	edit->has_redis =
		node_copy_block(apex, BLOCK_REDIS, &edit->redis, sizeof edit->redis);
	edit->is_signed = edit->facts.flags & ZONE_SIGNED;
	return ERR_OK;
}

int
live_edit_begin(struct live *live, const uint8_t *origin, size_t origin_len,
		struct live_edit *edit)
{
	struct node apex;
	int rc = live_edit_open(live, origin, origin_len, edit, &apex);

	return rc == ERR_OK && edit->is_signed ? live_sign_start(edit, &apex, false) : rc;
}

/* ---- rendering ---- */

static int
render_records(struct live_edit *edit, const struct zone_records *records,
	       struct node *present, struct node *out)
{
	const struct render_place place = {
		.child_count = edit->child_count,
		.has_wildcard = edit->has_wildcard,
		.facts = &edit->facts,
	};
	int rc = live_render(edit->live, records, records->records, &place, present, out);

	return rc == ERR_OK && !(out->head.flags & NODE_APEX) ? ERR_FORMAT : rc;
}

static const struct zone_record *
find_soa(const struct zone_records *records)
{
	for (size_t i = 0; i < records->count; i++)
		if (records->records[i].type == RRTYPE_SOA)
			return &records->records[i];
	return NULL;
}

/* ---- the SOA alone ---- */

static void
put_block(struct node_writer *writer, const struct block *block)
{
	node_writer_put_block(writer, (enum block_kind)block->head.kind, block->head.type,
			      block->payload, block->head.len);
}

/* One block of the present apex, or what stands in its place. */
static bool
put_changed(struct node_writer *writer, const struct block *block, const struct node *soa,
	    const char *error)
{
	bool is_soa = block->head.type == RRTYPE_SOA &&
		      (block->head.kind == BLOCK_RRSET ||
		       block->head.kind == BLOCK_NEGATIVE_SOA);
	struct block fresh;

	if (block->head.kind == BLOCK_ERROR || block->head.kind == BLOCK_DOMAIN_ID)
		return true;
	if (is_soa &&
	    !node_find_block(soa, (enum block_kind)block->head.kind, RRTYPE_SOA, &fresh))
		return false;
	put_block(writer, is_soa ? &fresh : block);
	if (block->head.kind == BLOCK_SOURCE && error)
		node_writer_put_block(writer, BLOCK_ERROR, 0, error, strlen(error));
	if (block->head.kind == BLOCK_REDIS &&
	    node_find_block(soa, BLOCK_DOMAIN_ID, 0, &fresh))
		put_block(writer, &fresh);
	return true;
}

/* The present apex with the SOA of `soa`, a node that has little else. */
static int
write_with_soa(struct live_edit *edit, const struct node *present, const struct node *soa,
	       const char *error)
{
	struct node_writer *writer = &edit->live->writer;
	unsigned flags = present->head.flags & ~(unsigned)NODE_HAS_WILDCARD;
	struct block block;
	uint32_t at = 0;

	if (edit->has_wildcard)
		flags |= NODE_HAS_WILDCARD;
	node_writer_begin(writer, CATALOGUE_ID, (uint16_t)flags, node_owner(present),
			  present->head.owner_len);
	node_writer_set_facts(writer, (uint16_t)flags, edit->child_count);
	while (node_next_block(present, &at, &block))
		if (!put_changed(writer, &block, soa, error))
			return ERR_DAMAGED;
	return ERR_OK;
}

/* ---- all that the source has, and what signing has put beside it ---- */

static bool
is_ours(const struct block *block)
{
	uint16_t type = block->head.type;

	return block->head.kind == BLOCK_NSEC3PARAM ||
	       block->head.kind == BLOCK_SIGNING ||
	       (block->head.kind == BLOCK_RRSET &&
		(type == RRTYPE_DNSKEY || type == RRTYPE_NSEC3PARAM));
}

/* Where a block stands among those of an apex: RRsets by type. */
static uint32_t
place_of(const struct block *block)
{
	switch (block->head.kind) {
	case BLOCK_ZONE:
	case BLOCK_NEGATIVE_SOA:
		return 0;
	case BLOCK_NSEC3PARAM:
		return 1;
	case BLOCK_RRSET:
		return 2u + block->head.type;
	case BLOCK_SIGNING:
		return UINT16_MAX + 4u;
	case BLOCK_PROVENANCE:
		return UINT16_MAX + 5u;
	default:
		return UINT16_MAX + 3u;
	}
}

/* Put those of ours that stand before `place`, from *at on. */
static void
put_ours(struct node_writer *writer, const struct node *present, uint32_t *at,
	 uint32_t place)
{
	struct block block;
	uint32_t next = *at;

	while (node_next_block(present, &next, &block)) {
		if (is_ours(&block) && place_of(&block) >= place)
			return;
		if (is_ours(&block))
			put_block(writer, &block);
		*at = next;
	}
}

/* The keys that the source names itself, what it says of them to the parent, and a digest,
 * which is left out, are no matter of a single edit. */
static bool
has_own_keys(const struct node *node, bool is_rendered)
{
	struct block block;

	return (is_rendered &&
		(node_find_block(node, BLOCK_RRSET, RRTYPE_DNSKEY, &block) ||
		 node_find_block(node, BLOCK_RRSET, RRTYPE_ZONEMD, &block))) ||
	       node_find_block(node, BLOCK_RRSET, RRTYPE_CDS, &block) ||
	       node_find_block(node, BLOCK_RRSET, RRTYPE_CDNSKEY, &block);
}

static int
write_with_keys(struct live_edit *edit, const struct node *present,
		const struct node *rendered)
{
	struct node_writer *writer = &edit->live->writer;
	uint32_t at = 0, ours = 0;
	struct block block;

	if (has_own_keys(rendered, true) || has_own_keys(present, false))
		return ERR_FORMAT;
	node_writer_begin(writer, CATALOGUE_ID, rendered->head.flags,
			  node_owner(rendered), rendered->head.owner_len);
	node_writer_set_facts(writer, rendered->head.flags, rendered->head.child_count);
	while (node_next_block(rendered, &at, &block)) {
		put_ours(writer, present, &ours, place_of(&block));
		put_block(writer, &block);
	}
	put_ours(writer, present, &ours, UINT32_MAX);
	return ERR_OK;
}

/* ---- addresses that an ANAME of the apex leads to ---- */

static int
keep_addresses(struct live_edit *edit, const struct node *present)
{
	struct live_signing *signing = edit->live->signing;
	struct node written;
	int rc = node_writer_end(&edit->live->writer);

	if (rc != ERR_OK)
		return rc;
	if (!node_open(edit->live->writer.bytes, edit->live->writer.len, &written))
		return ERR_DAMAGED;
	if (!live_leads_on(&written))
		return ERR_OK;
	rc = live_keep_node(edit, &written, &signing->new_apex);
	if (rc == ERR_OK)
		rc = live_keep_addresses(edit->live, present, &signing->new_apex);
	return rc == ERR_OK ? live_lead_apex(edit, &signing->new_apex) : rc;
}

/* ---- the end of an edit ---- */

/* What the source says of the zone now; the digest goes on by what has changed. */
static void
set_redis(struct live_edit *edit, const struct redis_facts *redis)
{
	uint64_t digest =
		edit->redis.raw_digest - edit->redis.config_hash + redis->config_hash;

	edit->redis = *redis;
	edit->redis.raw_digest = digest;
}

/* Write the apex into live->writer: from the records given, or as it is but for the SOA. */
static int
write_apex(struct live_edit *edit, struct node *present, const struct zone_records *apex,
	   enum live_apex_scope scope)
{
	struct node rendered;
	int rc = render_records(edit, apex, present, &rendered);

	if (rc != ERR_OK)
		return rc;
	if (scope == LIVE_APEX_ALL && edit->is_signed) {
		rc = write_with_keys(edit, present, &rendered);
		return rc == ERR_OK ? keep_addresses(edit, present) : rc;
	}
	if (scope == LIVE_APEX_ALL) {
		live_copy_node(edit->live, &rendered);
		return ERR_OK;
	}
	return write_with_soa(edit, present, &rendered, apex->error);
}

int
live_edit_end_written(struct live_edit *edit)
{
	struct live *live = edit->live;
	struct node written;
	int rc = node_writer_end(&live->writer);

	if (rc == ERR_OK && edit->is_signed)
		rc = live_sign_end(edit);
	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &written))
		return ERR_DAMAGED;
	live_count_in(edit, &written);
	zone_facts_add_depths(&edit->facts, written.head.flags & NODE_HAS_DNAME,
			      written.head.label_count);
	live_set_facts(live, &edit->facts, &edit->redis);
	if (edit->is_signed)
		live_sign_set_facts(edit);
	return live_put_writer(live);
}

int
live_edit_end(struct live_edit *edit, const struct zone_records *apex,
	      enum live_apex_scope scope)
{
	const struct zone_record *soa = find_soa(apex);
	struct node present;
	int rc;

	if (!soa)
		return ERR_FORMAT;
	rc = edit->is_signed ? live_lead_names(edit) : ERR_OK;
	if (rc == ERR_OK)
		rc = live_zone(edit->live, edit->origin, edit->origin_len, &present);
	if (rc != ERR_OK)
		return rc;
	live_count_out(edit, &present);
	if (apex->redis)
		set_redis(edit, apex->redis);
	edit->facts.serial = render_scan_serial(soa);
	edit->facts.flags &= ~(uint32_t)ZONE_FLATTENED;
	if (apex->is_flattened)
		edit->facts.flags |= ZONE_FLATTENED;
	if (scope == LIVE_APEX_ALL)
		edit->facts.loaded_at_s = apex->loaded_at_s;
	rc = write_apex(edit, &present, apex, scope);
	return rc == ERR_OK ? live_edit_end_written(edit) : rc;
}

int
live_set_error(struct live *live, const uint8_t *origin, size_t origin_len,
	       const char *error)
{
	struct node_writer *writer = &live->writer;
	struct block block;
	uint32_t at = 0;
	struct node apex;
	int rc = live_zone(live, origin, origin_len, &apex);

	if (rc != ERR_OK)
		return rc;
	node_writer_begin(writer, CATALOGUE_ID, apex.head.flags, origin, origin_len);
	node_writer_set_facts(writer, apex.head.flags, apex.head.child_count);
	while (node_next_block(&apex, &at, &block))
		(void)put_changed(writer, &block, &apex, error);
	return live_put_writer(live);
}
