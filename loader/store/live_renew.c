/* Signatures renewed ahead of their end, some names at a time. */
#include <stdlib.h>
#include <string.h>

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/store/live_signing.h"
#include "loader/zone/grow.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"
#include "shm/steered.h"

enum {
	DAY_S = 86400,
	LOOKED_AT_MAX = 2000, /* nodes, in one step */
};

struct due_node {
	struct node node;
	struct node_sign_job *job;
};

struct renewing {
	struct live_edit edit;
	struct live_renewal *renewal;
	int64_t now_s, before_s; /* what ends earlier is due */
	struct due_node *due; /* owned */
	size_t count, room;
};

bool
live_is_renewal_due(const struct node *apex, const struct settings *settings)
{
	int64_t refresh_s = (int64_t)settings->dnssec.refresh_days * DAY_S;
	int64_t now_s = clock_wall_s();
	struct signing_facts facts;

	return node_copy_block(apex, BLOCK_SIGNING, &facts, sizeof facts) &&
	       ((facts.flags & SIGNING_UNTIDY) || facts.ends_at_s - refresh_s <= now_s ||
		sign_clock_is_to_come(apex, now_s));
}

/* ---- what is due ---- */

/* When the first signature of a node ends, now if one has not begun yet, as when the clock was
 * ahead; 0: it has none. */
static int64_t
first_end_of(const struct node *node, int64_t now_s)
{
	int64_t first_s = 0;
	struct block block;
	struct rrset rrset;
	uint32_t at = 0;

	while (node_next_block(node, &at, &block)) {
		struct sign_span span;

		/* signatures over some of an RRset's records end about when it does */
		if (!block_holds_rrset(&block) || !block_open_rrset(&block, &rrset))
			continue;
		span = rrset_sign_span(&rrset, now_s);
		if (span.last_begin_s > now_s)
			return now_s;
		if (span.first_end_s != 0 && (first_s == 0 || span.first_end_s < first_s))
			first_s = span.first_end_s;
	}
	return first_s;
}

static void
note_end(struct live_renewal *renewal, int64_t ends_s)
{
	if (ends_s != 0 && (renewal->first_end_s == 0 || ends_s < renewal->first_end_s))
		renewal->first_end_s = ends_s;
}

static int
look_at(struct renewing *r, const struct node *node)
{
	bool is_nsec3 = node->head.zone_id & NSEC3_SPACE;
	int64_t ends_s = first_end_of(node, r->now_s);
	struct due_node *due;

	if (ends_s == 0 || (!is_nsec3 && live_is_hidden(&r->edit, node_owner(node),
							node->head.owner_len)))
		return ERR_OK;
	if (ends_s > r->before_s) {
		note_end(r->renewal, ends_s);
		return ERR_OK;
	}
	due = grow_items(r->due, &r->room, r->count + 1, sizeof *due);
	if (!due)
		return ERR_NOMEM;
	r->due = due;
	due[r->count].job = NULL;
	return live_keep_node(&r->edit, node, &due[r->count++].node);
}

int
live_renewal_open(struct live *live, const struct live_renewal *renewal, uint32_t zone_id,
		  struct store_cursor **out)
{
	return renewal->has_place
		       ? live_cursor_open_at(live, zone_id, renewal->place, out)
		       : live_cursor_open(live, zone_id, out);
}

/* Look on from where the last step ended: at most `max` names that are due.  returns 0, or
 * ERR_NOTFOUND behind the last name of the space. */
static int
look_on(struct renewing *r, uint32_t zone_id, size_t max)
{
	struct live_renewal *renewal = r->renewal;
	struct store_cursor *cursor;
	struct node node;
	int rc = live_renewal_open(r->edit.live, renewal, zone_id, &cursor);

	if (rc != ERR_OK)
		return rc;
	for (unsigned i = 0; rc == ERR_OK && r->count < max && i < LOOKED_AT_MAX; i++) {
		rc = store_cursor_next(cursor, &node);
		if (rc != ERR_OK)
			break;
		if (!renewal->has_place ||
		    dname_compare(node_owner(&node), renewal->place) != 0)
			rc = look_at(r, &node);
		memcpy(renewal->place, node_owner(&node), node.head.owner_len);
		renewal->has_place = true;
	}
	store_cursor_close(cursor);
	return rc;
}

static int
look(struct renewing *r, size_t max)
{
	struct live_renewal *renewal = r->renewal;
	uint32_t zone_id = r->edit.facts.zone_id;
	bool has_nsec3 = r->edit.live->signing->denial != DENIAL_NSEC;
	int rc = look_on(r, renewal->is_at_nsec3 ? zone_id | NSEC3_SPACE : zone_id, max);

	if (rc != ERR_NOTFOUND)
		return rc;
	renewal->has_place = false;
	renewal->is_done = renewal->is_at_nsec3 || !has_nsec3;
	renewal->is_at_nsec3 = true;
	return ERR_OK;
}

/* ---- a step ---- */

static int
sign_node(struct renewing *r, const struct node *node, bool is_apex,
	  struct node_sign_job **job)
{
	const struct node_sign_wish wish = {
		.node = node,
		.old = node,
		.is_cut = !is_apex && (node->head.flags & NODE_HAS_NS),
		.keeps_chain = true,
		.chain_type =
			node->head.zone_id & NSEC3_SPACE ? RRTYPE_NSEC3 : RRTYPE_NSEC,
	};

	return node_sign_add(r->edit.live->signing->sign, &wish, job);
}

static int
sign_all(struct renewing *r)
{
	struct live_signing *signing = r->edit.live->signing;
	int rc = sign_node(r, &signing->apex, true, &signing->apex_job), finished;

	for (size_t i = 0; rc == ERR_OK && i < r->count; i++)
		rc = sign_node(r, &r->due[i].node, false, &r->due[i].job);
	finished = node_sign_finish(signing->sign);
	return rc == ERR_OK ? finished : rc;
}

static int
write_all(struct renewing *r)
{
	struct live_signing *signing = r->edit.live->signing;
	struct live_renewal *renewal = r->renewal;
	int rc = ERR_OK;

	for (size_t i = 0; rc == ERR_OK && i < r->count; i++)
		rc = live_sign_put(&r->edit, r->due[i].job, &r->due[i].node,
				   &r->due[i].node);
	if (rc != ERR_OK)
		return rc;
	note_end(renewal, node_sign_first_end(signing->sign));
	renewal->made += node_sign_made(signing->sign);
	if (renewal->is_done)
		live_sign_restart_facts(&r->edit, renewal->first_end_s);
	return live_sign_put_apex(&r->edit);
}

static int
tidy(struct renewing *r, size_t max)
{
	struct live *live = r->edit.live;
	int rc = live_hidden_tidy(&r->edit, r->renewal, max);

	if (rc == ERR_OK)
		return live_commit(live);
	live_abort(live);
	return rc;
}

static int
step(struct renewing *r, size_t max)
{
	struct live *live = r->edit.live;
	int rc;

	if (live->signing->facts.flags & SIGNING_UNTIDY)
		return tidy(r, max);
	rc = look(r, max);
	if (rc == ERR_OK && (r->count > 0 || r->renewal->is_done))
		rc = sign_all(r);
	else if (rc == ERR_OK)
		return live_abort(live), ERR_OK;
	if (rc == ERR_OK)
		rc = write_all(r);
	if (rc == ERR_OK)
		return live_commit(live);
	live_abort(live);
	return rc;
}

int
live_renew(struct live *live, struct live_renewal *renewal, size_t max)
{
	struct renewing r = { .renewal = renewal, .now_s = clock_wall_s() };
	struct node apex;
	int rc = live_begin(live);

	if (rc != ERR_OK)
		return rc;
	rc = live_edit_open(live, renewal->origin, renewal->origin_len, &r.edit, &apex);
	if (rc == ERR_OK && (!r.edit.is_signed || !live->signing))
		rc = ERR_FORMAT;
	if (rc == ERR_OK && renewal->zone_id != 0 &&
	    renewal->zone_id != r.edit.facts.zone_id)
		rc = ERR_NOTFOUND; /* another zone has taken its place */
	if (rc == ERR_OK)
		rc = live_sign_start(&r.edit, &apex, true);
	if (rc != ERR_OK) {
		live_abort(live);
		return rc;
	}
	renewal->zone_id = r.edit.facts.zone_id;
	live->signing->new_apex = live->signing->apex;
	r.before_s = r.now_s +
		     (int64_t)live->signing->settings->dnssec.refresh_days * DAY_S +
		     sign_clock_ahead_s(live->signing->settings);
	rc = step(&r, max);
	free(r.due);
	return rc;
}
