/* Damaged, foreign and hostile generations: refused with their reason, or read without
 * leaving the maps. */
#include "shm/generation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "shm/errcode.h"
#include "t/draw.h"
#include "t/sample_generation.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

enum { FLIPS = 3000 };

static char *scratch, *dir;

struct file {
	const char *name;
	uint8_t *bytes;
	size_t len;
};

static struct file manifest_file = { .name = "manifest" };
static struct file data_file = { .name = "data.mdb" };
static struct file index_file = { .name = "index" };

static void
file_read(struct file *file)
{
	FILE *in = fopen(scratch_path(dir, file->name), "rb");

	if (!in || fseek(in, 0, SEEK_END) != 0)
		bail_out("cannot read %s", file->name);
	file->len = (size_t)ftell(in);
	rewind(in);
	file->bytes = malloc(file->len);
	if (!file->bytes || fread(file->bytes, 1, file->len, in) != file->len)
		bail_out("cannot read %s", file->name);
	fclose(in);
}

static void
write_bytes(const char *name, const uint8_t *bytes, size_t len)
{
	FILE *out;

	(void)remove(scratch_path(dir, name));
	out = fopen(scratch_path(dir, name), "wb");
	if (!out || fwrite(bytes, 1, len, out) != len || fclose(out) != 0)
		bail_out("cannot write %s", name);
}

static void
file_restore(const struct file *file)
{
	write_bytes(file->name, file->bytes, file->len);
}

/* What opening says, and with `verify` what verifying says. */
static int
try_open(bool verify)
{
	struct generation gen;
	char reason[256] = "";
	int rc = generation_open(dir, GENERATION_LAZY, &gen);

	if (rc != 0)
		return rc;
	(void)sample_generation_read(&gen);
	if (verify)
		rc = generation_verify(&gen, reason);
	if (rc != 0 && reason[0] == '\0')
		diag("no reason given");
	generation_close(&gen);
	return rc;
}

static void
test_whole(void)
{
	struct generation gen;
	char reason[256] = "";

	if (!is_int(generation_open(dir, GENERATION_POPULATE, &gen), 0, "it opens"))
		return;
	is_int(generation_verify(&gen, reason), 0, "it verifies %s", reason);
	is_int(sample_generation_read(&gen) > 100, 1, "all sorts of things are found");
	is_int(gen.head.nsec3_count, 2, "two NSEC3 owners");
	is_int(gen.head.order_count, 41, "41 NSEC owners");
	generation_close(&gen);
	ok(gen.data == NULL && gen.index == NULL, "closing empties it");
}

/* How many pages of the map are in this process's page table. */
static unsigned long
mapped_pages(const uint8_t *map, uint64_t len)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE), count = 0;
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	for (uint64_t at = 0; at < len; at += page)
		if (pread(fd, &entry, sizeof entry,
			  (off_t)((uintptr_t)(map + at) / page * sizeof entry)) ==
		    sizeof entry)
			count += entry >> 63;
	close(fd);
	return count;
}

static void
test_populate(void)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	struct generation gen;
	uint64_t at = 0;

	if (!is_int(generation_open(dir, GENERATION_INDEX, &gen), 0, "it opens"))
		return;
	is_int(mapped_pages(gen.index, gen.index_len), (gen.index_len + page - 1) / page,
	       "all pages of the index are mapped");
	is_int(mapped_pages(gen.data, gen.data_len), 0, "none of the data is");
	at = generation_populate(&gen, 0, page);
	is_int(at, page, "one page is populated");
	ok(mapped_pages(gen.data, page) == 1, "and mapped");
	for (unsigned i = 0; i < 1000 && at < gen.data_len; i++)
		at = generation_populate(&gen, at, 3 * page);
	is_int(at, gen.data_len, "and all of them");
	is_int(mapped_pages(gen.data, gen.data_len), (gen.data_len + page - 1) / page,
	       "and mapped");
	is_int(generation_populate(&gen, gen.data_len, page), gen.data_len,
	       "then nothing is left");
	generation_close(&gen);
}

static void
manifest_is(size_t off, uint32_t value, int want, const char *what)
{
	struct generation_manifest manifest;
	uint8_t bytes[sizeof manifest];

	memcpy(bytes, manifest_file.bytes, sizeof bytes);
	memcpy(bytes + off, &value, sizeof value);
	write_bytes("manifest", bytes, sizeof bytes);
	is_int(try_open(false), want, "manifest: %s", what);
	is_int(generation_read_manifest(dir, &manifest), want, "read alone, too");
	file_restore(&manifest_file);
}

/* What an older version has written goes on being read. */
static void
test_oldest(void)
{
	struct generation_manifest manifest;

	memcpy(&manifest, manifest_file.bytes, sizeof manifest);
	manifest.version = GENERATION_OLDEST;
	manifest.manifest_xxh3 = XXH3_64bits(
		&manifest, offsetof(struct generation_manifest, manifest_xxh3));
	write_bytes("manifest", (const uint8_t *)&manifest, sizeof manifest);
	is_int(try_open(true), 0, "the oldest version that is read opens and verifies");
	file_restore(&manifest_file);
}

static void
test_manifest(void)
{
	manifest_is(0, 0x12345678, ERR_FORMAT, "another magic");
	manifest_is(offsetof(struct generation_manifest, version), GENERATION_VERSION + 1,
		    ERR_NEWER, "a newer version");
	manifest_is(offsetof(struct generation_manifest, version), 0, ERR_OLDER,
		    "an older version");
	manifest_is(offsetof(struct generation_manifest, byte_order), 0x04030201,
		    ERR_FOREIGN, "another byte order");
	manifest_is(offsetof(struct generation_manifest, byte_order), 7, ERR_DAMAGED,
		    "no byte order");
	manifest_is(offsetof(struct generation_manifest, id), 99, ERR_DAMAGED,
		    "another id");
	manifest_is(offsetof(struct generation_manifest, manifest_xxh3), 1, ERR_DAMAGED,
		    "another checksum");
}

static void
test_lengths(const struct file *file, int want_empty, int want_short)
{
	uint8_t *longer = calloc(1, file->len + 1);

	write_bytes(file->name, file->bytes, 0);
	is_int(try_open(false), want_empty, "%s: empty", file->name);
	write_bytes(file->name, file->bytes, 7);
	is_int(try_open(false), want_empty, "%s: seven octets", file->name);
	write_bytes(file->name, file->bytes, file->len - 1);
	is_int(try_open(false), want_short, "%s: one octet short", file->name);
	if (longer) {
		memcpy(longer, file->bytes, file->len);
		write_bytes(file->name, longer, file->len + 1);
		is_int(try_open(false), want_short, "%s: one octet long", file->name);
	}
	free(longer);
	file_restore(file);
}

static void
test_missing(void)
{
	struct generation gen;

	is_int(generation_open(scratch_path(scratch, "none"), GENERATION_LAZY, &gen),
	       ERR_NOTFOUND, "no directory");
	(void)remove(scratch_path(dir, "index"));
	is_int(try_open(false), ERR_DAMAGED, "no index");
	file_restore(&index_file);
	(void)remove(scratch_path(dir, "manifest"));
	is_int(try_open(false), ERR_NOTFOUND, "no manifest");
	if (mkfifo(scratch_path(dir, "manifest"), 0600) == 0)
		is_int(try_open(false), ERR_FORMAT, "a pipe for a manifest");
	(void)remove(scratch_path(dir, "manifest"));
	if (mkdir(scratch_path(dir, "manifest"), 0700) == 0)
		is_int(try_open(false), ERR_FORMAT, "a directory for a manifest");
	(void)remove(scratch_path(dir, "manifest"));
	if (symlink("/dev/zero", scratch_path(dir, "manifest")) == 0)
		is_int(try_open(false), ERR_FORMAT, "a link for a manifest");
	file_restore(&manifest_file);
	is_int(try_open(true), 0, "whole again");
}

/* Write a manifest that agrees with what the two files hold now. */
static void
reseal(const uint8_t *data, const uint8_t *index)
{
	struct generation_manifest manifest;

	memcpy(&manifest, manifest_file.bytes, sizeof manifest);
	manifest.data_xxh3 = XXH3_64bits(data, data_file.len);
	manifest.index_xxh3 = XXH3_64bits(index, index_file.len);
	manifest.manifest_xxh3 = XXH3_64bits(
		&manifest, offsetof(struct generation_manifest, manifest_xxh3));
	write_bytes("manifest", (const uint8_t *)&manifest, sizeof manifest);
}

/* Flip one octet somewhere; the checksums tell. */
static void
test_flips(struct file *file)
{
	unsigned missed = 0;

	for (unsigned i = 0; i < FLIPS / 10; i++) {
		size_t at = (size_t)rand() % file->len;
		uint8_t bit = (uint8_t)(1u << rand() % 8);

		file->bytes[at] ^= bit;
		file_restore(file);
		missed += try_open(true) == 0;
		file->bytes[at] ^= bit;
	}
	file_restore(file);
	is_int(missed, 0, "%s: no flipped bit is missed", file->name);
}

/* The same by somebody who makes checksums that fit: nothing may crash, and what
 * verifies can be read. */
static void
test_hostile(const struct file *file, bool is_index)
{
	uint8_t *bytes = malloc(file->len);
	unsigned refused = 0;

	if (!bytes)
		bail_out("no memory");
	for (unsigned i = 0; i < FLIPS; i++) {
		unsigned flips = 1 + (unsigned)rand() % 4;

		memcpy(bytes, file->bytes, file->len);
		while (flips-- > 0) {
			size_t at = (size_t)rand() % file->len;

			/* the heads deserve more than their share */
			if (rand() % 4 == 0)
				at %= 256;
			bytes[at] = (uint8_t)(rand() % 2 ? rand() : 0xff);
		}
		write_bytes(file->name, bytes, file->len);
		reseal(is_index ? data_file.bytes : bytes,
		       is_index ? bytes : index_file.bytes);
		refused += try_open(true) != 0;
	}
	ok(refused > FLIPS / 20, "%s: %u of %u hostile ones are refused, none crashes",
	   file->name, refused, (unsigned)FLIPS);
	file_restore(file);
	file_restore(&manifest_file);
	free(bytes);
}

/* Bend an octet of the index, with a checksum that fits, and verify. */
static int
try_bent(uint64_t at)
{
	int rc;

	index_file.bytes[at] ^= 1;
	file_restore(&index_file);
	reseal(data_file.bytes, index_file.bytes);
	rc = try_open(true);
	index_file.bytes[at] ^= 1;
	file_restore(&index_file);
	file_restore(&manifest_file);
	return rc;
}

/* Fences and heads say what the nodes say; where there are none, none are looked at. */
static void
test_fences(void)
{
	const struct index_head *head =
		(const struct index_head *)(const void *)index_file.bytes;
	struct index_head bare = *head, whole = *head;

	is_int(head->fence_count, 3, "three fences of 41 owners");
	is_int(try_bent(head->fences_off + sizeof(struct index_fence)), ERR_DAMAGED,
	       "another key");
	is_int(try_bent(head->fences_off + 2 * sizeof(struct index_fence) - 2),
	       ERR_DAMAGED, "another length");
	is_int(try_bent(head->heads_off + 40 * sizeof(uint64_t)), ERR_DAMAGED,
	       "another head");
	bare.fence_count = bare.fences_off = bare.heads_off = 0;
	memcpy(index_file.bytes, &bare, sizeof bare);
	file_restore(&index_file);
	reseal(data_file.bytes, index_file.bytes);
	is_int(try_open(true), 0, "an index without them is whole");
	memcpy(index_file.bytes, &whole, sizeof whole);
	file_restore(&index_file);
	file_restore(&manifest_file);
}

int
main(void)
{
	srand((unsigned)draw_seed());
	scratch = scratch_dir_make();
	dir = strdup(scratch_path(scratch, "00000003"));
	sample_generation_make(dir);
	file_read(&manifest_file);
	file_read(&data_file);
	file_read(&index_file);
	test_whole();
	test_populate();
	test_oldest();
	test_manifest();
	test_lengths(&manifest_file, ERR_FORMAT, ERR_DAMAGED);
	test_lengths(&data_file, ERR_DAMAGED, ERR_DAMAGED);
	test_lengths(&index_file, ERR_DAMAGED, ERR_DAMAGED);
	test_missing();
	test_fences();
	test_flips(&manifest_file);
	test_flips(&data_file);
	test_flips(&index_file);
	test_hostile(&data_file, false);
	test_hostile(&index_file, true);
	is_int(try_open(true), 0, "whole again");
	scratch_dir_free(scratch);
	free(manifest_file.bytes);
	free(data_file.bytes);
	free(index_file.bytes);
	free(dir);
	return done_testing();
}
