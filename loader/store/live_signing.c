/* Edits of signed zones: what they touch is noted, and signed when they end. */
#include "loader/store/live_signing.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/zone_sign.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

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

/* ---- the end: names ---- */

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
			touched->is_whole = !live_is_non_terminal(&found);
			rc = live_keep_node(edit, &found, &touched->node);
		}
		rc = rc == ERR_NOTFOUND ? ERR_OK : rc;
	}
	signing->touched_count = kept;
	return rc;
}

/* ---- the end ---- */

int
live_sign_names(struct live_edit *edit)
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
		rc = live_hidden_touch(edit);
	if (rc == ERR_OK)
		rc = look_at_touched(edit);
	if (rc == ERR_OK)
		rc = live_links_make(edit);
	if (rc == ERR_OK)
		rc = live_jobs_add(edit);
	finished = node_sign_finish(signing->sign);
	if (rc == ERR_OK)
		rc = finished;
	edit->made = node_sign_made(signing->sign);
	return rc == ERR_OK ? live_jobs_write(edit) : rc;
}

int
live_sign_end(struct live_edit *edit)
{
	int rc = live_sign_names(edit);

	return rc == ERR_OK ? live_jobs_write_apex(edit) : rc;
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
	int rc = live_jobs_write_apex(edit);

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
