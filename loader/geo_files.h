/* The databases that geoip.country_db and geoip.asn_db name: copied into state_dir and
 * checked by a job (loader/job.h), then told to the workers (struct region_geo).
 *
 * Workers use the copies, so that nothing that happens to the files is felt by a query:
 * one that is truncated, damaged or of another kind is refused, stated in `status` and
 * `errors`, and the copy before it stays in use, over restarts too. */
#ifndef LOADER_GEO_FILES_H
#define LOADER_GEO_FILES_H

#include "loader/sync_state.h"

enum { GEO_FILES_LOOK_MS = 2000 };

/* At the start, before anything is answered: take the copies of the last run, then look at
 * the files. */
__attribute__((nonnull))
void geo_files_start(struct sync *sync);

/* Take what has changed.  Does nothing within GEO_FILES_LOOK_MS of the last look, unless
 * `is_told`: then a file that was refused is looked at again, too, and this returns when
 * all workers answer by what was taken. */
__attribute__((nonnull))
void geo_files_look(struct sync *sync, bool is_told);

#endif
