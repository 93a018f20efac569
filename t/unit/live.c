/* The live store where the property test does not look: bad values and what is served in
 * their stead, errors, notes, zones that break, snapshots, and what large zones cost. */
#include "loader/store/live.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/zone/arena.h"
#include "loader/zone/node_writer.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"

enum { MANY = 100000 };

static char *scratch;
static unsigned dir_count;

static const char *
new_dir(void)
{
	static char path[2000];
	char name[16];

	snprintf(name, sizeof name, "gen%u", dir_count++);
	snprintf(path, sizeof path, "%s", scratch_path(scratch, name));
	return path;
}

/* Seal `zones` (freed) and open them live. */
static struct live *
open_with(const char *dir, struct zone_records **zones, unsigned count)
{
	struct live *live;

	zone_seal(dir, zones, count);
	if (live_open(dir, 1000, &live) != 0)
		bail_out("not open");
	return live;
}

static void
put_mark(struct zone_records *zone, const char *owner, enum zone_mark mark, uint16_t type,
	 const void *bytes, size_t len)
{
	uint8_t name[DNAME_MAX];
	size_t name_len = dname_from_text(owner, name);

	if (zone_records_add_mark(zone, name, name_len, mark, type, bytes, len) != 0)
		bail_out("no memory");
}

static void
put_bad(struct zone_records *zone, const char *owner, uint16_t type)
{
	put_mark(zone, owner, ZONE_MARK_BAD, type, "no sense", 8);
}

static void
put_provenance(struct zone_records *zone, const char *owner, uint64_t hash)
{
	const struct provenance provenance = { hash, 5, 6 };

	put_mark(zone, owner, ZONE_MARK_PROVENANCE, 0, &provenance, sizeof provenance);
}

/* A zone from Redis with SOA and NS. */
static struct zone_records *
redis_zone(const char *origin)
{
	const struct redis_facts facts = { .config_hash = 100, .raw_digest = 100 };
	struct zone_records *zone = zone_make(origin);

	zone->redis = arena_copy(zone->arena, &facts, sizeof facts);
	return zone;
}

/* Records for an edit: nothing yet. */
static struct zone_records *
no_records(const char *origin)
{
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(origin, name);
	struct zone_records *zone = zone_records_new(name, len);

	if (!zone)
		bail_out("no memory");
	return zone;
}

static struct zone_records *
soa_alone(const char *origin, unsigned serial)
{
	struct zone_records *zone = no_records(origin);

	zone_put(zone, origin, 3600, RRTYPE_SOA, "nn44444", "ns.other.test",
		 "hostmaster.other.test", serial, 7200, 3600, 1209600, 300);
	zone_done(zone);
	return zone;
}

static size_t
wire_of(const char *text, uint8_t name[DNAME_MAX + NAME_PAD])
{
	memset(name, 0, DNAME_MAX + NAME_PAD);
	return dname_from_text(text, name);
}

static void
begin_edit(struct live *live, const char *origin, struct live_edit *edit)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = wire_of(origin, name);

	if (live_begin(live) != 0 || live_edit_begin(live, name, len, edit) != 0)
		bail_out("no edit");
}

static void
end_edit(struct live *live, const char *origin, struct live_edit *edit, unsigned serial)
{
	struct zone_records *soa = soa_alone(origin, serial);

	if (live_edit_end(edit, soa, LIVE_APEX_SOA) != 0 || live_commit(live) != 0)
		bail_out("the edit does not end");
	zone_records_free(soa);
}

/* Replace the owner of all of `records` (freed) in an edit of its own. */
static void
put_alone(struct live *live, const char *origin, struct zone_records *records)
{
	struct live_edit edit;

	zone_done(records);
	begin_edit(live, origin, &edit);
	is_int(live_put_owner(&edit, records, records->records), 0, "an owner is put");
	end_edit(live, origin, &edit, 7);
	zone_records_free(records);
}

static void
drop_alone(struct live *live, const char *origin, const char *owner)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = wire_of(owner, name);
	struct live_edit edit;

	begin_edit(live, origin, &edit);
	is_int(live_drop_owner(&edit, name, len), 0, "an owner is dropped");
	end_edit(live, origin, &edit, 8);
}

static struct zone_facts
facts_of(struct live *live, const char *origin)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = wire_of(origin, name);
	struct zone_facts facts = { 0 };
	struct node apex;

	if (live_zone(live, name, len, &apex) != 0 || !node_zone_facts(&apex, &facts))
		diag("there is no zone %s", origin);
	return facts;
}

static int
find(struct live *live, const char *origin, const char *owner, struct node *out)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = wire_of(owner, name);
	struct zone_facts facts = facts_of(live, origin);

	if (strcmp(origin, owner) == 0)
		return live_zone(live, name, len, out);
	return live_find(live, facts.zone_id, name, len, out);
}

/* The kinds and types of the blocks of a node, as "kind:type ...". */
static const char *
blocks_of(const struct node *node)
{
	static char text[400];
	size_t len = 0;
	struct block block;
	uint32_t at = 0;

	text[0] = '\0';
	while (node_next_block(node, &at, &block) && len < sizeof text - 20)
		len += (size_t)sprintf(text + len, "%u:%u ", block.head.kind,
				       block.head.type);
	return text;
}

static void
blocks_are(struct live *live, const char *owner, const char *want, const char *what)
{
	struct node node;

	if (!is_int(find(live, "z.test", owner, &node), 0, "%s is there", owner))
		return;
	is(node_check(&node), NULL, "and is whole");
	is(blocks_of(&node), want, "%s", what);
}

/* ---- bad values ---- */

static void
test_bad_values(void)
{
	struct zone_records *zone = redis_zone("z.test"), *edit;
	struct live *live;
	struct node node;

	zone_put(zone, "www.z.test", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "www.z.test", 60, RRTYPE_TXT, "s", "x");
	zone_put(zone, "alias.z.test", 60, RRTYPE_CNAME, "n", "www.z.test");
	zone_put(zone, "cut.z.test", 60, RRTYPE_NS, "n", "ns.test");
	put_provenance(zone, "www.z.test", 1);
	put_provenance(zone, "nothing.z.test", 2);
	zone_done(zone);
	live = open_with(new_dir(), &zone, 1);
	blocks_are(live, "nothing.z.test", "9:0 ", "a name with its provenance alone");

	edit = no_records("z.test");
	put_bad(edit, "www.z.test", RRTYPE_A);
	put_bad(edit, "www.z.test", RRTYPE_AAAA);
	zone_put(edit, "www.z.test", 60, RRTYPE_TXT, "s", "y");
	put_alone(live, "z.test", edit);
	blocks_are(live, "www.z.test", "1:16 1:1 7:1 7:28 ",
		   "a bad RRset keeps what was served, or is known to be bad");
	is_int(facts_of(live, "z.test").fault_count, 2, "both are counted");
	is_int(facts_of(live, "z.test").record_count, 6, "and so are records");

	edit = no_records("z.test");
	put_bad(edit, "www.z.test", 0);
	put_alone(live, "z.test", edit);
	blocks_are(live, "www.z.test", "1:16 1:1 7:255 ",
		   "with everything bad, all that was served goes on");

	edit = no_records("z.test");
	put_bad(edit, "new.z.test", 0);
	put_alone(live, "z.test", edit);
	blocks_are(live, "new.z.test", "7:0 ", "a name that never was good fails");
	edit = no_records("z.test");
	put_bad(edit, "new.z.test", 0);
	put_alone(live, "z.test", edit);
	blocks_are(live, "new.z.test", "7:0 ", "and again");

	edit = no_records("z.test");
	put_bad(edit, "alias.z.test", RRTYPE_CNAME);
	put_alone(live, "z.test", edit);
	blocks_are(live, "alias.z.test", "1:5 7:5 ", "an old alias alone is kept");
	edit = no_records("z.test");
	put_bad(edit, "alias.z.test", RRTYPE_CNAME);
	zone_put(edit, "alias.z.test", 60, RRTYPE_A, "4", 1);
	put_alone(live, "z.test", edit);
	blocks_are(live, "alias.z.test", "1:1 7:5 ", "but not beside new data");

	edit = no_records("z.test");
	put_bad(edit, "cut.z.test", 0);
	put_alone(live, "z.test", edit);
	if (find(live, "z.test", "cut.z.test", &node) == 0)
		ok(node.head.flags & NODE_HAS_NS, "what is kept of a cut is a cut");
	zone = redis_zone("z.test");
	put_bad(zone, "cut.z.test", 0);
	put_bad(zone, "www.z.test", RRTYPE_TXT);
	zone_put(zone, "alias.z.test", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	ok(live_begin(live) == 0 && live_put_zone(live, zone) == 0 &&
		   live_commit(live) == 0,
	   "the zone is replaced as a whole");
	blocks_are(live, "cut.z.test", "1:2 7:255 ",
		   "old data of the earlier zone is kept");
	blocks_are(live, "www.z.test", "1:16 7:16 ", "of one type too");
	is_int(facts_of(live, "z.test").record_count, 5, "all of it is counted");
	is_int(facts_of(live, "z.test").cut_depths[0], 1 << 3, "the cut is looked for");
	is_int(find(live, "z.test", "nothing.z.test", &node), ERR_NOTFOUND,
	       "what it no longer has is gone");
	zone_records_free(zone);
	live_close(live);
}

/* The same when everything is read anew: into a builder, over a generation and its
 * overlay. */
static void
test_bad_values_in_a_build(void)
{
	struct zone_records *zone = redis_zone("z.test"), *edit = no_records("z.test");
	const struct builder_seal_options options = { .id = 2 };
	struct generation_manifest manifest;
	char old_dir[2000], reason[512];
	struct builder *builder;
	struct live *live;
	const char *dir;

	snprintf(old_dir, sizeof old_dir, "%s", new_dir());
	zone_put(zone, "www.z.test", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	live = open_with(old_dir, &zone, 1);
	zone_put(edit, "x.cut.z.test", 60, RRTYPE_NS, "n", "ns.test");
	put_alone(live, "z.test", edit);
	live_close(live);

	zone = redis_zone("z.test");
	put_bad(zone, "www.z.test", RRTYPE_A);
	put_bad(zone, "x.cut.z.test", RRTYPE_NS);
	zone_done(zone);
	dir = new_dir();
	if (builder_new(old_dir, NULL, NULL, &builder) != 0 ||
	    builder_add(builder, zone, false) != 0 ||
	    builder_seal(builder, dir, &options, &manifest, reason) != 0)
		bail_out("no build");
	builder_free(builder);
	zone_records_free(zone);
	if (live_open(dir, 1000, &live) != 0)
		bail_out("not open");
	blocks_are(live, "www.z.test", "1:1 7:1 ", "what the generation had is kept");
	blocks_are(live, "x.cut.z.test", "1:2 7:2 ", "what its overlay had, too");
	is_int(facts_of(live, "z.test").record_count, 4, "and is counted");
	is_int(facts_of(live, "z.test").cut_depths[0], 1 << 4, "and looked for");
	live_close(live);
}

/* ---- errors and notes ---- */

static void
test_refusals(void)
{
	static const char *const path = "redis";
	const struct zone_source source = { SOURCE_REDIS, 0, &path, 1 };
	struct zone_records *zone = redis_zone("z.test"), *other,
			    *soa = soa_alone("z.test", 9);
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = wire_of("z.test", name);
	struct live_edit edit;
	struct block block;
	struct live *live;
	struct node apex;
	char value[8];

	zone_done(zone);
	live = open_with(new_dir(), &zone, 1);
	is_int(live_begin(live), 0, "begin");
	is_int(live_drop_zone(live, (const uint8_t *)"\4none", 6), ERR_NOTFOUND,
	       "a zone that is not there cannot be dropped");
	is_int(live_edit_begin(live, (const uint8_t *)"\4none", 6, &edit), ERR_NOTFOUND,
	       "nor edited");
	is_int(live_edit_begin(live, name, len, &edit), 0, "one that is there can be");
	other = no_records("other.test");
	zone_put(other, "www.other.test", 60, RRTYPE_A, "4", 1);
	is_int(live_put_owner(&edit, other, other->records), ERR_RANGE,
	       "another zone's name does not go into it");
	is_int(live_put_owner(&edit, soa, soa->records), ERR_RANGE, "nor does its apex");
	is_int(live_drop_owner(&edit, name, len), ERR_RANGE,
	       "which is not dropped either");
	is_int(live_edit_end(&edit, other, LIVE_APEX_SOA), ERR_FORMAT,
	       "without a SOA an edit does not end");
	is_int(live_set_error(live, name, len, "why not"), 0, "it gets an error");
	is_int(live_break_zone(live, name, len, &source, "bad"), ERR_EXISTS,
	       "it is not broken while it is served");
	len = wire_of("broken.test", name);
	is_int(live_break_zone(live, name, len, &source, "bad"), 0, "a new zone can be");
	is_int(live_note(live, "cursor", "1-1", 3), 0, "a note");
	is_int(live_commit(live), 0, "commit");
	is(live_zone(live, name, len, &apex) == 0 ? node_check(&apex) : "nothing", NULL,
	   "the broken zone's apex is whole");
	is_int(live_edit_begin(live, name, len, &edit), ERR_FORMAT,
	       "a broken zone is not edited");
	len = wire_of("z.test", name);
	ok(live_zone(live, name, len, &apex) == 0 && node_check(&apex) == NULL &&
		   node_find_block(&apex, BLOCK_ERROR, 0, &block) && block.head.len == 7,
	   "the error is there");
	is_int(live_read_note(live, "cursor", value, sizeof value), 3,
	       "the note is read");
	ok(live_begin(live) == 0 && live_edit_begin(live, name, len, &edit) == 0 &&
		   live_edit_end(&edit, soa, LIVE_APEX_SOA) == 0 &&
		   live_commit(live) == 0,
	   "an edit without an error");
	ok(live_zone(live, name, len, &apex) == 0 &&
		   !node_find_block(&apex, BLOCK_ERROR, 0, &block),
	   "the error is gone");
	is_int(facts_of(live, "z.test").serial, 9, "the serial is the SOA's");
	zone_records_free(other);
	zone_records_free(soa);
	live_close(live);
}

/* ---- zones that are signed ---- */

static const char place_of_nsec3[] = "0000000000000000000000000000000a.z.test";

static struct zone_records *
signed_zone(bool is_nsec3)
{
	struct zone_records *zone = zone_make("z.test");

	zone_put_sig(zone, "z.test", 7200, RRTYPE_SOA, "z.test");
	zone_put(zone, "www.z.test", 60, RRTYPE_A, "4", 1);
	zone_put_sig(zone, "www.z.test", 60, RRTYPE_A, "z.test");
	if (is_nsec3) {
		zone_put(zone, "z.test", 0, RRTYPE_NSEC3PARAM, "112x", 1, 0, 0, "00");
		zone_put(zone, place_of_nsec3, 300, RRTYPE_NSEC3, "x",
			 "010000000014"
			 "0000000000000000000000000000000000000000"
			 "000140");
		zone_put_sig(zone, place_of_nsec3, 300, RRTYPE_NSEC3, "z.test");
	} else {
		zone_put(zone, "www.z.test", 300, RRTYPE_NSEC, "nx", "z.test", "000140");
		zone_put(zone, "z.test", 300, RRTYPE_NSEC, "nx", "www.z.test", "000122");
	}
	zone_done(zone);
	return zone;
}

static void
test_signed(bool is_nsec3)
{
	struct zone_records *zone = zone_make("z.test"), *with = signed_zone(is_nsec3);
	uint8_t name[DNAME_MAX + NAME_PAD];
	uint32_t space = is_nsec3 ? NSEC3_SPACE : 0;
	struct live_edit edit;
	struct zone_facts facts;
	struct live *live;
	struct node node;

	zone_done(zone);
	live = open_with(new_dir(), &zone, 1);
	ok(live_begin(live) == 0 && live_put_zone(live, with) == 0 &&
		   live_commit(live) == 0,
	   "a signed zone is put");
	facts = facts_of(live, "z.test");
	is_int(facts.flags, ZONE_SIGNED | (is_nsec3 ? ZONE_NSEC3 : ZONE_NSEC),
	       "its facts");
	(void)wire_of(is_nsec3 ? "zzz.z.test" : "x.z.test", name);
	ok(overlay_chain_before(live_overlay(live), facts.zone_id | space, name, &node) ==
			   0 &&
		   node.head.zone_id == (facts.zone_id | space) &&
		   node.head.owner_len ==
			   wire_of(is_nsec3 ? place_of_nsec3 : "www.z.test", name) &&
		   memcmp(node_owner(&node), name, node.head.owner_len) == 0,
	   "what stands last in its chain is found");
	is_int(overlay_chain_before(live_overlay(live), facts.zone_id | space, name,
				    &node),
	       ERR_NOTFOUND, "nothing that can be asked for stands before it");
	is_int(live_edit_begin(live, with->origin, with->origin_len, &edit), ERR_FORMAT,
	       "what was signed elsewhere is not edited");
	live_close(live);
	zone_records_free(with);
}

/* ---- what it costs ---- */

static struct zone_records *
large_zone(void)
{
	struct zone_records *zone = redis_zone("z.test");
	char owner[64];

	for (unsigned i = 0; i < MANY; i++) {
		sprintf(owner, "h%06u.below.z.test", i);
		zone_put(zone, owner, 60, RRTYPE_A, "4", i);
		sprintf(owner, "d%06u.z.test", i);
		zone_put(zone, owner, 60, RRTYPE_NS, "n", "ns.glue.z.test");
	}
	zone_put(zone, "ns.glue.z.test", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "*.wild.z.test", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	return zone;
}

/* One name changes; so much does the overlay grow. */
static void
costs(struct live *live, struct zone_records *records, const char *drop, unsigned names,
      const char *what)
{
	uint64_t before = overlay_count(live_overlay(live));

	if (records)
		put_alone(live, "z.test", records);
	else
		drop_alone(live, "z.test", drop);
	is_int(overlay_count(live_overlay(live)) - before, names, "%s", what);
}

static void
test_costs(void)
{
	struct zone_records *zone = large_zone(), *edit;
	struct live *live = open_with(new_dir(), &zone, 1);
	struct node node;

	edit = no_records("z.test");
	zone_put(edit, "below.z.test", 60, RRTYPE_NS, "n", "ns.test");
	costs(live, edit, NULL, 2, "a cut above 100,000 names: itself and the apex");
	ok(find(live, "z.test", "below.z.test", &node) == 0 &&
		   node.head.child_count == MANY,
	   "which goes on knowing how many they are");
	ok(facts_of(live, "z.test").cut_depths[0] & 1 << 3, "and is looked for");
	costs(live, NULL, "below.z.test", 0, "the cut is gone: nothing new");
	ok(find(live, "z.test", "below.z.test", &node) == 0 &&
		   node.head.flags == NODE_EMPTY,
	   "the name stays for those below it");
	edit = no_records("z.test");
	zone_put(edit, "ns.glue.z.test", 60, RRTYPE_A, "4", 2);
	costs(live, edit, NULL, 1, "glue of 100,000 delegations: itself");
	costs(live, NULL, "*.wild.z.test", 2, "a wildcard and the empty name above it");
	is_int(find(live, "z.test", "wild.z.test", &node), ERR_NOTFOUND, "both are gone");
	edit = no_records("z.test");
	zone_put(edit, "x.*.y.wild.z.test", 60, RRTYPE_A, "4", 1);
	costs(live, edit, NULL, 3, "a name below three that were not there");
	ok(find(live, "z.test", "y.wild.z.test", &node) == 0 &&
		   (node.head.flags & NODE_HAS_WILDCARD),
	   "one of them a wildcard");
	costs(live, NULL, "x.*.y.wild.z.test", 0, "and gone again");
	is_int(find(live, "z.test", "wild.z.test", &node), ERR_NOTFOUND, "with all four");
	is_int(facts_of(live, "z.test").name_count, 2 * MANY + 4,
	       "as many names as before");
	live_close(live);
}

/* A large change set leaves nothing behind in our memory. */
static void
test_memory(void)
{
	struct zone_records *small = redis_zone("small.test"), *zone = large_zone();
	struct live *live;
	size_t before;

	zone_done(small);
	live = open_with(new_dir(), &small, 1);
	before = mallinfo2().uordblks;
	ok(live_begin(live) == 0 && live_put_zone(live, zone) == 0 &&
		   live_commit(live) == 0,
	   "200,000 names in one change set");
	ok(mallinfo2().uordblks < before + (4 << 20),
	   "take no memory once they are committed");
	is_int(facts_of(live, "z.test").name_count, 2 * MANY + 6, "and are there");
	zone_records_free(zone);
	live_close(live);
}

/* A disk that takes no more: here, a limit to the size of files. */
static void
test_full_disk(void)
{
	struct zone_records *small = redis_zone("small.test"), *zone = large_zone();
	struct rlimit old, limit;
	struct live *live;

	zone_done(small);
	live = open_with(new_dir(), &small, 1);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 1 << 20;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	ok(live_begin(live) == 0 && live_put_zone(live, zone) == 0, "much is put");
	is_int(live_commit(live), ERR_NOSPACE, "and finds no room at the commit");
	is_int(facts_of(live, "small.test").name_count, 1, "what was there is read");
	is_int(facts_of(live, "z.test").name_count, 0, "nothing of the set is");
	zone_records_free(zone);
	zone = redis_zone("z.test");
	zone_done(zone);
	ok(live_begin(live) == 0 && live_put_zone(live, zone) == 0 &&
		   live_commit(live) == 0,
	   "what finds room is committed");
	setrlimit(RLIMIT_FSIZE, &old);
	is_int(facts_of(live, "z.test").name_count, 1, "and read");
	zone_records_free(zone);
	live_close(live);
}

/* ---- another process ---- */

static int
count(void *context, const struct node *node)
{
	(void)node;
	++*(unsigned *)context;
	return 0;
}

/* Exit status 0: the snapshot has what was committed. */
static int
look(const char *dir)
{
	struct zone_facts facts;
	struct live *live;
	unsigned names = 0;
	struct node node;

	if (live_open_snapshot(dir, &live) != 0)
		return 1;
	facts = facts_of(live, "z.test");
	if (live_walk_zone(live, facts.zone_id, count, &names) != 0 || names != 1)
		return 2;
	if (find(live, "z.test", "www.z.test", &node) != 0)
		return 3;
	live_close(live);
	return 0;
}

static int
look_elsewhere(const char *dir)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(look(dir));
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void
test_snapshot(void)
{
	struct zone_records *zone = redis_zone("z.test"), *edit = no_records("z.test");
	char dir[2000];
	struct live *live;
	unsigned names = 0;

	snprintf(dir, sizeof dir, "%s", new_dir());
	zone_put(zone, "old.z.test", 60, RRTYPE_A, "4", 1);
	zone_done(zone);
	live = open_with(dir, &zone, 1);
	drop_alone(live, "z.test", "old.z.test");
	zone_put(edit, "www.z.test", 60, RRTYPE_A, "4", 1);
	put_alone(live, "z.test", edit);
	is_int(look_elsewhere(dir), 0, "another process reads what was committed");
	live_close(live);

	zone = redis_zone("z.test");
	zone_done(zone);
	snprintf(dir, sizeof dir, "%s", new_dir());
	live_close(open_with(dir, &zone, 1));
	snprintf(dir + strlen(dir), 10, "/overlay");
	ok(unlink(scratch_path(dir, "data.mdb")) == 0 &&
		   unlink(scratch_path(dir, "lock.mdb")) == 0 &&
		   unlink(scratch_path(dir, "filter")) == 0 && rmdir(dir) == 0,
	   "an overlay is lost");
	*strrchr(dir, '/') = '\0';
	ok(live_open_snapshot(dir, &live) == 0 && !live_overlay(live) &&
		   live_walk_zones(live, count, &names) == 0 && names == 1,
	   "without an overlay there is the generation");
	live_close(live);
}

int
main(void)
{
	scratch = scratch_dir_make();
	test_bad_values();
	test_bad_values_in_a_build();
	test_refusals();
	test_signed(false);
	test_signed(true);
	test_costs();
	test_memory();
	test_full_disk();
	test_snapshot();
	scratch_dir_free(scratch);
	return done_testing();
}
