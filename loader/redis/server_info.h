/* Who is the server that is read, by its INFO; and which notifications it sends. */
#ifndef LOADER_REDIS_SERVER_INFO_H
#define LOADER_REDIS_SERVER_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include "loader/redis/redis_link.h"

enum { SERVER_ID_LEN = 40, SERVER_TEXT_MAX = 80 };

struct server_info {
	char run_id[SERVER_ID_LEN + 1];	/* another one after each start */
	char replid[SERVER_ID_LEN + 1];	/* of the history of its data */
	char version[SERVER_TEXT_MAX];
	char master[SERVER_TEXT_MAX];	/* "host:port"; "" for a primary */
	bool is_link_down;		/* a replica without its primary */
	bool is_loading;		/* reads its data from disk or primary */
};

/* Read what INFO says; fields that are missing are "" and false. */
__attribute__((nonnull))
void server_info_read(struct redis_text info, struct server_info *out);

/* Do these flags of notify-keyspace-events cover hashes, strings, sets, generic commands,
 * expiry and eviction by keyspace channels: K, and A or g$hsxe? */
__attribute__((pure))
bool server_notifies(struct redis_text flags);

/* The flags with what is missing added, for CONFIG SET. */
__attribute__((nonnull))
void server_notify_flags(struct redis_text flags, char out[32]);

#endif
