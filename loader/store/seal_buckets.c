/* Filling buckets in random order, which costs what memory costs. */
#include "loader/store/seal_buckets.h"

#include <string.h>
#include <sys/mman.h>

#include "shm/errcode.h"
#include "shm/generation.h"

size_t
seal_buckets_len(const struct seal_buckets *buckets)
{
	return buckets->count * INDEX_BUCKET_SLOTS * sizeof(uint64_t);
}

/* Zero pages, large ones where the kernel has them. */
int
seal_buckets_init(struct seal_buckets *buckets, uint64_t count)
{
	void *map;

	seal_buckets_fini(buckets);
	map = mmap(NULL, count * INDEX_BUCKET_SLOTS * sizeof(uint64_t),
		   PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return ERR_NOMEM;
	buckets->slots = map;
	buckets->count = count;
	(void)madvise(map, seal_buckets_len(buckets), MADV_HUGEPAGE);
	return ERR_OK;
}

void
seal_buckets_fini(struct seal_buckets *buckets)
{
	if (buckets->slots)
		munmap(buckets->slots, seal_buckets_len(buckets));
	memset(buckets, 0, sizeof *buckets);
}

static int
insert(struct seal_buckets *buckets, uint64_t hash, uint64_t off)
{
	uint64_t bucket = index_bucket(hash, buckets->count);

	for (unsigned run = 0; run < INDEX_RUN_MAX; run++) {
		uint64_t *slots = buckets->slots + bucket * INDEX_BUCKET_SLOTS;

		for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++) {
			if (slots[i] == 0) {
				slots[i] = index_tag(hash) | off;
				return ERR_OK;
			}
		}
		bucket = bucket + 1 == buckets->count ? 0 : bucket + 1;
	}
	return ERR_FULL;
}

static int
insert_pending(struct seal_buckets *buckets, unsigned i)
{
	return insert(buckets, buckets->pending[i].hash, buckets->pending[i].off);
}

/* Begin to fetch this one's bucket, and fill the one that was begun longest ago. */
int
seal_buckets_add(struct seal_buckets *buckets, uint64_t hash, uint64_t off)
{
	unsigned i = buckets->pending_at;
	int rc = ERR_OK;

	if (buckets->pending_count == SEAL_BUCKETS_PENDING)
		rc = insert_pending(buckets, i);
	else
		buckets->pending_count++;
	buckets->pending[i].hash = hash;
	buckets->pending[i].off = off;
	buckets->pending_at = (i + 1) % SEAL_BUCKETS_PENDING;
	__builtin_prefetch(buckets->slots + index_bucket(hash, buckets->count) *
						    INDEX_BUCKET_SLOTS,
			   1);
	return rc;
}

int
seal_buckets_flush(struct seal_buckets *buckets)
{
	int rc = ERR_OK;

	for (unsigned i = 0; i < buckets->pending_count && rc == ERR_OK; i++)
		rc = insert_pending(buckets, i);
	buckets->pending_count = buckets->pending_at = 0;
	return rc;
}
