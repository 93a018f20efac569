/* Opening, checking and searching sealed generations.  Nothing in the files is trusted
 * before it has been checked: they may be damaged, foreign or hostile. */
#include "shm/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/errcode.h"
#include "shm/order_fence.h"

/* ---- opening ---- */

/* A regular file in `dir`, for reading; never waits, whatever it is. */
static int
open_file(int dir_fd, const char *name, int *fd, uint64_t *len)
{
	struct stat stat;
	int rc = ERR_OK;

	*fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (*fd < 0)
		return errno == ELOOP ? ERR_FORMAT : errcode_from_errno(errno);
	if (fstat(*fd, &stat) != 0)
		rc = errcode_from_errno(errno);
	else if (!S_ISREG(stat.st_mode))
		rc = ERR_FORMAT;
	if (rc != ERR_OK) {
		close(*fd);
		return rc;
	}
	*len = (uint64_t)stat.st_size;
	return ERR_OK;
}

static int
open_dir(const char *dir, int *fd)
{
	*fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? errcode_from_errno(errno) : ERR_OK;
}

/* What both heads begin with.  A foreign byte order shows in `byte_order` first, since
 * the version cannot be read then. */
static int
check_kind(const char magic[8], const char *want, uint32_t version, uint32_t byte_order)
{
	if (memcmp(magic, want, 8) != 0)
		return ERR_FORMAT;
	if (byte_order != GENERATION_BYTE_ORDER)
		return byte_order == __builtin_bswap32(GENERATION_BYTE_ORDER)
			       ? ERR_FOREIGN
			       : ERR_DAMAGED;
	if (version > GENERATION_VERSION)
		return ERR_NEWER;
	return version < GENERATION_OLDEST ? ERR_OLDER : ERR_OK;
}

static int
read_manifest(int dir_fd, struct generation_manifest *out)
{
	struct generation_manifest manifest = { 0 };
	uint64_t len;
	ssize_t got;
	int fd, rc = open_file(dir_fd, "manifest", &fd, &len);

	if (rc != ERR_OK)
		return rc;
	got = read(fd, &manifest, sizeof manifest);
	close(fd);
	if (got < 0)
		return ERR_IO;
	if (got < (ssize_t)offsetof(struct generation_manifest, id))
		return ERR_FORMAT;
	rc = check_kind(manifest.magic, GENERATION_MAGIC, manifest.version,
			manifest.byte_order);
	if (rc != ERR_OK)
		return rc;
	if (len != sizeof manifest || got != (ssize_t)sizeof manifest ||
	    manifest.manifest_xxh3 !=
		    XXH3_64bits(&manifest,
				offsetof(struct generation_manifest, manifest_xxh3)))
		return ERR_DAMAGED;
	*out = manifest;
	return ERR_OK;
}

int
generation_read_manifest(const char *dir, struct generation_manifest *out)
{
	int dir_fd, rc = open_dir(dir, &dir_fd);

	if (rc != ERR_OK)
		return rc;
	rc = read_manifest(dir_fd, out);
	close(dir_fd);
	return rc;
}

static uint64_t
page_round(uint64_t len)
{
	return (len + GENERATION_SLACK - 1) / GENERATION_SLACK * GENERATION_SLACK;
}

/* Map exactly the file, since populating beyond it fails, into the front of a place that
 * has GENERATION_SLACK more. */
static int
map_with_slack(int fd, uint64_t len, int flags, const uint8_t **out)
{
	size_t place_len = (size_t)page_round(len) + GENERATION_SLACK;
	void *place =
		mmap(NULL, place_len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int rc;

	if (place == MAP_FAILED)
		return errcode_from_errno(errno);
	if (mmap(place, (size_t)len, PROT_READ, flags | MAP_FIXED, fd, 0) == MAP_FAILED) {
		rc = errcode_from_errno(errno);
		munmap(place, place_len);
		return rc;
	}
	*out = place;
	return ERR_OK;
}

/* The size of the file must be `want_len`. */
static int
map_file(int dir_fd, const char *name, uint64_t want_len, bool populate,
	 const uint8_t **out)
{
	int flags = MAP_SHARED | (populate ? MAP_POPULATE : 0);
	uint64_t len;
	int fd, rc = open_file(dir_fd, name, &fd, &len);

	if (rc != ERR_OK)
		return rc == ERR_NOTFOUND || rc == ERR_FORMAT ? ERR_DAMAGED : rc;
	if (len != want_len || len == 0 || len > SIZE_MAX - 2 * GENERATION_SLACK) {
		close(fd);
		return ERR_DAMAGED;
	}
	rc = map_with_slack(fd, len, flags, out);
	close(fd);
	return rc;
}

/* Does a section of `count` items lie inside the index? */
static bool
section_fits(const struct generation *gen, uint64_t off, uint64_t count,
	     uint64_t item_len, uint64_t alignment)
{
	return off >= INDEX_HEAD_LEN && off <= gen->index_len && off % alignment == 0 &&
	       count <= (gen->index_len - off) / item_len;
}

static int
check_index(struct generation *gen)
{
	const struct index_head *head = &gen->head;
	int rc;

	if (gen->index_len < INDEX_HEAD_LEN)
		return ERR_DAMAGED;
	memcpy(&gen->head, gen->index, sizeof gen->head);
	rc = check_kind(head->magic, INDEX_MAGIC, head->version, head->byte_order);
	if (rc != ERR_OK)
		return rc == ERR_FORMAT ? ERR_DAMAGED : rc;
	if (head->data_len != gen->data_len || head->bucket_count == 0 ||
	    !section_fits(gen, head->buckets_off, head->bucket_count,
			  INDEX_BUCKET_SLOTS * sizeof(uint64_t), 64) ||
	    !section_fits(gen, head->zones_off, head->zone_count,
			  sizeof(struct index_zone), 8) ||
	    !section_fits(gen, head->order_off, head->order_count, sizeof(uint64_t), 8) ||
	    !section_fits(gen, head->nsec3_off, head->nsec3_count,
			  sizeof(struct index_nsec3), 8))
		return ERR_DAMAGED;
	if (head->fences_off != 0 &&
	    (!section_fits(gen, head->fences_off, head->fence_count,
			   sizeof(struct index_fence), 8) ||
	     !section_fits(gen, head->heads_off, head->order_count, sizeof(uint64_t), 8)))
		return ERR_DAMAGED;
	return ERR_OK;
}

static void
set_sections(struct generation *gen)
{
	const void *buckets = gen->index + gen->head.buckets_off;
	const void *zones = gen->index + gen->head.zones_off;
	const void *order = gen->index + gen->head.order_off;
	const void *nsec3 = gen->index + gen->head.nsec3_off;
	const void *fences = gen->index + gen->head.fences_off;
	const void *heads = gen->index + gen->head.heads_off;

	gen->buckets = buckets;
	gen->zones = zones;
	gen->order = order;
	gen->nsec3 = nsec3;
	if (gen->head.fences_off == 0)
		return;
	gen->fences = fences;
	gen->heads = heads;
}

static int
open_maps(int dir_fd, enum generation_open_how how, struct generation *gen)
{
	int rc = read_manifest(dir_fd, &gen->manifest);

	if (rc == ERR_OK)
		rc = map_file(dir_fd, "data.mdb", gen->manifest.data_len,
			      how == GENERATION_POPULATE, &gen->data);
	if (rc != ERR_OK)
		return rc;
	gen->data_len = gen->manifest.data_len;
	rc = map_file(dir_fd, "index", gen->manifest.index_len, how != GENERATION_LAZY,
		      &gen->index);
	if (rc != ERR_OK)
		return rc;
	gen->index_len = gen->manifest.index_len;
	return check_index(gen);
}

int
generation_open(const char *dir, enum generation_open_how how, struct generation *out)
{
	struct generation gen = { 0 };
	int dir_fd, rc = open_dir(dir, &dir_fd);

	if (rc != ERR_OK)
		return rc;
	rc = open_maps(dir_fd, how, &gen);
	close(dir_fd);
	if (rc != ERR_OK) {
		generation_close(&gen);
		return rc;
	}
	set_sections(&gen);
	*out = gen;
	return ERR_OK;
}

uint64_t
generation_populate(const struct generation *gen, uint64_t from, uint64_t len)
{
	uint64_t left = from < gen->data_len ? gen->data_len - from : 0;
	/* madvise takes no const pointer */
	void *start = (void *)(uintptr_t)(gen->data + from);

	if (left <= len)
		len = left;
	if (len == 0 || madvise(start, (size_t)len, MADV_POPULATE_READ) != 0)
		return gen->data_len;
	return from + len;
}

static void
unmap(const uint8_t *map, uint64_t len)
{
	/* munmap takes no const pointer */
	if (map)
		munmap((void *)(uintptr_t)map,
		       (size_t)page_round(len) + GENERATION_SLACK);
}

void
generation_close(struct generation *gen)
{
	unmap(gen->data, gen->data_len ? gen->data_len : gen->manifest.data_len);
	unmap(gen->index, gen->index_len ? gen->index_len : gen->manifest.index_len);
	memset(gen, 0, sizeof *gen);
}

/* ---- looking up ---- */

static bool
node_is(const struct node *node, uint32_t zone_id, const uint8_t *name, size_t name_len)
{
	return node->head.zone_id == zone_id && node->head.owner_len == name_len &&
	       memcmp(node_owner(node), name, name_len) == 0;
}

/* Search one bucket.  ERR_FULL: not here, but the run goes on. */
static int
find_in_bucket(const struct generation *gen, const uint64_t *slots, uint64_t tag,
	       uint32_t zone_id, const uint8_t *name, size_t name_len, struct node *out)
{
	for (unsigned i = 0; i < INDEX_BUCKET_SLOTS; i++) {
		if (slots[i] == 0)
			return ERR_NOTFOUND;
		if ((slots[i] ^ tag) >> INDEX_OFFSET_BITS)
			continue;
		if (!generation_node_at(gen, index_offset(slots[i]), out))
			return ERR_DAMAGED;
		if (node_is(out, zone_id, name, name_len))
			return ERR_OK;
	}
	return ERR_FULL;
}

int
generation_find(const struct generation *gen, uint32_t zone_id, const uint8_t *name,
		size_t name_len, struct node *out)
{
	uint64_t hash = name_hash(&gen->head.seed, zone_id, name);
	uint64_t bucket = index_bucket(hash, gen->head.bucket_count);
	int rc = ERR_FULL;

	for (unsigned run = 0; run < INDEX_RUN_MAX && rc == ERR_FULL; run++) {
		rc = find_in_bucket(gen, gen->buckets + bucket * INDEX_BUCKET_SLOTS,
				    index_tag(hash), zone_id, name, name_len, out);
		bucket = bucket + 1 == gen->head.bucket_count ? 0 : bucket + 1;
	}
	return rc == ERR_FULL ? ERR_NOTFOUND : rc;
}

static bool
range_fits(uint64_t first, uint64_t count, uint64_t all)
{
	return first <= all && count <= all - first;
}

static bool
zone_fits(const struct generation *gen, const struct index_zone *zone)
{
	const struct index_head *head = &gen->head;

	return range_fits(zone->order_first, zone->order_count, head->order_count) &&
	       range_fits(zone->nsec3_first, zone->nsec3_count, head->nsec3_count) &&
	       (!gen->fences ||
		range_fits(zone->fence_first, order_fences_of(zone->order_count),
			   head->fence_count));
}

const struct index_zone *
generation_zone(const struct generation *gen, uint32_t zone_id)
{
	uint64_t low = 0, high = gen->head.zone_count;
	const struct index_zone *zone;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (gen->zones[middle].zone_id < zone_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == gen->head.zone_count || gen->zones[low].zone_id != zone_id)
		return NULL;
	zone = &gen->zones[low];
	return zone_fits(gen, zone) ? zone : NULL;
}

static bool
base32hex_value(uint8_t character, uint64_t *value)
{
	if (character >= '0' && character <= '9')
		*value = (uint64_t)(character - '0');
	else if (character >= 'a' && character <= 'v')
		*value = (uint64_t)(character - 'a' + 10);
	else
		return false;
	return true;
}

/* 12 characters are 60 bits; the 13th brings four more. */
bool
index_hash_head(const uint8_t *owner, uint64_t *hash_head)
{
	uint64_t value = 0, bits;

	if (owner[0] < 13)
		return false;
	for (unsigned i = 1; i <= 12; i++) {
		if (!base32hex_value(owner[i], &bits))
			return false;
		value = value << 5 | bits;
	}
	if (!base32hex_value(owner[13], &bits))
		return false;
	*hash_head = value << 4 | bits >> 1;
	return true;
}
