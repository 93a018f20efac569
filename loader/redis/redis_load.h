/* The first reading of everything that Redis holds into a builder: for a build child,
 * or at a start without a store.
 *
 * It is a fuzzy scan: each zone is read as one consistent state, different zones at
 * different times.  Who follows changes notes its place in the stream before. */
#ifndef LOADER_REDIS_REDIS_LOAD_H
#define LOADER_REDIS_REDIS_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/builder.h"
#include "loader/redis/redis_link.h"
#include "loader/store/reload_result.h"
#include "loader/store/zone_signer.h"
#include "shm/settings.h"

struct redis_load_progress {
	size_t zones_done, zones_count;
	uint64_t records;
};

/* How to load.  The functions get `context`; `progress` may be NULL. */
struct redis_load_job {
	const struct settings *settings;
	struct builder *builder;
	uint64_t now_ms;		/* Unix time: the change id of all that is read */
	struct zone_signer *signer;	/* NULL: nothing can be signed */
	int signer_fd;			/* where keys go, see loader/sign/sign_session.h */

	/* Does another source have this zone?  Then it is left to that one, and the conflict
	 * is an error of that zone.  Called by the loading threads; NULL: there is none. */
	bool (*is_taken)(void *context, const uint8_t *origin, size_t origin_len);

	/* The apex that is served now, for serials that never step back.  Called as above.
	 * NULL: what the builder's base has.  returns false when there is none. */
	bool (*served)(void *context, const uint8_t *origin, size_t origin_len,
		       struct node *apex);

	/* Called after two seconds and every two seconds from then on, by the thread that
	 * called redis_load_all. */
	void (*progress)(void *context, const struct redis_load_progress *progress);
	void *context;

	/* results */
	struct reload_result *result;	/* `changed` counts zones; errors are added */
	size_t zone_count;		/* listed */
	uint64_t record_count;
};

/* Read some zones that the base has, or that are new: those that are to be signed aside.
 * One that is not listed any more, or cannot be read, is kept as the base has it.
 * names    as listed
 * returns  as below */
__attribute__((nonnull, warn_unused_result))
int redis_load_some(struct redis_load_job *job, char *const *names, size_t count,
		    char reason[REDIS_REASON_MAX]);

/* Read all zones, with as many threads as there are CPUs that we may run on.
 * reason   on failure: Redis cannot be reached or read, or holds no zones while the
 *          builder's base has some from it; the builder is not to be sealed then
 * returns  0 or an error code. */
__attribute__((nonnull, warn_unused_result))
int redis_load_all(struct redis_load_job *job, char reason[REDIS_REASON_MAX]);

#endif
