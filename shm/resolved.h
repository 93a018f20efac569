/* The resolved store: what resolvers say of names outside of our zones that an ANAME, or a
 * CNAME of a flattened zone, leads to.
 *
 * An LMDB environment, state_dir/resolved/, beside the generations: it outlives them and
 * restarts.  The resolver process writes it, workers read it where it lies.  One database:
 *
 *	key	the type (2 octets, network order: A or AAAA), the name (lower-case wire form)
 *	value	resolved_head | addresses, 4 or 16 each | names, each whole | reason
 *
 * The names are the targets of the CNAMEs that were followed, in that order, lower-cased:
 * who finds one of them in a zone of ours goes on there, since the resolver's answer for it
 * came from us.  The reason is a text: why the last look-up failed, "" when it did not.
 *
 * Numbers are in the machine's byte order and nothing is aligned.  Under the key RESOLVED_MARK,
 * which no name has, stands RESOLVED_VERSION, 4 octets; a store with another one is made
 * anew. */
#ifndef SHM_RESOLVED_H
#define SHM_RESOLVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

#define RESOLVED_DIR "resolved" /* below state_dir */
#define RESOLVED_MARK "v"

enum {
	RESOLVED_VERSION = 1,
	RESOLVED_ADDRESSES_MAX = 64,
	RESOLVED_NAMES_MAX = 16, /* CNAMEs followed */
	RESOLVED_REASON_MAX = 200,
	RESOLVED_KEY_MAX = 2 + DNAME_MAX,
	RESOLVED_TTL_MIN = 5, /* seconds, whatever the resolver says */
	RESOLVED_TTL_MAX = 3600,
	RESOLVED_TTL_STALE = 30, /* of addresses that are served on (RFC 8767) */
};

enum resolved_state {
	RESOLVED_NEVER = 0, /* nothing good was ever heard */
	RESOLVED_ADDRESSES,
	RESOLVED_NODATA, /* the name has no address of the type */
};

enum resolved_flag {
	RESOLVED_WISHED = 1,		/* it stays for a while after the last wish for it, so who
					 * uses it wishes */
};

struct resolved_head {
	uint32_t ttl; /* to be answered with; RESOLVED_TTL_MIN.._MAX */
	uint8_t state; /* enum resolved_state */
	uint8_t address_count; /* 0..RESOLVED_ADDRESSES_MAX */
	uint8_t name_count; /* 0..RESOLVED_NAMES_MAX */
	uint8_t flags; /* enum resolved_flag */
	uint16_t names_len, reason_len;
	uint32_t failures; /* in a row; 0: what stands here is what was said last */
	int64_t good_at_s; /* Unix time of the last good answer; 0: none */
};
_Static_assert(sizeof(struct resolved_head) == 24, "as it is stored");

enum {
	RESOLVED_VALUE_MAX = (int)sizeof(struct resolved_head) +
			     RESOLVED_ADDRESSES_MAX * 16 +
			     RESOLVED_NAMES_MAX * DNAME_MAX + RESOLVED_REASON_MAX,
};

/* An entry taken apart; the pointers are borrowed from the value. */
struct resolved {
	struct resolved_head head;
	unsigned address_len; /* 4 or 16 */
	const uint8_t *addresses;
	const uint8_t *names; /* head.name_count of them, checked */
	const char *reason; /* head.reason_len octets, no NUL */
};

/* Write a key.  returns its length. */
__attribute__((nonnull)) size_t resolved_key(uint16_t type, const uint8_t *name,
					     size_t name_len,
					     uint8_t out[RESOLVED_KEY_MAX]);

/* Take a key apart: the name is borrowed.  returns false for RESOLVED_MARK, and what is none. */
__attribute__((nonnull, warn_unused_result)) bool
resolved_key_open(const void *key, size_t len, uint16_t *type, const uint8_t **name,
		  size_t *name_len);

/* returns false when lengths or names contradict each other: damage. */
__attribute__((nonnull, warn_unused_result)) bool
resolved_open(const void *value, size_t len, uint16_t type, struct resolved *out);

/* Write a value.  `entry` as resolved_open gives it; lengths in its head are checked by
 * assertion.  returns its length. */
__attribute__((nonnull)) size_t resolved_write(const struct resolved *entry,
					       uint8_t out[RESOLVED_VALUE_MAX]);

#endif
