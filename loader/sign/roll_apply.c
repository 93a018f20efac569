/* What rolls mean for a zone. */
#include <string.h>

#include "loader/sign/roll.h"

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
	return zone->goal == ROLL_KEEP && zone->wishes == 0 && zone->algorithm == 0 &&
	       zone->fleet.part == ROLL_ALONE;
}
