/* What the region tells about Redis and the last changes, as JSON. */
#ifndef MASTER_STATS_STATS_SOURCE_H
#define MASTER_STATS_STATS_SOURCE_H

#include "master/server_state.h"
#include "shm/json_out.h"

/* The member `source` of `status`. */
__attribute__((nonnull)) void stats_source_put(const struct server *server,
					       struct json_out *json);

/* The texts of one kind that stand, into the array that was begun.
 * returns their number. */
__attribute__((nonnull)) unsigned stats_source_put_texts(const struct server *server,
							 struct json_out *json,
							 enum source_text_kind kind);

/* The times from written to served, as members of `stats`. */
__attribute__((nonnull)) void stats_source_put_times(const struct server *server,
						     struct json_out *json);

/* The command `changes`: a whole object.  returns its exit status. */
__attribute__((nonnull)) unsigned stats_source_changes(struct server *server,
						       struct json_out *json);

#endif
