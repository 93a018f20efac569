/* Mapping, keeping and unmapping connections' memory. */
#include "worker/tcp_pool.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

struct tcp_stream *
tcp_pool_take(struct tcp_pool *pool)
{
	struct tcp_stream *stream = pool->spare;

	if (stream) {
		pool->spare = stream->newer;
		pool->spare_count--;
		return stream;
	}
	stream = mmap(NULL, sizeof *stream, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return stream == MAP_FAILED ? NULL : stream;
}

void
tcp_pool_put(struct tcp_pool *pool, struct tcp_stream *stream)
{
	size_t page_len = (size_t)sysconf(_SC_PAGESIZE);

	if (stream->is_large) {
		madvise((uint8_t *)stream + page_len, sizeof *stream - page_len,
			MADV_DONTNEED);
		stream->is_large = false;
	}
	stream->newer = pool->spare;
	pool->spare = stream;
	pool->spare_count++;
}

void
tcp_pool_shrink(struct tcp_pool *pool, uint32_t most)
{
	while (pool->spare_count > most)
		munmap(tcp_pool_take(pool), sizeof(struct tcp_stream));
}
