/* Walking a generation with its overlay, and the digests of what was walked: what was
 * changed live is seen as if it had been sealed so. */
#include "loader/store/store_walk.h"

#include "loader/store/zone_digest.h"
#include "t/live_store.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"

enum { NAMES = 200 };

static struct zone_records *
make_zone(const char *origin, bool is_new)
{
	struct zone_records *zone = zone_make(origin);
	char owner[96];

	for (unsigned i = 0; i < NAMES; i++) {
		unsigned kind = i % 5;

		if (kind == (is_new ? 3 : 4))
			continue; /* deleted, added */
		sprintf(owner, "n%03u.%s", i, origin);
		zone_put(zone, owner, 300, RRTYPE_A, "4", kind == 2 && is_new ? 2 : 1);
	}
	zone_done(zone);
	return zone;
}

/* Zones "same", "changed", and one that only one of them has. */
static void
seal(const char *dir, bool is_new)
{
	struct zone_records *zones[] = {
		make_zone("changed.test", is_new),
		make_zone("same.test", false),
		make_zone(is_new ? "z.test" : "a.test", is_new),
	};

	zone_seal(dir, zones, sizeof zones / sizeof zones[0]);
}

static struct store_cursor *
open_cursor(struct store_walk *walk, uint32_t zone_id)
{
	struct store_cursor *cursor;

	if (store_cursor_open(walk, zone_id, &cursor) != 0)
		bail_out("no cursor");
	return cursor;
}

/* Do both give the same nodes under a zone id?  returns how many, or -1. */
static int
compare_ids(struct store_walk *a, struct store_walk *b, uint32_t zone_id)
{
	struct store_cursor *one = open_cursor(a, zone_id),
			    *other = open_cursor(b, zone_id);
	struct node node, like;
	int count = 0, rc, like_rc;

	while ((rc = store_cursor_next(one, &node)) == 0 &&
	       store_cursor_next(other, &like) == 0 && live_store_same(&node, &like))
		count++;
	like_rc = store_cursor_next(other, &like);
	store_cursor_close(one);
	store_cursor_close(other);
	return rc == ERR_NOTFOUND && like_rc == ERR_NOTFOUND ? count : -1;
}

static int
find(struct store_walk *walk, uint32_t zone_id, const char *text)
{
	uint8_t name[DNAME_MAX];
	struct node node;

	if (dname_from_text(text, name) == 0)
		bail_out("%s is no name", text);
	return store_walk_find(walk, zone_id, name, &node);
}

static void
test_merged(struct store_walk *live, struct store_walk *sealed)
{
	is_int(compare_ids(live, sealed, CATALOGUE_ID), 3, "the same three zones");
	for (uint32_t id = 1; id <= 3; id++)
		ok(compare_ids(live, sealed, id) > NAMES / 2, "and names of zone id %u",
		   (unsigned)id);
	is_int(find(live, CATALOGUE_ID, "z.test"), 0, "a zone that was added is found");
	is_int(find(live, CATALOGUE_ID, "a.test"), ERR_NOTFOUND,
	       "one that was deleted is not");
	is_int(find(live, CATALOGUE_ID, "same.test"), 0, "one that stands is");
}

/* From each name on, and from where one would stand, there is the rest. */
static void
test_from(struct store_walk *live)
{
	static const char *const names[] = { "changed.test", "same.test", "z.test" };
	static const struct {
		const char *from;
		unsigned first;
	} cases[] = { { ".", 0 },           { "changed.test", 0 }, { "d.test", 1 },
		      { "a.same.test", 2 }, { "z.test", 2 },       { "zz.test", 3 } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint8_t name[DNAME_MAX], expected[DNAME_MAX];
		struct store_cursor *cursor;
		unsigned at = cases[i].first;
		struct node node;
		bool is_right = true;

		if (dname_from_text(cases[i].from, name) == 0 ||
		    store_cursor_open_at(live, CATALOGUE_ID, name, &cursor) != 0)
			bail_out("no cursor at %s", cases[i].from);
		for (; store_cursor_next(cursor, &node) == 0; at++)
			is_right = is_right && at < 3 &&
				   dname_from_text(names[at], expected) ==
					   node.head.owner_len &&
				   memcmp(expected, node_owner(&node),
					  node.head.owner_len) == 0;
		store_cursor_close(cursor);
		ok(is_right && at == 3, "zones from %s on", cases[i].from);
	}
}

struct digests {
	uint64_t sums[3], total, records;
};

static void
make_digests(struct store_walk *walk, struct digests *out)
{
	struct store_cursor *cursor = open_cursor(walk, CATALOGUE_ID);
	struct zone_digest digest;
	struct node apex;

	memset(out, 0, sizeof *out);
	for (unsigned i = 0; i < 3 && store_cursor_next(cursor, &apex) == 0; i++) {
		if (zone_digest_make(walk, &apex, &digest, NULL, NULL) != 0)
			bail_out("no digest");
		out->sums[i] = digest.sum;
		out->total += zone_digest_of_zone(&apex, digest.sum);
		out->records += digest.record_count;
	}
	store_cursor_close(cursor);
}

static void
test_digests(struct store_walk *live, struct store_walk *sealed, struct store_walk *old)
{
	struct digests a, b, before;

	make_digests(live, &a);
	make_digests(sealed, &b);
	make_digests(old, &before);
	ok(a.total == b.total && a.total != 0, "the digest tells what is served");
	ok(a.total != before.total, "and that it has changed");
	is_int(a.records, b.records, "records are counted");
	ok(a.sums[1] == before.sums[2], "a zone that is the same has the same digest");
	ok(a.sums[0] != before.sums[1], "one that was changed has another");
}

static int
take_note(void *context, const struct store_note *note)
{
	char *text = context;

	sprintf(text + strlen(text), "%.*s=%.*s|", (int)note->name_len, note->name,
		(int)note->value_len, (const char *)note->value);
	return 0;
}

static int
stop_at_once(void *context, const struct store_note *note)
{
	(void)note;
	++*(int *)context;
	return ERR_BUSY;
}

static void
test_notes(const char *dir)
{
	char path[4200], text[256] = "";
	struct generation gen;
	struct overlay *overlay;
	struct store_walk *walk;
	int visits = 0;

	snprintf(path, sizeof path, "%s/overlay", dir);
	if (generation_open(dir, GENERATION_LAZY, &gen) != 0 ||
	    overlay_open(path, &gen, 10, &overlay) != 0 || overlay_begin(overlay) != 0 ||
	    overlay_note(overlay, "held/2", "two", 3) != 0 ||
	    overlay_note(overlay, "held/1", "one", 3) != 0 ||
	    overlay_note(overlay, "hele", "not", 3) != 0 || overlay_commit(overlay) != 0)
		bail_out("no notes");
	overlay_close(overlay);
	generation_close(&gen);
	if (store_walk_open_live(dir, &walk) != 0)
		bail_out("no walk");
	is_int(store_walk_notes(walk, "held/", take_note, text), 0, "notes are found");
	is(text, "held/1=one|held/2=two|", "those with the prefix, in order");
	is_int(store_walk_notes(walk, "held/", stop_at_once, &visits), ERR_BUSY,
	       "a visit ends it");
	is_int(visits, 1, "at once");
	is_int(store_walk_notes(walk, "nothing", take_note, text), 0, "none is no error");
	store_walk_close(walk);
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	struct store_walk *live, *sealed, *old;
	char old_dir[4096], new_dir[4096], text[8] = "";

	snprintf(old_dir, sizeof old_dir, "%s/old", scratch);
	snprintf(new_dir, sizeof new_dir, "%s/new", scratch);
	seal(old_dir, false);
	seal(new_dir, true);
	live_store_change(old_dir, new_dir);
	if (store_walk_open(new_dir, &sealed) != 0 || store_walk_open(old_dir, &old) != 0)
		bail_out("no walks");
	if (store_walk_open_live(old_dir, &live) != 0)
		bail_out("no live walk");
	test_merged(live, sealed);
	test_from(live);
	test_digests(live, sealed, old);
	is_int(store_walk_notes(sealed, "", take_note, text), 0,
	       "what has no overlay has no notes");
	store_walk_close(live);
	store_walk_close(old);
	store_walk_close(sealed);
	if (store_walk_open_live(new_dir, &sealed) != 0)
		bail_out("no walk");
	is_int(find(sealed, CATALOGUE_ID, "same.test"), 0,
	       "a generation without an overlay is walked, too");
	store_walk_close(sealed);
	test_notes(old_dir);
	scratch_dir_free(scratch);
	return done_testing();
}
