/* A zone being signed: what the steps of zone_sign share.  Each returns 0, or an error code
 * after having told the zone's messages why. */
#ifndef LOADER_SIGN_SIGNING_H
#define LOADER_SIGN_SIGNING_H

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/zone_sign.h"
#include "shm/steered.h"

enum { RR_FIXED_LEN = 12 };		/* of a record after a compressed owner */

struct signing {
	struct zone_records *zone;
	struct sign_session *session;
	const struct zone_signing *how;
	struct zone_messages *messages;
	const char *path;
	struct sign_keys *keys;		/* owned */
	unsigned roles[SIGN_KEYS_MAX];
	bool was_there[SIGN_KEYS_MAX];	/* the key signed the zone that is served */
	bool has_served;		/* that one was signed here */
	bool is_left;			/* the zone is left unsigned */
	struct sign_buffer buffer;
	struct sign_clock clock;
	int64_t first_end_s;
	size_t given_count;		/* records of the zone before ours */
	uint64_t count;
	size_t chain_first, chain_end;	/* the records of the chain, in order of their owners */
	struct signing_steered *steered; /* owned */
	const uint8_t *hashed_name;	/* the last one that was noted */
	size_t steered_count, steered_room;
	/* of the owner at hand */
	struct node served;
	bool has_node;
};

/* Tell why the zone cannot be signed.  returns `code`. */
__attribute__((nonnull))
int signing_fail(struct signing *s, int code, const char *why);

/* Ask the signer for the zone's keys; what is wrong with some is told with the zone.  They may
 * say that it is_left. */
__attribute__((nonnull, warn_unused_result))
int signing_learn_keys(struct signing *s);

/* Which of the keys signed the zone that is served. */
__attribute__((nonnull))
void signing_look_at_served(struct signing *s);

/* Remove what another signer has left. */
__attribute__((nonnull))
void signing_strip(struct signing *s);

/* Add what is served on in the place of bad values. */
__attribute__((nonnull, warn_unused_result))
int signing_add_kept(struct signing *s);

/* Add what is served of the addresses that ANAMEs and flattened CNAMEs lead to, where these
 * are the same. */
__attribute__((nonnull, warn_unused_result))
int signing_take_resolved(struct signing *s);

/* Add DNSKEYs and the chain of denial.  Records [0, *sorted) are in order then, those of the
 * chain follow. */
__attribute__((nonnull, warn_unused_result))
int signing_add_chain(struct signing *s, enum denial denial, size_t *sorted);

/* The steered RRset of a served node, if it has the records and the TTL of this mark. */
__attribute__((nonnull, warn_unused_result))
bool signing_find_steered(const struct node *node, const struct zone_record *mark,
			  struct steered *out);

/* Sign ahead what may be chosen of a steered RRset, whose signatures over all records are
 * the zone's last ones, from first_sig on.
 * mark           gets another payload
 * is_taken_over  those are the served ones */
__attribute__((nonnull, warn_unused_result))
int signing_sign_steered(struct signing *s, struct zone_record *mark,
			 const struct sign_rrset *rrset, size_t first_sig,
			 bool is_taken_over);

/* All signatures have come, and no record has moved. */
__attribute__((nonnull))
void signing_finish_steered(struct signing *s);

/* Add the signatures, and put all records in order. */
__attribute__((nonnull, warn_unused_result))
int signing_sign_all(struct signing *s, size_t sorted);

#endif
