/* A sealed generation: one directory, written once, then only read.
 *
 *	manifest	struct generation_manifest: what it is, sizes, checksums
 *	data.mdb	one LMDB environment (MDB_NOSUBDIR); its main database maps the key
 *			(zone id, owner), see dname_key, to the node, see node.h
 *	index		the flat index into data.mdb, by file offset; sections lie in this order,
 *			each at the offset that index_head says, a multiple of 64:
 *
 *	0            buckets_off     zones_off      order_off    nsec3_off
 *	+------------+---------------+--------------+------------+---------------+
 *	| index_head | bucket_count  | zone_count   | order_count| nsec3_count   |
 *	| 4096       | buckets of 64 | index_zone   | uint64_t   | index_nsec3   |
 *	+------------+---------------+--------------+------------+---------------+
 *	fences_off    heads_off
 *	+-------------+------------+
 *	| fence_count | order_count|
 *	| index_fence | uint64_t   |
 *	+-------------+------------+
 *
 *		zones	ascending zone_id
 *		order	offsets of the nodes that own an NSEC, zone by zone, each in canonical
 *			order, the apex first
 *		nsec3	zone by zone, by hash
 *		fences	of `order`, see shm/order_fence.h; without them it is searched by the
 *			nodes alone
 *		heads	the same
 *
 *	bucket: 8 slots, one cache line; slot:
 *
 *	 63              40 39                            0
 *	+------------------+-------------------------------+
 *	| hash, low 24 bits| offset of the node in data.mdb|	all zero: free
 *	+------------------+-------------------------------+
 *
 * The bucket of a key's hash is its product with bucket_count, high 64 bits; a full
 * bucket runs over into the next one, the last into the first, INDEX_RUN_MAX buckets at
 * most: a build that would need more draws another seed.  Slots of a bucket fill from
 * the front, so the first free one ends a search.
 *
 * The loader writes, workers read, all through this file.  Only file sizes, heads
 * and the manifest are checked when a generation is opened; offsets are checked
 * against the map when they are used. */
#ifndef SHM_GENERATION_H
#define SHM_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "shm/name_hash.h"
#include "shm/node.h"

#define GENERATION_MAGIC "MARTLETG"
#define INDEX_MAGIC "MARTLETI"

enum {
	GENERATION_VERSION = 3,		/* 2: BLOCK_STEERED may be there; 3: STEERED_SUBNETS and
					 * all parts behind it, STEERED_STICKY, ANAMEs */
	GENERATION_OLDEST = 1,		/* read as it stands: nothing in it means anything else */
	GENERATION_BYTE_ORDER = 0x01020304,
	INDEX_HEAD_LEN = 4096,
	INDEX_BUCKET_SLOTS = 8,
	INDEX_RUN_MAX = 8,		/* buckets, hence 64 slots */
	INDEX_TAG_BITS = 24,
	INDEX_OFFSET_BITS = 40,
	INDEX_FENCE_STEP = 16,
	INDEX_FENCE_KEY = 30,
	GENERATION_SLACK = 4096,	/* octets that are readable behind data_len, whatever
					 * they are: nodes may be read in large steps */
};

struct generation_manifest {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;		/* GENERATION_BYTE_ORDER as the writer saw it */
	uint64_t id;			/* the generation's number, 1.. */
	int64_t created_s;		/* Unix time */
	uint64_t zone_count;
	uint64_t record_count;
	uint64_t name_count;		/* nodes of all kinds */
	uint32_t next_zone_id;		/* first id that was never used up to here */
	uint32_t broken_count;		/* zones with a BLOCK_ERROR */
	uint64_t data_len, data_xxh3;	/* data.mdb: octets, XXH3-64 */
	uint64_t index_len, index_xxh3;
	uint64_t flags;			/* see loader/store/generations.h */
	uint64_t base_id;		/* made from this one and its overlay; 0 for none */
	uint64_t base_commit;		/* the last commit of that overlay that it holds */
	uint64_t fault_count;		/* RRsets not served as their source has them */
	uint64_t manifest_xxh3;		/* of all above */
};
_Static_assert(sizeof(struct generation_manifest) == 136, "as it is stored");

struct index_head {
	char magic[8];
	uint32_t version;
	uint32_t byte_order;
	struct hash_seed seed;
	uint64_t data_len;		/* of the data.mdb that it was made for */
	uint64_t apex_depths[2];	/* bit n: some zone's apex has n labels */
	uint64_t bucket_count, buckets_off;
	uint64_t zone_count, zones_off;
	uint64_t order_count, order_off;
	uint64_t nsec3_count, nsec3_off;
	uint64_t fence_count, fences_off; /* 0 in an index that has none */
	uint64_t heads_off;
};
_Static_assert(sizeof(struct index_head) == 144, "as it is stored");

struct index_zone {
	uint32_t zone_id;
	uint32_t fence_first;
	uint64_t apex_off;		/* node offset */
	uint64_t order_first, order_count;
	uint64_t nsec3_first, nsec3_count;
};
_Static_assert(sizeof(struct index_zone) == 48, "as it is stored");

struct index_nsec3 {
	uint64_t hash_head;		/* first 8 octets of the owner's hash, as a number */
	uint64_t node_off;
};
_Static_assert(sizeof(struct index_nsec3) == 16, "as it is stored");

/* Of each INDEX_FENCE_STEP entries of a zone's order. */
struct index_fence {
	uint8_t key[INDEX_FENCE_KEY];	/* the first one's, cut off or followed by zeros */
	uint16_t skip;			/* octets that begin the keys of all, 0..INDEX_FENCE_KEY */
};
_Static_assert(sizeof(struct index_fence) == 32, "as it is stored");

/* An open generation: two read-only maps.  Owned by the process that opened it. */
struct generation {
	struct generation_manifest manifest;
	const uint8_t *data;		/* data.mdb, data_len octets */
	uint64_t data_len;
	const uint8_t *index;		/* index file, index_len octets */
	uint64_t index_len;
	struct index_head head;		/* a copy */
	const uint64_t *buckets;	/* bucket_count * 8, 64-octet aligned */
	const struct index_zone *zones;
	const uint64_t *order;
	const struct index_nsec3 *nsec3;
	const struct index_fence *fences; /* NULL when there are none */
	const uint64_t *heads;
};

enum generation_open_how {
	GENERATION_LAZY = 0,		/* pages come as they are touched */
	GENERATION_POPULATE = 1,	/* all page tables filled before return */
	GENERATION_INDEX = 2,		/* those of the index; generation_populate does more */
};

/* Open the generation in directory `dir`.  Checks manifest, sizes, heads, and that
 * every section lies inside its file; not the contents.
 * returns 0; ERR_NOTFOUND, ERR_FORMAT, ERR_FOREIGN, ERR_NEWER, ERR_OLDER,
 * ERR_DAMAGED, ERR_RIGHTS, ERR_NOMEM, ERR_IO.  `out` is untouched on failure. */
__attribute__((nonnull, warn_unused_result))
int generation_open(const char *dir, enum generation_open_how how, struct generation *out);

/* Fill the page tables for `len` octets of the data, less at its end, from offset `from`
 * on, a multiple of the page size as `len`; what is not in memory is read.
 * returns  where to go on; data_len when all is done, and when it cannot be (Linux
 *          before 5.14): then pages come as they are touched. */
__attribute__((nonnull, warn_unused_result))
uint64_t generation_populate(const struct generation *gen, uint64_t from, uint64_t len);

/* Unmap.  Takes up to tens of ms for gigabytes: off the query path. */
__attribute__((nonnull))
void generation_close(struct generation *gen);

/* Read and check the manifest alone.  Errors as above. */
__attribute__((nonnull, warn_unused_result))
int generation_read_manifest(const char *dir, struct generation_manifest *out);

/* Check the whole: both checksums, every node by node_check, every slot, zone and
 * order entry.  On ERR_DAMAGED `reason` says what and where. */
__attribute__((nonnull, warn_unused_result))
int generation_verify(const struct generation *gen, char reason[256]);

/* The node of (zone id, owner); `name` lower-cased with NAME_PAD octets behind it
 * readable.  For tools and tests: the worker's zone_store has the staged form.
 * returns 0, ERR_NOTFOUND or ERR_DAMAGED. */
__attribute__((nonnull, warn_unused_result))
int generation_find(const struct generation *gen, uint32_t zone_id, const uint8_t *name,
		    size_t name_len, struct node *out);

/* The node at a file offset.  returns false when none fits there: damage. */
static inline bool
generation_node_at(const struct generation *gen, uint64_t off, struct node *out)
{
	return off < gen->data_len && node_open(gen->data + off, gen->data_len - off, out);
}

/* The entry of a zone id, borrowed from the map; NULL when there is none, and when its
 * ranges do not lie inside `order`, `nsec3` and `fences`: damage. */
__attribute__((nonnull, pure))
const struct index_zone *generation_zone(const struct generation *gen, uint32_t zone_id);

/* The first 8 octets of the hash that the first label of an NSEC3 owner spells in
 * base32hex (RFC 4648, lower-case).  returns false when it spells none. */
__attribute__((nonnull, warn_unused_result))
bool index_hash_head(const uint8_t *owner, uint64_t *hash_head);

static inline uint64_t
index_bucket(uint64_t hash, uint64_t bucket_count)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)((wide)hash * bucket_count >> 64);
}

static inline uint64_t
index_tag(uint64_t hash)
{
	return hash << INDEX_OFFSET_BITS;
}

static inline uint64_t
index_offset(uint64_t slot)
{
	return slot & ((UINT64_C(1) << INDEX_OFFSET_BITS) - 1);
}

#endif
