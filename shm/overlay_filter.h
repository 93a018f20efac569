/* Which names an overlay may know: a Bloom filter in shared memory, so that a name
 * without a live change costs one cache line instead of a tree look-up.
 *
 * The file <generation>/overlay/filter:
 *
 *	+---------------------------+---------+---------+-- - -
 *	| overlay_filter_head       | line 0  | line 1  |
 *	| one page, 4096            | 64      | 64      |
 *	+---------------------------+---------+---------+-- - -
 *
 *	line:	7 words of bits | the last commit that has set bits here
 *
 * The hash of a key (name_hash, by the generation's seed) names a line by its upper bits
 * and two bits in it by its lower ones.  The commit's number lets readers keep what they
 * have found: it holds as long as no later commit has touched the line.
 *
 * Sync sets bits and number of a key before it commits the key, and raises `commit_seq` behind
 * the commit.  A worker renews its transaction first and looks at the bits then, so
 * that whatever its transaction can see has its bits set.  Bits are never cleared: the
 * next generation has its own filter. */
#ifndef SHM_OVERLAY_FILTER_H
#define SHM_OVERLAY_FILTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define OVERLAY_FILTER_MAGIC "MARTLETF"

enum {
	OVERLAY_FILTER_VERSION = 2,
	OVERLAY_FILTER_HEAD_LEN = 4096,
	OVERLAY_FILTER_LINE_BITS = 512,		/* the number included */
	OVERLAY_FILTER_LINE_WORDS = 7,		/* of bits, before it */
	OVERLAY_FILTER_BITS_PER_NAME = 16,	/* about 1 in 100 other names is asked for */
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
_Static_assert(sizeof(struct overlay_filter_head) <= OVERLAY_FILTER_HEAD_LEN, "one page");

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

/* The word of a line that the low 3 bits of `hash` choose. */
static inline unsigned
overlay_filter_word(uint64_t hash)
{
	return (unsigned)(hash & 7) * OVERLAY_FILTER_LINE_WORDS >> 3;
}

/* `commit` is that to come.  One process writes. */
static inline void
overlay_filter_add(struct overlay_filter *filter, uint64_t hash, uint64_t commit)
{
	_Atomic uint64_t *line = overlay_filter_line(filter, hash);

	atomic_fetch_or_explicit(&line[overlay_filter_word(hash >> 6)],
				 UINT64_C(1) << (hash & 63), memory_order_relaxed);
	atomic_fetch_or_explicit(&line[overlay_filter_word(hash >> 15)],
				 UINT64_C(1) << (hash >> 9 & 63), memory_order_relaxed);
	atomic_store_explicit(&line[OVERLAY_FILTER_LINE_WORDS], commit, memory_order_relaxed);
}

static inline bool
overlay_filter_may_have(const struct overlay_filter *filter, uint64_t hash)
{
	const _Atomic uint64_t *line = overlay_filter_line(filter, hash);
	uint64_t first = atomic_load_explicit(&line[overlay_filter_word(hash >> 6)],
					      memory_order_relaxed);
	uint64_t second = atomic_load_explicit(&line[overlay_filter_word(hash >> 15)],
					       memory_order_relaxed);

	return (first >> (hash & 63) & second >> (hash >> 9 & 63) & 1) != 0;
}

/* The last commit, done or to come, that may have changed what hashes to `hash`. */
static inline uint64_t
overlay_filter_changed_in(const struct overlay_filter *filter, uint64_t hash)
{
	return atomic_load_explicit(
		&overlay_filter_line(filter, hash)[OVERLAY_FILTER_LINE_WORDS],
		memory_order_relaxed);
}

#endif
