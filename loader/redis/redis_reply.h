/* Replies of Redis as they are built, for redis_reply.c and redis_parser.c; see
 * redis_link.h for what others see. */
#ifndef LOADER_REDIS_REDIS_REPLY_H
#define LOADER_REDIS_REDIS_REPLY_H

#include "loader/redis/redis_link.h"

/* Where replies are built, and how much the one at hand may take. */
struct redis_builder {
	struct arena *arena;		/* borrowed */
	size_t bytes, bytes_max;
	bool is_full;			/* bytes_max was passed */
};

/* New items, the next of `list` (NULL: of none).
 * returns NULL when there is no memory, or the bound was passed. */
struct redis_reply *redis_reply_add_text(struct redis_builder *builder,
					 struct redis_reply *list, enum redis_kind kind,
					 const char *bytes, size_t len);
struct redis_reply *redis_reply_add_long(struct redis_builder *builder,
					 struct redis_reply *list, size_t len);
struct redis_reply *redis_reply_add_list(struct redis_builder *builder,
					 struct redis_reply *list);
struct redis_reply *redis_reply_add_number(struct redis_builder *builder,
					   struct redis_reply *list, long long value);
struct redis_reply *redis_reply_add_nil(struct redis_builder *builder,
					struct redis_reply *list);

#endif
