/* Live changes: written by one process, seen by another once they are committed. */
#include "loader/store/overlay.h"

#include <lmdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/zone/node_writer.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "t/scratch_dir.h"
#include "t/tap.h"
#include "worker/overlay_view.h"

enum { ZONE_ID = 7, NAMES = 300 };

static struct generation gen = { .head = { .seed = { 0x1234567890abcdefu,
						     0xfedcba0987654321u } } };
static char dir[1200];

static size_t
name_of(unsigned number, uint8_t name[DNAME_MAX + NAME_PAD])
{
	char text[64];

	memset(name, 0, DNAME_MAX + NAME_PAD);
	snprintf(text, sizeof text, "host%u.example.", number);
	return dname_from_text(text, name);
}

static bool
put_name(struct overlay *overlay, uint32_t zone_id, unsigned number)
{
	struct node_writer writer = { .bytes = NULL };
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = name_of(number, name);
	bool done;

	node_writer_begin(&writer, zone_id, NODE_EMPTY, name, len);
	done = node_writer_end(&writer) == 0 &&
	       overlay_put(overlay, writer.bytes, writer.len) == 0;
	node_writer_fini(&writer);
	return done;
}

/* What a worker would see of a name. */
static enum overlay_answer
seen(struct overlay_view *view, unsigned number)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = name_of(number, name);
	uint64_t hash = name_hash(&gen.head.seed, ZONE_ID, name);
	struct node node;

	overlay_view_renew(view);
	if (!overlay_view_may_have(view, hash))
		return OVERLAY_UNKNOWN;
	return overlay_view_find(view, hash, ZONE_ID, name, len, &node);
}

static enum overlay_answer
seen_once(unsigned number)
{
	struct overlay_view view;
	uint8_t name[DNAME_MAX + NAME_PAD];
	enum overlay_answer answer;
	struct node node;

	size_t len = name_of(number, name);

	if (overlay_view_open(dir, &view) != 0)
		bail_out("no view");
	overlay_view_renew(&view);
	answer = overlay_view_find(&view, name_hash(&gen.head.seed, ZONE_ID, name),
				   ZONE_ID, name, len, &node);
	overlay_view_close(&view);
	return answer;
}

/* The reading side, in a process of its own: says what it sees whenever it is asked. */
static _Noreturn void
reader(int requests, int replies)
{
	struct overlay_view view;
	unsigned number;

	if (overlay_view_open(dir, &view) != 0)
		_exit(1);
	while (read(requests, &number, sizeof number) == sizeof number) {
		unsigned answer = seen(&view, number);

		if (number % 2)
			overlay_view_rest(&view);
		if (write(replies, &answer, sizeof answer) != sizeof answer)
			_exit(2);
	}
	overlay_view_close(&view);
	_exit(0);
}

static int ask_fd, reply_fd;

static unsigned
ask(unsigned number)
{
	unsigned answer = 99;

	if (write(ask_fd, &number, sizeof number) != sizeof number ||
	    read(reply_fd, &answer, sizeof answer) != sizeof answer)
		bail_out("the reader is gone");
	return answer;
}

static pid_t
start_reader(void)
{
	int requests[2], replies[2];
	pid_t pid;

	if (pipe(requests) != 0 || pipe(replies) != 0)
		bail_out("no pipes");
	pid = fork();
	if (pid == 0) {
		close(requests[1]);
		reader(requests[0], replies[1]);
	}
	close(requests[0]);
	close(replies[1]);
	ask_fd = requests[1];
	reply_fd = replies[0];
	return pid;
}

static void
test_changes(struct overlay *overlay)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	size_t len = name_of(3, name);
	unsigned right = 0;

	is_int(ask(1), OVERLAY_UNKNOWN, "an empty overlay knows nothing");
	ok(overlay_begin(overlay) == 0 && put_name(overlay, ZONE_ID, 1) &&
		   put_name(overlay, ZONE_ID, 2),
	   "two names in one change set");
	is_int(ask(1), OVERLAY_UNKNOWN, "are not seen before the commit");
	is_int(overlay_commit(overlay), 0, "commit");
	is_int(ask(1), OVERLAY_NODE, "are seen behind it, the first");
	is_int(ask(2), OVERLAY_NODE, "and the second");
	ok(overlay_begin(overlay) == 0 &&
		   overlay_delete(overlay, ZONE_ID, name, len) == 0 &&
		   overlay_commit(overlay) == 0,
	   "a name is deleted");
	is_int(ask(3), OVERLAY_GONE, "and hidden");
	ok(overlay_begin(overlay) == 0 && put_name(overlay, ZONE_ID, 4), "another set");
	overlay_abort(overlay);
	is_int(ask(4), OVERLAY_UNKNOWN, "leaves nothing when it is aborted");
	for (unsigned i = 10; i < NAMES; i++)
		right += overlay_begin(overlay) == 0 && put_name(overlay, ZONE_ID, i) &&
			 overlay_commit(overlay) == 0 && ask(i) == OVERLAY_NODE;
	is_int(right, NAMES - 10, "each of many commits is seen at once");
}

static int
count_node(void *context, const struct node *node)
{
	unsigned *counts = context;

	counts[(node->head.flags & NODE_DELETED) != 0]++;
	return 0;
}

static int
keep_note(void *context, const char *name, const void *value, size_t len)
{
	char *all = context;

	snprintf(all + strlen(all), 100 - strlen(all), "%s=%.*s;", name, (int)len,
		 (const char *)value);
	return 0;
}

static int
find_newest(void *context, const struct node *node)
{
	uint64_t *newest = context, commit = overlay_commit_of(node);

	if (commit > *newest)
		*newest = commit;
	return 0;
}

/* What a process sees that opened the overlay before another change was committed. */
static int
look_at_snapshot(int begin, int go_on)
{
	unsigned counts[2] = { 0, 0 };
	struct overlay *snapshot;
	uint8_t name[DNAME_MAX + NAME_PAD];
	char notes[100] = "", octet = 0;
	uint64_t newest = 0;
	struct node node;

	(void)name_of(9, name);
	if (overlay_open_snapshot(dir, &snapshot) != 0 || write(begin, &octet, 1) != 1 ||
	    read(go_on, &octet, 1) != 1)
		return 1;
	if (overlay_find(snapshot, ZONE_ID, name, &node) != ERR_NOTFOUND)
		return 2;
	if (overlay_walk(snapshot, count_node, counts) != 0 || counts[0] != NAMES - 8 ||
	    counts[1] != 1)
		return 3;
	if (overlay_walk_notes(snapshot, keep_note, notes) != 0 ||
	    strcmp(notes, "a=1;cursor=17-0;") != 0)
		return 4;
	if (overlay_walk(snapshot, find_newest, &newest) != 0 ||
	    newest + 1 != overlay_last_commit(snapshot))
		return 5;
	overlay_close(snapshot);
	return 0;
}

static void
test_snapshot(struct overlay **overlay)
{
	int begin[2], go_on[2], status;
	uint64_t last;
	char octet = 0;
	pid_t pid;

	ok(overlay_begin(*overlay) == 0 && overlay_note(*overlay, "a", "1", 1) == 0 &&
		   overlay_note(*overlay, "cursor", "17-0", 4) == 0 &&
		   overlay_commit(*overlay) == 0,
	   "two notes");
	overlay_close(*overlay);
	if (pipe(begin) != 0 || pipe(go_on) != 0)
		bail_out("no pipes");
	pid = fork();
	if (pid == 0)
		_exit(look_at_snapshot(begin[1], go_on[0]));
	if (overlay_open(dir, &gen, 1000, overlay) != 0 || read(begin[0], &octet, 1) != 1)
		bail_out("no overlay");
	last = overlay_last_commit(*overlay);
	ok(overlay_begin(*overlay) == 0 && put_name(*overlay, ZONE_ID, 9) &&
		   overlay_note(*overlay, "cursor", "18-0", 4) == 0 &&
		   overlay_commit(*overlay) == 0,
	   "a change behind the snapshot");
	is_int(overlay_last_commit(*overlay), last + 1, "counts");
	if (write(go_on[1], &octet, 1) != 1)
		bail_out("no pipe");
	waitpid(pid, &status, 0);
	is_int(WEXITSTATUS(status), 0, "the snapshot stays as it was");
	overlay_count_on(*overlay, last + 50);
	ok(overlay_begin(*overlay) == 0 && put_name(*overlay, ZONE_ID, 9) &&
		   overlay_commit(*overlay) == 0 && overlay_sync(*overlay) == 0,
	   "counting goes on from another's count");
	is_int(overlay_last_commit(*overlay), last + 51, "upwards");
	overlay_count_on(*overlay, 1);
	is_int(overlay_last_commit(*overlay), last + 51, "never down");
}

static void
test_reopen(struct overlay **overlay)
{
	unsigned counts[2] = { 0, 0 };
	char value[8] = "", path[1300];

	ok(overlay_begin(*overlay) == 0 &&
		   overlay_note(*overlay, "cursor", "17-0", 4) == 0 &&
		   overlay_commit(*overlay) == 0,
	   "the cursor is noted");
	overlay_close(*overlay);
	snprintf(path, sizeof path, "%s/filter", dir);
	ok(unlink(path) == 0, "the filter is lost");
	is_int(overlay_open(dir, &gen, 1000, overlay), 0, "the overlay opens again");
	is_int(overlay_read_note(*overlay, "cursor", value, sizeof value), 4,
	       "the cursor's length");
	is(value, "17-0", "the cursor");
	is_int(overlay_walk(*overlay, count_node, counts), 0, "walk");
	is_int(counts[0], 3 + NAMES - 10, "every node");
	is_int(counts[1], 1, "one tombstone, no note");
}

/* ---- the order of chains ---- */

enum { FRESH_ID = 11 };

/* A node with a record of a chain, or without it. */
static bool
put_member(struct overlay *overlay, uint32_t zone_id, const char *text, uint16_t type)
{
	static const uint8_t rrset[sizeof(struct rrset_head)];
	struct node_writer writer = { .bytes = NULL };
	struct zone_facts facts = { .zone_id = FRESH_ID };
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text(text, name);
	bool done;

	node_writer_begin(&writer, zone_id, 0, name, len);
	if (zone_id == CATALOGUE_ID)
		node_writer_put_block(&writer, BLOCK_ZONE, 0, &facts, sizeof facts);
	node_writer_put_block(&writer, BLOCK_RRSET, type, rrset, sizeof rrset);
	done = node_writer_end(&writer) == 0 &&
	       overlay_put(overlay, writer.bytes, writer.len) == 0;
	node_writer_fini(&writer);
	return done;
}

/* The keys of chains as they stand: zone id and last octet before the name's end. */
static void
list_chains(char out[200])
{
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	out[0] = '\0';
	if (mdb_env_create(&env) != 0 || mdb_env_open(env, dir, MDB_RDONLY, 0) != 0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    mdb_dbi_open(txn, NULL, 0, &dbi) != 0 ||
	    mdb_cursor_open(txn, dbi, &cursor) != 0)
		bail_out("no reading");
	while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
		const uint8_t *octets = key.mv_data;

		if ((octets[0] & 0x40) && octets[0] != 0xff)
			snprintf(out + strlen(out), 200 - strlen(out), "%02x%u%c%zu ",
				 octets[0], octets[3], octets[key.mv_size - 2],
				 value.mv_size);
	}
	mdb_cursor_close(cursor);
	mdb_txn_abort(txn);
	mdb_env_close(env);
}

static void
chains_are(struct overlay **overlay, const char *wanted, const char *what)
{
	char found[200];

	overlay_close(*overlay);
	list_chains(found);
	is(found, wanted, "%s", what);
	if (overlay_open(dir, &gen, 1000, overlay) != 0)
		bail_out("no overlay");
}

static void
test_chain_changes(struct overlay **overlay)
{
	uint64_t before = overlay_count(*overlay);
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text("b.", name);

	ok(overlay_begin(*overlay) == 0 && put_member(*overlay, FRESH_ID, "c.", 47) &&
		   put_member(*overlay, FRESH_ID, "a.", 1) &&
		   put_member(*overlay, FRESH_ID, "b.", 47) &&
		   put_member(*overlay, FRESH_ID, "b.", 47) &&
		   put_member(*overlay, FRESH_ID | NSEC3_SPACE, "d.", 50) &&
		   put_member(*overlay, CATALOGUE_ID, "z.", 47) &&
		   overlay_count(*overlay) == before + 5 && overlay_commit(*overlay) == 0,
	   "members of chains are put");
	is_int(overlay_count(*overlay), before + 5, "names are counted, not their order");
	chains_are(overlay, "4011b0 4011c0 4011z0 c011d0 ", "they stand in order");
	ok(overlay_begin(*overlay) == 0 &&
		   overlay_delete(*overlay, FRESH_ID, name, len) == 0 &&
		   put_member(*overlay, FRESH_ID, "c.", 1),
	   "they leave");
	overlay_abort(*overlay);
	is_int(overlay_count(*overlay), before + 5, "or not");
	chains_are(overlay, "4011b0 4011c0 4011z0 c011d0 ", "as the change set ends");
	ok(overlay_begin(*overlay) == 0 &&
		   overlay_delete(*overlay, FRESH_ID, name, len) == 0 &&
		   put_member(*overlay, FRESH_ID, "c.", 1) &&
		   overlay_commit(*overlay) == 0,
	   "a tombstone and a name without its record");
	chains_are(overlay, "4011z0 c011d0 ", "leave the order");
	is_int(overlay_count(*overlay), before + 5, "and are counted on");
}

static void
test_chains(struct overlay **overlay)
{
	unsigned counts[2] = { 0, 0 }, after[2] = { 0, 0 };
	char notes[100] = "";

	if (overlay_walk(*overlay, count_node, counts) != 0)
		bail_out("no walk");
	test_chain_changes(overlay);
	ok(overlay_walk(*overlay, count_node, after) == 0 && after[0] == counts[0] + 4 &&
		   after[1] == counts[1] + 1,
	   "a walk sees nodes alone");
	ok(overlay_walk_notes(*overlay, keep_note, notes) == 0 && !strstr(notes, "chain"),
	   "and others' notes");
}

/* Values that are shorter than their head or hold no node. */
static void
test_damaged_value(void)
{
	static uint8_t octets[OVERLAY_VALUE_HEAD + OVERLAY_VALUE_TAIL + 2];
	uint8_t name[DNAME_MAX + NAME_PAD], key_octets[DNAME_KEY_MAX];
	MDB_val key = { 0, key_octets }, value = { 0, octets };
	struct overlay *overlay;
	struct node node;
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	(void)name_of(5, name);
	key.mv_size = dname_key(ZONE_ID, name, key_octets);
	for (unsigned len = OVERLAY_VALUE_HEAD - 1; len <= sizeof octets; len += 3) {
		value.mv_size = len;
		if (mdb_env_create(&env) != 0 || mdb_env_open(env, dir, 0, 0640) != 0 ||
		    mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
		    mdb_dbi_open(txn, NULL, 0, &dbi) != 0 ||
		    mdb_put(txn, dbi, &key, &value, 0) != 0 || mdb_txn_commit(txn) != 0)
			bail_out("no damage");
		mdb_env_close(env);
		if (overlay_open(dir, &gen, 1000, &overlay) != 0)
			bail_out("no overlay");
		is_int(overlay_find(overlay, ZONE_ID, name, &node), ERR_DAMAGED,
		       "a value of %u octets is damage to the writer", len);
		overlay_close(overlay);
		ok(seen_once(5) == OVERLAY_DAMAGED, "and to a reader");
	}
}

static void
test_garbage(void)
{
	char path[1300];
	struct overlay_filter filter;
	FILE *file;

	snprintf(path, sizeof path, "%s/garbage", dir);
	file = fopen(path, "w");
	if (!file)
		bail_out("no file");
	for (unsigned i = 0; i < 5000; i++)
		fputc('x', file);
	fclose(file);
	is_int(overlay_filter_open(path, false, &filter), ERR_FORMAT,
	       "a foreign file is no filter");
	ok(truncate(path, 10) == 0, "cut short");
	is_int(overlay_filter_open(path, false, &filter), ERR_FORMAT,
	       "nor is a short one");
}

/* Names that are gone are nothing damaged. */
static void
test_check(const char *scratch)
{
	static const char *const names[] = { "gone.example.", "*.gone.example.", "." };
	static const uint32_t spaces[] = { ZONE_ID, ZONE_ID | NSEC3_SPACE, CATALOGUE_ID };
	char path[1200], reason[OVERLAY_CHECK_REASON_MAX] = "";
	uint8_t name[DNAME_MAX];
	struct overlay *overlay;
	int rc = 0;

	snprintf(path, sizeof path, "%s/checked", scratch);
	if (overlay_open(path, &gen, 1000, &overlay) != 0)
		bail_out("no overlay");
	ok(overlay_begin(overlay) == 0 && put_name(overlay, ZONE_ID, 1), "a name");
	for (size_t i = 0; i < 9 && rc == 0; i++)
		rc = overlay_delete(overlay, spaces[i / 3], name,
				    dname_from_text(names[i % 3], name));
	is_int(rc == 0 ? overlay_commit(overlay) : rc, 0, "and some that are gone");
	overlay_close(overlay);
	is_int(overlay_check(path, reason), 0, "are sound: %s", reason);
}

int
main(void)
{
	char *scratch = scratch_dir_make();
	struct overlay *overlay;
	pid_t pid;
	int status;

	plan(0);
	snprintf(dir, sizeof dir, "%s/overlay", scratch);
	if (!is_int(overlay_open(dir, &gen, 1000, &overlay), 0, "a new overlay"))
		return done_testing();
	overlay_close(overlay); /* the reader must not inherit it: LMDB forbids that */
	pid = start_reader();
	if (overlay_open(dir, &gen, 1000, &overlay) != 0)
		bail_out("no overlay");
	test_changes(overlay);
	close(ask_fd);
	waitpid(pid, &status, 0);
	is_int(status, 0, "the reader ends well");
	is_int(overlay_sweep(overlay), 0, "and leaves no slot behind");
	pid = start_reader();
	(void)ask(1);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	is_int(overlay_sweep(overlay), 1, "one that was killed is swept");
	test_snapshot(&overlay);
	test_reopen(&overlay);
	test_chains(&overlay);
	overlay_close(overlay);
	test_damaged_value();
	test_garbage();
	test_check(scratch);
	scratch_dir_free(scratch);
	return done_testing();
}
