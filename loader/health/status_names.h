/* The names of targets: which names have a target among their addresses. */
#ifndef LOADER_HEALTH_STATUS_NAMES_H
#define LOADER_HEALTH_STATUS_NAMES_H

#include "loader/health/target_table.h"
#include "loader/store/watch.h"

struct status_pair {
	uint64_t key;			/* of the target */
	size_t owner;			/* where its name stands in `texts` */
};

struct status_names {
	struct status_pair *pairs;	/* by key; owned */
	size_t count, room;
	char *texts;			/* names with their final dots, NUL-terminated; owned */
	size_t texts_len, texts_room;
};

/* Read them anew, and tell each target of the table which pairs are its own.
 * returns 0 or an error code, and there are none. */
__attribute__((nonnull, warn_unused_result))
int status_names_read(struct status_names *names, struct watch_reader *reader,
		      struct target_table *table);

#endif
