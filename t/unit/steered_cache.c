/* The cache of signatures over some records: what is put is got, under its own key alone,
 * and a full bucket gives up its oldest. */
#include "shm/steered_cache.h"

#include "shm/steered_request.h"
#include "t/tap.h"

enum { SIG_LEN = 106 };

static const uint8_t owner[] = "\003www\004test";

static struct steered_key
key_of(uint64_t mark, uint64_t bits)
{
	return (struct steered_key){
		.mark = mark,
		.of.bits[0] = bits,
		.type = TYPE_A,
		.owner_len = sizeof owner,
		.owner = owner,
	};
}

static bool
gets(const struct steered_cache *cache, struct steered_key key, uint8_t octet)
{
	uint8_t signature[SIG_LEN] = { 0 };
	struct steered_records set;

	return steered_cache_get(cache, &key, SIG_LEN, &set, signature) &&
	       signature[0] == octet && signature[SIG_LEN - 1] == octet;
}

static void
put(struct steered_cache *cache, struct steered_key key, uint8_t octet)
{
	uint8_t signature[SIG_LEN];

	memset(signature, octet, sizeof signature);
	steered_cache_put(cache, &key, &key.of, signature, sizeof signature);
}

static void
test_keys(struct steered_cache *cache)
{
	struct steered_key key = key_of(7, 3), other;
	struct steered_records set;
	uint8_t signature[SIG_LEN + 1];

	ok(!gets(cache, key, 1), "nothing yet");
	put(cache, key, 1);
	ok(gets(cache, key, 1), "what was put");
	put(cache, key, 2);
	ok(gets(cache, key, 2), "what was put last");
	other = key_of(8, 3);
	ok(!gets(cache, other, 2), "another mark");
	other = key_of(7, 5);
	ok(!gets(cache, other, 2), "other records");
	for (unsigned i = 1; i < STEERED_WORDS; i++) {
		other = key_of(7, 3);
		other.of.bits[i] = 1;
		ok(!gets(cache, other, 2), "further records, of word %u", i);
		put(cache, other, (uint8_t)(10 + i));
		ok(gets(cache, other, (uint8_t)(10 + i)) && gets(cache, key, 2),
		   "both are kept");
	}
	other = key;
	other.type = TYPE_AAAA;
	ok(!gets(cache, other, 2), "another type");
	other = key;
	other.owner = (const uint8_t *)"\003www\004tesu";
	ok(!gets(cache, other, 2), "another owner");
	other.owner = (const uint8_t *)"\003wwv\004test";
	ok(!gets(cache, other, 2), "and another");
	other = key;
	other.entry = STEERED_ENTRY_GROUP;
	ok(!gets(cache, other, 2), "another kind of entry");
	ok(!steered_cache_get(cache, &key, SIG_LEN + 1, &set, signature),
	   "another length");
}

static void
test_group(struct steered_cache *cache)
{
	static const struct steered_records signed_last = { { 6 } };
	struct steered_key key = key_of(9, 7);
	struct steered_records set = { { 0 } };
	uint8_t signature[SIG_LEN] = { 5 };

	key.entry = STEERED_ENTRY_GROUP;
	steered_cache_put(cache, &key, &signed_last, signature, SIG_LEN);
	ok(steered_cache_get(cache, &key, SIG_LEN, &set, signature) && set.bits[0] == 6,
	   "a group tells which records are signed");
}

static void
test_bound(void)
{
	struct steered_cache *cache =
		steered_cache_create((uint64_t)STEERED_WAYS * STEERED_SLOT_LEN);
	unsigned kept = 0;

	if (!cache)
		bail_out("no memory");
	for (unsigned i = 0; i < 10; i++)
		put(cache, key_of(100 + i, 1), (uint8_t)i);
	for (unsigned i = 0; i < 10; i++)
		kept += gets(cache, key_of(100 + i, 1), (uint8_t)i);
	is_int(kept, STEERED_WAYS, "a bucket holds so many");
	ok(gets(cache, key_of(109, 1), 9) && !gets(cache, key_of(100, 1), 0),
	   "the last ones");
}

static void
test_writing(struct steered_cache *cache)
{
	struct steered_key key = key_of(11, 1);
	struct steered_slot *slot;

	put(cache, key, 4);
	slot = cache->slots + steered_cache_bucket(cache, &key);
	while (slot->mark != 11)
		slot++;
	seqlock_begin(&slot->seq);
	ok(!gets(cache, key, 4), "an entry that is being written is none");
	seqlock_end(&slot->seq);
	ok(gets(cache, key, 4), "afterwards it is one");
}

int
main(void)
{
	struct steered_cache *cache = steered_cache_create(1 << 20), *none;

	if (!cache)
		bail_out("no memory");
	test_keys(cache);
	test_group(cache);
	test_bound();
	test_writing(cache);
	none = steered_cache_create(0);
	ok(none && !steered_cache_holds(none, 1, 1), "one without room holds nothing");
	ok(steered_cache_holds(cache, sizeof owner, SIG_LEN), "one with room does");
	ok(!steered_cache_holds(cache, DNAME_MAX, STEERED_SLOT_ROOM), "not everything");
	return done_testing();
}
