/* From what is served, and what the parents have, to the next steps. */
#include "loader/rolling_round.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/resolve/ds_look.h"
#include "loader/rolling_ds.h"
#include "loader/sign/roll.h"
#include "loader/sign/sign_session.h"
#include "loader/sign/signer_proto.h"
#include "loader/sign/zone_sign.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"
#include "shm/rrtype.h"

enum {
	DAY_S = 86400,
	TTL_UNKNOWN_S = DAY_S, /* of what was signed before that was noted */
	LOOK_SHARE =
		8, /* a DS is looked for when so much of the time waited has passed */
	LOOK_LEAST_S = 1,
	LOOK_MOST_S = 300,
	LOOKS_MS = 20000, /* so long one round looks for DS */
	RETRY_S = 60,
};

/* A round under way. */
struct looking {
	struct rolling_round *round;
	const struct settings *settings;
	struct sign_session *session;
	struct store_walk *walk;
	struct rolling_ds *ds;
	struct fleet *fleet;
	uint64_t looks_until_ms;
	char *reason; /* of the command's refusal: JOB_REASON_MAX */
};

/* A zone being looked at. */
struct zone_look {
	const uint8_t *name;
	size_t len;
	char text[DNAME_TEXT_MAX];
	struct node apex;
	struct signing_facts facts;
	bool is_signed;
	struct sign_keys *keys; /* owned */
	struct roll_zone roll;
	struct roll_view view;
};

static void
note_next(struct looking *l, int64_t at_s)
{
	if (at_s != 0 && (l->round->next_s == 0 || at_s < l->round->next_s))
		l->round->next_s = at_s;
}

/* ---- the signer ---- */

static int
load_roll(struct looking *l, struct zone_look *z)
{
	char *reply;
	size_t len;
	int rc = sign_session_ask(l->session, SIGNER_ROLL, z->name, z->len, &reply, &len);

	if (rc == ERR_OK && len != sizeof z->roll)
		rc = ERR_FORMAT;
	if (rc == ERR_OK)
		memcpy(&z->roll, reply, sizeof z->roll);
	free(reply);
	return rc;
}

static int
save_roll(struct looking *l, const struct zone_look *z)
{
	uint8_t request[sizeof z->roll + DNAME_MAX];
	char *reply;
	size_t len;
	int rc;

	memcpy(request, &z->roll, sizeof z->roll);
	memcpy(request + sizeof z->roll, z->name, z->len);
	rc = sign_session_ask(l->session, SIGNER_PUT_ROLL, request,
			      sizeof z->roll + z->len, &reply, &len);
	if (rc != ERR_OK)
		log_errorx("zone %s: the rollover of its keys cannot go on: %s", z->text,
			   reply && reply[0] ? reply : errcode_text(rc));
	free(reply);
	return rc;
}

/* Is the zone served as its keys stand? */
static int
compare_served(struct looking *l, struct zone_look *z, bool *is_served)
{
	const struct zone_signing_wish wish = {
		.has_denial = (z->facts.flags & SIGNING_OWN_DENIAL) != 0,
		.denial = z->facts.denial,
	};
	int rc = sign_session_start(l->session, z->name, z->len, z->keys);

	if (rc != ERR_OK)
		return rc;
	if (!z->is_signed || z->roll.goal == ROLL_UNSIGNED)
		*is_served = !z->is_signed && z->roll.goal == ROLL_UNSIGNED;
	else
		*is_served =
			zone_sign_mark(z->keys, zone_sign_denial(&wish, l->settings)) ==
			z->facts.mark;
	return ERR_OK;
}

/* ---- what is so ---- */

static void
fill_view(const struct looking *l, struct zone_look *z)
{
	struct rrset dnskeys;

	z->view.now_s = clock_wall_s();
	z->view.ttl_key_s = TTL_UNKNOWN_S;
	if (node_find_rrset(&z->apex, RRTYPE_DNSKEY, &dnskeys))
		z->view.ttl_key_s = dnskeys.head.ttl;
	z->view.ttl_sig_s = z->facts.longest_ttl ? z->facts.longest_ttl : TTL_UNKNOWN_S;
	z->view.zsk_life_s = (int64_t)(l->settings->dnssec.zsk_days * DAY_S);
	z->view.propagation_s =
		fleet_shares(l->fleet, &z->apex) ? l->settings->dnssec.fleet_lag : 0;
	z->view.ksk_life_s = (int64_t)(l->settings->dnssec.ksk_days * DAY_S);
}

/* Since when has something waited for the parent? */
static int64_t
waiting_since(const struct roll_zone *roll)
{
	int64_t since_s = roll->goal == ROLL_LEAVE ? roll->goal_since_s : 0;

	for (uint32_t i = 0; i < roll->count; i++)
		if (roll->keys[i].stage == ROLL_READY && roll->keys[i].since_s > since_s)
			since_s = roll->keys[i].since_s;
	return since_s;
}

/* Ask for the DS less and less often: a parent that took an hour may well take ten minutes
 * more. */
static int64_t
next_look(const struct zone_look *z)
{
	int64_t waited_s = z->view.now_s - waiting_since(&z->roll);
	int64_t pause_s = waited_s / LOOK_SHARE;

	if (pause_s < LOOK_LEAST_S)
		pause_s = LOOK_LEAST_S;
	return z->view.now_s + (pause_s < LOOK_MOST_S ? pause_s : LOOK_MOST_S);
}

static struct roll_outcome
step_with_ds(struct looking *l, struct zone_look *z, struct roll_outcome outcome)
{
	bool was_changed = outcome.is_changed;
	char reason[DS_LOOK_REASON_MAX] = "";

	if (clock_now_ms() > l->looks_until_ms) {
		note_next(l, z->view.now_s + LOOK_LEAST_S);
		return outcome;
	}
	rolling_ds_look(l->ds, l->walk, z->name, z->len, z->keys, &z->roll, &z->view.ds,
			reason);
	if (!z->view.ds.is_known)
		log_debug("zone %s: its DS is not known: %s", z->text, reason);
	z->view.now_s = clock_wall_s();
	outcome = roll_step(&z->roll, &z->view);
	outcome.is_changed |= was_changed;
	if (outcome.wants_ds)
		note_next(l, next_look(z));
	return outcome;
}

/* ---- leaving ---- */

/* The zone's configuration wants it unsigned, or signed again. */
static bool
follow_configuration(struct zone_look *z)
{
	bool is_leaving = z->is_signed && (z->facts.flags & SIGNING_LEAVING);

	if (z->is_signed && z->roll.fleet.has_left) {
		z->roll.fleet.has_left = false;
		return true;
	}
	if (z->roll.goal == ROLL_KEEP && is_leaving) {
		z->roll.goal = ROLL_LEAVE;
		z->roll.goal_since_s = z->roll.ds_gone_s = 0;
		z->roll.is_by_command = false;
		return true;
	}
	if (z->roll.goal == ROLL_KEEP || z->roll.is_by_command || is_leaving)
		return false;
	/* it is unsigned at last, or has come back */
	z->roll.fleet.has_left = !z->is_signed;
	z->roll.goal = ROLL_KEEP;
	z->roll.goal_since_s = z->roll.ds_gone_s = 0;
	return true;
}

/* ---- a zone ---- */

static void
log_moves(const struct zone_look *z, const struct roll_zone *before)
{
	static const char *const goals[ROLL_GOALS] = {
		"its signatures stay", "it is to be unsigned: CDS asks for no DS",
		"it is served unsigned"
	};

	if (before->goal != z->roll.goal)
		log_info("zone %s: %s", z->text, goals[z->roll.goal]);
	for (uint32_t i = 0; i < z->roll.count; i++) {
		const struct roll_key *key = &z->roll.keys[i];

		if (i < before->count && before->keys[i].stage == key->stage)
			continue;
		if (key->stage == ROLL_WANTED)
			log_info("zone %s: a new %s of algorithm %u", z->text,
				 roll_role_name((enum roll_role)key->role),
				 key->algorithm);
		else if (key->is_managed)
			log_info("zone %s: %s %u is %s", z->text,
				 roll_role_name((enum roll_role)key->role), key->tag,
				 roll_stage_name((enum roll_stage)key->stage));
	}
}

/* What has been asked for, on top of what comes by itself.  returns whether it can be. */
static bool
take_wish(struct looking *l, struct zone_look *z)
{
	const struct rolling_round *round = l->round;
	const char *why = NULL;

	switch (round->wish) {
	case ROLLING_LOOK:
		return true;
	case ROLLING_ROLL:
		why = roll_ask(&z->roll, round->roles, round->algorithm);
		break;
	case ROLLING_DS_SEEN:
		why = roll_tell_ds(&z->roll, round->tag);
		if (!why && round->ttl_ds_s > z->roll.ttl_ds_s)
			z->roll.ttl_ds_s = round->ttl_ds_s;
		break;
	case ROLLING_UNSIGN:
		z->roll.is_by_command = !(z->facts.flags & SIGNING_LEAVING);
		z->roll.goal =
			z->roll.goal == ROLL_LEAVE || (z->facts.flags & SIGNING_LEAVING)
				? ROLL_UNSIGNED
				: ROLL_LEAVE;
		z->roll.goal_since_s = z->roll.ds_gone_s = 0;
		break;
	}
	if (!why)
		return true;
	snprintf(l->reason, JOB_REASON_MAX, "zone %.255s: %.200s", z->text, why);
	return false;
}

/* Save what has changed, and see whether the zone is to be signed for it. */
static int
keep(struct looking *l, struct zone_look *z, const struct roll_zone *before,
     bool is_changed)
{
	bool is_served = false;
	int rc = is_changed ? save_roll(l, z) : ERR_OK;

	if (rc != ERR_OK)
		return rc;
	if (is_changed)
		log_moves(z, before);
	rc = compare_served(l, z, &is_served);
	if (rc != ERR_OK)
		return rc;
	l->round->has_rolls |= !roll_is_empty(&z->roll);
	if (is_served || (!z->is_signed && z->roll.goal == ROLL_KEEP))
		return ERR_OK;
	l->round->must_sign = true;
	l->round->has_moved |= is_changed;
	note_next(l, z->view.now_s + RETRY_S);
	return ERR_OK;
}

/* ---- fleets ---- */

/* Another server rolls its keys: what that says is to be served here. */
static int
look_at_left(struct looking *l, struct zone_look *z, const char *why)
{
	int64_t next_s;

	if (l->round->wish != ROLLING_LOOK) {
		snprintf(l->reason, JOB_REASON_MAX, "zone %.255s: %.200s", z->text, why);
		return ERR_EXISTS;
	}
	fleet_listen(l->fleet, z->name, &z->roll, &next_s);
	note_next(l, next_s);
	return keep(l, z, &z->roll, false);
}

/* What is not written yet holds the roll up: it is no failure of this look. */
static int
share(struct looking *l, struct zone_look *z, bool is_changed)
{
	bool is_known = z->roll.fleet.part != ROLL_ALONE;
	int rc = ERR_OK;
	int64_t next_s;

	if (!fleet_shares(l->fleet, &z->apex) || (!z->is_signed && !is_known))
		return ERR_OK;
	/* keys that were wanted have been drawn */
	if (is_changed)
		rc = load_roll(l, z);
	if (rc == ERR_OK &&
	    fleet_tell(l->fleet, l->session, z->name, z->len, &z->roll, &next_s))
		rc = save_roll(l, z);
	if (rc == ERR_OK)
		note_next(l, next_s);
	return rc;
}

/* ---- one zone ---- */

static int
look_at(struct looking *l, struct zone_look *z)
{
	char why[FLEET_TEXT_MAX];
	struct roll_outcome outcome = { 0 };
	struct roll_zone before;
	bool is_changed;
	int rc = load_roll(l, z);

	if (rc == ERR_OK && fleet_leaves(l->fleet, &z->apex, &z->roll, why))
		return look_at_left(l, z, why);
	if (rc == ERR_OK)
		rc = compare_served(l, z, &z->view.is_served);
	if (rc != ERR_OK)
		return rc;
	before = z->roll;
	if (!take_wish(l, z))
		return ERR_EXISTS;
	is_changed = follow_configuration(z) || l->round->wish != ROLLING_LOOK;
	if (fleet_shares(l->fleet, &z->apex))
		z->view.is_served &= fleet_is_told(&z->roll);
	/* what is asked for only now cannot be served yet */
	z->view.is_served &= !is_changed;
	fill_view(l, z);
	if (z->is_signed) {
		outcome = roll_step(&z->roll, &z->view);
		if (outcome.wants_ds)
			outcome = step_with_ds(l, z, outcome);
		note_next(l, outcome.next_s);
	}
	is_changed |= outcome.is_changed;
	rc = keep(l, z, &before, is_changed);
	return rc == ERR_OK ? share(l, z, is_changed) : rc;
}

static int
look_at_apex(struct looking *l, const struct node *apex)
{
	struct zone_look *z = calloc(1, sizeof *z);
	int rc;

	if (!z)
		return ERR_NOMEM;
	z->apex = *apex;
	z->name = node_owner(apex);
	z->len = apex->head.owner_len;
	dname_to_text(z->name, z->text);
	z->is_signed = node_copy_block(apex, BLOCK_SIGNING, &z->facts, sizeof z->facts);
	z->keys = malloc(sizeof *z->keys);
	rc = z->keys ? look_at(l, z) : ERR_NOMEM;
	free(z->keys);
	free(z);
	return rc;
}

/* ---- which zones ---- */

/* Is it one of those that age, that are to be unsigned, or of which others are told? */
static bool
is_among_all(struct looking *l, const struct node *apex)
{
	bool ages = l->settings->dnssec.zsk_days > 0 || l->settings->dnssec.ksk_days > 0;
	struct signing_facts facts;

	if (!node_copy_block(apex, BLOCK_SIGNING, &facts, sizeof facts))
		return false;
	l->round->has_signed = true;
	return ages || (facts.flags & SIGNING_LEAVING) || fleet_shares(l->fleet, apex);
}

static int
look_at_all(struct looking *l)
{
	struct store_cursor *cursor;
	struct node apex;
	int rc = store_cursor_open(l->walk, CATALOGUE_ID, &cursor);

	if (rc != ERR_OK)
		return rc;
	while (rc == ERR_OK && (rc = store_cursor_next(cursor, &apex)) == ERR_OK)
		if (is_among_all(l, &apex))
			rc = look_at_apex(l, &apex);
	store_cursor_close(cursor);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

static int
look_at_name(struct looking *l, const uint8_t *name)
{
	struct node apex;
	int rc = store_walk_find(l->walk, CATALOGUE_ID, name, &apex);

	if (rc != ERR_OK || (l->round->is_whole && is_among_all(l, &apex)))
		return rc;
	return look_at_apex(l, &apex);
}

/* Those of which the signer keeps something, unless all are looked at; each name stands behind its length. */
static int
look_at_rolls(struct looking *l)
{
	char *names;
	size_t len;
	int rc = sign_session_ask(l->session, SIGNER_ROLLS, "", 0, &names, &len);

	if (rc != ERR_OK && rc != ERR_TIMEOUT)
		snprintf(l->reason, JOB_REASON_MAX, "%s/keys cannot be read: %s",
			 l->settings->state_dir, errcode_text(rc));
	for (size_t at = 0; rc == ERR_OK && at < len;) {
		const uint8_t *name = (const uint8_t *)names + at + 1;
		size_t name_len = (uint8_t)names[at];

		at += 1 + name_len;
		if (at > len || dname_len(name, name_len) != name_len)
			break;
		l->round->has_rolls = true;
		rc = look_at_name(l, name);
		if (rc == ERR_NOTFOUND)
			rc = ERR_OK;
	}
	free(names);
	return rc;
}

/* The zone of a command must be there, and signed. */
static int
look_for_wish(struct looking *l)
{
	char text[DNAME_TEXT_MAX];
	struct signing_facts facts;
	struct node apex;
	int rc = store_walk_find(l->walk, CATALOGUE_ID, l->round->zone, &apex);

	dname_to_text(l->round->zone, text);
	if (rc == ERR_OK && node_copy_block(&apex, BLOCK_SIGNING, &facts, sizeof facts))
		return look_at_apex(l, &apex);
	snprintf(l->reason, JOB_REASON_MAX, "zone %.255s %s", text,
		 rc == ERR_OK ? "is not signed here" : "is not served");
	return ERR_EXISTS;
}

static int
look_round(struct looking *l)
{
	int rc;

	if (l->round->wish != ROLLING_LOOK)
		return look_for_wish(l);
	rc = look_at_rolls(l);
	return rc == ERR_OK && l->round->is_whole ? look_at_all(l) : rc;
}

/* ---- the job ---- */

static int
open_all(struct looking *l)
{
	struct sync *sync = l->round->sync;
	char dir[PATH_MAX];

	l->session = sign_session_new(sync->signer_fd, false);
	l->ds = rolling_ds_new(l->settings);
	l->fleet = fleet_new(l->settings);
	if (!l->session || !l->ds || !l->fleet)
		return ERR_NOMEM;
	if (!state_path_generation(sync->state_dir,
				   atomic_load(&sync->region->swap.published_id), dir))
		return ERR_RANGE;
	return store_walk_open_live(dir, &l->walk);
}

int
rolling_round_run(void *context, struct job_report *report, char reason[JOB_REASON_MAX])
{
	struct rolling_round *round = context;
	struct looking l = {
		.round = round,
		.settings = round->sync->settings,
		.looks_until_ms = clock_now_ms() + LOOKS_MS,
		.reason = reason,
	};
	int rc = open_all(&l);

	reason[0] = '\0';
	if (rc == ERR_OK)
		rc = look_round(&l);
	if (rc != ERR_OK && reason[0] == '\0')
		snprintf(reason, JOB_REASON_MAX, "%s",
			 rc == ERR_TIMEOUT ? "the signer does not answer"
					   : errcode_text(rc));
	store_walk_close(l.walk);
	if (l.fleet)
		fleet_explain(l.fleet, round->fleet_text);
	fleet_free(l.fleet);
	rolling_ds_free(l.ds);
	sign_session_free(l.session);
	job_report_put(report, &round->must_sign, sizeof round->must_sign);
	job_report_put(report, &round->has_moved, sizeof round->has_moved);
	job_report_put(report, &round->has_rolls, sizeof round->has_rolls);
	job_report_put(report, &round->has_signed, sizeof round->has_signed);
	job_report_put(report, &round->next_s, sizeof round->next_s);
	job_report_put(report, round->fleet_text, sizeof round->fleet_text);
	return rc;
}
