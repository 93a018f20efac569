/* Loading zones: one, from its file to checked records, or many at once. */
#ifndef LOADER_ZONE_ZONE_LOAD_H
#define LOADER_ZONE_ZONE_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_list.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "loader/zone/zone_text.h"

/* Read, sort and check one zone, with its sidecar.
 * out      the records, as zone_records.h promises; owned by the caller.  Untouched on
 *          failure.
 * messages gets errors and warnings.
 * returns  0, or an error code and at least one ZONE_ERROR message. */
__attribute__((nonnull, warn_unused_result))
int zone_load(struct zone_text *text, const struct zone_list_entry *entry,
	      struct zone_records **out, struct zone_messages *messages);

struct zone_load_progress {
	size_t zones_done, zones_count;
	uint64_t bytes;			/* of zone text scanned so far */
};

/* How to load many.  The functions get `context`. */
struct zone_load_job {
	const struct zone_list_entry *const *entries; /* the zones to load */
	size_t count;

	/* One zone is done.  Called by the loading threads, several at a time.
	 * index     into `entries`.
	 * records   moved to the callee; NULL when the zone is in error.
	 * messages  borrowed until the call returns; more may be added. */
	void (*done)(void *context, size_t index, struct zone_records *records,
		     struct zone_messages *messages);

	/* Called by the thread that called zone_load_all, after two seconds and every
	 * two seconds from then on; may be NULL. */
	void (*progress)(void *context, const struct zone_load_progress *progress);

	void *context;
};

/* Load zones with as many threads as there are CPUs that we may run on.  Returns when
 * all are done: `done` was called once for each.
 * returns 0, or ERR_NOMEM when not even one thread could be had (`done` was not
 * called). */
__attribute__((nonnull, warn_unused_result))
int zone_load_all(const struct zone_load_job *job);

#endif
