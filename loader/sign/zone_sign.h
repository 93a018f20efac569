/* Signing a whole zone: from checked records to the same with keys, chain and signatures.
 *
 * Signatures that the zone has already, over RRsets that have not changed, by keys that are
 * still there, are taken over unless they end soon. */
#ifndef LOADER_SIGN_ZONE_SIGN_H
#define LOADER_SIGN_ZONE_SIGN_H

#include "loader/sign/sign_session.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "shm/node.h"
#include "shm/region_signer.h"
#include "shm/settings.h"

/* How zones are signed; the same for all of them. */
struct zone_signing {
	const struct settings *settings;
	int64_t now_s;
	bool is_renewal;		/* what would be due within sign_clock_ahead_s is renewed,
					 * too, so that renewals are few */
	bool may_wait;			/* nothing is served of it before it is signed elsewhere: a
					 * zone that has no key here becomes is_unsigned */
	/* The node that serves an owner now, NSEC3's own under is_nsec3; as render_last_fn.
	 * NULL: nothing is served. */
	bool (*find_served)(void *context, const struct zone_records *zone,
			    const uint8_t *owner, size_t owner_len, bool is_nsec3,
			    struct node *out);
	void *context;
	struct region_signer *board;	/* what is counted; NULL: nobody looks */
};

/* What would be another, were the zone signed now: keys, their states, what is wrong
 * with them, kind of denial. */
__attribute__((nonnull))
uint64_t zone_sign_mark(const struct sign_keys *keys, enum denial denial);

/* The kind of denial that a zone gets. */
static inline enum denial
zone_sign_denial(const struct zone_signing_wish *wish, const struct settings *settings)
{
	return wish->has_denial ? (enum denial)wish->denial : settings->dnssec.denial;
}

/* Sign a zone that is sorted and checked; its RRSIG, NSEC and NSEC3 records are replaced.
 * One whose keys say that it is unsigned (ROLL_UNSIGNED) is left as it is, and so is one that
 * is not to be signed any more and has no key.
 * messages  gets what keeps it from being signed, and warnings
 * returns   0, or an error code and at least one ZONE_ERROR message: `zone` is good for
 *           nothing then. */
__attribute__((nonnull, warn_unused_result))
int zone_sign(struct zone_records *zone, struct sign_session *session,
	      const struct zone_signing *how, struct zone_messages *messages);

#endif
