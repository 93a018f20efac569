/* A table of zones, each in the place that its name hashes to. */
#include "loader/steered/steered_keys.h"

#include <stdlib.h>
#include <string.h>

#include "loader/sign/key_store.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
	ZONES = 4096,
	/* a key that is not there is not looked for in each file again and again */
	AGE_MIN_MS = 1000,
};

struct ready_key {
	struct crypto_key *secret; /* owned */
	uint16_t tag;
	uint8_t algorithm;
};

struct ready_zone {
	uint8_t name[DNAME_MAX];
	uint8_t name_len; /* 0: the place is free */
	unsigned count;
	uint64_t read_ms;
	struct ready_key *keys; /* owned */
};

struct steered_keys {
	struct key_store *store;
	struct sign_keys known; /* room for reading */
	struct ready_zone zones[ZONES];
};

int
steered_keys_new(const struct settings *settings, struct steered_keys **out)
{
	struct steered_keys *keys = calloc(1, sizeof *keys);
	int rc = keys ? key_store_new(settings, false, &keys->store) : ERR_NOMEM;

	if (rc != ERR_OK) {
		free(keys);
		return rc;
	}
	*out = keys;
	return ERR_OK;
}

static void
forget(struct ready_zone *zone)
{
	for (unsigned i = 0; i < zone->count; i++)
		crypto_key_free(zone->keys[i].secret);
	free(zone->keys);
	zone->keys = NULL;
	zone->count = 0;
	zone->name_len = 0;
}

/* Read the zone's keys into its place; without any it is remembered as one without. */
static void
read_zone(struct steered_keys *keys, struct ready_zone *zone, const uint8_t *name,
	  size_t len)
{
	struct crypto_key *secrets[SIGN_KEYS_MAX];

	forget(zone);
	memcpy(zone->name, name, len);
	zone->name_len = (uint8_t)len;
	zone->read_ms = clock_now_ms();
	if (key_store_load(keys->store, zone->name, &keys->known, secrets) != ERR_OK)
		return;
	zone->keys = calloc(keys->known.count + 1, sizeof *zone->keys);
	for (size_t i = 0; i < keys->known.count; i++) {
		const struct sign_key *key = &keys->known.items[i];

		if (!zone->keys || !(sign_key_roles(&keys->known, i) & SIGN_ROLE_DATA)) {
			crypto_key_free(secrets[i]);
			continue;
		}
		zone->keys[zone->count++] = (struct ready_key){ secrets[i], key->tag,
								sign_key_algorithm(key) };
	}
}

static struct crypto_key *
find_ready(const struct ready_zone *zone, uint16_t tag, uint8_t algorithm)
{
	for (unsigned i = 0; i < zone->count; i++)
		if (zone->keys[i].tag == tag && zone->keys[i].algorithm == algorithm)
			return zone->keys[i].secret;
	return NULL;
}

struct crypto_key *
steered_keys_find(struct steered_keys *keys, const uint8_t *zone, size_t zone_len,
		  uint16_t tag, uint8_t algorithm)
{
	struct ready_zone *place = &keys->zones[XXH3_64bits(zone, zone_len) % ZONES];
	struct crypto_key *found = NULL;
	bool is_it =
		place->name_len == zone_len && memcmp(place->name, zone, zone_len) == 0;

	if (is_it)
		found = find_ready(place, tag, algorithm);
	if (found || (is_it && clock_now_ms() - place->read_ms < AGE_MIN_MS))
		return found;
	read_zone(keys, place, zone, zone_len);
	return find_ready(place, tag, algorithm);
}
