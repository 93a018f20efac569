/* Edits of signed zones: what they touch is noted, and signed when they end. */
#include "loader/store/live_signing.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/zone_sign.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/nsec3_hash.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

/* ---- the signer ---- */

int
live_set_signer(struct live *live, const struct settings *settings, int signer_fd)
{
	struct live_signing *signing = live->signing;

	if (!signing) {
		signing = calloc(1, sizeof *signing);
		if (!signing)
			return ERR_NOMEM;
		live->signing = signing;
		signing->sign = node_sign_new(signer_fd, false);
		if (!signing->sign) {
			live_signing_free(live);
			return ERR_NOMEM;
		}
	}
	signing->settings = settings;
	return ERR_OK;
}

void
live_signing_free(struct live *live)
{
	struct live_signing *signing = live->signing;

	if (!signing)
		return;
	node_sign_free(signing->sign);
	free(signing->touched);
	free(signing->links);
	free(signing->neighbours);
	free(signing);
	live->signing = NULL;
}

static int64_t
refresh_s_of(const struct live_signing *signing)
{
	enum { DAY_S = 86400 };

	return (int64_t)signing->settings->dnssec.refresh_days * DAY_S;
}

/* ---- the beginning ---- */

int
live_keep_node(struct live_edit *edit, const struct node *node, struct node *out)
{
	uint8_t *bytes = arena_copy(node_sign_arena(edit->live->signing->sign),
				    node->bytes, node->head.node_len);

	if (!bytes)
		return ERR_NOMEM;
	*out = *node;
	out->bytes = bytes;
	return ERR_OK;
}

static uint32_t
ttl_of(const struct node *apex, enum block_kind kind)
{
	struct block block;
	struct rrset rrset;

	return node_find_block(apex, kind, RRTYPE_SOA, &block) &&
			       rrset_open(&block, &rrset)
		       ? rrset.head.ttl
		       : 0;
}

/* Is the zone signed as it would be today? */
static bool
is_current(const struct live_signing *signing)
{
	const struct signing_facts *facts = &signing->facts;

	return ((facts->flags & SIGNING_OWN_DENIAL) ||
		signing->settings->dnssec.denial == facts->denial) &&
	       zone_sign_mark(node_sign_keys(signing->sign), facts->denial) ==
		       facts->mark;
}

int
live_sign_start(struct live_edit *edit, const struct node *apex, bool is_renewal)
{
	struct live_signing *signing = edit->live->signing;
	int rc;
	if (!signing ||
	    !node_copy_block(apex, BLOCK_SIGNING, &signing->facts, sizeof signing->facts))
		return ERR_FORMAT;
	signing->touched_count = 0;
	signing->denial = (enum denial)signing->facts.denial;
	signing->negative_ttl = ttl_of(apex, BLOCK_NEGATIVE_SOA);
	signing->soa_ttl = ttl_of(apex, BLOCK_RRSET);
	rc = node_sign_start(signing->sign, signing->settings, clock_wall_s(), is_renewal,
			     apex);
	if (rc == ERR_NOTFOUND || (rc == ERR_OK && !is_current(signing)))
		return ERR_FORMAT;
	return rc == ERR_OK ? live_keep_node(edit, apex, &signing->apex) : rc;
}

int
live_sign_touch(struct live_edit *edit, const uint8_t *name, size_t len,
		const struct node *old)
{
	struct live_signing *signing = edit->live->signing;
	struct arena *arena = node_sign_arena(signing->sign);
	struct live_touched **all = grow_items(signing->touched, &signing->touched_room,
					       signing->touched_count + 1, sizeof *all);
	struct live_touched *touched;

	if (!all)
		return ERR_NOMEM;
	signing->touched = all;
	touched = arena_take_items(arena, 1, sizeof *touched);
	if (!touched)
		return ERR_NOMEM;
	*touched = (struct live_touched){ .name = arena_copy(arena, name, len),
					  .len = len,
					  .number = signing->touched_count };
	if (!touched->name)
		return ERR_NOMEM;
	all[signing->touched_count++] = touched;
	return old ? live_keep_node(edit, old, &touched->old) : ERR_OK;
}

/* ---- what is hidden ---- */

bool
live_is_hidden(struct live_edit *edit, const uint8_t *name, size_t len)
{
	const struct zone_facts *facts = &edit->facts;
	unsigned labels = dname_label_count(name);
	struct node above;

	if (len > edit->origin_len &&
	    (edit->live->signing->new_apex.head.flags & NODE_HAS_DNAME))
		return true;
	for (;;) {
		len -= name[0] + 1u;
		name += name[0] + 1u;
		labels--;
		if (len <= edit->origin_len)
			return false;
		if (((facts->cut_depths[labels / 64] |
		      facts->dname_depths[labels / 64]) >>
			     labels % 64 &
		     1) &&
		    live_find(edit->live, facts->zone_id, name, len, &above) == ERR_OK &&
		    (above.head.flags & (NODE_HAS_NS | NODE_HAS_DNAME)))
			return true;
	}
}

/* ---- the end: names ---- */

enum { UNCOVERED_MAX = 1000 }; /* names that one change may show again */

static bool
hides(const struct node *node)
{
	return node->bytes && (node->head.flags & (NODE_HAS_NS | NODE_HAS_DNAME));
}

/* All names below one that hides them no more. */
static int
uncover(struct live_edit *edit, const uint8_t *name, size_t len)
{
	struct store_cursor *cursor;
	struct node node;
	size_t count = 0;
	int rc = live_cursor_open_at(edit->live, edit->facts.zone_id, name, &cursor);

	if (rc != ERR_OK)
		return rc;
	while ((rc = store_cursor_next(cursor, &node)) == ERR_OK &&
	       dname_is_subdomain(node_owner(&node), node.head.owner_len, name, len)) {
		if (node.head.owner_len == len)
			continue;
		rc = count++ < UNCOVERED_MAX ? live_sign_touch(edit, node_owner(&node),
							       node.head.owner_len, &node)
					     : ERR_FORMAT;
		if (rc != ERR_OK)
			break;
	}
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
uncover_all(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	size_t count = signing->touched_count;
	struct node now = { 0 };
	int rc = ERR_OK;

	if ((signing->apex.head.flags & NODE_HAS_DNAME) &&
	    !(signing->new_apex.head.flags & NODE_HAS_DNAME))
		rc = uncover(edit, edit->origin, edit->origin_len);
	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		const struct live_touched *touched = signing->touched[i];

		if (!hides(&touched->old))
			continue;
		rc = live_find(edit->live, edit->facts.zone_id, touched->name,
			       touched->len, &now);
		if (rc == ERR_NOTFOUND || (rc == ERR_OK && !hides(&now)))
			rc = uncover(edit, touched->name, touched->len);
	}
	return rc;
}

/* By name; what was noted first stands first. */
static int
compare_touched(const void *a, const void *b)
{
	const struct live_touched *left = *(struct live_touched *const *)a;
	const struct live_touched *right = *(struct live_touched *const *)b;
	int order = dname_compare(left->name, right->name);

	return order ? order
		     : (left->number > right->number) - (left->number < right->number);
}

static bool
is_non_terminal(const struct node *node)
{
	struct block block;

	return (node->head.flags & NODE_EMPTY) &&
	       !node_find_block(node, BLOCK_PROVENANCE, 0, &block);
}

/* Each touched name once, as it is now. */
static int
look_at_touched(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	size_t count = signing->touched_count, kept = 0;
	int rc = ERR_OK;

	if (count > 0)
		qsort(signing->touched, count, sizeof *signing->touched, compare_touched);
	for (size_t i = 0; rc == ERR_OK && i < count; i++) {
		struct live_touched *touched = signing->touched[i];
		struct node found;

		if (kept > 0 &&
		    dname_compare(signing->touched[kept - 1]->name, touched->name) == 0)
			continue;
		signing->touched[kept++] = touched;
		touched->is_hidden = live_is_hidden(edit, touched->name, touched->len);
		rc = live_find(edit->live, edit->facts.zone_id, touched->name,
			       touched->len, &found);
		if (rc == ERR_OK) {
			touched->is_whole = !is_non_terminal(&found);
			rc = live_keep_node(edit, &found, &touched->node);
		}
		rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
	}
	signing->touched_count = kept;
	return rc;
}

/* ---- the end: jobs ---- */

/* The rdata of a chain's record: `next` and what `bitmap` tells. */
static int
make_chain(struct live_edit *edit, const uint8_t *next, const uint8_t *bitmap,
	   size_t bitmap_len, struct node_sign_wish *wish)
{
	enum { NSEC3_HEAD = 6, NSEC3_FLAG_OPT_OUT = 1 };
	struct live_signing *signing = edit->live->signing;
	uint8_t rdata[DNAME_MAX + TYPE_BITMAP_MAX] = { 1, 0, 0, 0, 0, NSEC3_HASH_LEN };
	size_t len = dname_len(next, DNAME_MAX);

	wish->chain_type = RRTYPE_NSEC;
	wish->chain_ttl = signing->negative_ttl;
	if (signing->denial == DENIAL_NSEC) {
		memcpy(rdata, next, len);
	} else {
		wish->chain_type = RRTYPE_NSEC3;
		rdata[1] = signing->denial == DENIAL_OPTOUT ? NSEC3_FLAG_OPT_OUT : 0;
		if (!nsec3_hash_from_label(next, rdata + NSEC3_HEAD))
			return ERR_DAMAGED;
		len = NSEC3_HEAD + NSEC3_HASH_LEN;
	}
	memcpy(rdata + len, bitmap, bitmap_len);
	wish->chain_len = len + bitmap_len;
	wish->chain = arena_copy(node_sign_arena(signing->sign), rdata, wish->chain_len);
	return wish->chain ? ERR_OK : ERR_NOMEM;
}

/* The same with the types that a node has. */
static int
make_link_chain(struct live_edit *edit, const struct live_link *link,
		struct node_sign_wish *wish)
{
	bool is_nsec3 = edit->live->signing->denial != DENIAL_NSEC;
	struct type_bitmap *types = calloc(1, sizeof *types);
	uint8_t bitmap[TYPE_BITMAP_MAX];
	size_t len;
	int rc;

	if (!types)
		return ERR_NOMEM;
	node_sign_types(link->node, link->is_cut, is_nsec3, types);
	len = type_bitmap_take(types, bitmap);
	rc = make_chain(edit, link->next, bitmap, len, wish);
	free(types);
	return rc;
}

/* A node of nothing but its name, for an NSEC3. */
static int
make_place(struct live_edit *edit, const struct live_link *link, struct node *out)
{
	struct arena *arena = node_sign_arena(edit->live->signing->sign);
	const struct node_head head = {
		.node_len = (uint32_t)(sizeof head + link->place_len),
		.zone_id = edit->facts.zone_id | NSEC3_SPACE,
		.owner_len = (uint8_t)link->place_len,
		.label_count = (uint8_t)dname_label_count(link->place),
	};
	uint8_t *bytes = arena_take(arena, head.node_len);

	if (!bytes)
		return ERR_NOMEM;
	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, link->place, link->place_len);
	return node_open(bytes, head.node_len, out) ? ERR_OK : ERR_DAMAGED;
}

static int
add_nsec3_job(struct live_edit *edit, struct live_link *link)
{
	struct node node;
	struct node_sign_wish wish = { .node = &node,
				       .old = link->was ? &link->old : NULL };
	int rc;

	if (!link->is)
		return ERR_OK;
	rc = make_place(edit, link, &node);
	if (rc == ERR_OK)
		rc = make_link_chain(edit, link, &wish);
	return rc == ERR_OK ? node_sign_add(edit->live->signing->sign, &wish, &link->job)
			    : rc;
}

/* What denies the steered RRset of a wildcard says what its NSEC3 says. */
static int
take_nsec3(struct live_edit *edit, const struct live_touched *touched,
	   struct node_sign_wish *wish)
{
	const struct live_signing *signing = edit->live->signing;
	struct node_sign_wish own = { .chain = NULL };
	int rc = ERR_OK;

	if (signing->denial == DENIAL_NSEC || !dname_is_wildcard(touched->name) ||
	    !(touched->node.head.flags & NODE_HAS_STEERED))
		return ERR_OK;
	for (size_t i = 0; i < signing->link_count && rc == ERR_OK; i++)
		if (signing->links[i].node == &touched->node && signing->links[i].is)
			rc = make_link_chain(edit, &signing->links[i], &own);
	wish->nsec3 = own.chain;
	return rc;
}

/* A name, with its NSEC if it has one. */
static int
add_name_job(struct live_edit *edit, struct live_touched *touched,
	     const struct live_link *link)
{
	struct node_sign_wish wish = {
		.node = &touched->node,
		.old = touched->old.bytes ? &touched->old : NULL,
		.is_bare = touched->is_hidden,
		.is_cut = touched->node.head.flags & NODE_HAS_NS,
	};
	int rc = ERR_OK;

	if (!touched->node.bytes)
		return ERR_OK;
	if (link && link->is)
		rc = make_link_chain(edit, link, &wish);
	if (rc == ERR_OK)
		rc = take_nsec3(edit, touched, &wish);
	return rc == ERR_OK
		       ? node_sign_add(edit->live->signing->sign, &wish, &touched->job)
		       : rc;
}

static int
add_apex_job(struct live_edit *edit, const struct live_link *link)
{
	struct live_signing *signing = edit->live->signing;
	struct node_sign_wish wish = { .node = &signing->new_apex,
				       .old = &signing->apex };
	int rc = link ? make_link_chain(edit, link, &wish) : ERR_OK;

	return rc == ERR_OK ? node_sign_add(signing->sign, &wish, &signing->apex_job)
			    : rc;
}

static int
add_neighbour_job(struct live_edit *edit, struct live_neighbour *neighbour)
{
	struct live_signing *signing = edit->live->signing;
	struct node_sign_wish wish = { .node = &neighbour->node,
				       .old = &neighbour->node,
				       .is_chain_only = true };
	bool is_nsec = signing->denial == DENIAL_NSEC;
	size_t len, head;
	const uint8_t *rdata = live_chain_rdata(
		&neighbour->node, is_nsec ? RRTYPE_NSEC : RRTYPE_NSEC3, &len);
	int rc;

	if (!rdata)
		return ERR_DAMAGED;
	head = is_nsec ? dname_len(rdata, len) : 6 + (size_t)NSEC3_HASH_LEN;
	if (head == 0 || head > len || len - head > TYPE_BITMAP_MAX)
		return ERR_DAMAGED;
	rc = make_chain(edit, neighbour->next, rdata + head, len - head, &wish);
	return rc == ERR_OK ? node_sign_add(signing->sign, &wish, &neighbour->job) : rc;
}

static int
add_jobs(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	bool is_nsec = signing->denial == DENIAL_NSEC;
	int rc = add_apex_job(edit, is_nsec ? &signing->links[0] : NULL);

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++)
		rc = add_name_job(edit, signing->touched[i],
				  is_nsec ? &signing->links[i + 1] : NULL);
	for (size_t i = 0; rc == ERR_OK && i < signing->link_count && !is_nsec; i++)
		rc = add_nsec3_job(edit, &signing->links[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->neighbour_count; i++)
		rc = add_neighbour_job(edit, &signing->neighbours[i]);
	return rc;
}

/* ---- the end: writing ---- */

/* What the signer has made of a node is added to the zone's facts, `sign` 1, or taken away,
 * -1. */
static void
count_made(struct live_edit *edit, const struct node *node, int sign)
{
	struct signing_facts *facts = &edit->live->signing->facts;
	uint64_t signatures = 0, records = 0;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node->bytes && node_next_block(node, &at, &block)) {
		if (!block_holds_rrset(&block) || !block_open_rrset(&block, &rrset))
			continue;
		signatures += rrset.head.sig_count;
		if (rrset.type == RRTYPE_NSEC || rrset.type == RRTYPE_NSEC3)
			records += rrset.head.rr_count;
		if (sign > 0 && rrset.head.ttl > facts->longest_ttl)
			facts->longest_ttl = rrset.head.ttl;
	}
	records += signatures;
	facts->signatures += sign > 0 ? signatures : -signatures;
	facts->made_count += (uint32_t)(sign > 0 ? records : -records);
}

int
live_sign_put(struct live_edit *edit, const struct node_sign_job *job,
	      const struct node *present, const struct node *old)
{
	struct live *live = edit->live;
	struct node node;
	int rc = node_sign_write(job, &live->writer);

	if (rc == ERR_OK)
		rc = node_writer_end(&live->writer);
	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &node))
		return ERR_DAMAGED;
	if (present->bytes && present->head.node_len == node.head.node_len &&
	    memcmp(present->bytes, node.bytes, node.head.node_len) == 0)
		return ERR_OK;
	if (present->bytes)
		live_count_out(edit, present);
	live_count_in(edit, &node);
	count_made(edit, old, -1);
	count_made(edit, &node, 1);
	return overlay_put(live->overlay, node.bytes, node.head.node_len);
}

static int
write_nsec3(struct live_edit *edit, const struct live_link *link)
{
	struct live *live = edit->live;

	if (link->job)
		return live_sign_put(edit, link->job, &link->old, &link->old);
	if (!link->was)
		return ERR_OK;
	live_count_out(edit, &link->old);
	count_made(edit, &link->old, -1);
	return overlay_delete(live->overlay, edit->facts.zone_id | NSEC3_SPACE,
			      link->place, link->place_len);
}

static int
write_name(struct live_edit *edit, const struct live_touched *touched)
{
	if (touched->job)
		return live_sign_put(edit, touched->job, &touched->node, &touched->old);
	count_made(edit, &touched->old, -1);
	return ERR_OK;
}

static int
write_jobs(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	bool is_nsec = signing->denial == DENIAL_NSEC;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < signing->touched_count; i++)
		rc = write_name(edit, signing->touched[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->link_count && !is_nsec; i++)
		rc = write_nsec3(edit, &signing->links[i]);
	for (size_t i = 0; rc == ERR_OK && i < signing->neighbour_count; i++) {
		const struct live_neighbour *neighbour = &signing->neighbours[i];

		rc = live_sign_put(edit, neighbour->job, &neighbour->node,
				   &neighbour->node);
	}
	return rc;
}

static int
write_apex(struct live_edit *edit)
{
	struct live *live = edit->live;
	struct node node;
	int rc = node_sign_write(live->signing->apex_job, &live->writer);

	if (rc == ERR_OK)
		rc = node_writer_end(&live->writer);
	if (rc == ERR_OK && !node_open(live->writer.bytes, live->writer.len, &node))
		rc = ERR_DAMAGED;
	if (rc == ERR_OK) {
		count_made(edit, &live->signing->apex, -1);
		count_made(edit, &node, 1);
	}
	return rc;
}

int
live_sign_end(struct live_edit *edit)
{
	struct live_signing *signing = edit->live->signing;
	struct node written;
	int rc = ERR_OK, finished;

	if (!node_open(edit->live->writer.bytes, edit->live->writer.len, &written))
		return ERR_DAMAGED;
	if (ttl_of(&written, BLOCK_RRSET) != signing->soa_ttl ||
	    ttl_of(&written, BLOCK_NEGATIVE_SOA) != signing->negative_ttl)
		return ERR_FORMAT;
	rc = live_keep_node(edit, &written, &signing->new_apex);
	if (rc == ERR_OK)
		rc = uncover_all(edit);
	if (rc == ERR_OK)
		rc = look_at_touched(edit);
	if (rc == ERR_OK)
		rc = live_links_make(edit);
	if (rc == ERR_OK)
		rc = add_jobs(edit);
	finished = node_sign_finish(signing->sign);
	if (rc == ERR_OK)
		rc = finished;
	edit->made = node_sign_made(signing->sign);
	if (rc == ERR_OK)
		rc = write_jobs(edit);
	return rc == ERR_OK ? write_apex(edit) : rc;
}

void
live_sign_restart_facts(struct live_edit *edit, int64_t first_end_s)
{
	struct live_signing *signing = edit->live->signing;
	int64_t next_s = node_sign_keys(signing->sign)->next_s;

	signing->facts.ends_at_s = first_end_s;
	signing->facts.renew_at_s = first_end_s - refresh_s_of(signing);
	if (next_s != 0 && next_s < signing->facts.renew_at_s)
		signing->facts.renew_at_s = next_s;
}

int
live_sign_put_apex(struct live_edit *edit)
{
	struct live *live = edit->live;
	struct node written;
	int rc = write_apex(edit);

	if (rc != ERR_OK)
		return rc;
	if (!node_open(live->writer.bytes, live->writer.len, &written))
		return ERR_DAMAGED;
	live_count_out(edit, &live->signing->apex);
	live_count_in(edit, &written);
	live_set_facts(live, &edit->facts, &edit->redis);
	live_sign_set_facts(edit);
	return live_put_writer(live);
}

void
live_sign_set_facts(struct live_edit *edit)
{
	struct live *live = edit->live;
	struct live_signing *signing = live->signing;
	struct signing_facts facts = signing->facts;
	int64_t first_end_s = node_sign_first_end(signing->sign);
	int64_t refresh_s = refresh_s_of(signing);
	struct node node;
	struct block block;

	if (first_end_s != 0 && first_end_s < facts.ends_at_s)
		facts.ends_at_s = first_end_s;
	if (first_end_s != 0 && first_end_s - refresh_s < facts.renew_at_s)
		facts.renew_at_s = first_end_s - refresh_s;
	if (live->writer.error ||
	    !node_open(live->writer.bytes, live->writer.len, &node) ||
	    !node_find_block(&node, BLOCK_SIGNING, 0, &block) ||
	    block.head.len < sizeof facts)
		return;
	memcpy(live->writer.bytes + (block.payload - node.bytes), &facts, sizeof facts);
}
