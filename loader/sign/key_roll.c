/* Rolls and the keys that they are of. */
#include "loader/sign/key_roll.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/roll_text.h"
#include "shm/errcode.h"

enum { REMOVED_MAX = 8 /* that are remembered, lest a source brings them back */ };

/* It begins with a comment, and each line has an end: what is emptied or overwritten is not
 * taken for a zone whose keys do not roll. */
static bool
is_whole(const char *text, size_t len)
{
	return len > 0 && text[0] == ';' && text[len - 1] == '\n';
}

int
key_roll_read(const struct key_dir *kept, const char *prefix, struct roll_zone *out)
{
	char text[ROLL_TEXT_MAX];
	bool is_open;
	long len =
		key_dir_read(kept, prefix, KEY_ROLL_SUFFIX, text, sizeof text, &is_open);

	memset(out, 0, sizeof *out);
	if (len == ERR_NOTFOUND)
		return ERR_OK;
	if (len < 0)
		return (int)len;
	return is_whole(text, (size_t)len) && roll_text_read(text, (size_t)len, out)
		       ? ERR_OK
		       : ERR_SYNTAX;
}

int
key_roll_write(struct key_dir *kept, const char *prefix, const struct roll_zone *zone)
{
	char text[ROLL_TEXT_MAX];

	if (roll_is_empty(zone)) {
		key_dir_remove(kept, prefix, KEY_ROLL_SUFFIX);
		return ERR_OK;
	}
	return key_dir_write(kept, prefix, KEY_ROLL_SUFFIX, text,
			     roll_text_write(zone, text));
}

static struct roll_key *
find(struct roll_zone *zone, uint8_t algorithm, uint16_t tag)
{
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].algorithm == algorithm && zone->keys[i].tag == tag)
			return &zone->keys[i];
	return NULL;
}

uint32_t
key_roll_find(const struct roll_zone *zone, const char *name)
{
	const char *at = strchr(name, '+');
	unsigned long algorithm, tag;
	uint32_t place = 0;
	char *end;

	if (!at)
		return zone->count;
	algorithm = strtoul(at + 1, &end, 10);
	if (*end != '+')
		return zone->count;
	tag = strtoul(end + 1, &end, 10);
	while (place < zone->count &&
	       (zone->keys[place].algorithm != algorithm || zone->keys[place].tag != tag))
		place++;
	return place;
}

bool
key_roll_has(const struct roll_zone *zone, const char *name)
{
	uint32_t place = key_roll_find(zone, name);

	return place < zone->count && zone->keys[place].is_managed;
}

/* ---- joining ---- */

static enum roll_stage
stage_of(const struct sign_key *key)
{
	switch ((enum sign_key_state)key->state) {
	case SIGN_KEY_PUBLISHED:
		return ROLL_PUBLISHED;
	case SIGN_KEY_ACTIVE:
		return ROLL_ACTIVE;
	case SIGN_KEY_RETIRED:
		return ROLL_RETIRED;
	case SIGN_KEY_FUTURE:
	case SIGN_KEY_REMOVED:
	case SIGN_KEY_STATES:
		break;
	}
	return ROLL_REMOVED;
}

static enum roll_role
role_of(const struct sign_keys *keys, const struct sign_key *key)
{
	bool is_sep = sign_key_flags(key) & DNSKEY_SEP;

	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *other = &keys->items[i];

		if (sign_key_algorithm(other) == sign_key_algorithm(key) &&
		    stage_of(other) != ROLL_REMOVED &&
		    !(sign_key_flags(other) & DNSKEY_SEP) == is_sep)
			return is_sep ? ROLL_KSK : ROLL_ZSK;
	}
	return ROLL_CSK;
}

static void
drop_gone(struct roll_zone *zone, const bool *is_there)
{
	uint32_t to = 0, removed = 0;

	for (uint32_t i = 0; i < zone->count; i++)
		removed += !is_there[i] && zone->keys[i].stage == ROLL_REMOVED;
	for (uint32_t i = 0; i < zone->count; i++) {
		bool stays = is_there[i];

		if (!stays && zone->keys[i].stage == ROLL_REMOVED)
			stays = removed-- <= REMOVED_MAX;
		if (stays)
			zone->keys[to++] = zone->keys[i];
	}
	zone->count = to;
}

static void
add_own(struct roll_zone *zone, const struct sign_keys *keys, const struct sign_key *key)
{
	struct roll_key *to = &zone->keys[zone->count];

	*to = (struct roll_key){
		.tag = key->tag,
		.flags = sign_key_flags(key),
		.algorithm = sign_key_algorithm(key),
		.role = (uint8_t)role_of(keys, key),
		.stage = (uint8_t)stage_of(key),
	};
	memcpy(to->times, key->times, sizeof to->times);
	zone->count++;
}

static void
apply(struct roll_zone *zone, struct sign_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		struct sign_key *key = &keys->items[i];
		const struct roll_key *from =
			find(zone, sign_key_algorithm(key), key->tag);

		if (from)
			roll_apply(zone, from, key);
	}
}

void
key_roll_join(struct roll_zone *zone, struct sign_keys *keys)
{
	bool is_there[SIGN_KEYS_MAX] = { false };

	for (size_t i = 0; i < keys->count; i++) {
		const struct sign_key *key = &keys->items[i];
		struct roll_key *there = find(zone, sign_key_algorithm(key), key->tag);

		if (there)
			is_there[there - zone->keys] = true;
	}
	drop_gone(zone, is_there);
	/* what others do decides what a key is that no roll has charge of */
	apply(zone, keys);
	for (size_t i = 0; i < keys->count && zone->count < SIGN_KEYS_MAX; i++)
		if (!find(zone, sign_key_algorithm(&keys->items[i]), keys->items[i].tag))
			add_own(zone, keys, &keys->items[i]);
	apply(zone, keys);
	keys->goal = zone->goal;
	keys->is_list_lost = zone->fleet.is_lost;
}
