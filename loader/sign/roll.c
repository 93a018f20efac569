/* The steps of rollovers. */
#include "loader/sign/roll.h"

#include <string.h>

enum {
	STEPS_MAX = 16, /* more than stages: a zone comes to rest */
	SECOND_S = 1, /* caches count whole seconds, and may round up */
};

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

/* A roll being looked at. */
struct rolling {
	struct roll_zone *zone;
	const struct roll_view *view;
	struct roll_outcome outcome;
};

/* ---- time ---- */

static void
note_next(struct rolling *r, int64_t at_s)
{
	if (r->outcome.next_s == 0 || at_s < r->outcome.next_s)
		r->outcome.next_s = at_s;
}

/* Has it been so for that long?  If not, it is looked at again then. */
static bool
is_over(struct rolling *r, int64_t since_s, int64_t interval_s)
{
	int64_t end_s = since_s + interval_s + SECOND_S;

	if (since_s == 0) {
		r->outcome.waits_served = true;
		return false;
	}
	if (r->view->now_s >= end_s)
		return true;
	note_next(r, end_s);
	return false;
}

static int64_t
ttl_ds(const struct rolling *r)
{
	return r->zone->ttl_ds_s ? r->zone->ttl_ds_s : ROLL_TTL_DS_S;
}

static int64_t
larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* Ipub, IpubC (RFC 7583, sections 3.2.1 and 3.3.1); what the key for all signs must be
 * everywhere, too (Iret of section 3.2.2). */
static int64_t
publish_interval(const struct rolling *r, enum roll_role role)
{
	int64_t ttl = r->view->ttl_key_s;

	if (role == ROLL_CSK)
		ttl = larger(ttl, r->view->ttl_sig_s);
	return r->view->propagation_s + ttl;
}

/* Iret: section 3.2.1 (Dsgn is nothing, since time runs from when all is signed anew), and
 * 3.3.1. */
static int64_t
retire_interval(const struct rolling *r, enum roll_role role)
{
	return r->view->propagation_s +
	       (role == ROLL_ZSK ? (int64_t)r->view->ttl_sig_s : ttl_ds(r));
}

/* ---- keys ---- */

static bool
comes(const struct roll_key *key)
{
	return key->stage < ROLL_ACTIVE;
}

bool
roll_is_under_way(const struct roll_zone *zone, enum roll_role role)
{
	for (uint32_t i = 0; i < zone->count; i++) {
		const struct roll_key *key = &zone->keys[i];

		if (key->is_managed && (role == ROLL_ROLES || key->role == role) &&
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
			    : key->role != successor->role ||
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

/* The TTL that caches may have it with is the longest seen. */
static void
note_ds(struct rolling *r)
{
	if (!r->view->ds.is_known || r->view->ds.ttl_s <= r->zone->ttl_ds_s)
		return;
	r->zone->ttl_ds_s = r->view->ds.ttl_s;
	r->outcome.is_changed = true;
}

/* ---- the steps of one key ---- */

static bool
step_zsk(struct rolling *r, struct roll_key *key)
{
	if (!is_over(r, key->since_s, publish_interval(r, ROLL_ZSK)))
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
		if (!is_over(r, key->since_s, publish_interval(r, key->role)))
			return false;
		enter(r, key, ROLL_READY, 0);
		return true;
	case ROLL_READY:
		return step_ready(r, key);
	case ROLL_RETIRED:
		if (!is_over(r, key->since_s, retire_interval(r, key->role)))
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
		return is_over(r, key->since_s, lag_s + view->ttl_sig_s) &&
		       enter_all(r, ROLL_SIGNING, ROLL_PUBLISHED);
	case ROLL_PUBLISHED:
		return is_over(r, key->since_s, lag_s + view->ttl_key_s) &&
		       enter_all(r, ROLL_PUBLISHED, ROLL_READY);
	case ROLL_READY:
		return step_algorithm_ready(r, key);
	case ROLL_RETIRED:
		return is_over(r, key->since_s, lag_s + ttl_ds(r)) &&
		       enter_all(r, ROLL_RETIRED, ROLL_WITHDRAWN);
	case ROLL_WITHDRAWN:
		return is_over(r, key->since_s, lag_s + view->ttl_key_s) &&
		       end_algorithm(r);
	case ROLL_WANTED:
	case ROLL_ACTIVE:
	case ROLL_REMOVED:
	case ROLL_STAGES:
		break;
	}
	return false;
}

static bool
step_keys(struct rolling *r)
{
	for (uint32_t i = 0; i < r->zone->count; i++) {
		struct roll_key *key = &r->zone->keys[i];

		if (key->is_managed &&
		    (key->by_algorithm ? step_algorithm(r, key) : step_plain(r, key)))
			return true;
	}
	return false;
}

/* ---- new rolls ---- */

static bool
add_wanted(struct rolling *r, const struct roll_key *like, uint8_t algorithm)
{
	struct roll_zone *zone = r->zone;

	if (zone->count == SIGN_KEYS_MAX)
		return false;
	zone->keys[zone->count++] = (struct roll_key){
		.flags = like->flags,
		.algorithm = algorithm,
		.role = like->role,
		.stage = ROLL_WANTED,
		.is_managed = true,
		.by_algorithm = algorithm != like->algorithm,
	};
	r->outcome.is_changed = true;
	return true;
}

static bool
is_wanted(const struct roll_zone *zone, const struct roll_key *like, uint8_t algorithm)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].algorithm == algorithm &&
		    zone->keys[i].role == like->role && comes(&zone->keys[i]))
			return true;
	return false;
}

static void
begin_plain(struct rolling *r, enum roll_role role)
{
	struct roll_zone *zone = r->zone;

	/* until another is seen, the TTL of a DS is not what it was long ago */
	if (role != ROLL_ZSK)
		zone->ttl_ds_s = 0;
	for (uint32_t i = 0, count = zone->count; i < count; i++) {
		const struct roll_key like = zone->keys[i];

		if (like.stage == ROLL_ACTIVE && like.role == role &&
		    !is_wanted(zone, &like, like.algorithm))
			(void)add_wanted(r, &like, like.algorithm);
	}
}

static void
begin_algorithm(struct rolling *r)
{
	struct roll_zone *zone = r->zone;

	zone->ttl_ds_s = 0;
	for (uint32_t i = 0, count = zone->count; i < count; i++) {
		const struct roll_key like = zone->keys[i];

		if (like.stage == ROLL_ACTIVE && like.algorithm != zone->algorithm &&
		    !is_wanted(zone, &like, zone->algorithm))
			(void)add_wanted(r, &like, zone->algorithm);
	}
}

static void
begin_wished(struct rolling *r)
{
	struct roll_zone *zone = r->zone;

	if (zone->wishes == 0 && zone->algorithm == 0)
		return;
	if (zone->algorithm != 0)
		begin_algorithm(r);
	if (zone->wishes & ROLL_WISH_ZSK)
		begin_plain(r, ROLL_ZSK);
	if (zone->wishes & ROLL_WISH_KSK) {
		begin_plain(r, ROLL_KSK);
		begin_plain(r, ROLL_CSK);
	}
	zone->wishes = 0;
	zone->algorithm = 0;
	r->outcome.is_changed = true;
}

/* A successor is published so early that it can follow at the end of the life (RFC 7583:
 * Tpub(N+1) <= Tact(N) + L - Ipub).  A key of unknown age is as old as our first look. */
static void
begin_aged(struct rolling *r, struct roll_key *key)
{
	int64_t life_s =
		key->role == ROLL_ZSK ? r->view->zsk_life_s : r->view->ksk_life_s;
	int64_t begin_s;

	if (life_s == 0 || key->stage != ROLL_ACTIVE ||
	    roll_is_under_way(r->zone, key->role))
		return;
	if (key->times[KEY_ACTIVATE] == 0) {
		key->times[KEY_ACTIVATE] = key->times[KEY_CREATED]
						   ? key->times[KEY_CREATED]
						   : r->view->now_s;
		key->is_managed = true;
		r->outcome.is_changed = true;
	}
	begin_s = key->times[KEY_ACTIVATE] + life_s -
		  publish_interval(r, (enum roll_role)key->role);
	if (begin_s <= r->view->now_s)
		begin_plain(r, (enum roll_role)key->role);
	else
		note_next(r, begin_s);
}

static void
begin_due(struct rolling *r)
{
	begin_wished(r);
	for (uint32_t i = 0, count = r->zone->count; i < count; i++)
		begin_aged(r, &r->zone->keys[i]);
}

/* ---- leaving ---- */

/* RFC 8078, section 4: the DS goes first; then, when no cache has it, the signatures. */
static void
step_leave(struct rolling *r)
{
	struct roll_zone *zone = r->zone;
	const struct roll_ds *ds = &r->view->ds;

	if (zone->goal_since_s == 0) {
		r->outcome.waits_served = true;
		return;
	}
	r->outcome.wants_ds = true;
	if (!ds->is_known)
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
	if (!is_over(r, zone->ds_gone_s, r->view->propagation_s + ttl_ds(r)))
		return;
	zone->goal = ROLL_UNSIGNED;
	r->outcome.is_changed = true;
}

/* ---- all ---- */

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
	begin_due(&r);
	for (unsigned i = 0; i < STEPS_MAX; i++) {
		r.outcome.wants_ds = r.outcome.waits_served = false;
		if (!step_keys(&r))
			break;
	}
	return r.outcome;
}

/* ---- what people say ---- */

static bool
has_active(const struct roll_zone *zone, unsigned wishes)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].stage == ROLL_ACTIVE &&
		    wishes & (zone->keys[i].role == ROLL_ZSK ? ROLL_WISH_ZSK
							     : ROLL_WISH_KSK))
			return true;
	return false;
}

static bool
has_algorithm(const struct roll_zone *zone, uint8_t algorithm)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].algorithm == algorithm &&
		    zone->keys[i].stage == ROLL_ACTIVE)
			return true;
	return false;
}

const char *
roll_ask(struct roll_zone *zone, unsigned wishes, uint8_t algorithm)
{
	bool is_busy = algorithm != 0 && roll_is_under_way(zone, ROLL_ROLES);

	if (zone->goal != ROLL_KEEP)
		return "the zone is to be unsigned";
	for (uint32_t i = 0; i < zone->count; i++)
		is_busy |= zone->keys[i].by_algorithm;
	if (wishes & ROLL_WISH_ZSK)
		is_busy |= roll_is_under_way(zone, ROLL_ZSK);
	if (wishes & ROLL_WISH_KSK)
		is_busy |= roll_is_under_way(zone, ROLL_KSK) ||
			   roll_is_under_way(zone, ROLL_CSK);
	if (is_busy)
		return "a roll is under way already: `martletctl keys ZONE` tells what "
		       "it "
		       "waits for";
	if (!has_active(zone, ROLL_WISH_ZSK | ROLL_WISH_KSK))
		return "the zone has no active key";
	if (algorithm != 0 && has_algorithm(zone, algorithm))
		return "the zone is signed with that algorithm already";
	if (algorithm == 0 && !has_active(zone, wishes))
		return wishes & ROLL_WISH_ZSK ? "the zone has one key for all, no ZSK: "
						"leave out the word"
					      : "the zone has no active KSK";
	zone->wishes |= (uint8_t)wishes;
	zone->algorithm = algorithm;
	return NULL;
}

const char *
roll_tell_ds(struct roll_zone *zone, uint16_t tag)
{
	const char *why = "the zone has no such key";

	for (uint32_t i = 0; i < zone->count; i++) {
		struct roll_key *key = &zone->keys[i];

		if (key->tag != tag || key->stage == ROLL_REMOVED)
			continue;
		if (key->stage == ROLL_READY && key->role != ROLL_ZSK) {
			key->is_ds_told = true;
			return NULL;
		}
		why = comes(key) ? "too early: caches may not have the key yet, its DS "
				   "is to "
				   "be replaced once it is `ready`"
				 : "nothing waits for the DS of that key";
	}
	return why;
}

/* ---- what it means for the zone ---- */

/* Is there, or was there just now, another DS to be had? */
static bool
has_cds(const struct roll_zone *zone)
{
	for (uint32_t i = 0; i < zone->count; i++) {
		const struct roll_key *key = &zone->keys[i];

		if (key->is_managed && key->role != ROLL_ZSK &&
		    (key->stage == ROLL_READY || key->stage == ROLL_RETIRED ||
		     key->stage == ROLL_WITHDRAWN))
			return true;
	}
	return false;
}

/* Does a key that is ready take the place of this one? */
static bool
is_followed(const struct roll_zone *zone, const struct roll_key *key)
{
	for (uint32_t i = 0; i < zone->count; i++) {
		const struct roll_key *other = &zone->keys[i];

		if (other->stage == ROLL_READY && other->role != ROLL_ZSK &&
		    (other->by_algorithm || other->algorithm == key->algorithm))
			return true;
	}
	return false;
}

/* From when the parent may act until what it has replaced is forgotten, CDS shows all the DS
 * that there are to be. */
static bool
is_in_cds(const struct roll_zone *zone, const struct roll_key *key)
{
	if (zone->goal != ROLL_KEEP || key->role == ROLL_ZSK || !has_cds(zone))
		return false;
	return key->stage == ROLL_READY ||
	       (key->stage == ROLL_ACTIVE && !is_followed(zone, key));
}

void
roll_apply(const struct roll_zone *zone, const struct roll_key *from,
	   struct sign_key *key)
{
	bool signs_twice = from->role != ROLL_ZSK || from->by_algorithm;

	key->stage = from->stage;
	key->is_rolling = from->is_managed;
	key->in_cds = is_in_cds(zone, from);
	if (!from->is_managed)
		return;
	memcpy(key->times, from->times, sizeof key->times);
	switch ((enum roll_stage)from->stage) {
	case ROLL_WANTED:
	case ROLL_STAGES:
		key->state = SIGN_KEY_FUTURE;
		break;
	case ROLL_SIGNING:
	case ROLL_WITHDRAWN:
		key->state = SIGN_KEY_ACTIVE;
		key->is_hidden = true;
		break;
	case ROLL_PUBLISHED:
	case ROLL_READY:
		key->state = signs_twice ? SIGN_KEY_ACTIVE : SIGN_KEY_PUBLISHED;
		break;
	case ROLL_ACTIVE:
		key->state = SIGN_KEY_ACTIVE;
		break;
	case ROLL_RETIRED:
		key->state = signs_twice ? SIGN_KEY_ACTIVE : SIGN_KEY_RETIRED;
		break;
	case ROLL_REMOVED:
		key->state = SIGN_KEY_REMOVED;
		break;
	}
}

bool
roll_is_empty(const struct roll_zone *zone)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].is_managed)
			return false;
	return zone->goal == ROLL_KEEP && zone->wishes == 0 && zone->algorithm == 0;
}
