/* The watch list, kept along with random changes and made anew, against a walk of all that
 * is served. */
#include "loader/store/watch.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/draw.h"
#include "t/prop/live_change.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "t/zone_seal.h"

enum {
	ROUNDS = 8,
	SETS = 25,
	WANTS_MAX = 4096,
	NODES_MAX = 1024,
	NODE_WORK_MAX = 48, /* of one node, what it wanted before included */
};

static struct region_watch region;
static char *scratch;
static unsigned step_count;

/* What a walk finds, or a reader. */
struct found {
	uint64_t targets[WANTS_MAX]; /* each once */
	uint64_t spec_sums[WANTS_MAX];
	unsigned target_count, want_count;
	char *nodes[NODES_MAX];
	unsigned node_count;
};

static uint64_t
sum_of(const uint8_t *octets, size_t len)
{
	uint64_t sum = len;

	for (size_t i = 0; i < len; i++)
		sum = sum * 31 + octets[i];
	return sum;
}

static void
add_target(struct found *found, uint64_t key, const uint8_t *spec, size_t len)
{
	for (unsigned i = 0; i < found->target_count; i++)
		if (found->targets[i] == key)
			return;
	if (found->target_count == WANTS_MAX)
		_exit(2);
	found->spec_sums[found->target_count] = sum_of(spec, len);
	found->targets[found->target_count++] = key;
}

/* ---- the walk ---- */

static void
add_want(void *context, enum watch_want kind, const void *want, size_t want_len,
	 const void *spec, size_t spec_len)
{
	struct found *found = context;
	uint64_t key;

	if (kind != WATCH_TARGET || want_len != sizeof key)
		return;
	memcpy(&key, want, sizeof key);
	found->want_count++;
	add_target(found, key, spec, spec_len);
}

static int
visit_node(void *context, const struct node *node)
{
	struct found *found = context;
	unsigned before = found->want_count;
	char owner[DNAME_TEXT_MAX];

	watch_wants(node, add_want, found);
	if (found->want_count == before)
		return 0;
	if (found->node_count == NODES_MAX)
		_exit(2);
	dname_to_text(node_owner(node), owner);
	found->nodes[found->node_count++] = strdup(owner);
	return 0;
}

struct zones {
	uint32_t ids[MODEL_ZONES];
	unsigned count;
	struct found *found;
};

static int
visit_zone(void *context, const struct node *apex)
{
	struct zones *zones = context;
	struct zone_facts facts;

	if (!node_zone_facts(apex, &facts) || zones->count == MODEL_ZONES)
		_exit(2);
	zones->ids[zones->count++] = facts.zone_id;
	return visit_node(zones->found, apex);
}

static void
walk_all(const char *dir, struct found *found)
{
	struct zones zones = { .found = found };
	struct live *live;

	if (live_open_snapshot(dir, &live) != 0 ||
	    live_walk_zones(live, visit_zone, &zones) != 0)
		_exit(3);
	for (unsigned i = 0; i < zones.count; i++)
		if (live_walk_zone(live, zones.ids[i], visit_node, found) != 0)
			_exit(3);
	live_close(live);
}

/* ---- the list ---- */

static int
read_target(void *context, uint64_t key, const uint8_t *spec, size_t len)
{
	add_target(context, key, spec, len);
	return 0;
}

static int
read_node(void *context, const char *owner, const uint8_t *wants, size_t len)
{
	struct found *found = context;
	enum watch_want kind;
	const uint8_t *want;
	size_t at = 0, want_len;

	while (watch_next_want(wants, len, &at, &kind, &want, &want_len))
		found->want_count++;
	found->nodes[found->node_count++] = strdup(owner);
	return at == len ? 0 : ERR_DAMAGED;
}

static void
read_all(struct found *found)
{
	struct watch_reader *reader;

	if (watch_reader_open(scratch, &reader) != 0 || watch_read_begin(reader) != 0 ||
	    watch_read_targets(reader, read_target, found) != 0 ||
	    watch_read_nodes(reader, read_node, found) != 0)
		_exit(4);
	watch_read_end(reader);
	watch_reader_close(reader);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
compare_keys(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void
sort_found(struct found *found)
{
	qsort(found->nodes, found->node_count, sizeof found->nodes[0], compare_texts);
	qsort(found->targets, found->target_count, sizeof found->targets[0],
	      compare_keys);
	qsort(found->spec_sums, found->target_count, sizeof found->spec_sums[0],
	      compare_keys);
}

static bool
is_same(struct found *one, struct found *other)
{
	sort_found(one);
	sort_found(other);
	if (one->node_count != other->node_count ||
	    one->target_count != other->target_count ||
	    one->want_count != other->want_count)
		return false;
	for (unsigned i = 0; i < one->node_count; i++)
		if (strcmp(one->nodes[i], other->nodes[i]) != 0)
			return false;
	return memcmp(one->targets, other->targets,
		      one->target_count * sizeof one->targets[0]) == 0 &&
	       memcmp(one->spec_sums, other->spec_sums,
		      one->target_count * sizeof one->spec_sums[0]) == 0;
}

/* In a process of its own: here both environments are open.  returns the number of nodes on
 * the list; wrong is set when it is not that of the walk. */
static unsigned
compare(const char *dir)
{
	static struct found walked, listed;
	int status, ends[2];
	unsigned count = 0;
	pid_t pid;

	if (pipe(ends) != 0)
		bail_out("no pipe");
	pid = fork();
	if (pid == 0) {
		walk_all(dir, &walked);
		read_all(&listed);
		if (write(ends[1], &listed.node_count, sizeof count) != sizeof count)
			_exit(5);
		_exit(is_same(&walked, &listed) ? 0 : 1);
	}
	close(ends[1]);
	if (read(ends[0], &count, sizeof count) != sizeof count)
		count = 0;
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (status != 0 && !wrong) {
		wrong = "the list is not that of a walk";
		diag("status %d, %u nodes", status, count);
	}
	return count;
}

/* ---- rounds ---- */

static void
build(const char *dir)
{
	struct zone_records *zones[MODEL_ZONES];
	size_t count = 0;

	for (unsigned i = 0; i < MODEL_ZONES; i++) {
		memset(&model[i], 0, sizeof model[i]);
		if (draw(3) == 0)
			continue;
		model_draw_zone(&model[i], model_origins[i]);
		zones[count++] = model_records(&model[i]);
	}
	zone_seal(dir, zones, count);
}

static void
change(struct live *live)
{
	static struct model_zone before[MODEL_ZONES];

	memcpy(before, model, sizeof before);
	must(live_begin(live), "live_begin");
	for (unsigned i = 1 + draw(4); i > 0; i--)
		change_one(live);
	if (draw(6) != 0) {
		must(live_commit(live), "live_commit");
		return;
	}
	live_abort(live);
	memcpy(model, before, sizeof model);
}

/* A step looks at so much, and at the rest of its last name. */
static int
step(struct live_fill *fill, struct watch *watch)
{
	unsigned most = 1 + draw(40);
	uint64_t before = watch_work(watch), done;
	int rc = live_fill_step(fill, most);

	done = watch_work(watch) - before;
	if (done > most + NODE_WORK_MAX && !wrong) {
		wrong = "a step is too long";
		diag("%u of %u", (unsigned)done, most);
	}
	return rc;
}

/* Make it that of what is served, in steps, most often while all goes on changing. */
static unsigned
make_anew(const char *dir, struct live *live, struct watch *watch)
{
	uint32_t seq = atomic_load(&region.seq);
	bool was_kept = live_watch(live) != NULL, is_quiet = draw(3) == 0,
	     is_told = false;
	struct live_fill *fill;
	unsigned seen = 0;
	int rc;

	live_set_watch(live, watch);
	must(live_fill_open(live, watch, &fill), "live_fill_open");
	while ((rc = step(fill, watch)) == 0) {
		is_told |= atomic_load(&region.seq) != seq;
		if (!is_quiet && draw(4) == 0)
			change(live);
		else if (is_quiet && was_kept && draw(8) == 0)
			seen += compare(dir); /* what was on it stays */
		step_count++;
	}
	must(rc == ERR_NOTFOUND ? 0 : rc, "live_fill_step");
	live_fill_close(fill);
	ok(!is_told, "nobody is told of a list that is not whole");
	return seen + compare(dir);
}

/* The same after changes that did not keep it along, as another generation has them. */
static unsigned
fall_behind(const char *dir, struct live *live, struct watch *watch)
{
	live_set_watch(live, NULL);
	for (unsigned i = 1 + draw(8); i > 0; i--)
		change(live);
	return make_anew(dir, live, watch);
}

static unsigned
run_round(const char *dir)
{
	struct watch *watch;
	struct live *live;
	unsigned seen = 0, seq;

	build(dir);
	must(watch_open(scratch, &region, &watch), "watch_open");
	must(live_open(dir, 1000, &live), "live_open");
	wrong = NULL;
	seq = atomic_load(&region.seq);
	seen += make_anew(dir, live, watch);
	ok(atomic_load(&region.seq) != seq, "who reads a new one is told");
	for (unsigned set = 0; set < SETS && !wrong; set++) {
		change(live);
		seen += compare(dir);
		if (draw(8) == 0)
			seen += draw(2) ? fall_behind(dir, live, watch)
					: make_anew(dir, live, watch);
	}
	ok(!wrong && !watch_is_stale(watch), "the list is that of a walk");
	if (wrong)
		diag("%s", wrong);
	live_close(live);
	watch_close(watch);
	return seen;
}

int
main(void)
{
	unsigned seen = 0;
	char name[16];

	plan(0);
	draw_seed();
	model_has_watched = true;
	scratch = scratch_dir_make();
	if (render_new(&renderer) != 0)
		bail_out("no renderer");
	for (unsigned round = 0; round < ROUNDS; round++) {
		snprintf(name, sizeof name, "round%u", round);
		seen += run_round(scratch_path(scratch, name));
	}
	ok(seen > ROUNDS * SETS, "%u names were on the list", seen);
	ok(step_count > ROUNDS * 10, "which was made in %u steps", step_count);
	render_free(renderer);
	scratch_dir_free(scratch);
	return done_testing();
}
