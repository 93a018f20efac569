/* A zone being signed: what the steps of zone_sign share.  Each returns 0, or an error code
 * after having told the zone's messages why. */
#ifndef LOADER_SIGN_SIGNING_H
#define LOADER_SIGN_SIGNING_H

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/sign/zone_sign.h"

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
	struct sign_buffer buffer;
	struct sign_clock clock;
	int64_t first_end_s;
	uint64_t count;
	/* of the owner at hand */
	struct node served;
	bool has_node;
};

/* Tell why the zone cannot be signed.  returns `code`. */
__attribute__((nonnull))
int signing_fail(struct signing *s, int code, const char *why);

/* Ask the signer for the zone's keys; what is wrong with some is told with the zone. */
__attribute__((nonnull, warn_unused_result))
int signing_learn_keys(struct signing *s);

/* Which of the keys signed the zone that is served. */
__attribute__((nonnull))
void signing_look_at_served(struct signing *s);

/* Remove what another signer has left. */
__attribute__((nonnull))
void signing_strip(struct signing *s);

/* Add DNSKEYs and the chain of denial.  Records [0, *sorted) are in order then, those of the
 * chain follow. */
__attribute__((nonnull, warn_unused_result))
int signing_add_chain(struct signing *s, enum denial denial, size_t *sorted);

/* Add the signatures, and put all records in order. */
__attribute__((nonnull, warn_unused_result))
int signing_sign_all(struct signing *s, size_t sorted);

#endif
