/* The parts of the follower that need no server: entries, sets, queues, guard, holding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/change_entry.h"
#include "loader/redis/change_set.h"
#include "loader/redis/dirty_zones.h"
#include "loader/redis/held.h"
#include "loader/redis/key_table.h"
#include "loader/redis/shrink_guard.h"
#include "shm/errcode.h"
#include "t/tap.h"

enum { WORDS_MAX = 64 };

struct words {
	struct redis_text items[WORDS_MAX];
	size_t count;
	char pool[512];
};

/* Cut at single spaces; "\" alone is an empty word. */
static void
cut(const char *line, struct words *out)
{
	snprintf(out->pool, sizeof out->pool, "%s", line);
	out->count = 0;
	for (char *save, *at = strtok_r(out->pool, " ", &save); at;
	     at = strtok_r(NULL, " ", &save))
		out->items[out->count++] =
			at[0] == '\\' ? (struct redis_text){ "", 0 }
				      : (struct redis_text){ at, strlen(at) };
}

static struct redis_text
text(const char *bytes)
{
	return (struct redis_text){ bytes, strlen(bytes) };
}

/* ---- entries ---- */

static void
describe(const char *entry_text, char out[512], size_t *bad)
{
	struct words in;
	struct change_entry entry;
	struct change_item item;

	cut(entry_text, &in);
	out[0] = '\0';
	change_entry_open(&entry, in.items, in.count);
	while (change_entry_next(&entry, &item))
		snprintf(out + strlen(out), 512 - strlen(out), "%s%.*s%s%.*s",
			 *out ? ", " : "", (int)item.zone.len,
			 item.zone.bytes ? item.zone.bytes : "",
			 item.kind == CHANGE_WHOLE    ? "*"
			 : item.kind == CHANGE_CONFIG ? "!"
			 : item.kind == CHANGE_LIST   ? "list"
						      : "/",
			 (int)item.label.len,
			 item.kind == CHANGE_LABEL ? item.label.bytes : "");
	*bad = entry.bad;
}

static void
test_entries(void)
{
	static const struct {
		const char *entry, *want;
		size_t bad;
	} cases[] = {
		{ "", "", 0 },
		{ "zone a. label www label @", "a./www, a./@", 0 },
		{ "zone a. label www zone b. config 1", "a./www, b.!", 0 },
		{ "zone a. zone b. zone c. label x", "a.*, b.*, c./x", 0 },
		{ "zone a.", "a.*", 0 },
		{ "zones 1", "list", 0 },
		{ "zones 1 zone a. label x", "a./x, list", 0 },
		{ "label www", "", 1 },
		{ "config 1 zone a. label x", "a./x", 1 },
		{ "zone a. colour red label x", "a./x", 1 },
		{ "zone a. colour red", "a.*", 1 },
		{ "zone a. label", "a.*", 1 },
		{ "zone \\ label x", "", 2 },
		{ "zone a. label \\", "a.*", 1 },
		{ "zone a. zone \\ label x", "a.*", 2 },
	};
	char got[512];
	size_t bad;

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		describe(cases[i].entry, got, &bad);
		is(got, cases[i].want, "entry '%s'", cases[i].entry);
		is_int(bad, cases[i].bad, "and what was not understood");
	}
}

static void
test_ids(void)
{
	static const char *const bad[] = {
		"",    "1",    "-",    "1-",   "-1",
		"a-1", "1-1x", " 1-1", "+1-1", "18446744073709551616-0"
	};
	struct change_id id, other = { 5, 1 };
	char out[CHANGE_ID_TEXT_MAX];

	ok(change_id_parse(text("1763700000000-17"), &id), "an id");
	change_id_print(id, out);
	is(out, "1763700000000-17", "and back");
	ok(change_id_parse(text("18446744073709551615-18446744073709551615"), &id),
	   "the last id that there is");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(!change_id_parse(text(bad[i]), &id), "no id: '%s'", bad[i]);
	ok(change_id_compare((struct change_id){ 4, 9 }, other) < 0 &&
		   change_id_compare((struct change_id){ 5, 2 }, other) > 0 &&
		   change_id_compare(other, other) == 0,
	   "their order");
}

/* ---- sets ---- */

static int
add(struct change_set *set, const char *entry, uint64_t seq)
{
	struct words in;
	size_t bad = 0;

	cut(entry, &in);
	return change_set_add(set, in.items, in.count, (struct change_id){ 1, seq },
			      &bad);
}

static enum change_relation
relate(const struct change_set *set, const char *entry)
{
	struct words in;

	cut(entry, &in);
	return change_set_relate(set, in.items, in.count);
}

static void
test_relations(void)
{
	static const struct {
		const char *entry;
		enum change_relation want;
	} cases[] = {
		{ "zone a. label www", CHANGE_INSIDE },
		{ "zone A. label www", CHANGE_INSIDE },
		{ "zone a label www", CHANGE_INSIDE },
		{ "zone a. label mail", CHANGE_APART },
		{ "zone a. label mail label www", CHANGE_OVERLAPS },
		{ "zone a. label www zone c. label x", CHANGE_OVERLAPS },
		{ "zone a.", CHANGE_OVERLAPS },
		{ "zone a. config 1", CHANGE_APART },
		{ "zone b. config 1 label x", CHANGE_INSIDE },
		{ "zone b.", CHANGE_INSIDE },
		{ "zone c.", CHANGE_APART },
		{ "zones 1", CHANGE_OVERLAPS },
	};
	struct change_set set = { .count = 0 };

	is_int(add(&set, "zone a. label www label @ zone b.", 1), 0, "a set is made");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is_int(relate(&set, cases[i].entry), cases[i].want, "later: '%s'",
		       cases[i].entry);
	change_set_widen(&set);
	is_int(relate(&set, "zone a. label mail config 1"), CHANGE_INSIDE,
	       "a zone that is read whole covers every label");
	change_set_fini(&set);
}

static uint32_t
zone_number(struct change_set *set, const char *name)
{
	uint8_t wire[DNAME_MAX];
	size_t len = dname_from_text(name, wire);

	return change_set_find(set, wire, len);
}

static void
test_parts(void)
{
	struct change_set set = { .count = 0 };
	uint32_t a, b, c, d, e;

	ok(add(&set, "zone a. label x zone b. label x", 1) == 0 &&
		   add(&set, "zone c. label x zone d. label x", 2) == 0 &&
		   add(&set, "zone e. label x", 3) == 0 &&
		   add(&set, "zone e. label y", 4) == 0,
	   "three parts");
	a = zone_number(&set, "a.");
	b = zone_number(&set, "b.");
	c = zone_number(&set, "c.");
	d = zone_number(&set, "d.");
	e = zone_number(&set, "e.");
	is_int(change_set_part(&set, a), change_set_part(&set, b), "zones of one entry");
	is_int(change_set_part(&set, c), change_set_part(&set, d), "of another");
	ok(change_set_part(&set, a) != change_set_part(&set, c) &&
		   change_set_part(&set, e) != change_set_part(&set, a),
	   "which have nothing to do with each other");
	is_int(add(&set, "zone b. label z zone d. label x", 5), 0,
	       "until an entry names both");
	is_int(change_set_part(&set, a), change_set_part(&set, c), "one part now");
	is_int(set.zones[e].id.seq, 4, "a zone has the id of its last entry");
	is_int(set.first.seq, 1, "the set begins with the first entry");
	is_int(set.last.seq, 5, "and ends with the last");
	change_set_fini(&set);
}

static void
test_wishes(void)
{
	struct redis_text labels[8];
	struct change_set set = { .count = 0 };
	struct redis_wish wish;

	ok(add(&set, "zone a. label www label @ label www", 1) == 0 &&
		   add(&set, "zone b. config 1", 2) == 0 &&
		   add(&set, "zone a. label x", 3) == 0,
	   "some entries");
	wish = change_set_wish(&set, zone_number(&set, "a."), labels);
	is_int(wish.label_count, 3, "each label once");
	is(wish.labels[0].bytes, "www", "in their order");
	is(wish.labels[2].bytes, "x", "with that of the later entry");
	ok(!wish.is_whole && !wish.wants_config, "and nothing else");
	wish = change_set_wish(&set, zone_number(&set, "b."), labels);
	ok(wish.wants_config && wish.label_count == 0 && !wish.is_whole,
	   "a config alone");
	is_int(add(&set, "zone a. label WWW", 4), 0, "a label in capitals");
	wish = change_set_wish(&set, zone_number(&set, "a."), labels);
	ok(wish.is_whole && wish.label_count == 0,
	   "only the whole zone tells which way to write a name counts");
	is_int(change_set_add_zone(&set, text("c.example")), 0, "a zone from an event");
	wish = change_set_wish(&set, zone_number(&set, "c.example."), labels);
	ok(wish.is_whole && strcmp(wish.zone.bytes, "c.example") == 0,
	   "is read whole, under its name as written");
	is_int(change_set_add_zone(&set, text("a..b")), ERR_SYNTAX, "what is no name");
	change_set_clear(&set);
	is_int(set.count, 0, "cleared");
	is_int(relate(&set, "zone a."), CHANGE_APART, "nothing is left of it");
	change_set_fini(&set);
}

static void
test_many_labels(void)
{
	struct change_set set = { .count = 0 };
	struct redis_wish wish;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i <= CHANGE_LABELS_MAX; i++) {
		char entry[64];

		snprintf(entry, sizeof entry, "zone a. label n%u", i);
		rc = add(&set, entry, i);
	}
	is_int(rc, 0, "more labels than are read one by one");
	wish = change_set_wish(&set, 0, NULL);
	ok(wish.is_whole, "are read as the whole zone");
	change_set_fini(&set);
}

/* ---- the queue ---- */

static void
test_dirty(void)
{
	struct dirty_zones dirty = { .limit = 3 };
	struct redis_text name;
	uint64_t since;

	dirty_zones_mark(&dirty, text("a."), 1);
	dirty_zones_mark(&dirty, text("b."), 2);
	dirty_zones_mark(&dirty, text("a."), 3);
	is_int(dirty.waiting, 2, "each zone once");
	ok(dirty_zones_take(&dirty, &name, &since) && strcmp(name.bytes, "a.") == 0 &&
		   since == 1,
	   "the oldest first, with the time of its first event");
	dirty_zones_mark(&dirty, text("a."), 4);
	ok(dirty_zones_take(&dirty, &name, &since) && strcmp(name.bytes, "b.") == 0,
	   "then the next");
	ok(dirty_zones_take(&dirty, &name, &since) && strcmp(name.bytes, "a.") == 0 &&
		   since == 4,
	   "one that was marked again comes again");
	ok(!dirty_zones_take(&dirty, &name, &since), "and none is left");
	dirty_zones_mark(&dirty, text("a."), 5);
	dirty_zones_mark(&dirty, text("b."), 5);
	dirty_zones_drop(&dirty, text("a."));
	is_int(dirty.waiting, 1, "what another reading covers waits no longer");
	dirty_zones_mark(&dirty, text("a."), 6);
	ok(dirty_zones_take(&dirty, &name, &since) && strcmp(name.bytes, "a.") == 0 &&
		   since == 6 && dirty_zones_take(&dirty, &name, &since) &&
		   !dirty_zones_take(&dirty, &name, &since),
	   "unless it is marked again");
	dirty_zones_mark(&dirty, text("a."), 7);
	dirty_zones_mark(&dirty, text("b."), 7);
	dirty_zones_mark(&dirty, text("c."), 7);
	ok(!dirty.has_lost, "as many as there may be");
	dirty_zones_mark(&dirty, text("d."), 7);
	ok(dirty.has_lost && dirty.waiting == 3, "one more is not kept, but said");
	dirty_zones_clear(&dirty);
	ok(!dirty.has_lost && !dirty_zones_take(&dirty, &name, &since), "cleared");
	dirty_zones_fini(&dirty);
}

static void
test_dirty_for_long(void)
{
	struct dirty_zones dirty = { .limit = 50 };
	struct redis_text name;
	uint64_t since;
	unsigned taken = 0, marked = 0;
	char key[16];

	for (unsigned i = 0; i < 10000; i++) {
		size_t before = dirty.waiting;

		snprintf(key, sizeof key, "z%u.", i * 7919 % 50);
		dirty_zones_mark(&dirty, text(key), i);
		marked += dirty.waiting > before;
		if (i % 3 == 0)
			taken += dirty_zones_take(&dirty, &name, &since);
	}
	ok(!dirty.has_lost, "a queue that never runs empty loses nothing");
	while (dirty_zones_take(&dirty, &name, &since))
		taken++;
	is_int(taken, marked, "and gives back each mark");
	dirty_zones_fini(&dirty);
}

/* ---- the guard ---- */

static const uint8_t A[DNAME_MAX] = "\1a", B[DNAME_MAX] = "\1b", C[DNAME_MAX] = "\1c";

static void
test_guard(void)
{
	struct shrink_guard guard = { .share = 0.2, .min = 1000 };

	ok(shrink_guard_admits(&guard, 1000, 0, 0, false), "nothing is always admitted");
	ok(shrink_guard_admits(&guard, 1000, 999, 1000, false),
	   "so is less than the minimum");
	ok(!shrink_guard_admits(&guard, 1000, 999, 1000, true),
	   "but not what a gap hides");
	ok(shrink_guard_admits(&guard, 1000, 2000, 10000, false), "a share is admitted");
	ok(!shrink_guard_admits(&guard, 1000, 2001, 10000, false), "one more is not");
	ok(!shrink_guard_admits(&guard, 1000, 1, 1, true), "the last record after a gap");
	shrink_guard_note(&guard, 1000, A, 3, 10000, 8500);
	ok(shrink_guard_admits(&guard, 30000, 500, 8500, false),
	   "the share counts over what was served 60 s ago");
	ok(!shrink_guard_admits(&guard, 30000, 501, 8500, false), "also in small steps");
	ok(!shrink_guard_admits(&guard, 61999, 501, 8500, false), "up to 60 s");
	ok(shrink_guard_admits(&guard, 62000, 501, 8500, false), "and not for longer");
	for (unsigned s = 100; s < 400; s++)
		shrink_guard_note(&guard, s * 1000, A, 3, 8500 - s, 8499 - s);
	ok(shrink_guard_admits(&guard, 400000, 940, 4940, false),
	   "old seconds are forgotten");
	ok(!shrink_guard_admits(&guard, 399500, 5000, 10000, false), "new ones count");
	shrink_guard_fini(&guard);
}

/* What a zone gets back is not lost. */
static void
test_churn(void)
{
	struct shrink_guard guard = { .share = 0.2, .min = 1000 };

	for (unsigned i = 0; i < 2000; i++) {
		shrink_guard_note(&guard, 1000 + i, A, 3, 9000, 8500);
		shrink_guard_note(&guard, 1000 + i, B, 3, 1000 - i % 2, 999 + i % 2);
		shrink_guard_note(&guard, 1000 + i, A, 3, 8500, 9000);
	}
	is_int(shrink_guard_lately(&guard, 3000), 0,
	       "what is removed and added again is not lost");
	ok(shrink_guard_admits(&guard, 3000, 2000, 10000, false),
	   "and keeps nobody waiting");
	shrink_guard_note(&guard, 10000, A, 3, 9000, 8900);
	shrink_guard_note(&guard, 40000, A, 3, 8900, 8700);
	shrink_guard_note(&guard, 50000, A, 3, 8700, 8900);
	is_int(shrink_guard_lately(&guard, 50000), 100,
	       "what came last is made good first");
	is_int(shrink_guard_lately(&guard, 71000), 0,
	       "and what came first is forgotten first");
	shrink_guard_fini(&guard);
}

/* Additions hide nothing. */
static void
test_junk(void)
{
	struct shrink_guard guard = { .share = 0.2, .min = 1000 };

	shrink_guard_note(&guard, 1000, A, 3, 10000, 8500);
	shrink_guard_note(&guard, 1000, B, 3, 0, 50000);
	is_int(shrink_guard_lately(&guard, 2000), 1500,
	       "a zone does not make good another");
	ok(shrink_guard_admits(&guard, 2000, 500, 58500, false),
	   "a share of what was before");
	ok(!shrink_guard_admits(&guard, 2000, 501, 58500, false),
	   "and not of what is new");
	shrink_guard_note(&guard, 3000, C, 3, 1000, 5000);
	shrink_guard_note(&guard, 4000, C, 3, 5000, 1000);
	is_int(shrink_guard_lately(&guard, 4000), 5500,
	       "what was added before is lost, as large as the zone was then");
	is_int(shrink_guard_lately(&guard, 61999), 5500, "up to 60 s");
	ok(shrink_guard_admits(&guard, 70000, 2000, 10000, false), "and not for longer");
	shrink_guard_fini(&guard);
}

/* More losses than are remembered by zone. */
static void
test_many_losses(void)
{
	struct shrink_guard guard = { .share = 0.2, .min = 1000 };
	const uint32_t count = SHRINK_LOSSES + 10;

	for (uint32_t i = 0; i < count; i++)
		shrink_guard_note(&guard, 1000, (const uint8_t *)&i, sizeof i, 2, 1);
	is_int(shrink_guard_lately(&guard, 1000), count, "all losses count");
	for (uint32_t i = 0; i < count; i++)
		shrink_guard_note(&guard, 2000, (const uint8_t *)&i, sizeof i, 1, 2);
	is_int(shrink_guard_lately(&guard, 2000), 10,
	       "but the oldest cannot be made good");
	is_int(shrink_guard_lately(&guard, 62000), 0, "until they are forgotten");
	shrink_guard_fini(&guard);
}

/* ---- holding ---- */

static struct held_zone
held(const uint8_t *name, uint64_t digest)
{
	return (struct held_zone){ .digest = digest,
				   .served = 10,
				   .offered = 1,
				   .name = name,
				   .name_len = (uint8_t)dname_len(name, DNAME_MAX) };
}

static void
test_held(void)
{
	static struct held_list list, copy;
	struct held_zone two[] = { held(B, 2), held(A, 1) }, one[] = { held(C, 3) };
	struct held_zone again[] = { held(A, 9) };
	struct held_set *set;
	uint64_t id;
	void *bytes;
	size_t len;

	ok(held_add(&list, two, 2, 50, 5, 0, &id) == 0 && id == 1, "two zones are held");
	ok(held_add(&list, one, 1, 60, 6, 0, &id) == 0 && id == 2, "and another");
	is_int(list.count, 2, "each set for itself");
	set = held_find_zone(&list, B, 3);
	ok(set && set->id == 1 && set->served == 20 && set->offered == 2,
	   "found by a zone");
	held_sort(two, 2);
	ok(held_is_same(set, two, 2), "it holds exactly these");
	ok(!held_is_same(set, again, 1) && !held_is_same(set, two, 1), "and no others");
	again[0].reason = HELD_KEY_GONE;
	ok(held_add(&list, again, 1, 70, 7, 1, &id) == 0 && id == 3,
	   "a later change to one");
	ok(list.count == 2 && !held_find(&list, 1), "joins it under a new id");
	set = held_find(&list, 3);
	ok(set && set->zone_count == 2 && set->since_ms == 50 && set->change_ms == 7 &&
		   set->reason == HELD_KEY_GONE,
	   "which holds both zones since the first");
	two[0].digest = 9;
	ok(held_is_same(set, two, 2), "with the present digest");
	ok(held_pack(&list, &bytes, &len) == 0 && held_unpack(&copy, bytes, len) == 0,
	   "packed and unpacked");
	is_int(copy.count, 2, "with all sets");
	ok(copy.last_id == 3 && held_is_same(held_find(&copy, 3), two, 2) &&
		   held_find(&copy, 3)->since_ms == 50,
	   "that are the same");
	for (size_t cut = 0; cut < len; cut++) {
		void *part = malloc(cut ? cut : 1);

		memcpy(part, bytes, cut);
		if (held_unpack(&copy, part, cut) == 0)
			diag("cut at %zu is taken", cut);
		if (copy.count != 0)
			ok(false, "a cut note leaves sets");
		free(part);
	}
	free(bytes);
	held_fini(&list);
	held_fini(&copy);
}

static void
test_many_held(void)
{
	static struct held_list list;
	uint8_t name[DNAME_MAX] = { 3 };
	uint64_t id = 0;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < 300; i++) {
		struct held_zone zone;

		memcpy(name + 1,
		       (char[]){ (char)('a' + i % 26), (char)('a' + i / 26), 'x' }, 3);
		zone = held(name, i);
		rc = held_add(&list, &zone, 1, i, i, 0, &id);
	}
	is_int(rc, 0, "many sets");
	is_int(list.count, HELD_SETS_MAX, "are kept in so many");
	is_int(held_find(&list, id)->zone_count, 300 - HELD_SETS_MAX + 1,
	       "the newest holds the zones of the others");
	held_fini(&list);
}

/* ---- keys ---- */

static void
test_keys(void)
{
	struct key_table table = { .count = 0 };
	uint32_t number, other = 0;
	char key[16];
	int rc = 0;
	size_t len;

	for (unsigned i = 0; rc == 0 && i < 20000; i++) {
		snprintf(key, sizeof key, "key%u", i / 2);
		rc = key_table_add(&table, i % 2, key, strlen(key), &number);
		if (rc == 0 && number != i)
			rc = ERR_DAMAGED;
	}
	is_int(rc, 0, "keys are numbered as they come");
	ok(key_table_add(&table, 1, "key77", 5, &other) == 0 && other == 155,
	   "each once");
	is(key_table_key(&table, other, &len), "key77", "and told by their number");
	is_int(key_table_find(&table, 2, "key77", 5, &other), ERR_NOTFOUND,
	       "in their space");
	key_table_clear(&table);
	is_int(key_table_find(&table, 1, "key77", 5, &other), ERR_NOTFOUND,
	       "and forgotten");
	ok(key_table_add(&table, 1, "", 0, &other) == 0 && other == 0,
	   "an empty key is one");
	key_table_fini(&table);
}

int
main(void)
{
	test_entries();
	test_ids();
	test_relations();
	test_parts();
	test_wishes();
	test_many_labels();
	test_dirty();
	test_dirty_for_long();
	test_guard();
	test_churn();
	test_junk();
	test_many_losses();
	test_held();
	test_many_held();
	test_keys();
	return done_testing();
}
