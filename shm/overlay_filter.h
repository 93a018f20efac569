/* Which names an overlay may know: a Bloom filter in shared memory, so that a name
 * without a live change costs one cache line instead of a tree look-up.
 *
 * Beside a generation stands its overlay, the live changes since it was sealed:
 *
 *	<generation>/overlay/data.mdb, lock.mdb
 *		LMDB: the key (zone id, owner), see dname_key, to the number of the commit
 *		that wrote it (uint64_t), then a node that stands for the generation's,
 *		or a tombstone (NODE_DELETED) that hides it
 *	<generation>/overlay/filter
 *		one page struct overlay_filter_head, then lines of 64 octets of bits
 *
 * Sync sets the bits of a key before it commits the key, and raises `commit_seq` behind
 * the commit.  A worker renews its transaction first and looks at the bits then, so
 * that whatever its transaction can see has its bits set.  Bits are never cleared: the
 * next generation has its own filter.  The hash is that of the generation's index. */
#ifndef SHM_OVERLAY_FILTER_H
#define SHM_OVERLAY_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define OVERLAY_FILTER_MAGIC "MARTLETF"

/* Notes share the LMDB environment but not the key space: node keys begin with a zone id
 * below 0xffff0000, so that this prefix is behind them all. */
#define OVERLAY_NOTE_PREFIX "\xff\xffn:"

enum {
	OVERLAY_FILTER_VERSION = 1,
	OVERLAY_FILTER_HEAD_LEN = 4096,
	OVERLAY_FILTER_LINE_BITS = 512,
	OVERLAY_FILTER_BITS_PER_NAME = 16,	/* about 1 in 100 other names is asked for */
	OVERLAY_VALUE_HEAD = 8,			/* octets before the node: the commit's number */
};

struct overlay_filter_head {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	uint64_t line_count;
	_Atomic uint64_t commit_seq;	/* commits so far; 0: the overlay is empty */
	_Atomic uint64_t apex_depths[2]; /* of zones that only the overlay knows, see
					  * struct index_head */
};

struct overlay_filter {
	struct overlay_filter_head *head;	/* the map; NULL: ask the overlay each time */
	_Atomic uint64_t *bits;
	uint64_t line_count;
	uint64_t map_len;
};

/* Make a filter for about `names` names in the new file `path` and map it for writing.
 * The space is allocated: a full disk is ERR_NOSPACE here, never a signal later. */
__attribute__((nonnull, warn_unused_result))
int overlay_filter_create(const char *path, uint64_t names, struct overlay_filter *out);

/* Map an existing one.  returns 0, or the error as generation_open. */
__attribute__((nonnull, warn_unused_result))
int overlay_filter_open(const char *path, bool writable, struct overlay_filter *out);

__attribute__((nonnull))
void overlay_filter_close(struct overlay_filter *filter);

/* The line of a hash, and its two bits in it. */
static inline _Atomic uint64_t *
overlay_filter_line(const struct overlay_filter *filter, uint64_t hash)
{
	__extension__ typedef unsigned __int128 wide;

	return filter->bits + (uint64_t)((wide)hash * filter->line_count >> 64) * 8;
}

static inline void
overlay_filter_add(struct overlay_filter *filter, uint64_t hash)
{
	_Atomic uint64_t *line = overlay_filter_line(filter, hash);

	atomic_fetch_or_explicit(&line[hash >> 6 & 7], UINT64_C(1) << (hash & 63),
				 memory_order_relaxed);
	atomic_fetch_or_explicit(&line[hash >> 15 & 7], UINT64_C(1) << (hash >> 9 & 63),
				 memory_order_relaxed);
}

static inline bool
overlay_filter_may_have(const struct overlay_filter *filter, uint64_t hash)
{
	const _Atomic uint64_t *line = overlay_filter_line(filter, hash);
	uint64_t first = atomic_load_explicit(&line[hash >> 6 & 7], memory_order_relaxed);
	uint64_t second = atomic_load_explicit(&line[hash >> 15 & 7], memory_order_relaxed);

	return (first >> (hash & 63) & second >> (hash >> 9 & 63) & 1) != 0;
}

#endif
