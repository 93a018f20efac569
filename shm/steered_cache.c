/* Writing the cache. */
#include "shm/steered_cache.h"

#include <sys/mman.h>
#include <sys/random.h>

static size_t
map_len(uint64_t buckets)
{
	return sizeof(struct steered_cache) +
	       buckets * STEERED_SLOT_LEN * (size_t)STEERED_WAYS;
}

void
steered_cache_protect(struct steered_cache *cache)
{
	(void)!mprotect(cache, map_len(cache->bucket_count), PROT_READ);
}

struct steered_cache *
steered_cache_create(uint64_t len)
{
	uint64_t buckets = len / (STEERED_SLOT_LEN * STEERED_WAYS);
	struct steered_cache *cache =
		mmap(NULL, map_len(buckets), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (cache == MAP_FAILED)
		return NULL;
	cache->bucket_count = buckets;
	/* without it buckets are as good, but can be foretold */
	(void)!getrandom(&cache->seed, sizeof cache->seed, GRND_NONBLOCK);
	return cache;
}

/* The slot of the key, else the one that was written first. */
static struct steered_slot *
find_slot(struct steered_cache *cache, const struct steered_key *key)
{
	struct steered_slot *first = cache->slots + steered_cache_bucket(cache, key),
			    *oldest = first;

	for (unsigned i = 0; i < STEERED_WAYS; i++) {
		if (steered_slot_is(&first[i], key))
			return &first[i];
		if (first[i].number < oldest->number)
			oldest = &first[i];
	}
	return oldest;
}

void
steered_cache_put(struct steered_cache *cache, const struct steered_key *key,
		  const struct steered_records *set, const uint8_t *signatures,
		  unsigned sig_len)
{
	struct steered_slot *slot = find_slot(cache, key);

	seqlock_begin(&slot->seq);
	slot->type = key->type;
	slot->entry = key->entry;
	slot->owner_len = key->owner_len;
	slot->mark = key->mark;
	slot->of = key->of;
	slot->set = *set;
	slot->number = ++cache->written;
	slot->sig_len = (uint16_t)sig_len;
	memcpy(slot->octets, key->owner, key->owner_len);
	memcpy(slot->octets + key->owner_len, signatures, sig_len);
	seqlock_end(&slot->seq);
}
