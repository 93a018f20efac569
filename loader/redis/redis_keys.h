/* The names of the keys of redins and z42, with prefix and suffix; and back. */
#ifndef LOADER_REDIS_REDIS_KEYS_H
#define LOADER_REDIS_REDIS_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_link.h"
#include "shm/settings.h"

enum {
	REDIS_NAME_MAX = 1023,		/* octets of a zone or label as written */
	REDIS_TYPE_MAX = 15,		/* octets of a type in a key of z42 */
	REDIS_KEY_MAX = 2560,		/* any key fits, NUL included */
	REDIS_OTHER_TYPES_MAX = 32,
	REDIS_RULES_VERSION = 5,	/* another one whenever values come to mean other records */
};

struct redis_keys {
	enum redis_schema schema;
	const char *prefix, *suffix;	/* borrowed from the settings */
	/* z42: types in keys beyond those that redis_keys_types knows ("TYPE65400"), as
	 * they were met in a scan or an event: they are asked for too from then on. */
	char other_types[REDIS_OTHER_TYPES_MAX][REDIS_TYPE_MAX + 1];
	size_t other_count;
	uint64_t asked[65536 / 64];	/* a bit for each type that is asked for */
	uint64_t rules;			/* under which values become records: hashes of values
					 * tell of it, so that all are read anew under others */
};

enum redis_key_kind {
	REDIS_KEY_OTHER,		/* none of ours, or one that is not read */
	REDIS_KEY_ZONES,		/* the set of zones */
	REDIS_KEY_ZONE,			/* the hash of a zone; in z42 the set of its labels */
	REDIS_KEY_CONFIG,
	REDIS_KEY_RRSET,		/* z42 */
	REDIS_KEY_SECRET,		/* half of a key that signs, or the list of them */
};

/* The strings of a zone's keys, and the list that a fleet shares, in the order of enum key_given_text. */
enum { REDIS_SECRETS = 5, REDIS_LIST_OF_KEYS = 4 };

/* A key taken apart; borrowed from it, not NUL-terminated. */
struct redis_key {
	enum redis_key_kind kind;
	struct redis_text zone, label, type;
};

__attribute__((nonnull))
void redis_keys_init(struct redis_keys *keys, const struct settings *settings);

/* Write a key; returns its length.  `zone`, `label` (at most REDIS_NAME_MAX octets each)
 * and `type` are as Redis has them. */
__attribute__((nonnull))
size_t redis_keys_zones(const struct redis_keys *keys, char out[REDIS_KEY_MAX]);
__attribute__((nonnull))
size_t redis_keys_zone(const struct redis_keys *keys, struct redis_text zone,
		       char out[REDIS_KEY_MAX]);
__attribute__((nonnull))
size_t redis_keys_config(const struct redis_keys *keys, struct redis_text zone,
			 char out[REDIS_KEY_MAX]);
__attribute__((nonnull))
size_t redis_keys_rrset(const struct redis_keys *keys, struct redis_text zone,
			struct redis_text label, const char *type,
			char out[REDIS_KEY_MAX]);

/* which  below REDIS_SECRETS */
__attribute__((nonnull))
size_t redis_keys_secret(const struct redis_keys *keys, struct redis_text zone,
			 unsigned which, char out[REDIS_KEY_MAX]);

/* What does this key name? */
__attribute__((nonnull))
void redis_keys_parse(const struct redis_keys *keys, struct redis_text key,
		      struct redis_key *out);

/* z42: the types that every label is asked for, one after the other; NULL behind the
 * last one.  First those of z42, then others that are in use, then keys->other_types. */
__attribute__((nonnull))
const char *redis_keys_type(const struct redis_keys *keys, size_t index);

/* z42: ask for this type too from now on, when it is one that a zone may hold and that
 * is not asked for; in lower case, as keys have it.
 * returns whether it was new; false too when there are too many. */
__attribute__((nonnull))
bool redis_keys_learn_type(struct redis_keys *keys, struct redis_text type);

/* The same by its number, for types that are served: they were met in some key. */
__attribute__((nonnull))
bool redis_keys_learn_number(struct redis_keys *keys, uint16_t type);

#endif
