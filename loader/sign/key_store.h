/* The keys of all zones: those of dnssec.key_dir, and those that are kept in state_dir/keys.
 *
 * A good key of key_dir is copied, so that a key that is broken there, or gone with all the
 * others of its zone, goes on signing.  With key_dir "" the kept ones are all there are.
 * Keys that come from Redis (key_given.h) are among the kept ones, with notes about them.
 * One process writes (the signer); any number of its threads may call. */
#ifndef LOADER_SIGN_KEY_STORE_H
#define LOADER_SIGN_KEY_STORE_H

#include "loader/sign/key_given.h"
#include "loader/sign/roll.h"
#include "loader/sign/sign_crypto.h"
#include "loader/sign/sign_key.h"
#include "shm/settings.h"

struct key_store;

/* Makes state_dir/keys, mode 0700, if it is not there.
 * may_write  false: nothing is copied or made
 * returns    0, or an error code: where the kept keys cannot be reached. */
__attribute__((nonnull, warn_unused_result))
int key_store_new(const struct settings *settings, bool may_write, struct key_store **out);

/* NULL is allowed. */
void key_store_free(struct key_store *store);

/* Read a zone's keys.
 * secrets  one for each of keys->items, owned by the caller (crypto_key_free)
 * returns  0, also when there is none; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int key_store_load(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
		   struct crypto_key *secrets[SIGN_KEYS_MAX]);

/* Take what another source has of a zone's keys, see key_given.h.
 * returns 0; or why they cannot be kept: ERR_RIGHTS when this store does not write. */
__attribute__((nonnull, warn_unused_result))
int key_store_put(struct key_store *store, const uint8_t *zone,
		  const struct key_given given[KEY_GIVEN_TEXTS]);

/* Zones of which what was put last could not be kept. */
struct key_unkept_count {
	uint32_t zones;
	uint32_t tries;			/* since there was none */
	int why;			/* of one of them, an error code */
};
__attribute__((nonnull, warn_unused_result))
struct key_unkept_count key_store_count_unkept(struct key_store *store);

/* Each of them, to be put again, as key_store_zones; one that never is, is forgotten. */
__attribute__((nonnull(1, 2)))
void key_store_each_unkept(struct key_store *store,
			   bool (*visit)(void *context, const uint8_t *zone, size_t len),
			   void *context);

/* Make durable what was put, if it is not yet; may take a while. */
__attribute__((nonnull))
void key_store_sync(struct key_store *store);

/* Draw a zone's first keys: one for all, or with `is_split` one for the keys and one for
 * the data.  They are active at once.
 * reason   on failure, a sentence that says why
 * returns  0; ERR_EXISTS when the zone has keys; other errors. */
__attribute__((nonnull, warn_unused_result))
int key_store_generate(struct key_store *store, const uint8_t *zone, uint8_t algorithm,
		       bool is_split, char reason[SIGN_PROBLEM_LEN]);

/* Where a zone's keys stand in rollovers.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int key_store_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *out);

/* Keep where they stand from now on.  Keys in stage ROLL_WANTED are drawn; copies of those
 * that are removed are, too.
 * roll     as key_store_roll and then roll_step leave it; gets the tags of new keys
 * reason   on failure, a sentence that says why
 * returns  0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int key_store_put_roll(struct key_store *store, const uint8_t *zone, struct roll_zone *roll,
		       char reason[SIGN_PROBLEM_LEN]);

/* The list of a zone's keys for a fleet, of that number (loader/sign/fleet_list.h).
 * text     FLEET_LIST_MAX octets at most; owned by the caller, who wipes them
 * returns  0 or an error code: a key cannot be read, or there are too many. */
__attribute__((nonnull, warn_unused_result))
int key_store_list(struct key_store *store, const uint8_t *zone, uint64_t number,
		   int64_t written_s, char **text, size_t *len);

/* Each zone of which something is kept for a rollover, as key_store_zones. */
__attribute__((nonnull(1, 2), warn_unused_result))
int key_store_rolls(struct key_store *store,
		    bool (*visit)(void *context, const uint8_t *zone, size_t len),
		    void *context);

/* Each zone that has a file here, once, in no order.  `visit` returns false to end. */
__attribute__((nonnull(1, 2), warn_unused_result))
int key_store_zones(struct key_store *store,
		    bool (*visit)(void *context, const uint8_t *zone, size_t len),
		    void *context);

#endif
