/* Damage, crashes and full disks: whole states only, and always one that is served. */
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "t/unit/sync_bed.h"

enum { KILL_ATTEMPTS = 50 };

static struct bed bed;

static void
reload_with(unsigned serial)
{
	bed_write_zone(&bed, "a.test", serial, "");
	if (bed_ask(&bed, "reload") != 0 || bed_serial(&bed, "a.test.") != serial)
		bail_out("reload: %s", bed.reply);
}

/* A state_dir with two generations, the server down. */
static uint64_t
prepare(void)
{
	uint64_t newest;

	bed_shell("rm -rf %s/* %s/*", bed.state_dir, bed.zones_dir);
	bed_write_zone(&bed, "a.test", 1, "");
	bed_write_zone(&bed, "b.test", 1, "www A 192.0.2.1\n");
	bed_start(&bed);
	reload_with(2);
	newest = bed_served(&bed);
	bed_stop(&bed);
	return newest;
}

static const struct {
	const char *file;
	long at;
	const char *what;
} damages[] = {
	{ "manifest", 0, "the manifest's magic" },
	{ "manifest", 40, "the manifest's numbers" },
	{ "manifest", -1, "the manifest's checksum" },
	{ "index", 0, "the index's magic" },
	{ "index", 30, "the index's head" },
	{ "index", 4200, "the index's slots" },
	{ "index", -4, "the index's end" },
	{ "data.mdb", 20, "the data's head" },
	{ "data.mdb", 9000, "the data's middle" },
	{ "data.mdb", -9, "the data's end" },
};

/* The sources are away: what is served comes from the store. */
static void
test_damage(const char *file, long at, const char *what)
{
	uint64_t newest = prepare();
	char reason[STATE_REASON_MAX] = "", error[256];

	bed_damage(&bed, newest, file, at);
	bed_shell("mv %s %s.away", bed.zones_dir, bed.zones_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), newest - 1, "%s: the previous one is served", what);
	is_int(bed_current(&bed), newest - 1, "%s: and current", what);
	is_int(bed_serial(&bed, "a.test."), 1, "%s: whole", what);
	ok(state_read_damage(bed.state_dir, newest, reason), "%s: is remembered: %s",
	   what, reason);
	region_get_error(bed.region, error);
	ok(error[0] != '\0', "%s: status: %s", what, error);
	is_int(bed_ask(&bed, "rollback 2"), 1, "%s: it is not served again", what);
	bed_stop(&bed);

	bed_shell("mv %s.away %s", bed.zones_dir, bed.zones_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), newest + 1, "%s: with the sources there is a new one",
	       what);
	is_int(bed_serial(&bed, "a.test."), 2, "%s: of their state", what);
	ok(bed_is_whole(&bed, newest + 1), "%s: whole", what);
	bed_stop(&bed);
}

static void
test_nothing_whole(void)
{
	uint64_t newest = prepare();

	bed_damage(&bed, newest, "data.mdb", 9000);
	bed_damage(&bed, newest - 1, "index", 0);
	bed_start(&bed);
	is_int(bed_served(&bed), newest + 1,
	       "nothing is whole: the sources are read anew");
	is_int(bed_serial(&bed, "b.test."), 1, "all of them");
	bed_stop(&bed);

	newest = prepare();
	bed_shell("rm %s/current", bed.state_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), newest, "without `current` the newest is served");
	bed_stop(&bed);
	bed_shell("ln -sfn /etc %s/current", bed.state_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), newest, "with a foreign one too");
	is_int(bed_current(&bed), newest, "and it is set right");
	bed_stop(&bed);
	bed_shell("ln -sfn generations/00000099 %s/current", bed.state_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), newest, "or one that names nothing");
	bed_stop(&bed);
}

/* A first generation is served before it is checked, by whatever way it comes. */
static void
test_late_first(void)
{
	prepare();
	bed_shell("rm -rf %s/*", bed.state_dir);
	bed_shell("mv %s %s.away", bed.zones_dir, bed.zones_dir);
	bed_start(&bed);
	is_int(bed_served(&bed), 0, "without store and sources nothing is served");
	bed_shell("mv %s.away %s", bed.zones_dir, bed.zones_dir);
	is_int(bed_ask(&bed, "reload"), 0, "a reload brings the first generation");
	is_int(atomic_load(&bed.region->swap.verified_id), bed_served(&bed),
	       "which is checked as a whole");
	bed_stop(&bed);
}

static void
test_damaged_choice(void)
{
	uint64_t newest = prepare(), id = 0;

	bed_start(&bed);
	if (bed_ask(&bed, "rollback") != 0)
		bail_out("rollback: %s", bed.reply);
	bed_stop(&bed);
	bed_damage(&bed, newest - 1, "data.mdb", 9000);
	bed_start(&bed);
	is_int(bed_served(&bed), newest,
	       "a chosen one is damaged: another one is served");
	is_int(atomic_load(&bed.region->swap.chosen), 1, "the sources stay held off");
	ok(state_read_chosen(bed.state_dir, &id) == 0 && id == newest, "by the stand-in");
	bed_stop(&bed);
}

/* SIGKILL at any moment; whoever comes next serves a whole state, the old or the new. */
static void
test_crashes(void)
{
	const char *wish = getenv("MARTLET_SEED");
	unsigned serial = 2, seed = wish ? (unsigned)atoi(wish) : (unsigned)getpid();
	uint64_t last_served;

	diag("MARTLET_SEED=%u", seed);
	srandom(seed);
	prepare();
	bed_start(&bed);
	for (unsigned round = 0; round < 40; round++) {
		bool server_too = round % 3 == 0, is_good;
		long long found;

		bed_write_zone(&bed, "a.test", ++serial, "");
		bed_send(&bed, "reload", 7, -1);
		usleep((unsigned)(random() % 30000));
		last_served = bed_served(&bed);
		if (server_too) {
			bed_stop(&bed);
			bed_start(&bed);
		} else {
			bed_kill(&bed, SIGKILL);
			is_good = bed_is_whole(&bed, bed_served(&bed));
			atomic_store(&bed.region->swap.sync_state, SYNC_STARTING);
			bed_fork_sync(&bed);
			if (!is_good || !bed_wait_idle(&bed))
				ok(false, "round %u: whole while sync is away", round);
		}
		found = bed_serial(&bed, "a.test.");
		ok(found == serial && bed_is_whole(&bed, bed_served(&bed)) &&
			   bed_current(&bed) == bed_served(&bed) &&
			   bed_served(&bed) >= last_served,
		   "round %u: serial %lld of %u is served", round, found, serial);
	}
	bed_stop(&bed);
}

/* The same while generations are chosen and let go: what is served is whole, is current,
 * and is the chosen one when there is one. */
static void
test_crashes_of_choices(void)
{
	static const char *const requests[] = { "rollback", "resume", "reload", "swap" };
	char swap[128];
	uint64_t newest = prepare();

	bed_shell("rm -rf %s/out; cp -r %s/generations/%08u %s/out", bed.dir,
		  bed.state_dir, (unsigned)newest, bed.dir);
	snprintf(swap, sizeof swap, "swap %s/out", bed.dir);
	*strchr(swap, ' ') = '\0';
	bed_start(&bed);
	for (unsigned round = 0; round < 40; round++) {
		const char *request = requests[random() % 4];
		bool is_swap = strcmp(request, "swap") == 0;
		uint64_t served, chosen = 0;

		bed_write_zone(&bed, "a.test", 3000 + round, "");
		bed_send(&bed, is_swap ? swap : request,
			 is_swap ? strlen(bed.dir) + 10 : strlen(request) + 1, -1);
		usleep((unsigned)(random() % 30000));
		bed_stop(&bed);
		bed_start(&bed);
		served = bed_served(&bed);
		if (state_read_chosen(bed.state_dir, &chosen) != 0)
			chosen = 0;
		ok(bed_is_whole(&bed, served) && bed_current(&bed) == served &&
			   (chosen == 0 || chosen == served) &&
			   atomic_load(&bed.region->swap.chosen) == (chosen != 0) &&
			   (chosen != 0 || bed_serial(&bed, "a.test.") == 3000 + round),
		   "round %u: %s cut short, then %" PRIu64 " is served, %" PRIu64
		   " chosen",
		   round, request, served, chosen);
	}
	bed_stop(&bed);
}

/* returns how many half-built generations there are. */
static int
count_leftovers(void)
{
	char path[256];
	int count = 0;

	for (unsigned id = 1; id < 30; id++) {
		snprintf(path, sizeof path, "%s/generations/%08u.tmp", bed.state_dir, id);
		count += access(path, F_OK) == 0;
	}
	return count;
}

/* Ask for something and kill the process that sync forks for it, `after_us` later, if it is
 * still seen.  returns the exit code. */
static int
ask_and_kill(const char *words, const char *name, unsigned after_us)
{
	int fd = bed_begin(&bed, words);
	pid_t job = bed_find_job(&bed, name, fd);

	if (job > 0) {
		kill(job, SIGSTOP);
		kill(job, SIGCONT);
		usleep(after_us);
		kill(job, SIGKILL);
	}
	return bed_end(&bed, fd);
}

/* The same until it was killed before its end; `again` takes back what it has done.
 * returns whether that was said, nothing has changed, and nothing is left. */
static bool
kill_job(const char *words, const char *name, unsigned after_us, void (*again)(void))
{
	for (unsigned i = 0; i < KILL_ATTEMPTS; i++) {
		uint64_t served = bed_served(&bed);

		if (ask_and_kill(words, name, after_us) == 1)
			return bed_reply_has(&bed, "was killed by signal 9") &&
			       bed_served(&bed) == served && count_leftovers() == 0;
		again();
	}
	diag("%s: no %s was killed in time", words, name);
	return false;
}

static char *many_lines;
static unsigned last_serial;

static void
write_much(void)
{
	bed_write_zone(&bed, "a.test", ++last_serial, many_lines);
}

/* To a new generation, so that there is one to go back to. */
static void
resume(void)
{
	write_much();
	if (bed_ask(&bed, "resume") != 0)
		bail_out("resume: %s", bed.reply);
}

static void
test_killed_copies(void)
{
	char swap[CTL_REQUEST_MAX], reason[256];

	bed_shell("rm -rf %s/out; cp -r %s/generations/%08u %s/out", bed.dir,
		  bed.state_dir, (unsigned)bed_served(&bed), bed.dir);
	snprintf(swap, sizeof swap, "swap %s/out", bed.dir);
	ok(kill_job(swap, "copier", 0, resume), "the copier is killed: nothing changed");
	ok(kill_job("rollback", "checker", 0, resume), "the checker is killed, too");
	ok(bed_reply_has(&bed, "cannot be checked"), "says so");
	ok(!state_read_damage(bed.state_dir, bed_served(&bed) - 1, reason),
	   "what it looked at is not held damaged");
}

/* The process that builds dies at any moment: what is served stays, nothing is left. */
static void
test_killed_builder(void)
{
	char reason[256];
	size_t len = 0;

	prepare();
	many_lines = malloc(60000 * 40);
	for (unsigned i = 0; i < 60000; i++)
		len += (size_t)sprintf(many_lines + len, "host%u A 192.0.2.%u\n", i,
				       i % 256);
	bed_start(&bed);
	last_serial = 2;
	write_much();
	for (unsigned round = 0; round < 8; round++) {
		ok(kill_job("reload", "builder", round * 5000, write_much),
		   "the builder is killed after %u ms: said, nothing changed", round * 5);
	}
	region_get_error(bed.region, reason);
	ok(strstr(reason, "builder, was killed") != NULL, "status: %s", reason);
	is_int(bed_ask(&bed, "reload"), 0, "the next reload succeeds");
	is_int(bed_serial(&bed, "a.test."), last_serial, "and serves the new data");
	test_killed_copies();
	bed_stop(&bed);
	free(many_lines);
}

/* A small file system fills up: the old data goes on being served. */
static void
test_full_disk(void)
{
	char path[256], reason[256];
	uint64_t before;
	FILE *file;

	bed_shell("rm -rf %s/*", bed.state_dir);
	if (geteuid() != 0 || mount("tmpfs", bed.state_dir, "tmpfs", MS_NOSUID | MS_NODEV,
				    "size=3m") != 0) {
		skip(7, "no file system can be mounted here");
		return;
	}
	bed_start(&bed);
	before = bed_served(&bed);
	snprintf(path, sizeof path, "%s/ballast", bed.state_dir);
	bed_shell("head -c 100M /dev/zero > %s 2>/dev/null || true", path);
	bed_write_zone(&bed, "a.test", 1000, "");
	is_int(bed_ask(&bed, "reload"), 1, "reload on a full disk fails");
	ok(bed_reply_has(&bed, "no space") || bed_reply_has(&bed, "room") ||
		   bed_reply_has(&bed, "free"),
	   "says why");
	region_get_error(bed.region, reason);
	ok(reason[0] != '\0', "status: %s", reason);
	is_int(bed_served(&bed), before, "the old data is served");
	ok(bed_is_whole(&bed, before), "whole");
	bed_shell("test -z \"$(ls -d %s/generations/*.tmp 2>/dev/null)\"", bed.state_dir);
	file = fopen(path, "w");
	if (file)
		fclose(file);
	is_int(bed_ask(&bed, "reload"), 0, "with room again it succeeds");
	is_int(bed_serial(&bed, "a.test."), 1000, "and serves the new data");
	bed_stop(&bed);
	umount(bed.state_dir);
}

/* A limit on the size of files acts like a full disk, and can be tried by anybody. */
static void
test_size_limit(void)
{
	struct rlimit before, tight = { .rlim_cur = 4096 };
	uint64_t served;

	served = prepare();
	getrlimit(RLIMIT_FSIZE, &before);
	tight.rlim_max = before.rlim_max;
	bed_shell("rm %s", bed.log_path);
	setrlimit(RLIMIT_FSIZE, &tight);
	bed_start(&bed);
	is_int(bed_served(&bed), served, "files cannot grow: the store is served");
	bed_write_zone(&bed, "a.test", 2000, "");
	is_int(bed_ask(&bed, "reload"), 1, "reload fails");
	ok(bed_reply_has(&bed, "no space") || bed_reply_has(&bed, "room"),
	   "and says why");
	is_int(bed_served(&bed), served, "the old data is served");
	ok(bed_is_whole(&bed, served) && bed_current(&bed) == served, "whole");
	setrlimit(RLIMIT_FSIZE, &before);
	bed_stop(&bed);
	bed_start(&bed);
	is_int(bed_serial(&bed, "a.test."), 2000, "without the limit it succeeds");
	bed_stop(&bed);
}

int
main(void)
{
	bed_init(&bed);
	for (size_t i = 0; i < sizeof damages / sizeof *damages; i++)
		test_damage(damages[i].file, damages[i].at, damages[i].what);
	test_nothing_whole();
	test_late_first();
	test_damaged_choice();
	test_killed_builder();
	test_crashes();
	test_crashes_of_choices();
	test_full_disk();
	test_size_limit();
	bed_fini(&bed);
	return done_testing();
}
