/* What a signature is made over: RRSIG rdata and RRset in canonical form (RFC 4034, sections
 * 3.1.8.1 and 6). */
#ifndef LOADER_SIGN_RRSET_SIGN_H
#define LOADER_SIGN_RRSET_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/sign/sign_key.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"

enum { RRSIG_FIXED = 18 };		/* octets before the signer's name */

/* One RRset; records are in canonical order, as zone_sort leaves them. */
struct sign_rrset {
	const uint8_t *owner;
	size_t owner_len;
	uint16_t type;
	uint32_t ttl;
	const struct zone_record *records;
	size_t count;
};

/* What goes into a signature besides. */
struct sign_times {
	uint32_t inception, expiration;	/* as in RRSIG: modulo 2^32 */
};

/* Octets to be signed, reused.  All zero at first. */
struct sign_buffer {
	uint8_t *octets;		/* owned: free */
	size_t len, room;
};

/* Write RRSIG_FIXED octets and the signer's name into `out`. */
__attribute__((nonnull))
void rrset_sign_head(const struct sign_rrset *rrset, const struct sign_key *key,
		     const struct sign_times *times, const uint8_t *apex, size_t apex_len,
		     uint8_t *out);

/* What the signature with that head is made over.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int rrset_sign_data(const struct sign_rrset *rrset, const uint8_t *head, size_t head_len,
		    struct sign_buffer *out);

/* Is the RRset of `node` the same, TTL included? */
__attribute__((nonnull, warn_unused_result))
bool rrset_sign_is_same(const struct sign_rrset *rrset, const struct node *node,
			const struct rrset *stored);

/* The rdata of a stored signature by this key, that holds at now_s and does not end before
 * until_s; NULL when there is none. */
__attribute__((nonnull, warn_unused_result))
const uint8_t *rrset_sign_find(const struct rrset *stored, const struct sign_key *key,
			       const uint8_t *apex, size_t apex_len, int64_t now_s,
			       int64_t until_s, int64_t *ends_s);

/* The signatures over a stored RRset, Unix times as seen from a time of the last decades; all
 * zero: it has none. */
struct sign_span {
	int64_t last_begin_s, first_end_s, last_end_s;
};
__attribute__((nonnull))
struct sign_span rrset_sign_span(const struct rrset *stored, int64_t near_s);

/* Which of the keys are in a stored DNSKEY RRset, and can be told apart by their tags: their
 * signatures may be taken over. */
__attribute__((nonnull))
void rrset_sign_known(const struct sign_keys *keys, const struct rrset *dnskeys,
		      bool known[SIGN_KEYS_MAX]);

#endif
