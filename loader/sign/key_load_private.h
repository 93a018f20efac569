/* What the steps of reading a zone's keys share. */
#ifndef LOADER_SIGN_KEY_LOAD_PRIVATE_H
#define LOADER_SIGN_KEY_LOAD_PRIVATE_H

#include "loader/sign/key_files.h"
#include "loader/sign/key_notes.h"
#include "loader/sign/key_store_private.h"

/* A zone's keys being read. */
struct loading {
	struct key_store *store;
	const uint8_t *zone;
	struct sign_keys *keys;
	struct crypto_key **secrets;
	struct roll_zone *roll;
	int64_t now_s; /* the latest that it may be: a key that has begun stays so */
	struct key_notes notes;
	/* of the source, not copied yet */
	const char *revoked[SIGN_KEYS_MAX], *fresh[SIGN_KEYS_MAX];
	size_t revoked_count, fresh_count;
	bool has_own; /* a kept key is active that never was the source's */
};

/* Say what is wrong; beyond SIGN_PROBLEMS_MAX nothing. */
__attribute__((nonnull, format(printf, 2, 3)))
void key_load_complain(struct sign_keys *keys, const char *format, ...);

/* Take a key of the source.  `files` are scratch.  returns whether it can be used. */
__attribute__((nonnull, warn_unused_result))
bool key_load_from_source(struct loading *loading, const char *name, struct key_files *files);

/* Copy it, with a note that it is a copy.  Nothing waits for the device: the original is there
 * as long as the copy is not durable. */
__attribute__((nonnull))
void key_load_keep_copy(struct loading *loading, const char *name,
			const struct key_files *files);

/* Is this kept key all that there is of it, and not the copy of one that was lost? */
__attribute__((nonnull, warn_unused_result))
bool key_load_is_original(const struct loading *loading, const char *name);

/* Take a kept key.  What stands beside it is known already. */
__attribute__((nonnull))
void key_load_kept(struct loading *loading, const char *name, struct key_files *files);

#endif
