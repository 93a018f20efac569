/* Keys that are drawn: a zone's first ones, and those that it rolls to. */
#include <stdio.h>
#include <stdlib.h>

#include "loader/sign/key_files.h"
#include "loader/sign/key_make.h"
#include "loader/sign/key_roll.h"
#include "loader/sign/key_store_private.h"
#include "shm/clock.h"
#include "shm/errcode.h"

int
key_store_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *out)
{
	struct crypto_key *secrets[SIGN_KEYS_MAX];
	struct sign_keys *keys = malloc(sizeof *keys);
	int rc = keys ? key_load_zone(store, zone, keys, secrets, out) : ERR_NOMEM;

	for (size_t i = 0; rc == ERR_OK && i < keys->count; i++)
		crypto_key_free(secrets[i]);
	free(keys);
	return rc;
}

/* A source that cannot be written to is nothing bad: the key is kept. */
static int
draw(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
     struct roll_key *key, char reason[SIGN_PROBLEM_LEN])
{
	struct key_draw draw = {
		.algorithm = key->algorithm,
		.flags = key->flags,
		.is_for_roll = true,
	};
	int rc = ERR_NOTFOUND;

	for (uint32_t i = 0; i < roll->count; i++)
		if (roll->keys[i].stage != ROLL_WANTED)
			draw.taken[draw.taken_count++] = roll->keys[i].tag;
	if (store->source)
		rc = key_make(store->source, zone, &draw, reason);
	if (rc != ERR_OK)
		rc = key_make(store->kept, zone, &draw, reason);
	if (rc == ERR_OK)
		roll_start(key, draw.tag, clock_wall_s());
	return rc;
}

static void
remove_copies(struct key_store *store, const char *prefix, const struct roll_zone *roll)
{
	char name[NAME_MAX + 1];

	for (uint32_t i = 0; i < roll->count; i++) {
		const struct roll_key *key = &roll->keys[i];

		if (!key->is_managed || key->stage != ROLL_REMOVED)
			continue;
		snprintf(name, sizeof name, "%.200s%03u+%05u", prefix, key->algorithm,
			 key->tag);
		key_files_remove(store->kept, name);
	}
}

/* What was drawn to no avail would be drawn again each time, until the zone has too many. */
static void
remove_drawn(struct key_store *store, const char *prefix, const struct roll_zone *roll,
	     uint32_t wanted)
{
	char name[NAME_MAX + 1];

	for (uint32_t i = 0; i < roll->count; i++) {
		const struct roll_key *key = &roll->keys[i];

		if (!(wanted & UINT32_C(1) << i) || key->stage == ROLL_WANTED)
			continue;
		snprintf(name, sizeof name, "%.200s%03u+%05u", prefix, key->algorithm,
			 key->tag);
		if (store->source)
			key_files_remove(store->source, name);
		key_files_remove(store->kept, name);
	}
}

/* New keys are of no use before it is written where they stand: until then their own times
 * keep them out of the zone. */
int
key_store_put_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
		   char reason[SIGN_PROBLEM_LEN])
{
	char prefix[NAME_MAX + 1];
	uint32_t wanted = 0; /* bits of roll->keys */
	int rc = ERR_OK;

	if (!key_dir_prefix(zone, prefix))
		return ERR_RANGE;
	pthread_mutex_lock(&store->lock);
	for (uint32_t i = 0; i < roll->count && rc == ERR_OK; i++)
		if (roll->keys[i].stage == ROLL_WANTED) {
			wanted |= UINT32_C(1) << i;
			rc = draw(store, zone, roll, &roll->keys[i], reason);
		}
	if (rc == ERR_OK) {
		rc = key_roll_write(store->kept, prefix, roll);
		if (rc != ERR_OK)
			snprintf(reason, SIGN_PROBLEM_LEN, "%s/%s" KEY_ROLL_SUFFIX " %s",
				 key_dir_path(store->kept), prefix, errcode_text(rc));
	}
	if (rc == ERR_OK)
		remove_copies(store, prefix, roll);
	else
		remove_drawn(store, prefix, roll, wanted);
	pthread_mutex_unlock(&store->lock);
	return rc;
}

/* ---- first keys ---- */

/* A zone that was unsigned by command is signed again by the keys that it has. */
static int
sign_again(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
	   char reason[SIGN_PROBLEM_LEN])
{
	if (roll->goal == ROLL_KEEP || !roll->is_by_command) {
		snprintf(reason, SIGN_PROBLEM_LEN,
			 "the zone has keys already: `martletctl keys ZONE` lists them");
		return ERR_EXISTS;
	}
	roll->goal = ROLL_KEEP;
	roll->goal_since_s = roll->ds_gone_s = 0;
	return key_store_put_roll(store, zone, roll, reason);
}

static int
make_first(struct key_store *store, const uint8_t *zone, uint8_t algorithm, bool is_split,
	   char reason[SIGN_PROBLEM_LEN])
{
	struct key_dir *dir = store->source ? store->source : store->kept;
	struct key_draw draw = { .algorithm = algorithm,
				 .flags = DNSKEY_ZONE | DNSKEY_SEP };
	int rc;

	pthread_mutex_lock(&store->lock);
	rc = key_make(dir, zone, &draw, reason);
	if (rc == ERR_OK && is_split) {
		draw.flags = DNSKEY_ZONE;
		draw.taken[draw.taken_count++] = draw.tag;
		rc = key_make(dir, zone, &draw, reason);
	}
	pthread_mutex_unlock(&store->lock);
	return rc;
}

int
key_store_generate(struct key_store *store, const uint8_t *zone, uint8_t algorithm,
		   bool is_split, char reason[SIGN_PROBLEM_LEN])
{
	struct roll_zone roll;
	int rc = key_store_roll(store, zone, &roll);
	bool has_key = false;

	if (rc == ERR_OK && fleet_is_followed(&store->self, &roll)) {
		snprintf(reason, SIGN_PROBLEM_LEN,
			 "the keys of this zone are those that %s lists: make them there",
			 roll.fleet.node);
		return ERR_EXISTS;
	}
	if (rc != ERR_OK) {
		snprintf(reason, SIGN_PROBLEM_LEN, "%s", errcode_text(rc));
		return rc;
	}
	for (uint32_t i = 0; i < roll.count; i++)
		has_key |= roll.keys[i].stage != ROLL_REMOVED || !roll.keys[i].is_managed;
	return has_key ? sign_again(store, zone, &roll, reason)
		       : make_first(store, zone, algorithm, is_split, reason);
}
