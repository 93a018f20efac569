/* A generation is written, opened, verified; every name is found. */
#include "loader/store/seal.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "loader/store/node_reader.h"
#include "loader/store/seal_index.h"
#include "loader/zone/render.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"

static char *scratch;
static char reason[SEAL_REASON_MAX];

static const struct seal_options options = { .id = 7 };

/* Render all of `zone` into a new generation `dir`. */
static int
seal_zone(const char *dir, struct zone_records *zone,
	  struct generation_manifest *manifest)
{
	struct renderer *renderer;
	const uint8_t *node;
	struct seal *seal;
	int rc;

	if (render_new(&renderer) != 0 ||
	    render_start(renderer, zone, 0, NULL, NULL) != 0)
		bail_out("cannot render");
	rc = seal_open(dir, &options, &seal, reason);
	if (rc != 0) {
		render_free(renderer);
		return rc;
	}
	if (render_apex(renderer, &node) != 0 || seal_put(seal, node, 5, reason) != 0)
		bail_out("no apex: %s", reason);
	while (rc == 0 && render_next(renderer, &node) == 0 && node)
		rc = seal_put(seal, node, 5, reason);
	while (rc == 0 && render_next_nsec3(renderer, &node) == 0 && node)
		rc = seal_put(seal, node, 5, reason);
	render_free(renderer);
	if (rc == 0)
		return seal_finish(seal, 6, manifest, reason);
	seal_abort(seal);
	return rc;
}

static struct zone_records *
make_signed(void)
{
	struct zone_records *zone = zone_make("example.com");

	zone_put(zone, "example.com", 300, RRTYPE_NSEC, "nx", "a.b.example.com",
		 "00022200");
	zone_put_sig(zone, "example.com", 300, RRTYPE_NSEC, "example.com");
	zone_put(zone, "a.b.example.com", 300, RRTYPE_A, "4", 0xc0000201);
	zone_put(zone, "a.b.example.com", 300, RRTYPE_NSEC, "nx", "www.example.com",
		 "000140");
	zone_put(zone, "www.example.com", 300, RRTYPE_A, "4", 0xc0000202);
	zone_put(zone, "www.example.com", 300, RRTYPE_NSEC, "nx", "example.com",
		 "000140");
	zone_done(zone);
	return zone;
}

static void
finds(const struct generation *gen, uint32_t zone_id, const char *text, int want)
{
	uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
	size_t len = dname_from_text(text, name);
	struct node node;
	int rc = generation_find(gen, zone_id, name, len, &node);

	is_int(rc, want, "%s in zone %u", text, zone_id);
	if (rc == 0)
		is(node_check(&node), NULL, "is whole");
}

static void
test_contents(const struct generation *gen)
{
	const struct index_zone *zone = generation_zone(gen, 5);
	struct zone_facts facts = { 0 };
	struct node node;

	finds(gen, CATALOGUE_ID, "example.com", 0);
	finds(gen, 5, "example.com", ERR_NOTFOUND);
	finds(gen, 5, "www.example.com", 0);
	finds(gen, 5, "b.example.com", 0);
	finds(gen, 5, "c.example.com", ERR_NOTFOUND);
	finds(gen, 4, "www.example.com", ERR_NOTFOUND);
	ok(generation_zone(gen, 4) == NULL, "there is no zone 4");
	if (!ok(zone != NULL, "there is zone 5"))
		return;
	ok(generation_node_at(gen, zone->apex_off, &node) &&
		   node_zone_facts(&node, &facts),
	   "its apex is at hand");
	is_int(facts.zone_id, 5, "and knows its id");
	is_int(zone->order_count, 3, "three names own an NSEC");
	ok(generation_node_at(gen, gen->order[zone->order_first + 2], &node),
	   "the last one");
	cmp_mem(node_owner(&node), "\3www\7example\3com", 17, "is www");
	is_int(gen->head.apex_depths[0], 1 << 2, "an apex has two labels");
}

static void
test_seal(void)
{
	const char *dir = scratch_path(scratch, "good");
	struct zone_records *zone = make_signed();
	struct generation_manifest manifest = { 0 };
	struct generation gen;
	char wrong[256] = "";
	struct stat stat_buf;

	is_int(seal_zone(dir, zone, &manifest), 0, "sealed");
	is_int(manifest.id, 7, "under its id");
	is_int(manifest.zone_count, 1, "one zone");
	is_int(manifest.name_count, 4, "four names");
	is_int(manifest.record_count, zone->count, "all records");
	is_int(manifest.next_zone_id, 6, "next id");
	ok(stat(scratch_path(dir, "data.mdb"), &stat_buf) == 0 &&
		   (stat_buf.st_mode & 0777) == 0440,
	   "data.mdb is read-only");
	is_int(stat_buf.st_size, manifest.data_len, "and as long as the manifest says");
	if (is_int(generation_open(dir, GENERATION_POPULATE, &gen), 0, "opened")) {
		is_int(generation_verify(&gen, wrong), 0, "verified");
		is(wrong, "", "nothing is wrong");
		test_contents(&gen);
		generation_close(&gen);
	}
	is_int(seal_zone(dir, zone, &manifest), ERR_EXISTS, "not over another one");
	zone_records_free(zone);
}

static void
test_empty(void)
{
	const char *dir = scratch_path(scratch, "empty");
	struct generation_manifest manifest;
	struct generation gen;
	struct seal *seal;
	char wrong[256];

	is_int(seal_open(dir, &options, &seal, reason), 0, "an empty one is begun");
	is_int(seal_finish(seal, 1, &manifest, reason), 0, "and sealed");
	if (!is_int(generation_open(dir, GENERATION_POPULATE, &gen), 0, "opened"))
		return;
	is_int(generation_verify(&gen, wrong), 0, "verified");
	finds(&gen, CATALOGUE_ID, "example.com", ERR_NOTFOUND);
	generation_close(&gen);
}

static void
test_refusals(void)
{
	struct seal_options greedy = { .id = 1, .reserve_bytes = UINT64_C(1) << 60 };
	const char *dir = scratch_path(scratch, "refused");
	struct zone_records *zone = make_signed();
	struct renderer *renderer;
	const uint8_t *node;
	struct seal *seal;

	struct statvfs fs;

	if (statvfs(scratch, &fs) != 0)
		bail_out("no file system");
	is_int(seal_open(dir, &greedy, &seal, reason), 0, "a small one is let through");
	seal_abort(seal);
	greedy.expect_bytes = (uint64_t)fs.f_bavail * fs.f_frsize * 2;
	is_int(seal_open(dir, &greedy, &seal, reason), ERR_NOSPACE,
	       "one that does not fit");
	ok(strstr(reason, "generations.keep") && !strstr(reason, "reserve"),
	   "is told so: %s", reason);
	greedy.expect_bytes -= greedy.expect_bytes / 64 * 33;
	is_int(seal_open(dir, &greedy, &seal, reason), ERR_NOSPACE,
	       "the reserve is kept");
	ok(strstr(reason, "generations.reserve_mb"), "and named: %s", reason);
	ok(access(dir, F_OK) != 0, "nothing is left behind");
	is_int(seal_open(scratch_path(scratch, "no/such"), &options, &seal, reason),
	       ERR_NOTFOUND, "a missing parent is an error");
	if (render_new(&renderer) != 0 ||
	    render_start(renderer, zone, 1, NULL, NULL) != 0 ||
	    render_apex(renderer, &node) != 0)
		bail_out("cannot render");
	is_int(seal_open(dir, &options, &seal, reason), 0, "begun");
	is_int(seal_put(seal, node, 1, reason), 0, "put");
	is_int(seal_put(seal, node, 1, reason), ERR_EXISTS,
	       "the same key again is refused");
	seal_abort(seal);
	ok(access(dir, F_OK) != 0, "nothing is left behind");
	render_free(renderer);
	zone_records_free(zone);
}

/* Too few buckets: other seeds and more buckets are tried, each from the start. */
static void
test_crowded_index(void)
{
	const char *dir = scratch_path(scratch, "crowded");
	struct zone_records *zone = make_signed();
	struct generation_manifest manifest;
	struct seal_index index = { 0 };
	struct node_reader *reader;
	uint64_t slots = 0;
	char owner[64];

	for (unsigned i = 0; i < 380; i++) {
		snprintf(owner, sizeof owner, "h%05u.example.com", i);
		zone_put(zone, owner, 60, RRTYPE_NSEC, "n", "example.com");
	}
	zone_done(zone);
	if (seal_zone(dir, zone, &manifest) != 0 ||
	    node_reader_open(scratch_path(dir, "data.mdb"), &reader) != 0)
		bail_out("%s", reason);
	is_int(seal_index_make(reader, 1, manifest.data_len, &index), 0,
	       "an index is made");
	ok(index.buckets.count >= 64, "with %u buckets", (unsigned)index.buckets.count);
	for (uint64_t i = 0; i < index.buckets.count * INDEX_BUCKET_SLOTS; i++)
		slots += index.buckets.slots[i] != 0;
	is_int(slots, manifest.name_count, "it has all names");
	is_int(index.summary.name_count, manifest.name_count, "counted once");
	is_int(index.head.zone_count, 1, "one zone");
	is_int(index.head.order_count, 383, "all owners of an NSEC");
	seal_index_fini(&index);
	node_reader_close(reader);
	zone_records_free(zone);
}

/* A limit on the size of files acts like a full disk.  Wherever it strikes, the error is
 * the same and nothing is left behind. */
static void
test_full_disk(void)
{
	const char *dir = scratch_path(scratch, "full");
	struct zone_records *zone = zone_make("example.com");
	struct generation_manifest manifest;
	struct rlimit old, limit;
	uint64_t whole;
	char owner[64];
	int rc;

	for (unsigned i = 0; i < 20000; i++) {
		snprintf(owner, sizeof owner, "h%05u.example.com", i);
		zone_put(zone, owner, 60, RRTYPE_A, "4", i);
	}
	zone_done(zone);
	if (seal_zone(dir, zone, &manifest) != 0)
		bail_out("%s", reason);
	scratch_dir_free(strdup(dir));
	whole = manifest.data_len;
	getrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned tenth = 0; tenth < 10; tenth++) {
		limit = old;
		limit.rlim_cur = whole / 10 * tenth + 100;
		setrlimit(RLIMIT_FSIZE, &limit);
		rc = seal_zone(dir, zone, &manifest);
		setrlimit(RLIMIT_FSIZE, &old);
		is_int(rc, ERR_NOSPACE, "room for %u tenths: %s", tenth, reason);
		ok(access(dir, F_OK) != 0, "nothing is left behind");
	}
	is_int(seal_zone(dir, zone, &manifest), 0, "room for all");
	zone_records_free(zone);
}

int
main(void)
{
	scratch = scratch_dir_make();
	test_seal();
	test_empty();
	test_refusals();
	test_crowded_index();
	test_full_disk();
	scratch_dir_free(scratch);
	return done_testing();
}
