/* What was found about clients lately, by their networks: one cache line a look-up.
 *
 * An entry stands for a whole /24 of IPv4 or /48 of IPv6, most often.  When databases know
 * networks inside that, its entry says so (`is_split`), and there is one more for each /32
 * or /64 in which clients were met; of IPv6 networks beyond /64 none is kept.  So facts are
 * never taken for an address that they do not hold for, whatever the databases look like.
 *
 * Each entry has one place, of GEO_CACHE_WAYS: the older one goes.  Who knows the hash can
 * make a cache miss, which costs a look-up, no more. */
#ifndef WORKER_GEO_CACHE_H
#define WORKER_GEO_CACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "shm/geo_db.h"

enum { GEO_CACHE_SETS = 4096, GEO_CACHE_WAYS = 2 };

/* What both databases say of an address. */
struct geo_facts {
	uint8_t country_len, asn_len;	/* prefix lengths that this holds for, 0..128 */
	bool has_country_db : 1, has_asn_db : 1;
	bool knows_region : 1;		/* continent and region were looked at */
	bool is_split : 1;		/* the cache's own */
	char region[3];			/* 0: unknown, as below; see struct geo_place */
	char country[2], continent[2];
	uint32_t asn;
};

/* Keys: of IPv4 the address behind 1 or 2, of IPv6 the first half before 1 or 2, for the
 * wider and the narrower entry; 0 for none. */
struct geo_key {
	uint64_t high, low;
};

struct geo_entry {
	struct geo_key key;
	struct geo_facts facts;
};
_Static_assert(sizeof(struct geo_entry) * GEO_CACHE_WAYS == 64, "one cache line");

/* The location of an entry, once it was asked for. */
struct geo_location {
	double point[3];
	bool is_known, was_found;
};

struct geo_cache {
	_Alignas(64) struct geo_entry entries[GEO_CACHE_SETS][GEO_CACHE_WAYS];
	struct geo_location locations[GEO_CACHE_SETS][GEO_CACHE_WAYS];
};

/* An address as two numbers. */
static inline struct geo_key
geo_key_of(const struct geo_address *address)
{
	struct geo_key key;

	memcpy(&key.high, address->octets, sizeof key.high);
	memcpy(&key.low, address->octets + sizeof key.high, sizeof key.low);
	key.high = __builtin_bswap64(key.high);
	key.low = __builtin_bswap64(key.low);
	return key;
}

static inline struct geo_key
geo_key_of_v4(uint32_t address)
{
	return (struct geo_key){ 0, UINT64_C(0xffff) << 32 | address };
}

static inline bool
geo_key_is_v4(struct geo_key address)
{
	return address.high == 0 && address.low >> 32 == 0xffff;
}

/* The key of the wider entry that has the address, and of the narrower one. */
static inline struct geo_key
geo_key_wide(struct geo_key address)
{
	if (geo_key_is_v4(address))
		return (struct geo_key){ 1, address.low & ~UINT64_C(0xff) };
	return (struct geo_key){ address.high & ~UINT64_C(0xffff), 1 };
}

static inline struct geo_key
geo_key_narrow(struct geo_key address)
{
	if (geo_key_is_v4(address))
		return (struct geo_key){ 2, address.low };
	return (struct geo_key){ address.high, 2 };
}

/* Which set it stands in. */
static inline unsigned
geo_key_set(struct geo_key key)
{
	uint64_t hash = (key.high ^ key.low << 8) * UINT64_C(0x9e3779b97f4a7c15);

	return (unsigned)(hash >> 40) % GEO_CACHE_SETS;
}

/* returns NULL when there is none. */
static inline struct geo_entry *
geo_cache_probe(struct geo_cache *cache, struct geo_key key)
{
	struct geo_entry *entry = cache->entries[geo_key_set(key)];

	for (unsigned way = 0; way < GEO_CACHE_WAYS; way++, entry++)
		if (entry->key.low == key.low && entry->key.high == key.high)
			return entry;
	return NULL;
}

/* Room for a key: its entry, if there is one, else the older one of its set. */
static inline struct geo_entry *
geo_cache_place(struct geo_cache *cache, struct geo_key key)
{
	struct geo_entry *entry = geo_cache_probe(cache, key);
	unsigned set = geo_key_set(key);

	if (!entry) {
		entry = cache->entries[set];
		for (unsigned way = GEO_CACHE_WAYS - 1; way > 0; way--) {
			entry[way] = entry[way - 1];
			cache->locations[set][way] = cache->locations[set][way - 1];
		}
	}
	entry->key = key;
	cache->locations[set][entry - cache->entries[set]].was_found = false;
	return entry;
}

/* The location that belongs to an entry. */
static inline struct geo_location *
geo_cache_location(struct geo_cache *cache, const struct geo_entry *entry)
{
	size_t at = (size_t)(entry - cache->entries[0]);

	return &cache->locations[at / GEO_CACHE_WAYS][at % GEO_CACHE_WAYS];
}

#endif
