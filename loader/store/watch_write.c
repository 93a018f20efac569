/* The watch list, written. */
#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/state_paths.h"
#include "loader/store/watch_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/log.h"
#include "shm/wire.h"

enum {
	DIR_MODE = 0750,
	SWEEP_EVERY = 64, /* transactions between two looks for readers that died */
};

struct watch {
	struct MDB_env *env;
	struct MDB_txn *txn; /* under way, or NULL */
	MDB_dbi tables[WATCH_TABLES];
	struct region_watch *region;
	bool is_stale, is_changed;
	unsigned txn_count;
	uint64_t node_count; /* about: 0 only when there is none */
	uint8_t *value; /* owner and wants of the node at hand; owned */
	size_t value_len, value_room;
};

/* ---- opening ---- */

static int
make_dir(const char *state_dir, char dir[PATH_MAX])
{
	static const char *const names[] = { "data.mdb", "lock.mdb" };
	char path[PATH_MAX];

	if (!state_path_print(dir, "%s/" WATCH_DIR, state_dir))
		return ERR_RANGE;
	if (mkdir(dir, DIR_MODE) != 0 && errno != EEXIST)
		return errcode_from_errno(errno);
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!state_path_print(path, "%s/%s", dir, names[i]))
			return ERR_RANGE;
		if (unlink(path) != 0 && errno != ENOENT)
			return errcode_from_errno(errno);
	}
	return ERR_OK;
}

static int
open_tables(struct watch *watch)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(watch->env, NULL, 0, &txn);

	if (rc != 0)
		return lmdb_env_error(rc);
	for (unsigned i = 0; i < WATCH_TABLES && rc == 0; i++)
		rc = mdb_dbi_open(txn, watch_table_names[i], MDB_CREATE,
				  &watch->tables[i]);
	if (rc == 0)
		return lmdb_env_error(mdb_txn_commit(txn));
	mdb_txn_abort(txn);
	return lmdb_env_error(rc);
}

int
watch_open(const char *state_dir, struct region_watch *region, struct watch **out)
{
	struct watch *watch = calloc(1, sizeof *watch);
	char dir[PATH_MAX];
	int rc = watch ? make_dir(state_dir, dir) : ERR_NOMEM;

	if (rc == ERR_OK)
		rc = lmdb_env_open(LMDB_ENV_WATCH_WRITER, dir, 0, &watch->env);
	if (rc == ERR_OK)
		rc = open_tables(watch);
	if (rc != ERR_OK) {
		watch_close(watch);
		return rc;
	}
	watch->region = region;
	watch->is_stale = true;
	*out = watch;
	/* readers leave what was there before */
	atomic_fetch_add(&region->epoch, 1);
	return ERR_OK;
}

void
watch_close(struct watch *watch)
{
	if (!watch)
		return;
	if (watch->txn)
		mdb_txn_abort(watch->txn);
	if (watch->env)
		mdb_env_close(watch->env);
	free(watch->value);
	free(watch);
}

/* ---- transactions ---- */

bool
watch_is_stale(const struct watch *watch)
{
	return watch->is_stale;
}

static void
drop_txn(struct watch *watch)
{
	if (watch->txn)
		mdb_txn_abort(watch->txn);
	watch->txn = NULL;
	watch->is_changed = false;
}

static void
set_stale(struct watch *watch)
{
	watch->is_stale = true;
	drop_txn(watch);
}

/* returns false when nothing can be written now. */
static bool
begin(struct watch *watch)
{
	int rc, dead;

	if (watch->is_stale)
		return false;
	if (watch->txn)
		return true;
	/* one that was killed while it read keeps all pages from being used again */
	if (watch->txn_count++ % SWEEP_EVERY == 0)
		(void)mdb_reader_check(watch->env, &dead);
	rc = mdb_txn_begin(watch->env, NULL, 0, &watch->txn);
	if (rc == 0)
		return true;
	watch->txn = NULL;
	set_stale(watch);
	return false;
}

/* Take what LMDB said: after an error the list must be made anew. */
static void
check(struct watch *watch, int rc)
{
	if (rc == 0 || watch->is_stale)
		return;
	log_errorx("the list of what is probed %s; it is made anew",
		   errcode_text(lmdb_env_error(rc)));
	set_stale(watch);
}

void
watch_end(struct watch *watch, bool is_kept)
{
	bool is_changed = watch->is_changed;
	MDB_txn *txn = watch->txn;

	if (!txn)
		return;
	if (!is_kept) {
		drop_txn(watch);
		return;
	}
	watch->txn = NULL;
	watch->is_changed = false;
	check(watch, mdb_txn_commit(txn));
	if (!is_changed || watch->is_stale)
		return;
	atomic_fetch_add(&watch->region->seq, 1);
	atomic_store(&watch->region->filled_epoch, atomic_load(&watch->region->epoch));
}

void
watch_clear(struct watch *watch)
{
	drop_txn(watch);
	watch->is_stale = false;
	if (!begin(watch))
		return;
	for (unsigned i = 0; i < WATCH_TABLES; i++)
		check(watch, mdb_drop(watch->txn, watch->tables[i], 0));
	watch->node_count = 0;
	watch->is_changed = true;
}

/* ---- wants, counted ---- */

static enum watch_table
table_of(enum watch_want kind)
{
	return kind == WATCH_TARGET ? WATCH_TARGETS : WATCH_NAMES;
}

/* One more wants it; the first brings its spec. */
static void
count_in(struct watch *watch, enum watch_want kind, const void *want, size_t len,
	 const void *spec, size_t spec_len)
{
	MDB_dbi table = watch->tables[table_of(kind)];
	uint8_t octets[DNAME_MAX], stored[sizeof(uint32_t) + WATCH_TARGET_LEN_MAX];
	MDB_val key = { .mv_size = len, .mv_data = octets }, value;
	uint32_t count = 0;
	int rc;

	if (watch->is_stale || len > sizeof octets || spec_len > WATCH_TARGET_LEN_MAX)
		return;
	memcpy(octets, want, len);
	rc = mdb_get(watch->txn, table, &key, &value);
	if (rc == 0 && value.mv_size >= sizeof count)
		memcpy(&count, value.mv_data, sizeof count);
	else if (rc != MDB_NOTFOUND)
		check(watch, rc == 0 ? MDB_CORRUPTED : rc);
	count++;
	memcpy(stored, &count, sizeof count);
	if (spec_len > 0)
		memcpy(stored + sizeof count, spec, spec_len);
	value = (MDB_val){ .mv_size = sizeof count + spec_len, .mv_data = stored };
	if (!watch->is_stale)
		check(watch, mdb_put(watch->txn, table, &key, &value, 0));
}

static void
count_out(struct watch *watch, enum watch_want kind, const uint8_t *want, size_t len)
{
	MDB_dbi table = watch->tables[table_of(kind)];
	uint8_t stored[sizeof(uint32_t) + WATCH_TARGET_LEN_MAX];
	uint8_t octets[DNAME_MAX];
	MDB_val key = { .mv_size = len, .mv_data = octets }, value;
	uint32_t count;
	int rc;

	if (watch->is_stale || len > sizeof octets)
		return;
	memcpy(octets, want, len);
	rc = mdb_get(watch->txn, table, &key, &value);
	if (rc != 0 || value.mv_size < sizeof count || value.mv_size > sizeof stored) {
		check(watch, rc != 0 ? rc : MDB_CORRUPTED);
		return;
	}
	memcpy(stored, value.mv_data, value.mv_size);
	memcpy(&count, stored, sizeof count);
	if (--count == 0) {
		check(watch, mdb_del(watch->txn, table, &key, NULL));
		return;
	}
	memcpy(stored, &count, sizeof count);
	value.mv_data = stored;
	check(watch, mdb_put(watch->txn, table, &key, &value, 0));
}

/* ---- nodes ---- */

static void
append(struct watch *watch, const void *octets, size_t len)
{
	if (watch->is_stale)
		return;
	if (watch->value_len + len > watch->value_room) {
		size_t room = 2 * (watch->value_len + len);
		uint8_t *grown = realloc(watch->value, room);

		if (!grown) {
			check(watch, ENOMEM);
			return;
		}
		watch->value = grown;
		watch->value_room = room;
	}
	memcpy(watch->value + watch->value_len, octets, len);
	watch->value_len += len;
}

/* watch_want_fn */
static void
add_want(void *context, enum watch_want kind, const void *want, size_t want_len,
	 const void *spec, size_t spec_len)
{
	const struct watch_want_head head = { (uint16_t)kind, (uint16_t)want_len };
	struct watch *watch = context;

	append(watch, &head, sizeof head);
	append(watch, want, want_len);
	if (kind != WATCH_LEAD)
		count_in(watch, kind, want, want_len, spec, spec_len);
}

/* The same, only written. */
static void
write_want(void *context, enum watch_want kind, const void *want, size_t want_len,
	   const void *spec, size_t spec_len)
{
	const struct watch_want_head head = { (uint16_t)kind, (uint16_t)want_len };

	(void)spec;
	(void)spec_len;
	append(context, &head, sizeof head);
	append(context, want, want_len);
}

static void
write_owner(struct watch *watch, const struct node *node)
{
	watch->value_len = 0;
	append(watch, &node->head.owner_len, 1);
	append(watch, node_owner(node), node->head.owner_len);
}

/* Does the node want what is noted of it? */
static bool
is_noted(struct watch *watch, MDB_val *key, const struct node *node)
{
	MDB_val stored;

	if (mdb_get(watch->txn, watch->tables[WATCH_NODES], key, &stored) != 0)
		return false;
	write_owner(watch, node);
	watch_wants(node, write_want, watch);
	return !watch->is_stale && stored.mv_size == watch->value_len &&
	       memcmp(stored.mv_data, watch->value, watch->value_len) == 0;
}

/* What was wanted at a place is not any more; the value is copied, since writing moves it. */
static void
forget_wants(struct watch *watch, const MDB_val *stored)
{
	uint8_t *copy = malloc(stored->mv_size);
	const uint8_t *want;
	enum watch_want kind;
	size_t at, len;

	if (!copy || stored->mv_size == 0) {
		free(copy);
		check(watch, ENOMEM);
		return;
	}
	memcpy(copy, stored->mv_data, stored->mv_size);
	at = 1u + copy[0];
	while (at < stored->mv_size &&
	       watch_next_want(copy, stored->mv_size, &at, &kind, &want, &len))
		if (kind != WATCH_LEAD)
			count_out(watch, kind, want, len);
	free(copy);
}

static void
forget_node(struct watch *watch, MDB_val *key)
{
	MDB_val stored;
	int rc = mdb_get(watch->txn, watch->tables[WATCH_NODES], key, &stored);

	if (rc == MDB_NOTFOUND)
		return;
	if (rc != 0) {
		check(watch, rc);
		return;
	}
	forget_wants(watch, &stored);
	if (watch->is_stale)
		return;
	check(watch, mdb_del(watch->txn, watch->tables[WATCH_NODES], key, NULL));
	watch->is_changed = true;
}

static void
put_wants(struct watch *watch, MDB_val *key, const struct node *node)
{
	MDB_val value;
	size_t head_len;

	write_owner(watch, node);
	head_len = watch->value_len;
	watch_wants(node, add_want, watch);
	if (watch->is_stale || watch->value_len == head_len)
		return;
	value = (MDB_val){ .mv_size = watch->value_len, .mv_data = watch->value };
	check(watch, mdb_put(watch->txn, watch->tables[WATCH_NODES], key, &value, 0));
	watch->node_count++;
	watch->is_changed = true;
}

void
watch_put(struct watch *watch, uint32_t zone_id, const struct node *node)
{
	bool wants_any = watch_wants_any(node);
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { .mv_data = octets };

	/* most servers watch nothing, and most names want nothing */
	if ((!wants_any && watch->node_count == 0) || !begin(watch))
		return;
	key.mv_size = dname_key(zone_id, node_owner(node), octets);
	if (wants_any && is_noted(watch, &key, node))
		return;
	forget_node(watch, &key);
	if (wants_any && !watch->is_stale)
		put_wants(watch, &key, node);
}

void
watch_drop_zone(struct watch *watch, uint32_t zone_id)
{
	uint8_t prefix[DNAME_KEY_PREFIX];
	MDB_cursor *cursor;
	int rc;

	if (watch->node_count == 0 || !begin(watch))
		return;
	dname_key_prefix(zone_id, prefix);
	while (!watch->is_stale) {
		uint8_t octets[DNAME_KEY_MAX];
		MDB_val key = { sizeof prefix, prefix }, stored;

		rc = mdb_cursor_open(watch->txn, watch->tables[WATCH_NODES], &cursor);
		if (rc == 0) {
			rc = mdb_cursor_get(cursor, &key, &stored, MDB_SET_RANGE);
			mdb_cursor_close(cursor);
		}
		if (rc == MDB_NOTFOUND ||
		    (rc == 0 && (key.mv_size < sizeof prefix ||
				 memcmp(key.mv_data, prefix, sizeof prefix) != 0)))
			return;
		check(watch, rc);
		if (rc != 0 || key.mv_size > sizeof octets)
			return;
		memcpy(octets, key.mv_data, key.mv_size);
		key.mv_data = octets;
		forget_node(watch, &key);
	}
}

/* ---- those that lead to other names ---- */

static bool
leads_on(const MDB_val *value)
{
	const uint8_t *octets = value->mv_data, *want;
	enum watch_want kind;
	size_t at, len;

	if (value->mv_size < 1 || value->mv_size < 1u + octets[0])
		return false;
	at = 1u + octets[0];
	while (watch_next_want(octets, value->mv_size, &at, &kind, &want, &len))
		if (kind == WATCH_LEAD)
			return true;
	return false;
}

static int
walk_leads(MDB_cursor *cursor, struct watch_place *place, unsigned max,
	   watch_lead_fn *visit, void *context)
{
	MDB_val key = { place->len, place->key }, value;
	int rc = mdb_cursor_get(cursor, &key, &value,
				place->len > 0 ? MDB_SET_RANGE : MDB_FIRST),
	    stop = 0;

	if (rc == 0 && key.mv_size == place->len &&
	    memcmp(key.mv_data, place->key, place->len) == 0)
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	for (; rc == 0 && stop == 0 && max > 0; max--) {
		if (key.mv_size > sizeof place->key || key.mv_size < sizeof(uint32_t))
			return ERR_DAMAGED;
		memcpy(place->key, key.mv_data, key.mv_size);
		place->len = key.mv_size;
		if (leads_on(&value))
			stop = visit(context, wire_get_u32(place->key),
				     (const uint8_t *)value.mv_data + 1,
				     ((const uint8_t *)value.mv_data)[0]);
		if (stop == 0)
			rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return rc != 0 ? lmdb_env_error(rc) : stop;
}

int
watch_leads(struct watch *watch, struct watch_place *place, unsigned max,
	    watch_lead_fn *visit, void *context)
{
	MDB_cursor *cursor;
	MDB_txn *txn;
	int rc;

	if (watch->is_stale || watch->txn)
		return ERR_BUSY;
	rc = mdb_txn_begin(watch->env, NULL, MDB_RDONLY, &txn);
	if (rc != 0)
		return lmdb_env_error(rc);
	rc = mdb_cursor_open(txn, watch->tables[WATCH_NODES], &cursor);
	if (rc == 0) {
		rc = walk_leads(cursor, place, max, visit, context);
		mdb_cursor_close(cursor);
	} else {
		rc = lmdb_env_error(rc);
	}
	mdb_txn_abort(txn);
	return rc;
}
