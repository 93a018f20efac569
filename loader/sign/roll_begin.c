/* How rolls begin: by wish, or by age. */
#include "loader/sign/roll_private.h"

/* A key for all beside which a ZSK signs is followed by a KSK. */
static enum roll_role
role_after(const struct roll_zone *zone, const struct roll_key *like)
{
	if (like->role != ROLL_CSK)
		return (enum roll_role)like->role;
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].role == ROLL_ZSK &&
		    zone->keys[i].algorithm == like->algorithm &&
		    zone->keys[i].stage == ROLL_ACTIVE)
			return ROLL_KSK;
	return ROLL_CSK;
}

static bool
add_wanted(struct rolling *r, const struct roll_key *like, uint8_t algorithm)
{
	struct roll_zone *zone = r->zone;
	enum roll_role role = role_after(zone, like);

	if (zone->count == SIGN_KEYS_MAX)
		return false;
	zone->keys[zone->count++] = (struct roll_key){
		.flags = like->flags,
		.algorithm = algorithm,
		.role = (uint8_t)role,
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
		    roll_is_same_work(zone->keys[i].role, like->role) &&
		    roll_key_comes(&zone->keys[i]))
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
		  roll_publish_interval(r, (enum roll_role)key->role);
	if (begin_s <= r->view->now_s)
		begin_plain(r, (enum roll_role)key->role);
	else
		roll_note_next(r, begin_s);
}

void
roll_begin_due(struct rolling *r)
{
	begin_wished(r);
	for (uint32_t i = 0, count = r->zone->count; i < count; i++)
		begin_aged(r, &r->zone->keys[i]);
}
