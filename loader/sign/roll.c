/* A look at a zone whose keys roll. */
#include "loader/sign/roll_private.h"

enum { STEPS_MAX = 16 /* more than stages: a zone comes to rest */ };

const char *
roll_stage_name(enum roll_stage stage)
{
	static const char *const names[ROLL_STAGES] = {
		"wanted", "signing", "published", "ready",
		"active", "retired", "withdrawn", "removed",
	};

	return stage < ROLL_STAGES ? names[stage] : "unknown";
}

const char *
roll_role_name(enum roll_role role)
{
	static const char *const names[ROLL_ROLES] = { "zsk", "ksk", "csk" };

	return role < ROLL_ROLES ? names[role] : "unknown";
}

/* ---- leaving ---- */

/* RFC 8078, section 4: the DS goes first; then, when no cache has it, the signatures. */
static void
step_leave(struct rolling *r)
{
	struct roll_zone *zone = r->zone;
	const struct roll_ds *ds = &r->view->ds;

	/* its TTL is to be seen before a parent that is quick removes it */
	r->outcome.wants_ds = true;
	r->outcome.waits_served = zone->goal_since_s == 0;
	if (r->outcome.waits_served || !ds->is_known)
		return;
	if (ds->count > 0) {
		r->outcome.is_changed |= zone->ds_gone_s != 0;
		zone->ds_gone_s = 0;
		return;
	}
	if (zone->ds_gone_s == 0) {
		zone->ds_gone_s = r->view->now_s;
		r->outcome.is_changed = true;
	}
	if (!roll_is_over(r, zone->ds_gone_s, r->view->propagation_s + roll_ttl_ds(r)))
		return;
	zone->goal = ROLL_UNSIGNED;
	r->outcome.is_changed = true;
}

/* ---- all ---- */

/* The TTL that caches may have it with is the longest seen. */
static void
note_ds(struct rolling *r)
{
	if (!r->view->ds.is_known || r->view->ds.ttl_s <= r->zone->ttl_ds_s)
		return;
	r->zone->ttl_ds_s = r->view->ds.ttl_s;
	r->outcome.is_changed = true;
}

/* What is served now has been waited for. */
static void
note_served(struct rolling *r)
{
	struct roll_zone *zone = r->zone;

	if (!r->view->is_served)
		return;
	if (zone->goal == ROLL_LEAVE && zone->goal_since_s == 0) {
		zone->goal_since_s = r->view->now_s;
		r->outcome.is_changed = true;
	}
	for (uint32_t i = 0; i < zone->count; i++) {
		struct roll_key *key = &zone->keys[i];

		if (!key->is_managed || key->since_s != 0 || key->stage == ROLL_WANTED)
			continue;
		key->since_s = r->view->now_s;
		r->outcome.is_changed = true;
	}
}

struct roll_outcome
roll_step(struct roll_zone *zone, const struct roll_view *view)
{
	struct rolling r = { .zone = zone, .view = view };

	note_served(&r);
	note_ds(&r);
	if (zone->goal == ROLL_LEAVE)
		step_leave(&r);
	if (zone->goal != ROLL_KEEP)
		return r.outcome;
	roll_begin_due(&r);
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		r.outcome.wants_ds = r.outcome.waits_served = false;
		if (!roll_step_keys(&r))
			break;
	}
	return r.outcome;
}
