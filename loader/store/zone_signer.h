/* Signing the zones of an update: sessions with the signer, shared by the reading threads,
 * and what the base has of signatures. */
#ifndef LOADER_STORE_ZONE_SIGNER_H
#define LOADER_STORE_ZONE_SIGNER_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/sign/sign_session.h"
#include "loader/store/builder.h"
#include "loader/store/zone_state.h"
#include "loader/zone/zone_list.h"
#include "loader/zone/zone_messages.h"
#include "shm/region_signer.h"
#include "shm/settings.h"

struct zone_signer;

/* signer_fd   -1: nothing can be signed
 * is_renewal  see zone_sign.h; signatures are made at dnssec.max_rate then
 * returns     NULL when there is no memory. */
__attribute__((nonnull, warn_unused_result))
struct zone_signer *zone_signer_new(const struct settings *settings, struct builder *builder,
				    int signer_fd, bool is_renewal);

/* Failures are counted there.  NULL: nowhere. */
__attribute__((nonnull(1)))
void zone_signer_count(struct zone_signer *signer, struct region_signer *board);

/* What is made is served by nobody before it is signed by those who have the keys: zones that
 * lack them here wait (zone_records.is_unsigned), but for those of redis.unsigned_ok. */
__attribute__((nonnull))
void zone_signer_let_wait(struct zone_signer *signer);

/* NULL is allowed. */
void zone_signer_free(struct zone_signer *signer);

/* Is the zone, of which the base has `state`, signed (or not) as it is to be, with nothing
 * to be renewed yet?  For one thread at a time. */
__attribute__((nonnull, warn_unused_result))
bool zone_signer_is_current(struct zone_signer *signer, const struct zone_list_entry *entry,
			    const struct zone_state *state);

/* Sign a zone that is to be signed; any number of threads may call.
 * returns 0, or an error code and a ZONE_ERROR message. */
__attribute__((nonnull, warn_unused_result))
int zone_signer_sign(struct zone_signer *signer, struct zone_records *zone,
		     struct zone_messages *messages);

/* The earliest time at which a zone that was looked at, or signed, is to be renewed: Unix
 * time, 0 for never. */
__attribute__((nonnull, pure))
int64_t zone_signer_due(const struct zone_signer *signer);

#endif
