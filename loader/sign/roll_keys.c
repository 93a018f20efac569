/* The steps of keys that roll. */
#include "loader/sign/roll_private.h"

bool
roll_is_under_way(const struct roll_zone *zone, enum roll_role role)
{
	for (uint32_t i = 0; i < zone->count; i++) {
		const struct roll_key *key = &zone->keys[i];

		if (key->is_managed &&
		    (role == ROLL_ROLES || roll_is_same_work(key->role, role)) &&
		    key->stage != ROLL_ACTIVE && key->stage != ROLL_REMOVED)
			return true;
	}
	return false;
}

static void
move(struct roll_key *key, enum roll_stage stage, int64_t since_s, int64_t now_s)
{
	static const uint8_t time_of[ROLL_STAGES] = {
		[ROLL_SIGNING] = KEY_CREATED,  [ROLL_PUBLISHED] = KEY_PUBLISH,
		[ROLL_READY] = KEY_TIMES,      [ROLL_ACTIVE] = KEY_ACTIVATE,
		[ROLL_RETIRED] = KEY_INACTIVE, [ROLL_WITHDRAWN] = KEY_TIMES,
		[ROLL_REMOVED] = KEY_DELETE,
	};

	key->stage = (uint8_t)stage;
	key->since_s = since_s;
	key->is_managed = true;
	key->is_ds_told = false;
	if (time_of[stage] < KEY_TIMES)
		key->times[time_of[stage]] = now_s;
}

static void
enter(struct rolling *r, struct roll_key *key, enum roll_stage stage, int64_t since_s)
{
	move(key, stage, since_s, r->view->now_s);
	r->outcome.is_changed = true;
}

void
roll_start(struct roll_key *key, uint16_t tag, int64_t now_s)
{
	key->tag = tag;
	key->times[KEY_CREATED] = now_s;
	move(key, key->by_algorithm ? ROLL_SIGNING : ROLL_PUBLISHED, 0, now_s);
}

/* The active keys that this one follows are retired. */
static void
retire_others(struct rolling *r, const struct roll_key *successor, int64_t since_s)
{
	for (uint32_t i = 0; i < r->zone->count; i++) {
		struct roll_key *key = &r->zone->keys[i];

		if (key == successor || key->stage != ROLL_ACTIVE)
			continue;
		if (successor->by_algorithm
			    ? key->algorithm == successor->algorithm
			    : !roll_is_same_work(key->role, successor->role) ||
				      key->algorithm != successor->algorithm)
			continue;
		enter(r, key, ROLL_RETIRED, since_s);
		key->by_algorithm = successor->by_algorithm;
	}
}

/* ---- what the parent has ---- */

static bool
is_among(const struct rolling *r, const struct roll_key *key, uint32_t bits)
{
	return bits >> (key - r->zone->keys) & 1;
}

/* Is a DS of a key there that is to go? */
static bool
has_old_ds(const struct rolling *r, const struct roll_key *successor)
{
	for (uint32_t i = 0; i < r->zone->count; i++) {
		const struct roll_key *key = &r->zone->keys[i];

		if (key != successor && key->stage == ROLL_ACTIVE &&
		    is_among(r, key, r->view->ds.anywhere) &&
		    (successor->by_algorithm || key->algorithm == successor->algorithm))
			return true;
	}
	return false;
}

static bool
is_ds_replaced(const struct rolling *r, const struct roll_key *key)
{
	return key->is_ds_told ||
	       (r->view->ds.is_known && is_among(r, key, r->view->ds.everywhere) &&
		!has_old_ds(r, key));
}

/* ---- the steps of one key ---- */

static bool
step_zsk(struct rolling *r, struct roll_key *key)
{
	if (!roll_is_over(r, key->since_s, roll_publish_interval(r, ROLL_ZSK)))
		return false;
	enter(r, key, ROLL_ACTIVE, 0);
	retire_others(r, key, 0);
	return true;
}

/* The DS has changed: nothing in the zone does, so the next interval has begun. */
static bool
step_ready(struct rolling *r, struct roll_key *key)
{
	if (key->since_s == 0) {
		r->outcome.waits_served = true;
		return false;
	}
	if (!is_ds_replaced(r, key)) {
		r->outcome.wants_ds = true;
		return false;
	}
	enter(r, key, ROLL_ACTIVE, r->view->now_s);
	retire_others(r, key, r->view->now_s);
	return true;
}

static bool
step_plain(struct rolling *r, struct roll_key *key)
{
	switch ((enum roll_stage)key->stage) {
	case ROLL_PUBLISHED:
		if (key->role == ROLL_ZSK)
			return step_zsk(r, key);
		if (!roll_is_over(r, key->since_s, roll_publish_interval(r, key->role)))
			return false;
		enter(r, key, ROLL_READY, 0);
		return true;
	case ROLL_READY:
		return step_ready(r, key);
	case ROLL_RETIRED:
		if (!roll_is_over(r, key->since_s, roll_retire_interval(r, key->role)))
			return false;
		enter(r, key, ROLL_REMOVED, 0);
		return true;
	case ROLL_WANTED:
	case ROLL_SIGNING:
	case ROLL_ACTIVE:
	case ROLL_WITHDRAWN:
	case ROLL_REMOVED:
	case ROLL_STAGES:
		break;
	}
	return false;
}

/* ---- the steps of an algorithm ---- */

static bool
enter_all(struct rolling *r, enum roll_stage from, enum roll_stage to)
{
	for (uint32_t i = 0; i < r->zone->count; i++)
		if (r->zone->keys[i].by_algorithm && r->zone->keys[i].stage == from)
			enter(r, &r->zone->keys[i], to, 0);
	return true;
}

/* All of its keys are ready; one that has a DS decides. */
static bool
step_algorithm_ready(struct rolling *r, struct roll_key *key)
{
	if (key->role == ROLL_ZSK || !step_ready(r, key))
		return false;
	for (uint32_t i = 0; i < r->zone->count; i++)
		if (r->zone->keys[i].by_algorithm && r->zone->keys[i].stage == ROLL_READY)
			enter(r, &r->zone->keys[i], ROLL_ACTIVE, r->view->now_s);
	return true;
}

/* The algorithm is the zone's own from now on. */
static bool
end_algorithm(struct rolling *r)
{
	enter_all(r, ROLL_WITHDRAWN, ROLL_REMOVED);
	for (uint32_t i = 0; i < r->zone->count; i++)
		r->zone->keys[i].by_algorithm = false;
	return true;
}

/* Keys of an algorithm move together: what is due for one is due for all. */
static bool
step_algorithm(struct rolling *r, struct roll_key *key)
{
	const struct roll_view *view = r->view;
	int64_t lag_s = view->propagation_s;

	switch ((enum roll_stage)key->stage) {
	case ROLL_SIGNING:
		return roll_is_over(r, key->since_s, lag_s + view->ttl_sig_s) &&
		       enter_all(r, ROLL_SIGNING, ROLL_PUBLISHED);
	case ROLL_PUBLISHED:
		return roll_is_over(r, key->since_s, lag_s + view->ttl_key_s) &&
		       enter_all(r, ROLL_PUBLISHED, ROLL_READY);
	case ROLL_READY:
		return step_algorithm_ready(r, key);
	case ROLL_RETIRED:
		return roll_is_over(r, key->since_s, lag_s + roll_ttl_ds(r)) &&
		       enter_all(r, ROLL_RETIRED, ROLL_WITHDRAWN);
	case ROLL_WITHDRAWN:
		return roll_is_over(r, key->since_s, lag_s + view->ttl_key_s) &&
		       end_algorithm(r);
	case ROLL_WANTED:
	case ROLL_ACTIVE:
	case ROLL_REMOVED:
	case ROLL_STAGES:
		break;
	}
	return false;
}

bool
roll_step_keys(struct rolling *r)
{
	for (uint32_t i = 0; i < r->zone->count; i++) {
		struct roll_key *key = &r->zone->keys[i];

		if (key->is_managed &&
		    (key->by_algorithm ? step_algorithm(r, key) : step_plain(r, key)))
			return true;
	}
	return false;
}
