/* Which zones are found where; stamps of files; many zones loaded at once; -t. */
#include "loader/zone/zone_list.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/loader.h"
#include "loader/zone/zone_load.h"
#include "loader/zone/zone_stamp.h"
#include "shm/clock.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "t/tap.h"

#define GOOD_ZONE "$TTL 1\n@ SOA . . 1 2 3 4 5\n@ NS ns.test.\n"

static char dir[PATH_MAX / 2];

static void
make_path(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", dir, name);
}

static void
write_file(const char *name, const char *content)
{
	char path[PATH_MAX];
	FILE *file;

	make_path(path, name);
	file = fopen(path, "w");
	if (!file || fputs(content, file) < 0 || fclose(file) != 0)
		bail_out("cannot write %s", path);
}

static int
remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
remove_all(const char *path)
{
	nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void
set_file(struct zone_file_setting *file, const char *origin, char *path)
{
	*file = (struct zone_file_setting){ .path = path };
	file->origin_len = dname_from_text(origin, file->origin);
	dname_lower(file->origin, file->origin_len);
}

/* "origin=file name" of each entry, "!" and the rival's file name behind it. */
static void
dump_list(const struct zone_list *list, char *out)
{
	*out = '\0';
	for (size_t i = 0; i < list->count; i++) {
		const struct zone_list_entry *entry = &list->entries[i];
		char origin[DNAME_TEXT_MAX];

		dname_to_text(entry->origin, origin);
		out += sprintf(out, "%s=%s", origin, strrchr(entry->path, '/') + 1);
		if (entry->rival)
			out += sprintf(out, "!%s", strrchr(entry->rival, '/') + 1);
		*out++ = ' ';
		*out = '\0';
	}
}

static void
test_dir(void)
{
	static const char *const names[] = {
		"b.example.zone", "A.Example.zone", "10.in-addr.arpa.zone",
		"root.zone",      "example.zone",   "a\\.b.zone",
		"zone",           "readme.txt",     "x.zone~",
		".x.zone.swp",    "x.ZONE",
	};
	struct settings settings = { .zones.dir = dir };
	struct zone_messages messages = { 0 };
	struct zone_list list;
	char path[PATH_MAX], text[2000];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		write_file(names[i], "");
	make_path(path, "sub.zone");
	mkdir(path, 0755);
	make_path(path, "linked-dir.zone");
	symlink("sub.zone", path);
	make_path(path, "dangling.zone");
	symlink("nowhere", path);
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK,
	       "a directory is listed");
	dump_list(&list, text);
	is(text,
	   ".=root.zone a\\.b.=a\\.b.zone 10.in-addr.arpa.=10.in-addr.arpa.zone "
	   "dangling.=dangling.zone example.=example.zone a.example.=A.Example.zone "
	   "b.example.=b.example.zone ",
	   "files named after zones, in canonical order");
	is_int(messages.kept_count, 0, "nothing to complain of");
	ok(zone_list_find(&list, (const uint8_t *)"\1a\7example") == &list.entries[5],
	   "an entry is found");
	ok(zone_list_find(&list, (const uint8_t *)"\1c\7example") == NULL, "or not");
	zone_list_fini(&list);
	remove_all(dir);
	mkdir(dir, 0755);
}

static void
test_odd_names(void)
{
	struct settings settings = { .zones.dir = dir };
	struct zone_messages messages = { 0 };
	struct zone_list list;
	char text[2000];

	write_file("a..b.zone", "");
	write_file("..zone", "");
	write_file(".a.zone", "");
	write_file("\\256.zone", "");
	write_file(".zone", "");
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK, "odd names");
	dump_list(&list, text);
	is(text, ".=.zone ", "are no zones but the root");
	is_int(messages.counts[ZONE_WARNING], 4, "with a warning each");
	is(messages.kept[0].reason, "the file name is not <origin>.zone, it is ignored",
	   "that says why");
	zone_list_fini(&list);
	zone_messages_fini(&messages);
	write_file("root.zone", "");
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK,
	       "two files for the root");
	dump_list(&list, text);
	is(text, ".=.zone!root.zone ", "are rivals");
	zone_list_fini(&list);
	zone_messages_fini(&messages);
	remove_all(dir);
	mkdir(dir, 0755);
}

static void
test_files(void)
{
	char path_a[] = "/tmp/a", path_b[] = "/tmp/b", path_c[] = "/z/c";
	struct zone_file_setting files[3];
	struct settings settings = {
		.zones = { .dir = dir, .files = files, .file_count = 3 },
	};
	struct zone_messages messages = { 0 };
	struct zone_list list;
	char text[2000];

	set_file(&files[0], "b.example.", path_a);
	set_file(&files[1], "a.example.", path_b);
	set_file(&files[2], "B.Example.", path_c);
	write_file("a.example.zone", "");
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK,
	       "files and directory");
	dump_list(&list, text);
	is_int(list.count, 2, "each origin once");
	ok(list.entries[0].rival && list.entries[1].rival, "both zones have rivals: %s",
	   text);
	zone_list_fini(&list);
	settings.zones.dir = NULL;
	settings.zones.file_count = 2;
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK, "files alone");
	dump_list(&list, text);
	is(text, "a.example.=b b.example.=a ", "are listed");
	zone_list_fini(&list);
	settings.zones.file_count = 0;
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK, "nothing at all");
	is_int(list.count, 0, "is an empty list");
	zone_list_fini(&list);
	remove_all(dir);
	mkdir(dir, 0755);
}

static void
test_no_dir(void)
{
	char path[] = "/nowhere/at/all";
	struct settings settings = { .zones.dir = path };
	struct zone_messages messages = { 0 };
	struct zone_list list;
	char text[200];

	is_int(zone_list_make(&settings, &list, &messages), ERR_NOTFOUND, "no directory");
	zone_message_to_text(&messages.kept[0], text, sizeof text);
	is(text,
	   "/nowhere/at/all: zones.dir cannot be read: not found; make the directory, or "
	   "set another one",
	   "is one clear error");
	is_int(messages.kept_count, 1, "and no more");
	zone_messages_fini(&messages);

	settings.zones.dir = (char[]){ "/dev/null" };
	messages = (struct zone_messages){ 0 };
	is_int(zone_list_make(&settings, &list, &messages), ERR_NOTFOUND, "a file");
	zone_message_to_text(&messages.kept[0], text, sizeof text);
	is(text,
	   "/dev/null: zones.dir cannot be read: no directory; a single file goes into "
	   "zones.files",
	   "is no directory");
	zone_messages_fini(&messages);
}

static uint64_t
settled_stamp(const char *const *paths, size_t count)
{
	uint64_t stamp = ZONE_STAMP_UNKNOWN;

	for (unsigned i = 0; i < 5000 && stamp == ZONE_STAMP_UNKNOWN; i++) {
		struct timespec pause = { .tv_nsec = 1000000 };

		stamp = zone_stamp_of_files(paths, count);
		if (stamp == ZONE_STAMP_UNKNOWN)
			nanosleep(&pause, NULL);
	}
	return stamp;
}

static void
test_stamp(void)
{
	char a[PATH_MAX], b[PATH_MAX];
	const char *paths[] = { a, b };
	uint64_t first, one;

	make_path(a, "a");
	make_path(b, "b");
	write_file("a", "x");
	write_file("b", "y");
	ok(zone_stamp_of_files(paths, 2) == ZONE_STAMP_UNKNOWN,
	   "a file written just now may change unseen");
	first = settled_stamp(paths, 2);
	ok(first != ZONE_STAMP_UNKNOWN, "but not for long");
	ok(zone_stamp_of_files(paths, 2) == first, "unchanged files have the same stamp");
	one = zone_stamp_of_files(paths, 1);
	ok(one != first, "another list has another");
	write_file("b", "z");
	ok(settled_stamp(paths, 2) != first,
	   "so have changed files, of the same size too");
	ok(zone_stamp_of_files(paths, 1) == one, "and only they");
	unlink(b);
	ok(zone_stamp_of_files(paths, 2) == ZONE_STAMP_UNKNOWN,
	   "missing files have none");
	unlink(a);
}

struct tally {
	_Atomic unsigned calls[300], good, records, errors;
};

static void
count_zone(void *context, size_t index, struct zone_records *records,
	   struct zone_messages *messages)
{
	struct tally *tally = context;

	tally->calls[index]++;
	tally->good += records != NULL;
	tally->records += records ? (unsigned)records->count : 0;
	tally->errors += (unsigned)messages->counts[ZONE_ERROR];
	zone_records_free(records);
}

static void
test_load_all(void)
{
	struct settings settings = { .zones.dir = dir };
	struct zone_messages messages = { 0 };
	const struct zone_list_entry *entries[300];
	struct zone_list list;
	struct tally tally = { 0 };
	struct zone_load_job job = { .entries = entries,
				     .done = count_zone,
				     .context = &tally };
	unsigned once = 0;
	char name[32];

	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof name, "z%u.zone", i);
		write_file(name, i % 10 ? GOOD_ZONE : "bad");
	}
	is_int(zone_list_make(&settings, &list, &messages), ERR_OK, "300 zones");
	for (unsigned i = 0; i < 300; i++)
		entries[i] = &list.entries[i];
	list.entries[7].rival = "/x/y";
	job.count = list.count;
	is_int(zone_load_all(&job), ERR_OK, "are loaded");
	for (unsigned i = 0; i < 300; i++)
		once += tally.calls[i] == 1;
	is_int(once, 300, "each once");
	ok(tally.good == 270 || tally.good == 269, "but for the bad ones and a rival");
	is_int(tally.records, tally.good * 2, "with their records");
	is_int(tally.errors, 300 - tally.good, "each other with an error");
	job.count = 0;
	is_int(zone_load_all(&job), ERR_OK, "no zones at all");
	zone_list_fini(&list);
	remove_all(dir);
	mkdir(dir, 0755);
}

/* Run -t's check and catch what it says on stderr. */
static unsigned
check_zones(const struct settings *settings, char *out, size_t room)
{
	FILE *catcher = tmpfile();
	int saved = dup(STDERR_FILENO);
	unsigned errors;
	size_t len;

	fflush(stderr);
	dup2(fileno(catcher), STDERR_FILENO);
	errors = loader_check_zones(settings);
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(catcher);
	len = fread(out, 1, room - 1, catcher);
	out[len] = '\0';
	fclose(catcher);
	return errors;
}

static void
test_check_zones(void)
{
	char said[20000], want[20000], path[] = "/nowhere", none[] = "";
	struct settings settings = {
		.zones.dir = dir,
		.state_dir = path,
		.dnssec.key_dir = none,
	};

	write_file("good.zone", GOOD_ZONE);
	is_int(check_zones(&settings, said, sizeof said), 0, "a good zone is no error");
	is(said, "", "and nothing to talk about");
	write_file("b.zone", GOOD_ZONE "x 1 A 1\ny 1 A 2\n");
	write_file("c.zone", GOOD_ZONE "x.test. 1 A 192.0.2.1\n");
	is_int(check_zones(&settings, said, sizeof said), 2, "errors are counted");
	snprintf(
		want, sizeof want,
		"error: %s/b.zone:4: invalid IPv4 address\n"
		"error: %s/b.zone:5: invalid IPv4 address\n"
		"warning: %s/c.zone:4: the owner is outside the zone, the record is left "
		"out: x.test. A\n",
		dir, dir, dir);
	is(said, want, "and said zone by zone");
	unlink(strcat(strcpy(want, dir), "/b.zone"));
	want[0] = '\0';
	for (unsigned i = 0; i < 130; i++)
		strcat(want, "x 1 A 1\n");
	write_file("c.zone", want);
	is_int(check_zones(&settings, said, sizeof said), 130, "all are counted");
	ok(strstr(said, "/c.zone: and 30 more\n"), "beyond a hundred in one line");
	settings.zones.dir = path;
	is_int(check_zones(&settings, said, sizeof said), 1, "no directory is an error");
	is(said,
	   "error: /nowhere: zones.dir cannot be read: not found; make the directory, or "
	   "set another one\n",
	   "that is said");
}

int
main(void)
{
	const char *base = getenv("TMPDIR");

	snprintf(dir, sizeof dir, "%s/zone_list.XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(dir))
		bail_out("cannot make a directory");
	alarm(60);
	test_dir();
	test_odd_names();
	test_files();
	test_no_dir();
	test_stamp();
	test_load_all();
	test_check_zones();
	remove_all(dir);
	return done_testing();
}
