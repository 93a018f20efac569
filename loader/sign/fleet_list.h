/* The list of a zone's keys that the servers of a fleet share: one of them rolls the keys and
 * writes it to Redis, the others do as it says.  A line of text for each thing:
 *
 *	martlet-keys 1
 *	zone example.com.
 *	number 17			grows with each list
 *	written 1763700000		Unix time
 *	node ns1:/var/lib/martlet
 *	goal ..., key ...		roll_text.h; when a stage was first served is left out
 *	dnskey example.com. 3600 IN DNSKEY 257 3 13 ...
 *	private Private-key-format: v1.3\nAlgorithm: ...
 *	end DIGEST			SHA-256 of all lines before, in hexadecimal
 *
 * Other words are for later versions, and mean nothing. */
#ifndef LOADER_SIGN_FLEET_LIST_H
#define LOADER_SIGN_FLEET_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_text.h"
#include "loader/sign/roll.h"

enum { FLEET_LIST_MAX = 256 << 10 };	/* octets; 32 keys of RSA with 4096 bits fit */

struct fleet_head {
	uint64_t number;
	int64_t written_s;
	char node[ROLL_NODE_MAX];
};

struct fleet_key {
	struct key_public public;
	struct key_private secret;
};

/* A list as it was read: to be wiped after use. */
struct fleet_list {
	struct fleet_head head;
	struct roll_zone roll;		/* all its keys are managed */
	size_t count;
	struct fleet_key keys[SIGN_KEYS_MAX];
};

/* What a list would say of a zone that stands so. */
__attribute__((nonnull, pure, warn_unused_result))
uint64_t fleet_list_mark(const struct roll_zone *roll);

/* A list in the making: lines go to `text`, FLEET_LIST_MAX octets; to be wiped after use. */
struct fleet_text {
	char *text;
	size_t len;
	bool is_full;
};

__attribute__((nonnull))
void fleet_list_begin(struct fleet_text *out, const uint8_t *zone,
		      const struct fleet_head *head, const struct roll_zone *roll);

/* Both halves as BIND writes them; times of the private one are left out. */
__attribute__((nonnull))
void fleet_list_add(struct fleet_text *out, const struct fleet_key *key);

/* returns false when it does not fit. */
__attribute__((nonnull, warn_unused_result))
bool fleet_list_end(struct fleet_text *out);

/* Does a list about `roll` tell of this key, with its halves? */
__attribute__((nonnull, pure))
bool fleet_list_has(const struct roll_zone *roll, uint8_t algorithm, uint16_t tag);

/* Read the head of a list that is whole.
 * zone     whose it must be, in wire form
 * returns  NULL, or why it cannot be used: the rest of a sentence, none of the text. */
__attribute__((nonnull, warn_unused_result))
const char *fleet_list_read_head(const char *text, size_t len, const uint8_t *zone,
				 struct fleet_head *out);

/* Read all of it: a key for each that is not removed, and one that is active.  Whether halves
 * belong together is not looked at.  returns as above. */
__attribute__((nonnull, warn_unused_result))
const char *fleet_list_read(const char *text, size_t len, const uint8_t *zone,
			    struct fleet_list *out);

#endif
