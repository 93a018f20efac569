/* What the parts of the key store share. */
#ifndef LOADER_SIGN_KEY_STORE_PRIVATE_H
#define LOADER_SIGN_KEY_STORE_PRIVATE_H

#include <pthread.h>

#include "loader/sign/fleet_take.h"
#include "loader/sign/key_dir.h"
#include "loader/sign/key_store.h"
#include "loader/sign/key_unkept.h"

struct key_store {
	struct key_dir *source;		/* key_dir; NULL: there is none */
	struct key_dir *kept;
	bool may_write;
	struct fleet_self self;
	struct key_unkept unkept;
	pthread_mutex_t lock;
};

/* Read a zone's keys, and where they stand in rollovers; both as they belong together.
 * secrets  as key_store_load
 * returns  0, also when there is none; ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int key_load_zone(struct key_store *store, const uint8_t *zone, struct sign_keys *keys,
		  struct crypto_key *secrets[SIGN_KEYS_MAX], struct roll_zone *roll);

#endif
