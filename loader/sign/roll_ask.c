/* What people say of rolls. */
#include "loader/sign/roll_private.h"

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
		       "it waits for";
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
		why = roll_key_comes(key)
			      ? "too early: caches may not have the key yet, its DS "
				"is to be replaced once it is `ready`"
			      : "nothing waits for the DS of that key";
	}
	return why;
}
