/* build - from zones to a sealed generation: seconds, octets a record, peak memory.
 *
 *	build [text | records] [ZONES RECORDS]
 *
 * "text" writes ZONES files of RECORDS records each and loads them as a server does;
 * "records" makes the records in memory, one thread a CPU.  Then the generation is made
 * again with one zone changed and all others kept.  Works in TMPDIR. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/builder.h"
#include "loader/store/zone_update.h"
#include "loader/zone/zone_sort.h"
#include "shm/clock.h"
#include "shm/rrtype.h"
#include "t/scratch_dir.h"

enum { THREADS = 2, ZONE_RECORDS_MIN = 3 };

static struct bench {
	char *scratch;
	unsigned zones, records;
	struct builder *builder;
	_Atomic unsigned next_zone;
} bench;

static void
die(const char *what)
{
	fprintf(stderr, "build: %s\n", what);
	exit(1);
}

static double
seconds_since(uint64_t start_ns)
{
	return (double)(clock_now_ns() - start_ns) / 1e9;
}

static void
report(const char *what, double read_s, double seal_s,
       const struct generation_manifest *manifest)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	printf("%-34s %llu zones, %llu records: read in %.3f s, sealed in %.3f s, %.1f "
	       "octets a record, peak %ld MB\n",
	       what, (unsigned long long)manifest->zone_count,
	       (unsigned long long)manifest->record_count, read_s, seal_s,
	       (double)(manifest->data_len + manifest->index_len) /
		       (double)manifest->record_count,
	       usage.ru_maxrss / 1024);
	fflush(stdout);
}

static void
seal(struct builder *builder, unsigned id, struct generation_manifest *manifest)
{
	const struct builder_seal_options options = { .id = id };
	char reason[512], name[16];

	snprintf(name, sizeof name, "%08u", id);
	if (builder_seal(builder, scratch_path(bench.scratch, name), &options, manifest,
			 reason) != 0)
		die(reason);
}

/* ---- zones in memory ---- */

static void
put(struct zone_records *zone, const char *owner, uint16_t type, const void *rdata,
    size_t len)
{
	uint8_t name[DNAME_MAX];
	struct zone_record record = { .owner = name,
				      .rdata = rdata,
				      .ttl = 3600,
				      .type = type,
				      .rdata_len = (uint16_t)len };

	record.owner_len = (uint8_t)dname_from_text(owner, name);
	if (zone_records_add(zone, &record) != 0)
		die("no memory");
}

static void
origin_text(unsigned index, char out[32])
{
	snprintf(out, 32, "zone%07u.example", index);
}

/* SOA, NS, and addresses of so many names that RECORDS are full. */
static struct zone_records *
make_zone(unsigned index)
{
	static const uint8_t soa[] = "\2ns\4test\0\4host\4test\0aaaabbbbccccddddeee",
			     ns[] = "\2ns\4test";
	uint8_t origin[DNAME_MAX];
	char text[32], owner[64];
	struct zone_records *zone;
	size_t len;

	origin_text(index, text);
	len = dname_from_text(text, origin);
	zone = zone_records_new(origin, len);
	if (!zone || zone_records_add_path(zone, "/zones/some.zone") != 0)
		die("no memory");
	put(zone, text, RRTYPE_SOA, soa, sizeof soa);
	put(zone, text, RRTYPE_NS, ns, sizeof ns);
	for (unsigned i = 2; i < bench.records; i++) {
		snprintf(owner, sizeof owner, "h%08u.%s", i, text);
		put(zone, owner, RRTYPE_A, &i, sizeof i);
	}
	if (zone_sort(zone) != 0)
		die("no memory");
	return zone;
}

static void *
add_zones(void *unused)
{
	unsigned index;

	while ((index = atomic_fetch_add(&bench.next_zone, 1)) < bench.zones) {
		struct zone_records *zone = make_zone(index);

		if (builder_add(bench.builder, zone, true) != 0)
			die("cannot add a zone");
		zone_records_free(zone);
	}
	return unused;
}

static void
build_records(void)
{
	struct generation_manifest manifest;
	uint64_t start = clock_now_ns();
	pthread_t threads[THREADS];
	double read_s;

	if (builder_new(NULL, NULL, NULL, &bench.builder) != 0)
		die("cannot begin");
	for (unsigned i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, add_zones, NULL) != 0)
			die("no thread");
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	read_s = seconds_since(start);
	start = clock_now_ns();
	seal(bench.builder, 1, &manifest);
	report("records", read_s, seconds_since(start), &manifest);
	builder_free(bench.builder);
}

/* ---- zones in files ---- */

static void
write_zone(const char *dir, unsigned index)
{
	char text[32], name[64];
	FILE *out;

	origin_text(index, text);
	snprintf(name, sizeof name, "%s.zone", text);
	out = fopen(scratch_path(dir, name), "w");
	if (!out)
		die("cannot write zone files");
	fprintf(out, "$TTL 3600\n@ SOA ns.test. host.test. 1 7200 3600 1209600 300\n"
		     "@ NS ns.test.\n");
	for (unsigned i = 2; i < bench.records; i++)
		fprintf(out, "h%08u A 10.%u.%u.%u\n", i, i >> 16 & 255, i >> 8 & 255,
			i & 255);
	if (fclose(out) != 0)
		die("cannot write zone files");
}

static void
build_text(void)
{
	struct generation_manifest manifest;
	char *dir = strdup(scratch_path(bench.scratch, "zones"));
	struct settings settings = { .zones.dir = dir };
	struct zone_update update = { .signer_fd = -1 };
	char reason[ZONE_UPDATE_REASON_MAX];
	uint64_t start;
	double read_s;

	if (mkdir(dir, 0700) != 0)
		die("cannot make a directory");
	for (unsigned i = 0; i < bench.zones; i++)
		write_zone(dir, i);
	start = clock_now_ns();
	if (zone_update_read(&update, &settings, reason) != 0 ||
	    zone_update_keep(&update, reason) != 0)
		die(reason);
	read_s = seconds_since(start);
	start = clock_now_ns();
	seal(update.builder, 1, &manifest);
	report("from text", read_s, seconds_since(start), &manifest);
	zone_update_fini(&update);
	free(dir);
}

/* ---- the same again with one zone changed ---- */

static void
rebuild(void)
{
	struct generation_manifest manifest;
	uint64_t start = clock_now_ns();
	struct zone_records *zone;
	struct builder *builder;
	double read_s;

	if (builder_new(scratch_path(bench.scratch, "00000001"), NULL, NULL, &builder) !=
	    0)
		die("cannot open what was built");
	for (unsigned i = 1; i < bench.zones; i++) {
		uint8_t origin[DNAME_MAX];
		char text[32];
		size_t len;

		origin_text(i, text);
		len = dname_from_text(text, origin);
		if (builder_keep(builder, origin, len) != 0)
			die("cannot keep a zone");
	}
	zone = make_zone(0);
	if (builder_add(builder, zone, true) != 0)
		die("cannot add a zone");
	zone_records_free(zone);
	read_s = seconds_since(start);
	start = clock_now_ns();
	seal(builder, 2, &manifest);
	report("again, one zone changed", read_s, seconds_since(start), &manifest);
	builder_free(builder);
}

static void
verify(void)
{
	struct generation gen;
	char reason[256];
	uint64_t start = clock_now_ns();

	if (generation_open(scratch_path(bench.scratch, "00000001"), GENERATION_POPULATE,
			    &gen) != 0)
		die("cannot open what was built");
	printf("%-34s %.1f ms\n", "opened, all pages mapped", seconds_since(start) * 1e3);
	start = clock_now_ns();
	if (generation_verify(&gen, reason) != 0)
		die(reason);
	printf("%-34s %.1f ms\n", "verified as a whole", seconds_since(start) * 1e3);
	generation_close(&gen);
}

int
main(int argc, char **argv)
{
	bool is_text = argc < 2 || strcmp(argv[1], "text") == 0;

	bench.zones = argc > 3 ? (unsigned)atoi(argv[2]) : 10000;
	bench.records = argc > 3 ? (unsigned)atoi(argv[3]) : 10;
	if (bench.zones == 0 || bench.records < ZONE_RECORDS_MIN)
		die("usage: build [text | records] [ZONES RECORDS]");
	bench.scratch = scratch_dir_make();
	if (is_text)
		build_text();
	else
		build_records();
	rebuild();
	verify();
	scratch_dir_free(bench.scratch);
	return 0;
}
