/* `rollback` and `swap` take back data, not keys: zones of a chosen generation that are to be
 * signed and whose signatures are by other keys, or end soon, are signed anew before they are
 * served, and renewed while they are. */
#ifndef LOADER_CHOICE_SIGN_H
#define LOADER_CHOICE_SIGN_H

#include "loader/sync_state.h"
#include "shm/generation.h"

/* Make a generation of that one, with the same data, in which all zones are signed by present
 * keys; zones that are well signed, or not signed, are taken over.  Zones count as signed that
 * are it there or in the newest state of the sources, unless the latter says otherwise.
 *
 * is_renewal  it is served already: what is due soon is renewed, too
 * manifest    the new one's, finished and checked, not yet served; unchanged if there is
 *             nothing to do
 * reason      on failure, a sentence that names the zone
 * returns     0, or an error code and nothing is left behind. */
__attribute__((nonnull, warn_unused_result))
int choice_sign(struct sync *sync, bool is_renewal, struct generation_manifest *manifest,
		char reason[SYNC_REASON_MAX]);

/* Is a chosen generation served, and is something in it to be signed again? */
__attribute__((nonnull, warn_unused_result))
bool choice_sign_is_due(const struct sync *sync);

#endif
