/* Writing an index to its file. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/store/seal_index.h"
#include "shm/errcode.h"
#include "shm/file_write.h"

enum { SECTION_ALIGN = 64 };

static uint64_t
align(uint64_t off)
{
	return (off + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
}

static void
set_sections(struct index_head *head)
{
	head->buckets_off = INDEX_HEAD_LEN;
	head->zones_off =
		align(head->buckets_off +
		      head->bucket_count * INDEX_BUCKET_SLOTS * sizeof(uint64_t));
	head->order_off =
		align(head->zones_off + head->zone_count * sizeof(struct index_zone));
	head->nsec3_off = align(head->order_off + head->order_count * sizeof(uint64_t));
	head->fences_off =
		align(head->nsec3_off + head->nsec3_count * sizeof(struct index_nsec3));
	head->heads_off =
		align(head->fences_off + head->fence_count * sizeof(struct index_fence));
}

struct index_output {
	int fd;
	uint64_t len;
	XXH3_state_t *hash;
};

static int
output(struct index_output *out, const void *bytes, size_t len)
{
	XXH3_64bits_update(out->hash, bytes, len);
	out->len += len;
	return file_write(out->fd, bytes, len);
}

/* Zeros up to `off`, then the section. */
static int
output_section(struct index_output *out, uint64_t off, const void *bytes, size_t len)
{
	static const uint8_t zeros[INDEX_HEAD_LEN];
	int rc = output(out, zeros, off - out->len);

	return rc == ERR_OK && len > 0 ? output(out, bytes, len) : rc;
}

static int
output_all(const struct seal_index *index, const struct index_head *head,
	   struct index_output *out)
{
	int rc = output(out, head, sizeof *head);

	if (rc == ERR_OK)
		rc = output_section(out, head->buckets_off, index->buckets.slots,
				    seal_buckets_len(&index->buckets));
	if (rc == ERR_OK)
		rc = output_section(out, head->zones_off, index->zones,
				    head->zone_count * sizeof *index->zones);
	if (rc == ERR_OK)
		rc = output_section(out, head->order_off, index->order,
				    head->order_count * sizeof *index->order);
	if (rc == ERR_OK)
		rc = output_section(out, head->nsec3_off, index->nsec3,
				    head->nsec3_count * sizeof *index->nsec3);
	if (rc == ERR_OK)
		rc = output_section(out, head->fences_off, index->fences.list,
				    head->fence_count * sizeof *index->fences.list);
	if (rc == ERR_OK)
		rc = output_section(out, head->heads_off, index->fences.heads,
				    head->order_count * sizeof *index->fences.heads);
	return rc;
}

int
seal_index_write(const struct seal_index *index, int fd, uint64_t *len, uint64_t *xxh3)
{
	struct index_output out = { .fd = fd, .hash = XXH3_createState() };
	struct index_head head = index->head;
	int rc;

	if (!out.hash)
		return ERR_NOMEM;
	head.fence_count = index->fences.count;
	set_sections(&head);
	XXH3_64bits_reset(out.hash);
	rc = output_all(index, &head, &out);
	*len = out.len;
	*xxh3 = XXH3_64bits_digest(out.hash);
	XXH3_freeState(out.hash);
	return rc;
}
