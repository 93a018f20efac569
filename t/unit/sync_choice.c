/* `rollback`, `swap` and `resume`. */
#include <sys/stat.h>

#include "t/unit/sync_bed.h"

static struct bed bed;

static void
is_chosen(uint64_t want, const char *what)
{
	uint64_t id = 0;

	if (state_read_chosen(bed.state_dir, &id) != 0)
		id = 0;
	is_int(id, want, "%s: chosen", what);
	is_int(atomic_load(&bed.region->swap.chosen), want != 0, "%s: status", what);
}

static void
reload_with(unsigned serial)
{
	bed_write_zone(&bed, "a.test", serial, "");
	if (bed_ask(&bed, "reload") != 0 || bed_serial(&bed, "a.test.") != serial)
		bail_out("reload: %s", bed.reply);
}

static void
test_rollback(void)
{
	bed_write_zone(&bed, "a.test", 1, "");
	bed_write_zone(&bed, "b.test", 1, "");
	bed_start(&bed);
	is_int(bed_ask(&bed, "rollback"), 1, "nothing to go back to");
	ok(bed_reply_has(&bed, "no earlier generation"), "says so");
	is_chosen(0, "refused");
	reload_with(2);
	reload_with(3);
	is_int(bed_served(&bed), 3, "three generations");
	is_int(bed_ask(&bed, "rollback"), 0, "one back");
	is_int(bed_served(&bed), 2, "is served");
	is_int(bed_current(&bed), 2, "and current");
	is_chosen(2, "one back");
	is_int(bed_ask(&bed, "rollback"), 0, "one more");
	is_int(bed_served(&bed), 1, "is served");
	is_int(bed_ask(&bed, "rollback 3"), 0, "to a number, forward too");
	is_int(bed_served(&bed), 3, "is served");
	is_int(bed_ask(&bed, "rollback 2"), 0, "and back");
	is_int(bed_ask(&bed, "rollback 77"), 1, "one that is not there");
	is_int(bed_ask(&bed, "rollback 0"), 1, "no number");
	is_int(bed_ask(&bed, "rollback -1"), 1, "no number either");
	is_int(bed_ask(&bed, "rollback 1x"), 1, "nor this");
	is_int(bed_served(&bed), 2, "refusals change nothing");
	is_chosen(2, "refusals");
}

static void
test_held(void)
{
	bed_write_zone(&bed, "a.test", 4, "");
	is_int(bed_ask(&bed, "reload"), 1, "reload is refused");
	ok(bed_reply_has(&bed, "martletctl resume"), "with the hint");
	bed_kill(&bed, SIGKILL);
	bed_fork_sync(&bed);
	ok(bed_wait_idle(&bed), "sync is started again");
	is_int(bed_served(&bed), 2, "the choice holds");
	bed_stop(&bed);
	bed_start(&bed);
	is_int(bed_served(&bed), 2, "after a restart of the server too");
	is_chosen(2, "restart");
	is_int(bed_ask(&bed, "reload a.test"), 1, "and reload is refused still");
}

static void
test_resume(void)
{
	is_int(bed_ask(&bed, "resume"), 0, "resume");
	is_chosen(0, "resume");
	is_int(bed_serial(&bed, "a.test."), 4, "what changed meanwhile is served");
	is_int(bed_served(&bed), 4, "from a new generation");
	is_int(bed_ask(&bed, "rollback 3"), 0, "back once more");
	is_int(bed_ask(&bed, "resume"), 0, "and resume without a change");
	is_int(bed_served(&bed), 4, "the newest is served, none was built");
	is_int(bed_ask(&bed, "resume"), 0, "resume when nothing is held");
	is_int(bed_ask(&bed, "resume x"), 1, "resume has no argument");
	reload_with(5);
}

static void
copy_out(uint64_t id, const char *name)
{
	bed_shell("rm -rf %s/%s; cp -r %s/generations/%08u %s/%s; chmod -R u+w %s/%s",
		  bed.dir, name, bed.state_dir, (unsigned)id, bed.dir, name, bed.dir,
		  name);
}

static int
swap(const char *name)
{
	char words[256];

	snprintf(words, sizeof words, "swap %s/%s", bed.dir, name);
	return bed_ask(&bed, words);
}

static void
test_swap(void)
{
	uint64_t before = bed_served(&bed);

	copy_out(before, "out");
	reload_with(6);
	is_int(swap("out"), 0, "a generation is taken in");
	is_int(bed_served(&bed), before + 2, "under a new number");
	is_int(bed_serial(&bed, "a.test."), 5, "with its own data");
	is_chosen(before + 2, "swap");
	ok(bed_is_whole(&bed, before + 2), "it is whole");
	is_int(bed_ask(&bed, "reload"), 1, "the sources are held off");
	bed_shell("rm -r %s/out", bed.dir);
	bed_stop(&bed);
	bed_start(&bed);
	is_int(bed_served(&bed), before + 2, "it is served after a restart");
	is_int(bed_ask(&bed, "resume"), 0, "resume");
	is_int(bed_served(&bed), before + 1, "goes back to the sources' newest");
	is_int(bed_serial(&bed, "a.test."), 6, "not to what was taken in");
	reload_with(7);
	is_int(bed_served(&bed), before + 3, "numbers are not used twice");
}

/* What must be refused, each for its reason, changes nothing. */
static void
is_refused(const char *reason, const char *what)
{
	uint64_t before = bed_served(&bed);

	is_int(swap("bad"), 1, "%s", what);
	ok(bed_reply_has(&bed, reason), "%s: the reason", what);
	is_int(bed_served(&bed), before, "%s: served as before", what);
	is_chosen(0, what);
}

static void
test_bad_swaps(void)
{
	uint64_t good = bed_served(&bed);
	struct generation_list list;

	bed_shell("rm -rf %s/bad", bed.dir);
	is_refused("cannot be opened", "a directory that is not there");
	bed_shell("mkdir %s/bad", bed.dir);
	is_refused("manifest", "an empty directory");
	copy_out(good, "bad");
	bed_shell("cd %s/bad && mv data.mdb x && ln -s x data.mdb", bed.dir);
	is_refused("is a link", "a link");
	copy_out(good, "bad");
	bed_shell("cd %s/bad && rm index && mkfifo index", bed.dir);
	is_refused("no regular file", "a pipe");
	copy_out(good, "bad");
	bed_shell("truncate -s -1 %s/bad/index", bed.dir);
	is_refused("is damaged", "a truncated index");
	copy_out(good, "bad");
	bed_shell("printf x >> %s/bad/data.mdb", bed.dir);
	is_refused("is damaged", "data that has grown");
	copy_out(good, "bad");
	bed_shell("printf '\\377' | dd of=%s/bad/manifest bs=1 seek=30 conv=notrunc "
		  "2>/dev/null",
		  bed.dir);
	is_refused("is damaged", "a manifest with another content");
	copy_out(good, "bad");
	bed_shell("printf '\\377' | dd of=%s/bad/data.mdb bs=1 seek=9000 conv=notrunc "
		  "2>/dev/null",
		  bed.dir);
	is_refused("is damaged", "data with another content");
	copy_out(good, "bad");
	bed_shell("printf '\\377' | dd of=%s/bad/index bs=1 seek=5000 conv=notrunc "
		  "2>/dev/null",
		  bed.dir);
	is_refused("is damaged", "an index with another content");
	copy_out(good, "bad");
	bed_shell("printf '\\377' | dd of=%s/bad/manifest bs=1 seek=8 conv=notrunc "
		  "2>/dev/null",
		  bed.dir);
	is_refused("newer", "a newer format");
	copy_out(good, "bad");
	bed_shell(
		"printf '\\1\\2\\3\\4' | dd of=%s/bad/manifest bs=1 seek=12 conv=notrunc "
		"2>/dev/null",
		bed.dir);
	is_refused("byte order", "another byte order");
	is_int(bed_ask(&bed, "swap relative/path"), 1, "a relative path");
	is_int(bed_ask(&bed, "swap"), 1, "no path");
	bed_shell("ls %s/generations | grep -q tmp && exit 1; true", bed.state_dir);
	is_int(generations_list(bed.state_dir, &list), 0, "the list");
	is_int(list.entries[list.count - 1].manifest.id, good, "holds no refused one");
	generations_list_free(&list);
}

/* `martletctl build` makes what `swap` takes. */
static void
test_build(void)
{
	uint64_t before = bed_served(&bed);
	char dir[128];

	snprintf(dir, sizeof dir, "%s/built", bed.dir);
	bed_write_zone(&bed, "a.test", 50, "");
	is_int(loader_build(&bed.settings, dir), 0, "built from the zone files");
	bed_write_zone(&bed, "a.test", 51, "");
	is_int(loader_build(&bed.settings, dir), ERR_EXISTS, "not over another one");
	is_int(swap("built"), 0, "and taken in");
	is_int(bed_served(&bed), before + 1, "under a number of ours");
	is_int(bed_serial(&bed, "a.test."), 50, "with the data of its time");
	is_int(bed_ask(&bed, "resume"), 0, "resume");
	is_int(bed_serial(&bed, "a.test."), 51, "brings the present ones");
	bed_shell("mv %s %s.away", bed.zones_dir, bed.zones_dir);
	snprintf(dir, sizeof dir, "%s/none", bed.dir);
	ok(loader_build(&bed.settings, dir) < 0,
	   "without the zone files nothing is built");
	ok(access(dir, F_OK) != 0, "nothing at all");
	bed_shell("mv %s.away %s", bed.zones_dir, bed.zones_dir);
}

int
main(void)
{
	bed_init(&bed);
	bed.settings.generations.keep = 100;
	test_rollback();
	test_held();
	test_resume();
	test_swap();
	test_bad_swaps();
	test_build();
	bed_stop(&bed);
	bed_fini(&bed);
	return done_testing();
}
