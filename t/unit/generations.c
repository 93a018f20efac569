/* The directory of generations, the files that point into it, and retention. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "loader/publish.h"
#include "loader/retention.h"
#include "loader/store/generations.h"
#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"

static char *state_dir;

static void
path_of(char out[PATH_MAX], const char *name)
{
	snprintf(out, PATH_MAX, "%s/%s", state_dir, name);
}

static void
write_file(const char *name, const void *data, size_t len)
{
	char path[PATH_MAX];
	int fd;

	path_of(path, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		bail_out("cannot write %s", path);
	close(fd);
}

static bool
exists(const char *name)
{
	char path[PATH_MAX];
	struct stat info;

	path_of(path, name);
	return lstat(path, &info) == 0;
}

static void
make_dir(const char *name)
{
	char path[PATH_MAX];

	path_of(path, name);
	if (mkdir(path, 0750) != 0)
		bail_out("cannot make %s", path);
}

/* A directory with a sound manifest; nothing here opens the data. */
static void
make_generation(uint64_t id, int64_t created_s, uint64_t marks)
{
	struct generation_manifest manifest = {
		.version = GENERATION_VERSION,
		.byte_order = GENERATION_BYTE_ORDER,
		.id = id,
		.created_s = created_s,
		.zone_count = id * 10,
		.flags = marks,
	};
	char name[128];

	memcpy(manifest.magic, GENERATION_MAGIC, sizeof manifest.magic);
	manifest.manifest_xxh3 = XXH3_64bits(
		&manifest, offsetof(struct generation_manifest, manifest_xxh3));
	snprintf(name, sizeof name, "generations/%08u", (unsigned)id);
	make_dir(name);
	snprintf(name, sizeof name, "generations/%08u/manifest", (unsigned)id);
	write_file(name, &manifest, sizeof manifest);
	snprintf(name, sizeof name, "generations/%08u/data.mdb", (unsigned)id);
	write_file(name, "0123456789", 10);
}

static void
test_names(void)
{
	static const struct {
		const char *name;
		uint64_t id;
	} cases[] = {
		{ "00000017", 17 },
		{ "99999999", 99999999 },
		{ "100000000", 100000000 },
		{ "17", 0 },
		{ "00000000", 0 },
		{ "00000017.tmp", 0 },
		{ "0000001x", 0 },
		{ "-0000017", 0 },
		{ "000000017", 0 },
		{ "99999999999999999999999", 0 },
		{ "", 0 },
		{ "..", 0 },
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		uint64_t id = 0;
		bool found = state_path_parse_id(cases[i].name, &id);

		ok(found == (cases[i].id != 0) && id == cases[i].id, "name '%s'",
		   cases[i].name);
	}
}

static void
test_prepare_and_list(void)
{
	struct generation_list list;

	is_int(generations_prepare(state_dir), 0, "an empty state_dir is prepared");
	ok(exists("generations"), "the directory is made");
	is_int(generations_list(state_dir, &list), 0, "an empty list");
	is_int(list.count, 0, "holds nothing");
	generations_list_free(&list);

	make_generation(3, 3000, 0);
	make_generation(12, 12000, 0);
	make_generation(7, 7000, GENERATION_TAKEN_IN);
	make_dir("generations/00000013.tmp");
	write_file("generations/00000013.tmp/data.mdb", "half", 4);
	make_dir("generations/other");
	make_dir("generations/00000005");
	write_file("generations/00000005/manifest", "damage", 6);
	write_file("chosen.new", "1", 1);
	is_int(generations_prepare(state_dir), 0, "prepared again");
	ok(!exists("generations/00000013.tmp"), "what is half built is swept");
	ok(!exists("chosen.new"), "so is a half-written file");
	ok(exists("generations/other"), "what is not ours stays");

	is_int(generations_list(state_dir, &list), 0, "listed");
	is_int(list.count, 4, "all complete ones");
	is_int(list.entries[0].manifest.id, 3, "in order");
	is_int(list.entries[1].manifest.id, 5, "an unreadable one too");
	ok(list.entries[1].error < 0, "with its error");
	is_int(list.entries[3].manifest.zone_count, 120, "manifests are read");
	is_int(list.entries[3].bytes, (long long)sizeof(struct generation_manifest) + 10,
	       "sizes are summed");
	ok(generation_entry_is_source(&list.entries[0]), "3 is of the sources");
	ok(!generation_entry_is_source(&list.entries[1]), "an unreadable one is not");
	ok(!generation_entry_is_source(&list.entries[2]), "one that was taken in is not");
	ok(generations_find(&list, 12) == &list.entries[3], "found by id");
	ok(!generations_find(&list, 4), "not found");
	generations_list_free(&list);
}

static void
test_finish_and_remove(void)
{
	char path[PATH_MAX];

	make_dir("generations/00000020.tmp");
	write_file("generations/00000020.tmp/index", "x", 1);
	ok(state_path_build(state_dir, 20, path), "the path of one being built");
	is_int(generations_sync_dir(path), 0, "is written through");
	is_int(generations_finish(state_dir, 20), 0, "finished");
	ok(exists("generations/00000020/index") && !exists("generations/00000020.tmp"),
	   "under its own name");
	is_int(generations_finish(state_dir, 21), ERR_NOTFOUND, "nothing to finish");
	generations_remove(state_dir, 20);
	ok(!exists("generations/00000020") && !exists("generations/00000020.tmp"),
	   "removed");
	generations_remove(state_dir, 20);
	generations_remove_build(state_dir, 20);
	ok(!exists("generations/00000020"), "removing what is not there is no failure");
}

static void
test_current(void)
{
	char path[PATH_MAX];
	uint64_t id = 0;

	is_int(state_read_current(state_dir, &id), ERR_NOTFOUND, "no current yet");
	is_int(state_set_current(state_dir, 12), 0, "set");
	is_int(state_read_current(state_dir, &id), 0, "read");
	is_int(id, 12, "what was set");
	is_int(state_set_current(state_dir, 123456789), 0, "replaced");
	is_int(state_read_current(state_dir, &id), 0, "read again");
	is_int(id, 123456789, "what was set last");
	path_of(path, "current");
	unlink(path);
	write_file("current", "x", 1);
	is_int(state_read_current(state_dir, &id), ERR_FORMAT, "a file is none of ours");
	unlink(path);
	if (symlink("/etc", path) != 0)
		bail_out("symlink");
	is_int(state_read_current(state_dir, &id), ERR_FORMAT, "nor is a link elsewhere");
	unlink(path);
	if (symlink("generations/../../00000001", path) != 0)
		bail_out("symlink");
	is_int(state_read_current(state_dir, &id), ERR_FORMAT, "nor one that climbs");
	is_int(state_set_current(state_dir, 3), 0, "both are replaced");
}

static void
test_chosen(void)
{
	static const char *const bad[] = { "",
					   "x\n",
					   "-1\n",
					   "12",
					   "0\n",
					   "12\n13\n",
					   "99999999999999999999999999999\n" };
	uint64_t id = 0;

	is_int(state_read_chosen(state_dir, &id), ERR_NOTFOUND, "nothing chosen");
	is_int(state_set_chosen(state_dir, 0), 0, "taking back nothing");
	is_int(state_set_chosen(state_dir, 12), 0, "chosen");
	is_int(state_read_chosen(state_dir, &id), 0, "read");
	is_int(id, 12, "what was chosen");
	is_int(state_set_chosen(state_dir, 0), 0, "taken back");
	is_int(state_read_chosen(state_dir, &id), ERR_NOTFOUND, "nothing again");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		write_file("chosen", bad[i], strlen(bad[i]));
		is_int(state_read_chosen(state_dir, &id), ERR_FORMAT, "broken file %zu",
		       i);
	}
	is_int(state_set_chosen(state_dir, 0), 0, "a broken one is removed");
}

static void
test_damage(void)
{
	char reason[STATE_REASON_MAX], name[PATH_MAX];
	struct generation_list list;

	ok(!state_read_damage(state_dir, 12, reason), "12 is good");
	state_mark_damaged(state_dir, 12, "the checksum of data.mdb is wrong");
	ok(state_read_damage(state_dir, 12, reason), "12 is damaged");
	is(reason, "the checksum of data.mdb is wrong", "and says why");
	is_int(generations_list(state_dir, &list), 0, "listed");
	ok(list.entries[3].damaged && !generation_entry_is_source(&list.entries[3]),
	   "the list knows it");
	generations_list_free(&list);
	state_mark_damaged(state_dir, 999,
			   "a generation that is not there is no failure");
	path_of(name, "generations/00000012/damaged");
	unlink(name);
}

static void
fill(struct generation_list *list, const int64_t *created_s, size_t count)
{
	list->entries = calloc(count, sizeof *list->entries);
	list->count = count;
	if (!list->entries)
		bail_out("memory");
	for (size_t i = 0; i < count; i++) {
		list->entries[i].manifest.id = i + 1;
		list->entries[i].manifest.created_s = created_s[i];
	}
}

/* `want` has a letter for each generation, the oldest first: '+' stays, '-' goes. */
static void
is_kept(const struct generation_list *list, const struct retention_rules *rules,
	const char *want, const char *what)
{
	char got[32] = "";
	bool stays[32];

	retention_select(list, rules, stays);
	for (size_t i = 0; i < list->count; i++)
		got[i] = stays[i] ? '+' : '-';
	is(got, want, "%s", what);
}

static void
test_retention(void)
{
	/* hours 0 0 1 2 2 4 4 4, now in hour 4 */
	static const int64_t created_s[] = { 100,  200,   3700,  7300,
					     7400, 14500, 14600, 14700 };
	static const uint64_t needed[] = { 1, 0 };
	struct retention_rules rules = { .keep = 2, .now_s = 15000 };
	struct generation_list list;
	bool stays[8];

	fill(&list, created_s, 8);
	is_kept(&list, &rules, "------++", "the newest two");
	rules.keep_hours = 3;
	is_kept(&list, &rules, "----+-++", "and the last of each of three hours");
	rules.keep_hours = 6;
	is_kept(&list, &rules, "-++-+-++", "of each of six");
	rules.needed = needed;
	rules.needed_count = 2;
	is_kept(&list, &rules, "+++-+-++", "and what is needed");
	list.entries[7].damaged = true;
	is_kept(&list, &rules, "+++-++++", "a damaged one takes no good one's place");
	list.entries[7].damaged = false;
	list.entries[4].error = ERR_NEWER;
	is_kept(&list, &rules, "++++--++",
		"an unreadable one is not the last of its hour");

	rules.keep_hours = 0;
	rules.keep = 4;
	list.entries[4].error = 0;
	retention_select(&list, &rules, stays);
	is_int(retention_next(&list, &rules, stays), 4,
	       "short of space: the oldest goes");
	stays[4] = false;
	is_int(retention_next(&list, &rules, stays), 5, "then the next");
	stays[5] = false;
	is_int(retention_next(&list, &rules, stays), 7,
	       "the newest is needed only because it is said so");
	rules.needed = (const uint64_t[]){ 1, 8 };
	is_int(retention_next(&list, &rules, stays), list.count,
	       "two good ones stay, however short space is");
	rules.fallback_id = 2;
	rules.keep = 3;
	is_kept(&list, &rules, "++---+++",
		"what damage falls back to, however old it is");
	retention_select(&list, &rules, stays);
	is_int(retention_next(&list, &rules, stays), 5,
	       "and when space is short others go before it");
	stays[5] = stays[6] = false;
	is_int(retention_next(&list, &rules, stays), list.count, "it does not");
	generations_list_free(&list);
}

static void
test_next_id(void)
{
	struct region *region =
		aligned_alloc(128, sizeof *region + 2 * sizeof(struct worker_slot));

	if (!region)
		bail_out("memory");
	memset(region, 0, sizeof *region + 2 * sizeof(struct worker_slot));
	region->worker_count = 2;
	is_int(publish_next_id(region, 0), 1, "the first id");
	is_int(publish_next_id(region, 17), 18, "behind the newest");
	region->slots[1].ready_id = 20;
	is_int(publish_next_id(region, 17), 21, "never one that a worker has seen");
	region->slots[0].failed_id = 22;
	region->swap.announced_id = 21;
	is_int(publish_next_id(region, 17), 23, "nor one that it could not open");
	free(region);
}

/* One state under two numbers, without its overlay. */
static void
test_alias(void)
{
	struct generation_manifest manifest;
	char path[PATH_MAX];

	make_generation(600, 1000, 0);
	write_file("generations/00000600/data.mdb", "data", 4);
	write_file("generations/00000600/index", "index", 5);
	make_dir("generations/00000600/overlay");
	write_file("generations/00000600/overlay/data.mdb", "live", 4);
	write_file("generations/00000600/overlay/lock.mdb", "lock", 4);
	is_int(generations_alias(state_dir, 600, 601, GENERATION_TAKEN_IN, &manifest), 0,
	       "a second number");
	path_of(path, "generations/00000601");
	is_int(generation_read_manifest(path, &manifest), 0, "has a manifest");
	is_int((long long)manifest.id, 601, "of its own number");
	is_int((long long)manifest.zone_count, 6000, "and else the same");
	is_int((long long)manifest.flags, (long long)GENERATION_TAKEN_IN,
	       "but the flags");
	ok(exists("generations/00000601/data.mdb") &&
		   exists("generations/00000601/index"),
	   "the files are there");
	ok(!exists("generations/00000601/overlay"), "the overlay is not");
	is_int(generations_alias(state_dir, 777, 602, 0, &manifest), ERR_NOTFOUND,
	       "there is nothing to share");
	ok(!exists("generations/00000602.tmp"), "nothing is left of it");
	generations_remove(state_dir, 600);
	ok(!exists("generations/00000600") && !exists("generations/00000600.tmp"),
	   "removed with its overlay");
	ok(exists("generations/00000601/data.mdb"), "the other one stays");
	generations_remove(state_dir, 601);
}

int
main(void)
{
	state_dir = scratch_dir_make();
	test_names();
	test_prepare_and_list();
	test_finish_and_remove();
	test_current();
	test_chosen();
	test_damage();
	test_retention();
	test_alias();
	test_next_id();
	scratch_dir_free(state_dir);
	return done_testing();
}
