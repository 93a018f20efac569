/* The reading commands: zones, errors, generations, diff. */
#include <jansson.h>

#include "loader/redis/held.h"
#include "loader/store/overlay.h"
#include "loader/store/state_paths.h"
#include "t/unit/sync_bed.h"

static struct bed bed;

/* Ask a clerk.  returns the object, owned by the caller; a reply that is none ends it. */
static json_t *
ask(const char *words, int want_status)
{
	json_error_t error;
	json_t *object;

	is_int(bed_ask_clerk(&bed, words), want_status, "%s: exit code", words);
	object = json_loads(bed.reply, 0, &error);
	if (!object)
		bail_out("%s: %s in: %s", words, error.text, bed.reply);
	return object;
}

/* The list's item with this member, borrowed. */
static json_t *
item_with(json_t *list, const char *member, const char *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *text = json_string_value(json_object_get(item, member));

		if (text && strcmp(text, value) == 0)
			return item;
	}
	return NULL;
}

static const char *
text_of(json_t *item, const char *member)
{
	json_t *value = json_object_get(item, member);

	return json_is_string(value) ? json_string_value(value)
	       : json_is_null(value) ? "null"
				     : "(none)";
}

static long long
number_of(json_t *item, const char *member)
{
	return json_integer_value(json_object_get(item, member));
}

static void
is_refused(const char *words, const char *reason)
{
	json_t *object = ask(words, 1);
	const char *text = text_of(object, "error");

	ok(strstr(text, reason) != NULL, "%s: %s", words, text);
	json_decref(object);
}

static void
test_zones(void)
{
	json_t *object = ask("zones", 0), *list = json_object_get(object, "zones"), *zone;
	char path[256];

	is_int(json_array_size(list), 4, "four zones");
	is(text_of(json_array_get(list, 0), "name"), "a.test.", "in canonical order");
	is(text_of(json_array_get(list, 3), "name"), "stale.test.", "to the last");
	zone = item_with(list, "name", "a.test.");
	is_int(number_of(zone, "serial"), 1, "serial");
	is_int(number_of(zone, "records"), 3, "records");
	is(text_of(zone, "state"), "ok", "a good one's state");
	is(text_of(zone, "error"), "null", "and error");
	snprintf(path, sizeof path, "%s/a.test.zone", bed.zones_dir);
	is(text_of(zone, "source"), path, "source");
	ok(strlen(text_of(zone, "loaded_at")) == 20 &&
		   strchr(text_of(zone, "loaded_at"), 'Z'),
	   "loaded at %s", text_of(zone, "loaded_at"));
	zone = item_with(list, "name", "bad.test.");
	is(text_of(zone, "state"), "error", "a bad one's state");
	ok(json_is_null(json_object_get(zone, "serial")), "it has no serial");
	ok(strstr(text_of(zone, "error"), "bad.test.zone:4: "), "its error: %s",
	   text_of(zone, "error"));
	zone = item_with(list, "name", "stale.test.");
	is(text_of(zone, "state"), "stale", "the state of one with older data");
	is_int(number_of(zone, "serial"), 1, "and its older serial");
	json_decref(object);

	object = ask("zones A.Test", 0);
	is_int(json_array_size(json_object_get(object, "zones")), 1, "one zone by name");
	json_decref(object);
	is_refused("zones www.a.test", "not served here");
	is_refused("zones a..test", "no domain name");
	is_refused("zones a.test b.test", "usage");
	is_refused("nonsense", "unknown command");
}

static void
test_digest(void)
{
	json_t *object = ask("zones --digest", 0),
	       *list = json_object_get(object, "zones");
	json_t *zone = item_with(list, "name", "a.test."), *one;
	char digest[32];

	is_int(json_array_size(list), 4, "digests of four zones");
	is_int(number_of(zone, "records"), 2, "of their records but the SOA");
	is_int(number_of(zone, "serial"), 1, "with the serial beside");
	is_int(strlen(text_of(zone, "digest")), 16, "in 16 digits");
	snprintf(digest, sizeof digest, "%s", text_of(zone, "digest"));
	ok(strcmp(text_of(item_with(list, "name", "c.test."), "digest"), digest) != 0,
	   "other zones have others");
	is_int(strlen(text_of(object, "digest")), 16, "and one of all");
	json_decref(object);
	object = ask("zones --digest a.test", 0);
	one = json_array_get(json_object_get(object, "zones"), 0);
	is(text_of(one, "digest"), digest, "one zone by name");
	ok(!json_object_get(object, "digest"), "then there is none of all");
	json_decref(object);
	json_decref(ask("zones a.test --digest", 0));
	is_refused("zones --digest --digest", "usage");
	is_refused("zones --digest b.c d.e", "usage");
	is_refused("zones --digest nothing.test", "not served here");
}

static void
test_errors(void)
{
	json_t *object = ask("errors", 0), *list = json_object_get(object, "errors"),
	       *error;
	char path[256];

	is_int(json_array_size(list), 2, "two errors");
	error = item_with(list, "zone", "bad.test.");
	snprintf(path, sizeof path, "%s/bad.test.zone", bed.zones_dir);
	is(text_of(error, "source"), path, "file");
	is_int(number_of(error, "line"), 4, "line");
	is(text_of(error, "state"), "error", "state");
	ok(strlen(text_of(error, "reason")) > 5 && !strchr(text_of(error, "reason"), '/'),
	   "reason: %s", text_of(error, "reason"));
	error = item_with(list, "zone", "stale.test.");
	is(text_of(error, "state"), "stale", "state of the other one");
	ok(json_is_null(json_object_get(error, "line")), "its file has no line to blame");
	json_decref(object);
}

static void
test_generations(void)
{
	json_t *object, *list, *item;

	object = ask("generations", 0);
	list = json_object_get(object, "generations");
	is_int(json_array_size(list), (long long)bed_served(&bed), "all are listed");
	item = json_array_get(list, 0);
	is_int(number_of(item, "id"), 1, "id");
	is_int(number_of(item, "zones"), 4, "zones");
	ok(number_of(item, "records") > 5 && number_of(item, "bytes") > 4096,
	   "records and octets");
	ok(json_is_false(json_object_get(item, "serving")), "the first is not served");
	is(text_of(item, "state"), "ok", "but could be");
	item = json_array_get(list, json_array_size(list) - 1);
	ok(json_is_true(json_object_get(item, "serving")), "the last one is");
	is(text_of(object, "chosen"), "null", "none is chosen");
	json_decref(object);

	if (bed_ask(&bed, "rollback 1") != 0)
		bail_out("rollback: %s", bed.reply);
	state_mark_damaged(bed.state_dir, 2, "the index is wrong");
	object = ask("generations", 0);
	list = json_object_get(object, "generations");
	is_int(number_of(object, "chosen"), 1, "one is chosen");
	ok(json_is_true(json_object_get(json_array_get(list, 0), "serving")),
	   "and served");
	is(text_of(json_array_get(list, 1), "state"), "damaged", "a damaged one");
	is(text_of(json_array_get(list, 1), "reason"), "the index is wrong", "and why");
	json_decref(object);
	if (bed_ask(&bed, "resume") != 0)
		bail_out("resume: %s", bed.reply);
}

static bool
holds(json_t *lines, const char *text)
{
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line) if (strcmp(json_string_value(line), text) ==
					       0) return true;
	return false;
}

/* One name's change, in the order that the reply must have: exact. */
static void
is_change(json_t *object, const char *name, const char *removed, const char *added)
{
	json_t *item = item_with(json_object_get(object, "diff"), "name", name);
	json_t *old = json_object_get(item, "removed"),
	       *new = json_object_get(item, "added");

	ok(item && json_array_size(old) == (removed != NULL) &&
		   json_array_size(new) == (added != NULL) &&
		   (!removed || holds(old, removed)) && (!added || holds(new, added)),
	   "the change of %s", name);
}

static void
test_diff(void)
{
	uint64_t before = bed_served(&bed);
	char words[64];
	json_t *object, *item;

	bed_write_zone(&bed, "a.test", 2, "www A 192.0.2.2\nnew TXT \"x\"\n");
	bed_write_zone(&bed, "b.test", 1, "");
	bed_remove_zone(&bed, "c.test");
	if (bed_ask(&bed, "reload") != 0)
		bail_out("reload: %s", bed.reply);
	snprintf(words, sizeof words, "diff %u live", (unsigned)before);
	object = ask(words, 0);
	is_int(number_of(object, "a"), (long long)before, "from");
	is_int(number_of(object, "b"), (long long)bed_served(&bed), "to");
	is_int(json_array_size(json_object_get(object, "diff")), 6, "six names changed");
	is_change(object, "a.test.",
		  "a.test. 300 IN SOA ns.invalid. host.invalid. 1 7200 3600 86400 300",
		  "a.test. 300 IN SOA ns.invalid. host.invalid. 2 7200 3600 86400 300");
	is_change(object, "www.a.test.", "www.a.test. 300 IN A 192.0.2.1",
		  "www.a.test. 300 IN A 192.0.2.2");
	is_change(object, "new.a.test.", NULL, "new.a.test. 300 IN TXT \"x\"");
	is_change(object, "www.c.test.", "www.c.test. 300 IN MX 5 mail.c.test.", NULL);
	item = item_with(json_object_get(object, "diff"), "name", "c.test.");
	is(text_of(item, "zone"), "c.test.", "the zone is named");
	is_int(json_array_size(json_object_get(item, "removed")), 2,
	       "all of it is removed");
	item = item_with(json_object_get(object, "diff"), "name", "b.test.");
	is_int(json_array_size(json_object_get(item, "added")), 2, "all of it is added");
	json_decref(object);

	snprintf(words, sizeof words, "diff live %u", (unsigned)before);
	object = ask(words, 0);
	is_change(object, "new.a.test.", "new.a.test. 300 IN TXT \"x\"", NULL);
	json_decref(object);
	object = ask("diff live live", 0);
	is_int(json_array_size(json_object_get(object, "diff")), 0,
	       "no change to itself");
	json_decref(object);

	/* read anew, so other ids and times, but the same records */
	bed_shell("touch %s/a.test.zone", bed.zones_dir);
	before = bed_served(&bed);
	if (bed_ask(&bed, "reload") != 0 || bed_served(&bed) == before)
		bail_out("reload: %s", bed.reply);
	snprintf(words, sizeof words, "diff %u live", (unsigned)before);
	object = ask(words, 0);
	is_int(json_array_size(json_object_get(object, "diff")), 0,
	       "no change of records");
	json_decref(object);

	is_refused("diff 1 x", "no generation");
	is_refused("diff 1 4711", "there is no generation 4711");
	is_refused("diff 1", "usage");
}

static void
test_export(void)
{
	json_t *object = ask("export A.test", 0),
	       *list = json_object_get(object, "export");
	json_t *apex = json_array_get(list, 0),
	       *records = json_object_get(apex, "records");

	is_int(json_array_size(list), 3, "the names of a zone");
	ok(json_is_true(json_object_get(apex, "apex")), "its own first");
	is(json_string_value(json_array_get(records, 0)),
	   "a.test. 300 IN SOA ns.invalid. host.invalid. 2 7200 3600 86400 300",
	   "and of that the SOA");
	ok(holds(json_object_get(json_array_get(list, 1), "records"),
		 "new.a.test. 300 IN TXT \"x\""),
	   "then the others");
	json_decref(object);
	object = ask("export", 0);
	ok(json_array_size(json_object_get(object, "export")) > 4, "all zones");
	json_decref(object);
	is_refused("export b.a.test", "not served here");
}

/* Write the list of what is held where sync would, in a process of its own. */
static void
hold(const struct held_list *list)
{
	char dir[PATH_MAX], path[PATH_MAX + 16];
	struct generation gen;
	struct overlay *overlay;
	void *bytes;
	size_t len;
	int status;
	pid_t pid;

	if (!state_path_generation(bed.state_dir, bed_served(&bed), dir))
		bail_out("no path");
	snprintf(path, sizeof path, "%s/overlay", dir);
	pid = fork();
	if (pid == 0) {
		if (held_pack(list, &bytes, &len) != 0 ||
		    generation_open(dir, GENERATION_LAZY, &gen) != 0 ||
		    overlay_open(path, &gen, 100, &overlay) != 0 ||
		    overlay_begin(overlay) != 0 ||
		    overlay_note(overlay, HELD_NOTE, bytes, len) != 0 ||
		    overlay_commit(overlay) != 0)
			_exit(1);
		overlay_close(overlay);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status != 0)
		bail_out("no note");
}

static void
test_held(void)
{
	static const uint8_t origin[] = "\1a\4test";
	static struct held_list list;
	const struct held_zone zone = {
		.served = 5000,
		.offered = 3,
		.reason = HELD_SHRINKS,
		.name = origin,
		.name_len = sizeof origin,
	};
	json_t *object = ask("held", 0), *item;
	uint64_t id;

	is_int(json_array_size(json_object_get(object, "held")), 0, "nothing is held");
	json_decref(object);
	if (held_add(&list, &zone, 1, 1700000000000, 1700000000123, 4, &id) != 0)
		bail_out("not held");
	hold(&list);
	object = ask("held", 0);
	item = json_array_get(json_object_get(object, "held"), 0);
	is_int(number_of(item, "id"), (long long)id, "what is held has an id");
	is(text_of(item, "since"), "2023-11-14T22:13:20Z", "since");
	is(text_of(item, "change"), "1700000000123-4", "the change");
	is(text_of(item, "reason"), "too much would vanish within a minute", "why");
	is_int(number_of(item, "zones"), 1, "how many zones");
	item = json_array_get(json_object_get(item, "first"), 0);
	is(text_of(item, "zone"), "a.test.", "which");
	is_int(number_of(item, "served"), 5000, "what it has");
	is_int(number_of(item, "offered"), 3, "what it would have");
	json_decref(object);
	held_fini(&list);
	is_refused("held 5", "usage");
}

int
main(void)
{
	bed_init(&bed);
	bed.settings.generations.keep = 100;
	bed_write_zone(&bed, "a.test", 1, "www A 192.0.2.1\n");
	bed_write_zone(&bed, "bad.test", 1, "www A 1.2.3\n");
	bed_write_zone(&bed, "c.test", 1, "www MX 5 mail\n");
	bed_write_zone(&bed, "stale.test", 1, "");
	bed_start(&bed);
	bed_shell("echo '$TTL 5' > %s/stale.test.zone", bed.zones_dir);
	if (bed_ask(&bed, "reload") != 0)
		bail_out("reload: %s", bed.reply);
	test_zones();
	test_digest();
	test_errors();
	test_generations();
	test_diff();
	test_export();
	test_held();
	bed_stop(&bed);
	bed_fini(&bed);
	return done_testing();
}
