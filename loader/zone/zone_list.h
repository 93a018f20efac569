/* Which zones there are: those of `zones.dir` and of `zones.files`. */
#ifndef LOADER_ZONE_ZONE_LIST_H
#define LOADER_ZONE_ZONE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/zone_messages.h"
#include "shm/settings.h"

struct zone_list_entry {
	const uint8_t *origin;		/* lower-cased wire form */
	const char *path;		/* absolute */
	const char *rival;		/* NULL, or a second file for the same origin: an
					 * error of this zone */
	uint8_t origin_len;
	bool sign;			/* the configuration says that we sign it */
	bool is_alone;			/* a sidecar (sidecar.h) does not count */
};

/* Sorted by origin (canonical order), each origin once. */
struct zone_list {
	struct zone_list_entry *entries; /* owned */
	size_t count, room;
	struct arena *arena;		/* holds origins and paths */
};

/* List the configured zones.  In the directory only `<origin>.zone` counts (`root.zone`
 * and `.zone` are the root), and no subdirectory; a name that is no origin is left out
 * with a warning.
 * list     filled; owned by the caller.  Untouched on failure.
 * returns  0; ERR_NOMEM; or another error code when the directory cannot be read,
 *          with a ZONE_ERROR message. */
__attribute__((nonnull, warn_unused_result))
int zone_list_make(const struct settings *settings, struct zone_list *list,
		   struct zone_messages *messages);

/* The origin that a file's name stands for, lower-cased, whatever its directory.
 * returns its length, 0 when the name is not "<origin>.zone". */
__attribute__((nonnull, warn_unused_result))
size_t zone_list_origin(const char *path, uint8_t origin[DNAME_MAX]);

/* The entry of an origin, or NULL. */
__attribute__((nonnull, pure))
const struct zone_list_entry *zone_list_find(const struct zone_list *list,
					     const uint8_t *origin);

/* Give back what is owned. */
__attribute__((nonnull))
void zone_list_fini(struct zone_list *list);

#endif
