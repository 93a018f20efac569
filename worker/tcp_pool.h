/* Memory for TCP connections: each has a mapping of its own, used again for the next.
 * Only pages that were touched take memory, a page or two for most connections. */
#ifndef WORKER_TCP_POOL_H
#define WORKER_TCP_POOL_H

#include <stdint.h>

#include "worker/tcp_stream.h"

struct tcp_pool {
	struct tcp_stream *spare;	/* linked by `newer` */
	uint32_t spare_count;
};

/* Room for one connection, owned by the caller until it is put back; contents are
 * undefined.  returns NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct tcp_stream *tcp_pool_take(struct tcp_pool *pool);

/* Take it back, but for the pages that hardly any connection needs. */
__attribute__((nonnull))
void tcp_pool_put(struct tcp_pool *pool, struct tcp_stream *stream);

/* Keep no more than `most` spare ones. */
__attribute__((nonnull))
void tcp_pool_shrink(struct tcp_pool *pool, uint32_t most);

#endif
