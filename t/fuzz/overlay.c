/* What an overlay stores: the input is a list of changes to its records, five octets each:
 *
 *	which record (1)   how (1)   where (2)   what (1)
 *
 * Workers ask it and the live store reads and edits it; both may refuse, and answer
 * SERVFAIL, but never read outside a record.  LMDB's own pages are whole. */
#include <lmdb.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/live.h"
#include "loader/zone/arena.h"
#include "t/fuzz/target.h"
#include "t/query_file.h"
#include "t/sample_generation.h"
#include "t/scratch_dir.h"
#include "worker/answer.h"
#include "worker/zone_store.h"

enum { CHANGE_LEN = 5, VALUE_MAX = 4096, ROOM = 1232 };

enum change_how {
	CHANGE_CUT = 1 << 0, /* the value ends there */
	CHANGE_HEAD = 1 << 1, /* in the first octets: numbers, flags, lengths */
	CHANGE_TAIL = 1 << 2, /* in the last ones */
};

static struct {
	char *scratch;
	char dir[2000], data[2100]; /* the generation; data.mdb of its overlay */
	uint8_t *bytes; /* of that, as it was made */
	size_t len;
} sample;

static void
must(int rc)
{
	if (rc != 0)
		abort();
}

/* ---- the sample ---- */

static struct zone_records *
redis_zone(const char *origin, unsigned serial)
{
	struct zone_records *zone = zone_make(origin);
	const struct redis_facts facts = { .config_hash = serial };

	zone->redis = arena_copy(zone->arena, &facts, sizeof facts);
	return zone;
}

/* Something of each kind at names that queries reach. */
static struct zone_records *
live_zone_records(void)
{
	struct zone_records *zone = redis_zone("live.test", 1);
	const struct provenance provenance = { 1, 2, 3 };
	uint8_t name[DNAME_MAX];
	size_t len = dname_from_text("www.live.test", name);

	zone_put(zone, "www.live.test", 60, RRTYPE_A, "4", 1);
	zone_put(zone, "www.live.test", 60, RRTYPE_MX, "2n", 1, "mail.live.test");
	zone_put(zone, "mail.live.test", 60, RRTYPE_A, "4", 2);
	zone_put(zone, "alias.live.test", 60, RRTYPE_CNAME, "n", "www.live.test");
	zone_put(zone, "*.wild.live.test", 60, RRTYPE_TXT, "s", "wild");
	zone_put(zone, "a.b.c.live.test", 60, RRTYPE_A, "4", 3);
	zone_put(zone, "cut.live.test", 60, RRTYPE_NS, "n", "ns.cut.live.test");
	zone_put(zone, "ns.cut.live.test", 60, RRTYPE_A, "4", 4);
	zone_put(zone, "old.live.test", 60, RRTYPE_DNAME, "n", "live.test");
	must(zone_records_add_mark(zone, name, len, ZONE_MARK_PROVENANCE, 0, &provenance,
				   sizeof provenance));
	must(zone_records_add_mark(zone, name, len, ZONE_MARK_BAD, RRTYPE_TXT, "bad", 3));
	zone_done(zone);
	return zone;
}

static void
remove_sample(void)
{
	free(sample.bytes);
	scratch_dir_free(sample.scratch);
}

static void
read_data(void)
{
	FILE *in = fopen(sample.data, "rb");

	sample.bytes = malloc(1 << 20);
	if (!in || !sample.bytes)
		abort();
	sample.len = fread(sample.bytes, 1, 1 << 20, in);
	fclose(in);
}

static void
make_sample(void)
{
	struct zone_records *zone = live_zone_records();
	struct live *live;

	sample.scratch = scratch_dir_make();
	snprintf(sample.dir, sizeof sample.dir, "%s",
		 scratch_path(sample.scratch, "sample"));
	snprintf(sample.data, sizeof sample.data, "%s/overlay/data.mdb", sample.dir);
	sample_generation_make(sample.dir);
	must(live_open(sample.dir, 100, &live));
	must(live_begin(live));
	must(live_put_zone(live, zone));
	must(live_drop_zone(live, (const uint8_t *)"\5nsec3\4test", 12));
	must(live_commit(live));
	live_close(live);
	zone_records_free(zone);
	read_data();
	atexit(remove_sample);
}

/* ---- damage ---- */

static void
restore(void)
{
	FILE *out;

	(void)remove(sample.data);
	out = fopen(sample.data, "wb");
	if (!out || fwrite(sample.bytes, 1, sample.len, out) != sample.len ||
	    fclose(out) != 0)
		abort();
}

static void
change_value(const uint8_t *input, uint8_t *value, size_t *len)
{
	size_t at = (size_t)input[2] << 8 | input[3];

	if (*len == 0)
		return;
	at %= *len;
	if (input[1] & CHANGE_HEAD)
		at %= 64 < *len ? 64 : *len;
	else if (input[1] & CHANGE_TAIL)
		at = *len - 1 - at % (64 < *len ? 64 : *len);
	if (input[1] & CHANGE_CUT)
		*len = at;
	else
		value[at] = input[4];
}

static void
change(MDB_txn *txn, MDB_dbi dbi, const uint8_t *input)
{
	uint8_t octets[VALUE_MAX], key_octets[DNAME_KEY_MAX];
	MDB_val key, value;
	MDB_cursor *cursor;
	unsigned skip = input[0];

	must(mdb_cursor_open(txn, dbi, &cursor));
	do
		if (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) != 0)
			must(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
	while (skip-- > 0);
	mdb_cursor_close(cursor);
	if (value.mv_size > sizeof octets || key.mv_size > sizeof key_octets)
		return;
	/* LMDB moves what it stores: nothing that is put may point into it */
	memcpy(octets, value.mv_data, value.mv_size);
	memcpy(key_octets, key.mv_data, key.mv_size);
	value.mv_data = octets;
	key.mv_data = key_octets;
	change_value(input, octets, &value.mv_size);
	must(mdb_put(txn, dbi, &key, &value, 0));
}

/* Nobody else has it open. */
static void
damage(const uint8_t *input, size_t len)
{
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi dbi;

	must(mdb_env_create(&env));
	must(mdb_env_open(env, sample.data, MDB_NOSUBDIR | MDB_NOLOCK | MDB_NOSYNC,
			  0640));
	must(mdb_txn_begin(env, NULL, 0, &txn));
	must(mdb_dbi_open(txn, NULL, 0, &dbi));
	for (; len >= CHANGE_LEN; input += CHANGE_LEN, len -= CHANGE_LEN)
		change(txn, dbi, input);
	must(mdb_txn_commit(txn));
	mdb_env_close(env);
}

/* ---- readers ---- */

static void
ask(struct zone_store *store, const char *name, uint16_t type)
{
	static const struct answer_options options = { .udp_size = ROOM };
	static struct stats_block stats;
	uint8_t packet[ROOM] = { 0 };
	struct query q = { .packet = packet, .room = ROOM };

	q.received_len = query_file_encode(packet, name, type);
	zone_store_renew(store);
	answer_batch(&q, 1, store, &options, &stats);
}

static void
ask_all(void)
{
	static const char *const names[] = {
		"live.test",         "www.live.test",    "mail.live.test",
		"alias.live.test",   "x.wild.live.test", "a.b.c.live.test",
		"b.c.live.test",     "x.c.live.test",    "x.ns.cut.live.test",
		"www.old.live.test", "none.live.test",   "cut.nsec3.test",
	};
	static const uint16_t types[] = { RRTYPE_A, RRTYPE_ANY, RRTYPE_MX, RRTYPE_TXT };
	struct zone_store store;

	if (zone_store_init(sample.dir, &store) != 0)
		return;
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		for (unsigned k = 0; k < sizeof types / sizeof types[0]; k++)
			ask(&store, names[i], types[k]);
	zone_store_fini(&store);
}

static int
visit(void *context, const struct node *node)
{
	(void)node_check(node);
	++*(unsigned *)context;
	return 0;
}

static int
edit_owners(struct live_edit *edit)
{
	static const char *const drops[] = { "a.b.c.live.test", "cut.live.test",
					     "*.wild.live.test", "mail.live.test" };
	struct zone_records *records = redis_zone("live.test", 2);
	uint8_t name[DNAME_MAX];
	int rc = 0;

	zone_put(records, "www.live.test", 60, RRTYPE_A, "4", 9);
	must(zone_records_add_mark(records, name, dname_from_text("www.live.test", name),
				   ZONE_MARK_BAD, RRTYPE_MX, "bad", 3));
	must(zone_records_add_mark(records, name,
				   dname_from_text("alias.live.test", name),
				   ZONE_MARK_BAD, 0, "bad", 3));
	zone_put(records, "x.y.c.live.test", 60, RRTYPE_A, "4", 9);
	zone_done(records);
	for (size_t i = 0; i < records->count && rc == 0; i++)
		if (i > 0 && records->records[i].owner != records->records[i - 1].owner)
			rc = live_put_owner(edit, records, &records->records[i]);
	for (unsigned i = 0; i < sizeof drops / sizeof drops[0] && rc == 0; i++)
		rc = live_drop_owner(edit, name, dname_from_text(drops[i], name));
	if (rc == 0)
		rc = live_edit_end(edit, records, LIVE_APEX_SOA);
	zone_records_free(records);
	return rc;
}

static int
change_all(struct live *live)
{
	static const uint8_t origin[] = "\4live\4test";
	struct zone_records *zone;
	struct live_edit edit;
	int rc = live_edit_begin(live, origin, sizeof origin, &edit);

	if (rc == 0)
		rc = edit_owners(&edit);
	if (rc == 0)
		rc = live_set_error(live, origin, sizeof origin, "why");
	if (rc != 0)
		return rc;
	zone = live_zone_records();
	rc = live_put_zone(live, zone);
	zone_records_free(zone);
	return rc;
}

/* What is whole takes every change. */
static void
edit_all(bool is_whole)
{
	unsigned count = 0;
	struct live *live;
	int rc;

	if (live_open(sample.dir, 100, &live) != 0)
		return;
	for (uint32_t id = 0; id < 8; id++)
		(void)!live_walk_zone(live, id, visit, &count);
	must(live_begin(live));
	rc = change_all(live);
	if (rc == 0)
		rc = live_commit(live);
	if (is_whole)
		must(rc);
	live_close(live);
}

int
LLVMFuzzerTestOneInput(const uint8_t *input, size_t len)
{
	if (!sample.scratch)
		make_sample();
	restore();
	damage(input, len);
	ask_all();
	edit_all(len == 0);
	return 0;
}
