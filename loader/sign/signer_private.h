/* What the parts of the signer share. */
#ifndef LOADER_SIGN_SIGNER_PRIVATE_H
#define LOADER_SIGN_SIGNER_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "loader/sign/key_store.h"
#include "loader/sign/signer_proto.h"
#include "shm/region.h"

struct signer {
	struct key_store *store;
	struct region *region; /* or NULL */
	struct region_signer *board; /* of it */
	atomic_uint connections;
	pthread_mutex_t lock; /* for due_ns */
	uint64_t due_ns; /* when the next paced signature may be made */
	uint64_t pace_ns;
};

struct signer_connection {
	struct signer *signer;
	int fd;
	struct signer_request request;
	uint8_t *octets; /* of the request: SIGNER_REQUEST_MAX */
	uint8_t *reply;
	size_t reply_len, reply_room;
	struct sign_keys keys;
	struct crypto_key *secrets[SIGN_KEYS_MAX];
};

/* Answer the request that stands in `octets`: the reply's octets are put, returns its result. */
__attribute__((nonnull, warn_unused_result))
int signer_answer(struct signer_connection *c);

__attribute__((nonnull))
void signer_drop_keys(struct signer_connection *c);

/* Which keys cannot be kept, on the board. */
__attribute__((nonnull))
void signer_show_unkept(const struct signer *signer);

#endif
