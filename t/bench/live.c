/* live - change sets applied to the live store: sets and commits a second.
 *
 *	live [ZONES RECORDS]
 *
 * Each change set replaces one address of a random zone and its SOA.  They are committed
 * one by one, then in groups, as they are when more come while a commit is under way.
 * Works in TMPDIR; prints one line of JSON each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "loader/store/live.h"
#include "loader/zone/arena.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "t/draw.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"

enum { SETS = 20000 };

static unsigned zone_count = 100000, record_count = 10;

static void
must(int rc, const char *what)
{
	if (rc == 0)
		return;
	fprintf(stderr, "live: %s: %s\n", what, errcode_text(rc));
	exit(1);
}

static struct zone_records *
make_zone(unsigned index, unsigned serial, unsigned first, unsigned count)
{
	char origin[32], owner[64];
	uint8_t name[DNAME_MAX];
	struct redis_facts facts = { .config_hash = index };
	struct zone_records *zone;
	size_t len;

	snprintf(origin, sizeof origin, "zone%07u.example", index);
	len = dname_from_text(origin, name);
	zone = zone_records_new(name, len);
	if (!zone)
		must(ERR_NOMEM, "zone");
	zone->redis = arena_copy(zone->arena, &facts, sizeof facts);
	if (serial) {
		zone_put(zone, origin, 3600, RRTYPE_SOA, "nn44444", "ns.test",
			 "host.test", serial, 7200, 3600, 1209600, 300);
		if (count)
			zone_put(zone, origin, 3600, RRTYPE_NS, "n", "ns.test");
	}
	for (unsigned i = first; i < first + count; i++) {
		struct provenance provenance = { .value_hash = draw(1000000) };
		uint8_t wire[DNAME_MAX];

		snprintf(owner, sizeof owner, "h%08u.%s", i, origin);
		len = dname_from_text(owner, wire);
		must(zone_records_add_mark(zone, wire, len, ZONE_MARK_PROVENANCE, 0,
					   &provenance, sizeof provenance),
		     "mark");
		zone_put(zone, owner, 3600, RRTYPE_A, "4", draw(1000000));
	}
	zone_done(zone);
	return zone;
}

static void
build(const char *dir)
{
	const struct builder_seal_options options = { .id = 1 };
	struct generation_manifest manifest;
	struct builder *builder;
	char reason[512];

	must(builder_new(NULL, NULL, NULL, &builder), "builder");
	for (unsigned i = 0; i < zone_count; i++) {
		struct zone_records *zone = make_zone(i, 1, 0, record_count - 2);

		must(builder_add(builder, zone, false), "zone");
		zone_records_free(zone);
	}
	must(builder_seal(builder, dir, &options, &manifest, reason), reason);
	builder_free(builder);
}

/* What was read from the source, ready to be applied. */
struct change {
	struct zone_records *owner, *soa;
};

static void
apply(struct live *live, const struct change *change)
{
	struct live_edit edit;

	must(live_edit_begin(live, change->soa->origin, change->soa->origin_len, &edit),
	     "edit");
	must(live_put_owner(&edit, change->owner, change->owner->records), "put");
	must(live_edit_end(&edit, change->soa, LIVE_APEX_SOA), "end");
}

static void
run(struct live *live, struct change *changes, unsigned count, unsigned group)
{
	uint64_t start = clock_now_ns();
	struct rusage usage;
	double seconds;

	for (unsigned i = 0; i < count; i += group) {
		must(live_begin(live), "begin");
		for (unsigned k = i; k < i + group && k < count; k++)
			apply(live, &changes[k]);
		must(live_note(live, "cursor", &i, sizeof i), "note");
		must(live_commit(live), "commit");
	}
	seconds = (double)(clock_now_ns() - start) / 1e9;
	getrusage(RUSAGE_SELF, &usage);
	printf("{\"what\":\"live\",\"group\":%u,\"sets_per_s\":%.0f,\"commits_per_s\":%."
	       "0f,"
	       "\"overlay_names\":%llu,\"peak_mb\":%ld}\n",
	       group, count / seconds, (count + group - 1) / group / seconds,
	       (unsigned long long)overlay_count(live_overlay(live)),
	       usage.ru_maxrss / 1024);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static struct change changes[SETS];
	char *scratch = scratch_dir_make();
	struct live *live;

	if (argc > 2) {
		zone_count = (unsigned)atoi(argv[1]);
		record_count = (unsigned)atoi(argv[2]);
	}
	if (zone_count == 0 || record_count < 3)
		must(ERR_RANGE, "usage: live [ZONES RECORDS]");
	build(scratch_path(scratch, "base"));
	must(live_open(scratch_path(scratch, "base"), SETS, &live), "open");
	for (unsigned i = 0; i < SETS; i++) {
		unsigned zone = draw(zone_count);

		changes[i].owner = make_zone(zone, 0, draw(record_count - 2), 1);
		changes[i].soa = make_zone(zone, i + 2, 0, 0);
	}
	run(live, changes, SETS / 10, 1);
	run(live, changes, SETS, 10);
	run(live, changes, SETS, 100);
	for (unsigned i = 0; i < SETS; i++) {
		zone_records_free(changes[i].owner);
		zone_records_free(changes[i].soa);
	}
	live_close(live);
	scratch_dir_free(scratch);
	return 0;
}
