/* Answers from a generation and its overlay: what was changed, added and deleted live is
 * answered as if it had been sealed so, from the batch behind the commit on. */
#include "loader/store/live.h"
#include "shm/dns.h"
#include "t/ask_store.h"
#include "t/live_store.h"
#include "t/scratch_dir.h"
#include "t/zone_maker.h"
#include "t/zone_seal.h"

enum { ANCOUNT_AT = 6 };

/* ---- the data ---- */

static void
put_address(struct zone_records *zone, const char *owner, unsigned address)
{
	zone_put(zone, owner, 300, RRTYPE_A, "4", address);
}

static struct zone_records *
changing_zone(bool is_new)
{
	struct zone_records *zone = zone_make("changing.test");

	put_address(zone, "same.changing.test", 1);
	put_address(zone, "changed.changing.test", is_new ? 2 : 1);
	put_address(zone, "a.wild.changing.test", 1);
	if (is_new) {
		put_address(zone, "added.changing.test", 2);
		put_address(zone, "x.y.deep.changing.test", 2);
		put_address(zone, "below.cut.changing.test", 2);
		zone_put(zone, "cut.changing.test", 300, RRTYPE_NS, "n",
			 "below.cut.changing.test");
		zone_put(zone, "moved.changing.test", 300, RRTYPE_DNAME, "n",
			 "changing.test");
	} else {
		put_address(zone, "deleted.changing.test", 1);
		put_address(zone, "only.ent.changing.test", 1);
		put_address(zone, "b.wild.changing.test", 1);
		put_address(zone, "b.cut.changing.test", 1);
		put_address(zone, "b.moved.changing.test", 1);
	}
	put_address(zone, "*.wild.changing.test", 7);
	zone_done(zone);
	return zone;
}

static struct zone_records *
small_zone(const char *origin, const char *www)
{
	struct zone_records *zone = zone_make(origin);

	put_address(zone, www, 1);
	zone_done(zone);
	return zone;
}

static void
seal(const char *dir, bool is_new)
{
	struct zone_records *zones[] = {
		changing_zone(is_new),
		is_new ? small_zone("new.deep.er.test", "www.new.deep.er.test")
		       : small_zone("gone.test", "www.gone.test"),
		small_zone("quiet.test", "www.quiet.test"),
	};

	zone_seal(dir, zones, sizeof zones / sizeof zones[0]);
}

/* ---- what is asked ---- */

/* rcode and records of the answer section, without and with the changes. */
static const struct question {
	const char *name;
	uint16_t type;
	int old_rcode, old_count, new_rcode, new_count;
	const char *what;
} questions[] = {
	{ "same.changing.test", TYPE_A, 0, 1, 0, 1, "an unchanged name" },
	{ "changed.changing.test", TYPE_A, 0, 1, 0, 1, "a changed one" },
	{ "added.changing.test", TYPE_A, 3, 0, 0, 1, "an added one" },
	{ "deleted.changing.test", TYPE_A, 0, 1, 3, 0, "a deleted one" },
	{ "x.y.deep.changing.test", TYPE_A, 3, 0, 0, 1, "one below new empty names" },
	{ "y.deep.changing.test", TYPE_A, 3, 0, 0, 0, "a new empty name" },
	{ "z.deep.changing.test", TYPE_A, 3, 0, 3, 0, "nothing below a new empty name" },
	{ "ent.changing.test", TYPE_A, 0, 0, 3, 0, "an empty name that is gone" },
	{ "a.wild.changing.test", TYPE_A, 0, 1, 0, 1, "a name beside a wildcard" },
	{ "a.wild.changing.test", TYPE_TXT, 0, 0, 0, 0, "and another type of it" },
	{ "b.wild.changing.test", TYPE_A, 0, 1, 0, 1, "a deleted one: the wildcard's" },
	{ "x.b.wild.changing.test", TYPE_A, 3, 0, 0, 1,
	  "below it: now the wildcard's too" },
	{ "b.cut.changing.test", TYPE_A, 0, 1, 0, 0, "below a new cut: a referral" },
	{ "cut.changing.test", TYPE_A, 0, 0, 0, 0, "the cut" },
	{ "b.moved.changing.test", TYPE_A, 0, 1, 3, 2, "below a new DNAME" },
	{ "changing.test", TYPE_NS, 0, 1, 0, 1, "the apex" },
	{ "www.gone.test", TYPE_A, 0, 1, 5, 0, "a zone that is gone" },
	{ "gone.test", TYPE_SOA, 0, 1, 5, 0, "its apex" },
	{ "www.new.deep.er.test", TYPE_A, 5, 0, 0, 1,
	  "a new zone, deeper than all others" },
	{ "x.new.deep.er.test", TYPE_A, 5, 0, 3, 0, "nothing in it" },
	{ "www.quiet.test", TYPE_A, 0, 1, 0, 1, "a zone that nothing happened to" },
};

enum { QUESTIONS = sizeof questions / sizeof questions[0] };

static bool
is_answered(const struct answer *answer, int rcode, int count)
{
	return answer->len > 12 && (answer->packet[3] & 15) == rcode &&
	       wire_get_u16(answer->packet + ANCOUNT_AT) == count;
}

static void
test_questions(struct zone_store *store, bool is_new)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		const struct question *want = &questions[i];
		struct answer got;

		ask_store(store, want->name, want->type, &got);
		ok(is_answered(&got, is_new ? want->new_rcode : want->old_rcode,
			       is_new ? want->new_count : want->old_count),
		   "%s", want->what);
	}
}

static void
test_sameness(struct zone_store *live, struct zone_store *sealed)
{
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct answer one, other;

		ask_store(live, questions[i].name, questions[i].type, &one);
		ask_store(sealed, questions[i].name, questions[i].type, &other);
		ok(one.len == other.len && memcmp(one.packet, other.packet, one.len) == 0,
		   "%s, as if it had been sealed", questions[i].what);
	}
}

/* Queries of one batch see what was committed before it, and all of that. */
static void
test_commit_between_batches(const char *old_dir, const char *new_dir)
{
	struct zone_store live, sealed;

	if (zone_store_init(old_dir, &live) != 0 ||
	    zone_store_init(new_dir, &sealed) != 0)
		bail_out("no stores");
	ok(live.overlay.env && !live.overlay.active,
	   "an empty overlay is open, and not asked");
	test_questions(&live, false);
	live_store_change(old_dir, new_dir);
	diag("committed");
	test_questions(&live, true);
	test_sameness(&live, &sealed);
	zone_store_rest(&live);
	ok(!live.overlay.reading, "at rest nothing is held");
	test_questions(&live, true);
	live_store_change(old_dir, old_dir);
	test_questions(&live, true); /* a commit without changes */
	zone_store_fini(&live);
	zone_store_fini(&sealed);
}

/* A store that is opened when the changes are there already, without a filter. */
static void
test_without_filter(const char *old_dir)
{
	struct zone_store live;
	char path[4300];

	snprintf(path, sizeof path, "%s/overlay/filter", old_dir);
	ok(unlink(path) == 0, "the filter is lost");
	if (zone_store_init(old_dir, &live) != 0)
		bail_out("no store");
	test_questions(&live, true);
	zone_store_fini(&live);
}

static void
test_without_overlay(const char *dir)
{
	struct zone_store store;

	if (!is_int(zone_store_init(dir, &store), 0,
		    "a generation without an overlay opens"))
		return;
	ok(!store.overlay.env, "its view is empty");
	test_questions(&store, true);
	zone_store_fini(&store);
}

/* Labels whose value is bad as a whole: one that was served, and a new one. */
static void
put_bad_labels(const char *dir)
{
	static const char *const names[] = { "same.changing.test",
					     "newly.changing.test" };
	struct zone_records *bad = changing_zone(true);
	struct live_edit edit;
	struct live *live;

	bad->count = 0;
	for (unsigned i = 0; i < 2; i++) {
		uint8_t name[DNAME_MAX];
		size_t len = dname_from_text(names[i], name);

		if (zone_records_add_mark(bad, name, len, ZONE_MARK_BAD, 0, "bad", 3) !=
		    0)
			bail_out("no memory");
	}
	zone_put(bad, "changing.test", 300, TYPE_SOA, "nn44444", "a.test", "b.test", 2, 1,
		 1, 1, 1);
	if (live_open(dir, 100, &live) != 0 || live_begin(live) != 0 ||
	    live_edit_begin(live, bad->origin, bad->origin_len, &edit) != 0 ||
	    live_put_owner(&edit, bad, &bad->records[0]) != 0 ||
	    live_put_owner(&edit, bad, &bad->records[1]) != 0)
		bail_out("no edit");
	bad->records[0] = bad->records[2];
	bad->count = 1;
	if (live_edit_end(&edit, bad, LIVE_APEX_SOA) != 0 || live_commit(live) != 0)
		bail_out("no commit");
	live_close(live);
	zone_records_free(bad);
}

/* rcode and records of the answer section. */
static void
is_answer(struct zone_store *store, const char *name, uint16_t type, int rcode, int count,
	  const char *what)
{
	struct answer got;

	ask_store(store, name, type, &got);
	ok(is_answered(&got, rcode, count), "%s", what);
}

static void
test_bad_labels(const char *dir)
{
	struct zone_store store;

	put_bad_labels(dir);
	if (zone_store_init(dir, &store) != 0)
		bail_out("no store");
	is_answer(&store, "same.changing.test", TYPE_A, 0, 1,
		  "of a bad label older data");
	is_answer(&store, "same.changing.test", TYPE_ANY, 0, 1, "all of it");
	is_answer(&store, "same.changing.test", TYPE_TXT, 0, 0, "and nothing else");
	is_answer(&store, "newly.changing.test", TYPE_A, 2, 0,
		  "of one never served SERVFAIL");
	is_answer(&store, "newly.changing.test", TYPE_ANY, 2, 0, "for any type");
	is_answer(&store, "x.newly.changing.test", TYPE_A, 3, 0, "nothing is below it");
	zone_store_fini(&store);
}

int
main(void)
{
	char *scratch = scratch_dir_make(), *old_dir, *new_dir;

	if (asprintf(&old_dir, "%s/old", scratch) < 0 ||
	    asprintf(&new_dir, "%s/new", scratch) < 0)
		bail_out("no memory");
	seal(old_dir, false);
	seal(new_dir, true);
	live_store_change(old_dir, NULL);
	test_commit_between_batches(old_dir, new_dir);
	test_without_filter(old_dir);
	test_without_overlay(new_dir);
	test_bad_labels(new_dir);
	free(old_dir);
	free(new_dir);
	scratch_dir_free(scratch);
	return done_testing();
}
