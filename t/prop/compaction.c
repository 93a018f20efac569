/* Live changes while generations are sealed, swapped, damaged and lost: sync itself, with a
 * follower in place of Redis's that commits numbered change sets, drawn from a seed.  What
 * is served is at any time the model after so many sets as the cursor says: nothing is
 * lost, nothing comes twice, whatever dies. */
#include <sys/mman.h>
#include <time.h>

#include "loader/redis/follow.h"
#include "loader/store/overlay_dirs.h"
#include "loader/store/state_paths.h"
#include "t/prop/live_change.h"
#include "t/unit/sync_bed.h"

enum { ROUNDS_DEFAULT = 20, BOUND = 150, SETS_PER_STEP = 3, FILE_ZONES = 3 };

/* Between this test and the follower in sync's process. */
struct shared {
	_Atomic uint64_t seed;
	_Atomic uint64_t applied; /* sets committed */
	_Atomic uint32_t is_paused; /* wanted */
	_Atomic uint32_t has_paused;
	_Atomic uint64_t resyncs; /* the cursor was lost: all was put anew */
	_Atomic uint64_t steps_back; /* sets to be done again */
	_Atomic uint64_t waits; /* times that the store was taken away */
};

static struct shared *shared;
static struct bed bed;
static uint64_t model_at; /* sets in the model */

/* ---- the model ---- */

static void
draw_set(uint64_t number, struct live *live)
{
	draw_start(shared->seed + number);
	for (unsigned i = 0; i < 4; i++)
		(void)draw(2);
	for (unsigned i = 1 + draw(3); i > 0; i--)
		change_one(live);
}

static void
bring_model_to(uint64_t number)
{
	if (number < model_at) {
		memset(model, 0, sizeof model);
		model_at = 0;
	}
	while (model_at < number)
		draw_set(++model_at, NULL);
}

/* ---- the follower ---- */

struct follow {
	struct live *store;
	uint64_t cursor;
};

static struct follow follower;

struct follow *
follow_new(const struct settings *settings, struct region *region, int signer_fd)
{
	(void)settings;
	(void)region;
	(void)signer_fd;
	if (render_new(&renderer) != 0)
		bail_out("no renderer");
	return &follower;
}

void
follow_free(struct follow *follow)
{
	(void)follow;
}

int
follow_accept(struct follow *follow, uint64_t id, char reason[FOLLOW_REASON_MAX])
{
	(void)follow;
	(void)id;
	snprintf(reason, FOLLOW_REASON_MAX, "nothing is held");
	return ERR_NOTFOUND;
}

void
follow_resync(struct follow *follow)
{
	(void)follow;
}

struct origins {
	uint8_t names[100][DNAME_MAX];
	size_t lens[100], count;
};

static int
note_origin(void *context, const struct node *apex)
{
	struct origins *origins = context;
	struct redis_facts facts;

	if (!node_copy_block(apex, BLOCK_REDIS, &facts, sizeof facts))
		return 0;
	memcpy(origins->names[origins->count], node_owner(apex), apex->head.owner_len);
	origins->lens[origins->count++] = apex->head.owner_len;
	return 0;
}

/* The cursor is lost: make the store what the model is after all sets so far. */
static void
resync(struct follow *follow)
{
	static struct origins origins;

	origins.count = 0;
	bring_model_to(shared->applied);
	must(live_walk_zones(follow->store, note_origin, &origins), "live_walk_zones");
	must(live_begin(follow->store), "live_begin");
	for (size_t i = 0; i < origins.count; i++)
		must(live_drop_zone(follow->store, origins.names[i], origins.lens[i]),
		     "live_drop_zone");
	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		struct zone_records *records;

		if (!model[i].exists)
			continue;
		records = model_records(&model[i]);
		must(live_put_zone(follow->store, records), "live_put_zone");
		zone_records_free(records);
	}
	follow->cursor = shared->applied;
	must(live_note(follow->store, FOLLOW_CURSOR_NOTE, &follow->cursor,
		       sizeof follow->cursor),
	     "live_note");
	must(live_commit(follow->store), "live_commit");
	if (follow->cursor > 0)
		atomic_fetch_add(&shared->resyncs, 1);
}

void
follow_set_store(struct follow *follow, struct live *live, const char *waiting)
{
	follow->store = live;
	if (!live) {
		atomic_fetch_add(&shared->waits, waiting != NULL);
		return;
	}
	if (live_read_note(live, FOLLOW_CURSOR_NOTE, &follow->cursor,
			   sizeof follow->cursor) != sizeof follow->cursor) {
		resync(follow);
		return;
	}
	/* a power cut's worth, or an overlay of an earlier time: from there on again */
	if (follow->cursor < shared->applied)
		atomic_fetch_add(&shared->steps_back, shared->applied - follow->cursor);
	bring_model_to(follow->cursor);
}

unsigned
follow_poll_fds(struct follow *follow, struct pollfd fds[FOLLOW_FDS_MAX], int *timeout_ms)
{
	(void)follow;
	(void)fds;
	if (*timeout_ms < 0 || *timeout_ms > 1)
		*timeout_ms = 1;
	return 0;
}

static void
apply_set(struct follow *follow)
{
	must(live_begin(follow->store), "live_begin");
	follow->cursor++;
	model_at = follow->cursor;
	draw_set(follow->cursor, follow->store);
	must(live_note(follow->store, FOLLOW_CURSOR_NOTE, &follow->cursor,
		       sizeof follow->cursor),
	     "live_note");
	must(live_commit(follow->store), "live_commit");
	if (shared->applied < follow->cursor)
		shared->applied = follow->cursor;
}

void
follow_step(struct follow *follow, const struct pollfd *fds, unsigned count)
{
	(void)fds;
	(void)count;
	bool is_behind = follow->store && follow->cursor < shared->applied;

	shared->has_paused = shared->is_paused && !is_behind;
	for (unsigned i = 0; i < SETS_PER_STEP && follow->store && !shared->has_paused;
	     i++)
		apply_set(follow);
}

bool
follow_wants_load(const struct follow *follow)
{
	(void)follow;
	return false;
}

int
follow_finish_load(struct follow *follow, struct live *live,
		   char reason[FOLLOW_REASON_MAX])
{
	(void)follow;
	(void)live;
	reason[0] = '\0';
	return ERR_CLOSED;
}

void
follow_fail_load(struct follow *follow)
{
	(void)follow;
}

int
follow_finish_aside(struct follow *follow, struct live *live,
		    char reason[FOLLOW_REASON_MAX])
{
	(void)follow;
	(void)live;
	reason[0] = '\0';
	return ERR_OK;
}

/* ---- looking ---- */

static void
pause_changes(void)
{
	uint64_t until_ms = clock_now_ms() + BED_WAIT_MS;

	shared->has_paused = 0;
	shared->is_paused = 1;
	while (!shared->has_paused && clock_now_ms() < until_ms)
		usleep(200);
	if (!shared->has_paused)
		bail_out("sync does not come to rest");
}

static int
count_all(void *context, const struct node *apex)
{
	unsigned *count = context;

	(void)apex;
	++*count;
	return 0;
}

/* Compare a generation with its overlay, and the zones from files, with the model. */
static void
compare_generation(uint64_t id, const char *what)
{
	unsigned all = 0, expected = FILE_ZONES;
	struct live *live;
	char dir[PATH_MAX];
	uint64_t cursor = 0;
	int rc;

	if (!state_path_generation(bed.state_dir, id, dir))
		bail_out("path");
	rc = live_open_snapshot(dir, &live);
	if (!is_int(rc, 0, "%s: generation %" PRIu64 " opens", what, id))
		return;
	rc = live_read_note(live, FOLLOW_CURSOR_NOTE, &cursor, sizeof cursor);
	bring_model_to(cursor);
	wrong = NULL;
	compare_all(live);
	for (unsigned i = 0; i < MODEL_ZONES; i++)
		expected += model[i].exists;
	if (live_walk_zones(live, count_all, &all) != 0 || all != expected)
		differ("another number of zones in all", (const uint8_t *)"");
	ok(rc == sizeof cursor && !wrong && cursor == shared->applied,
	   "%s: %" PRIu64 " of %" PRIu64 " sets in generation %" PRIu64 ": as the model",
	   what, cursor, shared->applied, id);
	if (wrong)
		diag("%s", wrong);
	live_close(live);
}

static void
look(const char *what)
{
	pause_changes();
	compare_generation(bed_served(&bed), what);
	shared->is_paused = 0;
}

/* ---- what happens ---- */

static unsigned random_state;

static unsigned
pick(unsigned below)
{
	random_state = random_state * 1103515245 + 12345;
	return (random_state >> 16) % below;
}

static unsigned serial = 1;

static void
change_file_zone(void)
{
	char origin[32], lines[64];

	snprintf(origin, sizeof origin, "file%u.test", pick(FILE_ZONES));
	snprintf(lines, sizeof lines, "www A 192.0.2.%u\n", pick(250));
	bed_write_zone(&bed, origin, ++serial, lines);
}

static void
do_reload(void)
{
	change_file_zone();
	is_int(bed_ask(&bed, "reload"), 0, "reload");
	look("after a reload");
}

static void
wait_for_applied(uint64_t more)
{
	uint64_t want = shared->applied + more, until_ms = clock_now_ms() + 3000;

	while (shared->applied < want && clock_now_ms() < until_ms)
		usleep(500);
}

static void
kill_sync(void)
{
	wait_for_applied(pick(30));
	if (pick(2)) {
		change_file_zone();
		bed_send(&bed, "reload", 7, -1);
		usleep(pick(60000));
	}
	bed_kill(&bed, SIGKILL);
	atomic_store(&bed.region->swap.sync_state, SYNC_STARTING);
	bed_fork_sync(&bed);
	ok(bed_wait_idle(&bed), "sync is started again");
	look("sync was killed");
}

static void
kill_all(void)
{
	wait_for_applied(pick(30));
	if (pick(2)) {
		change_file_zone();
		bed_send(&bed, "reload", 7, -1);
		usleep(pick(60000));
	}
	bed_kill(&bed, SIGKILL);
	close(bed.heritage.log_fd);
	bed_start(&bed);
	look("all was killed");
}

static void
kill_builder(void)
{
	pid_t job;
	int fd;

	change_file_zone();
	fd = bed_begin(&bed, "reload");
	job = bed_find_job(&bed, "builder", fd);
	usleep(pick(20000));
	if (job > 0)
		kill(job, SIGKILL);
	(void)bed_end(&bed, fd);
	is_int(bed_ask(&bed, "no-such-command"), 1, "sync goes on");
	look("the builder was killed");
}

static void
roll_back_and_resume(void)
{
	uint64_t newest = bed_served(&bed), waits = shared->waits, applied;
	char words[32];

	snprintf(words, sizeof words, "rollback %" PRIu64, newest - pick(2));
	if (bed_ask(&bed, words) != 0) {
		is_int(bed_ask(&bed, "rollback"), 0, "rollback: %s", words);
	}
	ok(shared->waits > waits && !overlay_dirs_has(bed.state_dir, bed_served(&bed)),
	   "%s: a sealed state alone is served, changes wait", words);
	applied = shared->applied;
	if (pick(2)) {
		bed_kill(&bed, SIGKILL);
		close(bed.heritage.log_fd);
		bed_start(&bed);
	}
	if (pick(2))
		change_file_zone();
	is_int(shared->applied, applied, "while it is held");
	is_int(bed_ask(&bed, "resume"), 0, "resume");
	look("resumed");
}

/* The data of what is served goes bad: the one before it takes over, all changes on top.
 * When that is gone, the source is read again. */
static void
damage_generation(void)
{
	uint64_t newest, before = shared->resyncs;

	do_reload();
	wait_for_applied(20);
	bed_stop(&bed);
	newest = bed_current(&bed);
	bed_damage(&bed, newest, "data.mdb", -9);
	bed_start(&bed);
	ok(bed_served(&bed) != newest, "generation %" PRIu64 " is damaged", newest);
	is_int(shared->resyncs, before, "nothing had to be read again");
	look("a stand-in");
}

static void
damage_overlay(void)
{
	uint64_t resyncs = shared->resyncs;
	char path[256];

	wait_for_applied(20);
	bed_stop(&bed);
	snprintf(path, sizeof path, "%s/generations/%08u/overlay/data.mdb", bed.state_dir,
		 (unsigned)bed_current(&bed));
	bed_shell("dd if=/dev/urandom of=%s bs=4096 count=%u conv=notrunc status=none",
		  path, 3 + pick(20));
	bed_start(&bed);
	ok(shared->resyncs > resyncs, "the overlay is damaged: all is read again");
	look("after that");
}

static void
run_round(void)
{
	static void (*const events[])(void) = {
		do_reload,
		do_reload,
		kill_sync,
		kill_all,
		kill_builder,
		kill_builder,
		roll_back_and_resume,
		damage_generation,
		kill_sync,
		damage_overlay,
	};

	events[pick(sizeof events / sizeof *events)]();
}

static unsigned
count_log(const char *text)
{
	char command[256], line[32] = "";
	FILE *pipe;

	snprintf(command, sizeof command, "grep -c '%s' %s", text, bed.log_path);
	pipe = popen(command, "r");
	if (!pipe || !fgets(line, sizeof line, pipe))
		line[0] = '\0';
	if (pipe)
		pclose(pipe);
	return (unsigned)atoi(line);
}

int
main(void)
{
	const char *seed = getenv("MARTLET_SEED"), *wish = getenv("PROP_ROUNDS");
	unsigned rounds = wish ? (unsigned)atoi(wish) : ROUNDS_DEFAULT;
	char origin[32];

	plan(0);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || render_new(&renderer) != 0)
		bail_out("no memory");
	shared->seed = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
	random_state = (unsigned)shared->seed;
	diag("MARTLET_SEED=%" PRIu64, shared->seed);
	bed_init(&bed);
	bed.settings.redis.enable = true;
	bed.settings.generations.overlay_max_records = BOUND;
	for (unsigned i = 0; i < FILE_ZONES; i++) {
		snprintf(origin, sizeof origin, "file%u.test", i);
		bed_write_zone(&bed, origin, 1, "");
	}
	bed_start(&bed);
	wait_for_applied(50);
	look("at first");
	for (unsigned round = 0; round < rounds; round++)
		run_round();
	ok(count_log("sealed from") > 0, "overlays were compacted: %u times",
	   count_log("sealed from"));
	bed_stop(&bed);
	bed_fini(&bed);
	return done_testing();
}
