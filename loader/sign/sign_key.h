/* A zone's keys as all but their holder know them: without what is secret. */
#ifndef LOADER_SIGN_SIGN_KEY_H
#define LOADER_SIGN_SIGN_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/key_text.h"

enum {
	SIGN_KEYS_MAX = 32,		/* of one zone */
	SIGN_PROBLEMS_MAX = 8,		/* that are told of one zone */
	SIGN_PROBLEM_LEN = 512,
	SIGN_NODE_MAX = 160,		/* "ns1:/var/lib/martlet" */
};

/* By the times that stand with the key (those of BIND's dnssec-settime); a key without any
 * is active. */
enum sign_key_state {
	SIGN_KEY_FUTURE,		/* not yet published */
	SIGN_KEY_PUBLISHED,		/* in the DNSKEY RRset, signs nothing */
	SIGN_KEY_ACTIVE,
	SIGN_KEY_RETIRED,		/* signs no more, is still published */
	SIGN_KEY_REMOVED,
	SIGN_KEY_STATES
};

struct sign_key {
	int64_t times[KEY_TIMES];
	uint32_t ttl;			/* of its DNSKEY; without one that of the SOA */
	uint16_t tag;
	uint16_t rdata_len;
	uint16_t signature_len;
	uint8_t state;			/* enum sign_key_state */
	uint8_t is_kept;		/* its source has it no more: the kept copy is used */
	uint8_t has_ttl;
	uint8_t is_hidden;		/* signs data, its DNSKEY is not in the zone */
	uint8_t in_cds;			/* CDS and CDNSKEY show it */
	uint8_t is_rolling;		/* its place in a roll says what it does, not its times: */
	uint8_t stage;			/* enum roll_stage, loader/sign/roll.h */
	uint8_t rdata[DNSKEY_RDATA_MAX];
};

struct sign_keys {
	size_t count;
	struct sign_key items[SIGN_KEYS_MAX];
	int64_t next_s;			/* when the next state changes; 0: never */
	uint32_t goal;			/* enum roll_goal, loader/sign/roll.h */
	bool is_list_lost;		/* of a fleet: it is to be written again */
	char rolled_by[SIGN_NODE_MAX];	/* the other server that rolls them; "": none */
	size_t problem_count;
	char problems[SIGN_PROBLEMS_MAX][SIGN_PROBLEM_LEN];
};

/* What a key signs, given the others. */
enum sign_key_role {
	SIGN_ROLE_KEYS = 1 << 0,	/* DNSKEY, CDS, CDNSKEY */
	SIGN_ROLE_DATA = 1 << 1,	/* all else */
};

/* The keys of which role sign an RRset of this type. */
__attribute__((const))
enum sign_key_role sign_role_for(uint16_t type);

/* The state at a time, and when it changes next (0: never). */
__attribute__((nonnull))
enum sign_key_state sign_key_state_at(const int64_t times[KEY_TIMES], int64_t now_s,
				      int64_t *next_s);

/* "active" */
__attribute__((const, returns_nonnull))
const char *sign_key_state_name(enum sign_key_state state);

/* Is its DNSKEY in the zone? */
static inline bool
sign_key_is_published(const struct sign_key *key)
{
	return !key->is_hidden &&
	       (key->state == SIGN_KEY_PUBLISHED || key->state == SIGN_KEY_ACTIVE ||
		key->state == SIGN_KEY_RETIRED);
}

static inline uint16_t
sign_key_flags(const struct sign_key *key)
{
	return (uint16_t)(key->rdata[0] << 8 | key->rdata[1]);
}

static inline uint8_t
sign_key_algorithm(const struct sign_key *key)
{
	return key->rdata[3];
}

/* Is there an active key for the zone's data, and one for its keys? */
__attribute__((nonnull, pure))
bool sign_keys_can_sign(const struct sign_keys *keys);

/* Why a zone cannot be signed with these, when it cannot. */
__attribute__((nonnull))
void sign_keys_explain(const struct sign_keys *keys, const char *zone, char *out,
		       size_t room);

/* The roles of keys->items[at]: a key with the SEP bit signs keys, and data too when no
 * active one of its algorithm lacks the bit; one without it signs data, and keys too when
 * no active one of its algorithm has it.  0 for one that is not active. */
__attribute__((nonnull, pure))
unsigned sign_key_roles(const struct sign_keys *keys, size_t at);

#endif
