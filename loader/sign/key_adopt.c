/* How keys that are added to a zone begin. */
#include "loader/sign/key_adopt.h"

#include <stdio.h>

#include "loader/sign/key_roll.h"

enum way {
	AT_ONCE,
	BY_KEY, /* as a roll to a key of the same algorithm */
	BY_ALGORITHM,
	NOT_YET,
};

struct adopting {
	struct roll_zone *zone;
	struct sign_keys *keys;
	const struct key_notes *notes;
	int64_t now_s;
	bool is_added[SIGN_KEYS_MAX]; /* of zone->keys: has not begun */
	bool is_changed, waits;
};

/* Does the key sign keys, and have a DS? */
static bool
has_ds(const struct roll_key *key)
{
	return key->flags & DNSKEY_SEP;
}

/* ---- the others ---- */

/* Is there another key, of this algorithm or (0) any, that is in the zone or comes into it,
 * by now or with `those_added`? */
static const struct roll_key *
find_other(const struct adopting *a, uint8_t algorithm, bool is_ksk, bool those_added)
{
	for (uint32_t i = 0; i < a->zone->count; i++) {
		const struct roll_key *key = &a->zone->keys[i];

		if (a->is_added[i] == those_added && has_ds(key) == is_ksk &&
		    key->stage != ROLL_WANTED && key->stage <= ROLL_ACTIVE &&
		    (algorithm == 0 || key->algorithm == algorithm))
			return key;
	}
	return NULL;
}

static bool
is_busy(const struct roll_zone *zone)
{
	return roll_is_under_way(zone, ROLL_ROLES) || zone->wishes != 0 ||
	       zone->algorithm != 0;
}

/* The algorithm that the zone rolls to; 0: it does not. */
static uint8_t
next_algorithm(const struct roll_zone *zone)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].by_algorithm && zone->keys[i].stage < ROLL_ACTIVE)
			return zone->keys[i].algorithm;
	return zone->algorithm;
}

/* ---- one key ---- */

static enum way
way_of(const struct adopting *a, const struct roll_key *key)
{
	uint8_t next = next_algorithm(a->zone);
	const struct roll_key *ksk = find_other(a, 0, true, false);

	if (!ksk && (has_ds(key) || !find_other(a, 0, false, false)))
		return AT_ONCE;
	if (a->zone->goal != ROLL_KEEP || (next != 0 && next != key->algorithm))
		return NOT_YET;
	if (find_other(a, key->algorithm, true, false) ||
	    (!ksk && find_other(a, key->algorithm, false, false)))
		return BY_KEY;
	if (is_busy(a->zone) ||
	    (!has_ds(key) && ksk && !find_other(a, key->algorithm, true, true)))
		return NOT_YET;
	return BY_ALGORITHM;
}

/* Those that have signed data without a ZSK beside them have done both. */
static void
note_both(struct roll_zone *zone, uint8_t algorithm)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].algorithm == algorithm && !has_ds(&zone->keys[i]) &&
		    zone->keys[i].stage == ROLL_ACTIVE)
			return;
	for (uint32_t i = 0; i < zone->count; i++) {
		struct roll_key *key = &zone->keys[i];

		if (key->algorithm != algorithm || !has_ds(key) ||
		    key->stage != ROLL_ACTIVE)
			continue;
		key->role = ROLL_CSK;
		key->is_managed = true;
	}
}

static void
begin(struct adopting *a, struct roll_key *key, bool by_algorithm)
{
	const struct roll_key *ksk = find_other(a, key->algorithm, true, false);

	key->is_managed = true;
	/* its signatures over data come before its DNSKEY, with those of its algorithm */
	key->by_algorithm =
		by_algorithm || (ksk && ksk->by_algorithm && ksk->stage == ROLL_SIGNING);
	key->stage = key->by_algorithm ? ROLL_SIGNING : ROLL_PUBLISHED;
	key->since_s = 0;
	key->times[key->by_algorithm ? KEY_CREATED : KEY_PUBLISH] = a->now_s;
	/* until another is seen, the TTL of a DS is not what it was long ago */
	if (has_ds(key))
		a->zone->ttl_ds_s = 0;
	if (key->role == ROLL_ZSK && !key->by_algorithm)
		note_both(a->zone, key->algorithm);
	a->is_changed = true;
}

/* It is not in the zone. */
static void
put_off(struct adopting *a, struct roll_key *key)
{
	for (size_t i = 0; i < a->keys->count; i++) {
		struct sign_key *item = &a->keys->items[i];

		if (item->tag == key->tag && sign_key_algorithm(item) == key->algorithm)
			item->state = SIGN_KEY_FUTURE;
	}
	key->stage = ROLL_REMOVED;
	a->waits = true;
}

static void
tell(struct adopting *a, const struct roll_key *key)
{
	if (a->keys->problem_count == SIGN_PROBLEMS_MAX)
		return;
	snprintf(a->keys->problems[a->keys->problem_count++], SIGN_PROBLEM_LEN,
		 "the key %u of algorithm %u was given beside others and signs nothing "
		 "yet: %s",
		 key->tag, key->algorithm,
		 a->zone->goal != ROLL_KEEP ? "the zone is to be unsigned"
		 : is_busy(a->zone)
			 ? "a roll is under way, it begins when that is over"
			 : "a zone changes its algorithm with its KSK: give one, too");
}

/* ---- all of them ---- */

static void
find_added(struct adopting *a)
{
	for (size_t n = 0; n < a->notes->count; n++) {
		uint32_t place = key_roll_find(a->zone, a->notes->items[n].name);

		if (a->notes->items[n].is_added && place < a->zone->count &&
		    !a->zone->keys[place].is_managed &&
		    a->zone->keys[place].stage == ROLL_ACTIVE)
			a->is_added[place] = true;
	}
}

/* One that was replaced before it has begun never does. */
static bool
is_given_up(const struct adopting *a, uint32_t place)
{
	for (size_t n = 0; n < a->notes->count; n++)
		if (a->notes->items[n].state == KEY_NOTE_REPLACED &&
		    key_roll_find(a->zone, a->notes->items[n].name) == place)
			return true;
	return false;
}

/* Roles depend on who is there: those that no roll has charge of are looked at anew. */
static void
join_again(struct adopting *a)
{
	struct roll_zone *zone = a->zone;
	uint32_t to = 0;

	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].is_managed)
			zone->keys[to++] = zone->keys[i];
	zone->count = to;
	key_roll_join(zone, a->keys);
}

bool
key_adopt(struct roll_zone *zone, struct sign_keys *keys, const struct key_notes *notes,
	  int64_t now_s)
{
	struct adopting a = { zone, keys, notes, now_s, { false }, false, false };
	enum way ways[SIGN_KEYS_MAX] = { AT_ONCE };

	find_added(&a);
	for (uint32_t i = 0; i < zone->count; i++)
		if (a.is_added[i])
			ways[i] =
				is_given_up(&a, i) ? NOT_YET : way_of(&a, &zone->keys[i]);
	for (uint32_t i = 0; i < zone->count; i++) {
		if (!a.is_added[i])
			continue;
		if (ways[i] == BY_KEY || ways[i] == BY_ALGORITHM)
			begin(&a, &zone->keys[i], ways[i] == BY_ALGORITHM);
		if (ways[i] == AT_ONCE)
			zone->keys[i].is_managed = a.is_changed = true;
		if (ways[i] != NOT_YET)
			continue;
		if (!is_given_up(&a, i))
			tell(&a, &zone->keys[i]);
		put_off(&a, &zone->keys[i]);
	}
	if (a.is_changed || a.waits)
		join_again(&a);
	return a.is_changed;
}
