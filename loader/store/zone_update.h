/* From the configured zone files to a builder that knows each zone: what has changed
 * is read, the rest is kept.
 *
 * A zone whose files have the stamp that is stored with it is kept as it stands.  A bad
 * zone has no stamp, so that it is read again each time until it is good. */
#ifndef LOADER_STORE_ZONE_UPDATE_H
#define LOADER_STORE_ZONE_UPDATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/store/builder.h"
#include "loader/store/reload_result.h"
#include "loader/zone/zone_list.h"
#include "loader/zone/zone_load.h"
#include "shm/settings.h"

enum { ZONE_UPDATE_REASON_MAX = 512 };

struct zone_update {
	/* set by the caller; all else zero */
	const char *base_dir;		/* an earlier generation, verified; NULL for none */
	int signer_fd;			/* see loader/sign/sign_session.h; -1: none */
	bool is_renewal;		/* signatures are renewed, see loader/store/zone_signer.h */
	struct region_signer *board;	/* see zone_signer_count */
	bool is_for_swap;		/* zones may wait for keys, see zone_signer_let_wait */
	const uint8_t *only;		/* look at this zone alone: lower-cased, NAME_PAD octets
					 * behind it readable; NULL for all */
	/* NULL; or: look at no file, and keep all but the zones of which this says that the
	 * caller reads them anew */
	bool (*is_anew)(const void *update, const uint8_t *origin);
	bool reads_redis;		/* zones of the base that come from there do not stay:
					 * see loader/redis/redis_update.h */
	/* called with the update itself; see zone_load.h; NULL for none */
	void (*progress)(void *update, const struct zone_load_progress *progress);
	void *context;			/* for `progress` */

	/* results */
	struct builder *builder;	/* owned, zone_update_fini */
	struct reload_result result;	/* changed, removed and errors are filled */
	int64_t sign_due_s;		/* when signatures are to be renewed, Unix time; 0: never */

	/* private */
	struct live *base;
	struct zone_signer *signer;
	struct zone_list list;
	bool *is_done;			/* for each of the list: handed to the builder */
	const struct zone_list_entry **stale; /* those that are to be read */
	size_t stale_count;
	size_t base_count;		/* zones of the base */
	size_t found_in_base;		/* zones of the list */
	size_t others_count;		/* not of the list, and kept */
	bool has_redis;			/* zones from there stay, none may be a file's too */
	pthread_mutex_t lock;		/* for what the reading threads write */
	size_t warnings;
	int error;			/* the first failure that is no zone's */
};

/* List the configured zones and read what must be read.  Warnings are logged, the first
 * ones of many; errors of zones are results.
 * reason   on failure, a sentence that says why
 * returns  0 (result.changed and result.removed say whether a new generation is needed);
 *          ERR_NOTFOUND when `only` is not configured; what builder_new says of the
 *          base; other errors when the zones cannot be listed. */
__attribute__((nonnull, warn_unused_result))
int zone_update_read(struct zone_update *update, const struct settings *settings,
		     char reason[ZONE_UPDATE_REASON_MAX]);

/* Hand everything else to the builder, which may be sealed then.  Reasons as above. */
__attribute__((nonnull, warn_unused_result))
int zone_update_keep(struct zone_update *update, char reason[ZONE_UPDATE_REASON_MAX]);

/* Also after a failure. */
__attribute__((nonnull))
void zone_update_fini(struct zone_update *update);

#endif
