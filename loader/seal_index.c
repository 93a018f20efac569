/* Buckets, zones and orders of a generation. */
#include "loader/seal_index.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum {
	SECTION_ALIGN = 64,
	BUCKETS_MIN = 2 * INDEX_RUN_MAX,
	LOAD_PERCENT = 55, /* of the slots are filled */
	PENDING = 16, /* slots whose cache lines are on their way */
	SEEDS_PER_SIZE = 4,
	SIZES_MAX = 4,
};

/* A slot to be filled once its bucket has arrived. */
struct pending_slot {
	uint64_t hash, off;
};

struct index_walk {
	struct seal_index *index;
	struct pending_slot pending[PENDING];
	unsigned pending_count, pending_at;
	bool zones_sorted;
	size_t zone_at, nsec3_zone_at; /* zones begun so far */
	uint8_t name[DNAME_MAX + NAME_PAD];
};

/* ---- buckets ---- */

int
seal_index_insert(uint64_t *buckets, uint64_t bucket_count, uint64_t hash, uint64_t off)
{
	uint64_t bucket = index_bucket(hash, bucket_count);

	for (unsigned run = 0; run < INDEX_RUN_MAX; run++) {
		uint64_t *slots = buckets + bucket * INDEX_BUCKET_SLOTS;

		for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++) {
			if (slots[i] == 0) {
				slots[i] = index_tag(hash) | off;
				return ERR_OK;
			}
		}
		bucket = bucket + 1 == bucket_count ? 0 : bucket + 1;
	}
	return ERR_FULL;
}

static int
insert_pending(struct index_walk *walk, unsigned i)
{
	struct seal_index *index = walk->index;

	return seal_index_insert(index->buckets, index->head.bucket_count,
				 walk->pending[i].hash, walk->pending[i].off);
}

/* Memory is the cost of filling buckets: fetch this one, fill one that was fetched. */
static int
insert_later(struct index_walk *walk, uint64_t hash, uint64_t off)
{
	struct seal_index *index = walk->index;
	int rc = ERR_OK;

	if (walk->pending_count == PENDING)
		rc = insert_pending(walk, walk->pending_at);
	else
		walk->pending_count++;
	walk->pending[walk->pending_at] = (struct pending_slot){ hash, off };
	walk->pending_at = (walk->pending_at + 1) % PENDING;
	__builtin_prefetch(index->buckets + index_bucket(hash, index->head.bucket_count) *
						    INDEX_BUCKET_SLOTS,
			   1);
	return rc;
}

static int
insert_rest(struct index_walk *walk)
{
	int rc = ERR_OK;

	for (unsigned i = 0; i < walk->pending_count && rc == ERR_OK; i++)
		rc = insert_pending(walk, i);
	return rc;
}

/* ---- lists that grow ---- */

static int
list_grow(void **list, size_t *room, size_t item_len)
{
	size_t more = *room ? *room * 2 : 64;
	void *grown = realloc(*list, more * item_len);

	if (!grown)
		return ERR_NOMEM;
	*list = grown;
	*room = more;
	return ERR_OK;
}

static int
order_add(struct seal_index *index, uint64_t off)
{
	if (index->head.order_count == index->order_room) {
		void *list = index->order;

		if (list_grow(&list, &index->order_room, sizeof *index->order) != ERR_OK)
			return ERR_NOMEM;
		index->order = list;
	}
	index->order[index->head.order_count++] = off;
	return ERR_OK;
}

static int
nsec3_add(struct seal_index *index, uint64_t hash_head, uint64_t off)
{
	if (index->head.nsec3_count == index->nsec3_room) {
		void *list = index->nsec3;

		if (list_grow(&list, &index->nsec3_room, sizeof *index->nsec3) != ERR_OK)
			return ERR_NOMEM;
		index->nsec3 = list;
	}
	index->nsec3[index->head.nsec3_count++] =
		(struct index_nsec3){ .hash_head = hash_head, .node_off = off };
	return ERR_OK;
}

/* While zones are collected, `reserved` holds their flags: they are sorted together. */
static int
zones_add(struct seal_index *index, const struct zone_facts *facts, uint64_t off)
{
	if (index->head.zone_count == index->zone_room) {
		void *list = index->zones;

		if (list_grow(&list, &index->zone_room, sizeof *index->zones) != ERR_OK)
			return ERR_NOMEM;
		index->zones = list;
	}
	index->zones[index->head.zone_count++] = (struct index_zone){
		.zone_id = facts->zone_id,
		.reserved = facts->flags,
		.apex_off = off,
	};
	return ERR_OK;
}

/* ---- the walk: catalogue, names zone by zone, NSEC3 zone by zone ---- */

static int
zone_compare(const void *a, const void *b)
{
	uint32_t a_id = ((const struct index_zone *)a)->zone_id;
	uint32_t b_id = ((const struct index_zone *)b)->zone_id;

	return (a_id > b_id) - (a_id < b_id);
}

static bool
zones_are_sorted(const struct seal_index *index)
{
	for (size_t i = 1; i < index->head.zone_count; i++)
		if (index->zones[i - 1].zone_id >= index->zones[i].zone_id)
			return false;
	return true;
}

/* Behind the catalogue: zones by their ids, flags beside them. */
static int
zones_finish(struct index_walk *walk)
{
	struct seal_index *index = walk->index;
	size_t count = index->head.zone_count;

	if (walk->zones_sorted)
		return ERR_OK;
	walk->zones_sorted = true;
	if (count == 0)
		return ERR_OK;
	if (!zones_are_sorted(index))
		qsort(index->zones, count, sizeof *index->zones, zone_compare);
	if (!zones_are_sorted(index))
		return ERR_DAMAGED;
	free(index->zone_flags);
	index->zone_flags = malloc(count * sizeof *index->zone_flags);
	if (!index->zone_flags)
		return ERR_NOMEM;
	for (size_t i = 0; i < count; i++) {
		index->zone_flags[i] = index->zones[i].reserved;
		index->zones[i].reserved = 0;
	}
	return ERR_OK;
}

/* Begin the orders of all zones up to `zone_id`. */
static int
order_begin_zones(struct index_walk *walk, uint32_t zone_id)
{
	struct seal_index *index = walk->index;

	while (walk->zone_at < index->head.zone_count &&
	       index->zones[walk->zone_at].zone_id <= zone_id) {
		struct index_zone *zone = &index->zones[walk->zone_at];

		zone->order_first = index->head.order_count;
		if (index->zone_flags[walk->zone_at] & ZONE_NSEC) {
			if (order_add(index, zone->apex_off) != ERR_OK)
				return ERR_NOMEM;
			zone->order_count = 1;
		}
		walk->zone_at++;
	}
	return ERR_OK;
}

static int
take_name(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	struct index_zone *zone;
	struct rrset rrset;
	int rc = order_begin_zones(walk, node->head.zone_id);

	if (rc != ERR_OK)
		return rc;
	if (walk->zone_at == 0)
		return ERR_DAMAGED;
	zone = &index->zones[walk->zone_at - 1];
	if (zone->zone_id != node->head.zone_id)
		return ERR_DAMAGED;
	if (!(index->zone_flags[walk->zone_at - 1] & ZONE_NSEC) ||
	    !node_find_rrset(node, RRTYPE_NSEC, &rrset))
		return ERR_OK;
	zone->order_count++;
	return order_add(index, off);
}

static int
take_nsec3(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	uint32_t zone_id = node->head.zone_id & ~NSEC3_SPACE;
	struct index_zone *zone;
	uint64_t hash_head;

	while (walk->nsec3_zone_at < index->head.zone_count &&
	       index->zones[walk->nsec3_zone_at].zone_id <= zone_id)
		index->zones[walk->nsec3_zone_at++].nsec3_first = index->head.nsec3_count;
	if (walk->nsec3_zone_at == 0)
		return ERR_DAMAGED;
	zone = &index->zones[walk->nsec3_zone_at - 1];
	if (zone->zone_id != zone_id || !index_hash_head(node_owner(node), &hash_head))
		return ERR_DAMAGED;
	zone->nsec3_count++;
	return nsec3_add(index, hash_head, off);
}

static int
take_apex(struct index_walk *walk, const struct node *node, uint64_t off)
{
	struct seal_index *index = walk->index;
	unsigned labels = node->head.label_count;
	struct zone_facts facts;
	struct block block;

	if (!node_zone_facts(node, &facts) || labels > DNAME_LABELS_MAX)
		return ERR_DAMAGED;
	index->summary.zone_count++;
	index->summary.record_count += facts.record_count;
	if (node_find_block(node, BLOCK_ERROR, 0, &block))
		index->summary.broken_count++;
	index->head.apex_depths[labels / 64] |= UINT64_C(1) << labels % 64;
	return zones_add(index, &facts, off);
}

static int
take_node(struct index_walk *walk, const struct node *node, uint64_t off)
{
	uint32_t zone_id = node->head.zone_id;
	uint64_t hash;
	int rc;

	if (off >> INDEX_OFFSET_BITS)
		return ERR_FULL;
	if (zone_id == CATALOGUE_ID) {
		rc = take_apex(walk, node, off);
	} else {
		rc = zones_finish(walk);
		if (rc == ERR_OK)
			rc = zone_id & NSEC3_SPACE ? take_nsec3(walk, node, off)
						   : take_name(walk, node, off);
	}
	if (rc != ERR_OK)
		return rc;
	walk->index->summary.name_count++;
	/* a copy: behind the last node of the file nothing may be read */
	memcpy(walk->name, node_owner(node), node->head.owner_len);
	hash = name_hash(&walk->index->head.seed, zone_id, walk->name);
	return insert_later(walk, hash, off);
}

static int
walk_nodes(struct seal_index *index, struct node_reader *reader)
{
	struct index_walk walk = { .index = index };
	struct node node;
	uint64_t off;
	int rc;

	node_reader_seek(reader, CATALOGUE_ID);
	while ((rc = node_reader_next(reader, &node, &off)) == ERR_OK) {
		rc = take_node(&walk, &node, off);
		if (rc != ERR_OK)
			return rc;
	}
	if (rc != ERR_NOTFOUND)
		return rc;
	rc = zones_finish(&walk);
	if (rc == ERR_OK)
		rc = order_begin_zones(&walk, UINT32_MAX);
	while (walk.nsec3_zone_at < index->head.zone_count)
		index->zones[walk.nsec3_zone_at++].nsec3_first = index->head.nsec3_count;
	return rc == ERR_OK ? insert_rest(&walk) : rc;
}

/* ---- the whole ---- */

static uint64_t
align(uint64_t off)
{
	return (off + SECTION_ALIGN - 1) / SECTION_ALIGN * SECTION_ALIGN;
}

static void
head_set_sections(struct index_head *head)
{
	head->buckets_off = INDEX_HEAD_LEN;
	head->zones_off =
		align(head->buckets_off +
		      head->bucket_count * INDEX_BUCKET_SLOTS * sizeof(uint64_t));
	head->order_off =
		align(head->zones_off + head->zone_count * sizeof(struct index_zone));
	head->nsec3_off = align(head->order_off + head->order_count * sizeof(uint64_t));
}

/* Start over with a new seed; the lists keep their memory. */
static int
index_reset(struct seal_index *index, uint64_t data_len)
{
	struct index_head head = {
		.version = GENERATION_VERSION,
		.byte_order = GENERATION_BYTE_ORDER,
		.data_len = data_len,
		.bucket_count = index->head.bucket_count,
	};

	memcpy(head.magic, INDEX_MAGIC, sizeof head.magic);
	if (getrandom(&head.seed, sizeof head.seed, 0) != (ssize_t)sizeof head.seed)
		return ERR_IO;
	index->head = head;
	index->summary = (struct index_summary){ 0 };
	return ERR_OK;
}

static size_t
buckets_len(uint64_t bucket_count)
{
	return bucket_count * INDEX_BUCKET_SLOTS * sizeof(uint64_t);
}

static void
buckets_free(struct seal_index *index)
{
	if (index->buckets)
		munmap(index->buckets, buckets_len(index->head.bucket_count));
	index->buckets = NULL;
}

/* Zero pages, aligned, large ones where the kernel has them. */
static int
buckets_alloc(struct seal_index *index, uint64_t bucket_count)
{
	void *map;

	buckets_free(index);
	map = mmap(NULL, buckets_len(bucket_count), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return ERR_NOMEM;
	(void)madvise(map, buckets_len(bucket_count), MADV_HUGEPAGE);
	index->buckets = map;
	index->head.bucket_count = bucket_count;
	return ERR_OK;
}

static int
try_seeds(struct seal_index *index, struct node_reader *reader, uint64_t bucket_count,
	  uint64_t data_len)
{
	int rc = ERR_FULL;

	for (unsigned i = 0; i < SEEDS_PER_SIZE && rc == ERR_FULL; i++) {
		rc = buckets_alloc(index, bucket_count);
		if (rc == ERR_OK)
			rc = index_reset(index, data_len);
		if (rc == ERR_OK)
			rc = walk_nodes(index, reader);
	}
	return rc;
}

int
seal_index_make(struct node_reader *reader, uint64_t name_count, uint64_t data_len,
		struct seal_index *out)
{
	uint64_t bucket_count =
		name_count * 100 / (LOAD_PERCENT * INDEX_BUCKET_SLOTS) + 1;
	int rc = ERR_FULL;

	if (bucket_count < BUCKETS_MIN)
		bucket_count = BUCKETS_MIN;
	for (unsigned i = 0; i < SIZES_MAX && rc == ERR_FULL; i++) {
		rc = try_seeds(out, reader, bucket_count, data_len);
		bucket_count *= 2;
	}
	head_set_sections(&out->head);
	return rc;
}

void
seal_index_fini(struct seal_index *index)
{
	buckets_free(index);
	free(index->zones);
	free(index->zone_flags);
	free(index->order);
	free(index->nsec3);
	memset(index, 0, sizeof *index);
}

/* ---- writing ---- */

struct index_output {
	int fd;
	uint64_t len;
	XXH3_state_t *hash;
};

static int
output(struct index_output *out, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	XXH3_64bits_update(out->hash, bytes, len);
	out->len += len;
	while (len > 0) {
		ssize_t written = write(out->fd, at, len);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? errcode_from_errno(errno) : ERR_IO;
		at += written;
		len -= (size_t)written;
	}
	return ERR_OK;
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
output_all(const struct seal_index *index, struct index_output *out)
{
	const struct index_head *head = &index->head;
	int rc = output(out, head, sizeof *head);

	if (rc == ERR_OK)
		rc = output_section(out, head->buckets_off, index->buckets,
				    buckets_len(head->bucket_count));
	if (rc == ERR_OK)
		rc = output_section(out, head->zones_off, index->zones,
				    head->zone_count * sizeof *index->zones);
	if (rc == ERR_OK)
		rc = output_section(out, head->order_off, index->order,
				    head->order_count * sizeof *index->order);
	if (rc == ERR_OK)
		rc = output_section(out, head->nsec3_off, index->nsec3,
				    head->nsec3_count * sizeof *index->nsec3);
	return rc;
}

int
seal_index_write(const struct seal_index *index, int fd, uint64_t *len, uint64_t *xxh3)
{
	struct index_output out = { .fd = fd, .hash = XXH3_createState() };
	int rc;

	if (!out.hash)
		return ERR_NOMEM;
	XXH3_64bits_reset(out.hash);
	rc = output_all(index, &out);
	*len = out.len;
	*xxh3 = XXH3_64bits_digest(out.hash);
	XXH3_freeState(out.hash);
	return rc;
}
