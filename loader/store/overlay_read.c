/* Look-ups and walks in an overlay: in the change set under way, or as committed. */
#include <limits.h>
#include <lmdb.h>
#include <stdlib.h>
#include <string.h>

#include "loader/store/overlay_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/overlay_value.h"

static const uint8_t note_prefix[OVERLAY_NOTE_HEAD] = OVERLAY_NOTE_PREFIX;

/* The transaction to read in: the open change set, else the latest commit.  returns
 * LMDB's code. */
static int
reading_txn(struct overlay *o, MDB_txn **out)
{
	if (o->txn) {
		*out = o->txn;
		return 0;
	}
	if (overlay_renew(o) != ERR_OK)
		return MDB_PANIC;
	*out = o->reading;
	if (o->is_snapshot)
		return 0;
	mdb_txn_reset(o->reading);
	return mdb_txn_renew(o->reading);
}

int
overlay_cursor_begin(struct overlay *o, MDB_cursor **out)
{
	MDB_txn *txn;
	int rc = reading_txn(o, &txn);

	if (rc == 0)
		rc = mdb_cursor_open(txn, o->dbi, out);
	return lmdb_env_error(rc);
}

bool
overlay_node_of(const MDB_val *value, struct node *out)
{
	return overlay_value_open(value->mv_data, value->mv_size, out) &&
	       dname_len(node_owner(out), out->head.owner_len) == out->head.owner_len &&
	       out->head.label_count <= DNAME_LABELS_MAX;
}

int
overlay_find(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
	     struct node *out)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key = { dname_key(zone_id, name, octets), octets }, value;
	MDB_txn *txn;
	int rc = reading_txn(overlay, &txn);

	if (rc == 0)
		rc = mdb_get(txn, overlay->dbi, &key, &value);
	if (rc != 0)
		return lmdb_env_error(rc);
	return overlay_node_of(&value, out) ? ERR_OK : ERR_DAMAGED;
}

bool
overlay_is_note(const MDB_val *key)
{
	return key->mv_size > sizeof note_prefix &&
	       memcmp(key->mv_data, note_prefix, sizeof note_prefix) == 0;
}

int
overlay_walk_some(struct overlay *overlay, struct key_place *place, unsigned max,
		  int (*visit)(void *context, const struct node *node), void *context)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct node node;
	int rc = overlay_cursor_begin(overlay, &cursor), stop = 0;

	if (rc != ERR_OK)
		return rc;
	rc = key_place_seek(place, cursor, &key, &value);
	while (stop == 0 && rc == 0) {
		if (overlay_chain_has(&key)) {
			rc = overlay_chain_skip(cursor, &key, &value);
			continue;
		}
		if (!overlay_is_note(&key))
			stop = overlay_node_of(&value, &node) ? visit(context, &node)
							      : ERR_DAMAGED;
		if (stop == 0 && --max == 0) {
			stop = key_place_set(place, &key) ? ERR_OK : ERR_DAMAGED;
			break;
		}
		rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return rc == 0 ? stop : lmdb_env_error(rc);
}

int
overlay_walk(struct overlay *overlay,
	     int (*visit)(void *context, const struct node *node), void *context)
{
	struct key_place place = { .len = 0 };
	int rc;

	do
		rc = overlay_walk_some(overlay, &place, UINT_MAX, visit, context);
	while (rc == ERR_OK);
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* ---- notes ---- */

int
overlay_note_key(const char *name, uint8_t *octets, MDB_val *key)
{
	size_t len = strlen(name);

	if (len == 0 || len > DNAME_KEY_MAX - sizeof note_prefix)
		return ERR_RANGE;
	memcpy(octets, note_prefix, sizeof note_prefix);
	memcpy(octets + sizeof note_prefix, name, len);
	*key = (MDB_val){ sizeof note_prefix + len, octets };
	return ERR_OK;
}

int
overlay_read_note(struct overlay *overlay, const char *name, void *value, size_t room)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key, got;
	MDB_txn *txn;
	int rc = overlay_note_key(name, octets, &key);

	if (rc != ERR_OK)
		return rc;
	rc = reading_txn(overlay, &txn);
	if (rc == 0)
		rc = mdb_get(txn, overlay->dbi, &key, &got);
	if (rc != 0)
		return lmdb_env_error(rc);
	memcpy(value, got.mv_data, got.mv_size < room ? got.mv_size : room);
	return (int)got.mv_size;
}

int
overlay_walk_notes(struct overlay *overlay,
		   int (*visit)(void *context, const char *name, const void *value,
				size_t len),
		   void *context)
{
	char name[DNAME_KEY_MAX + 1];
	MDB_val key = { 0 }, value;
	MDB_cursor *cursor;
	int rc = overlay_cursor_begin(overlay, &cursor), stop = 0;

	if (rc != ERR_OK)
		return rc;
	memcpy(name, note_prefix, sizeof note_prefix);
	key = (MDB_val){ sizeof note_prefix, name };
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; stop == 0 && rc == 0;
	     rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		size_t len = key.mv_size - sizeof note_prefix;

		if (!overlay_is_note(&key) || len >= sizeof name)
			break;
		memcpy(name, (const char *)key.mv_data + sizeof note_prefix, len);
		name[len] = '\0';
		if (strcmp(name, OVERLAY_COMMIT_NOTE) != 0 &&
		    strcmp(name, OVERLAY_CHAIN_NOTE) != 0)
			stop = visit(context, name, value.mv_data, value.mv_size);
	}
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? stop : lmdb_env_error(rc);
}

/* ---- one zone id, in order ---- */

struct overlay_cursor {
	MDB_cursor *cursor;
	uint8_t first[DNAME_KEY_MAX]; /* begins with the zone id */
	size_t first_len;
	bool is_started;
};

static int
open_at_key(struct overlay *overlay, struct overlay_cursor *cursor,
	    struct overlay_cursor **out)
{
	int rc = overlay_cursor_begin(overlay, &cursor->cursor);

	if (rc == ERR_OK)
		*out = cursor;
	else
		free(cursor);
	return rc;
}

int
overlay_cursor_open(struct overlay *overlay, uint32_t zone_id,
		    struct overlay_cursor **out)
{
	struct overlay_cursor *cursor = calloc(1, sizeof *cursor);

	if (!cursor)
		return ERR_NOMEM;
	dname_key_prefix(zone_id, cursor->first);
	cursor->first_len = DNAME_KEY_PREFIX;
	return open_at_key(overlay, cursor, out);
}

int
overlay_cursor_open_at(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
		       struct overlay_cursor **out)
{
	struct overlay_cursor *cursor = calloc(1, sizeof *cursor);

	if (!cursor)
		return ERR_NOMEM;
	cursor->first_len = dname_key(zone_id, name, cursor->first);
	return open_at_key(overlay, cursor, out);
}

int
overlay_cursor_next(struct overlay_cursor *cursor, struct node *out)
{
	MDB_val key = { cursor->first_len, cursor->first }, value;
	int rc = mdb_cursor_get(cursor->cursor, &key, &value,
				cursor->is_started ? MDB_NEXT : MDB_SET_RANGE);

	cursor->is_started = true;
	if (rc != 0)
		return lmdb_env_error(rc);
	if (key.mv_size < DNAME_KEY_PREFIX)
		return ERR_DAMAGED;
	if (memcmp(key.mv_data, cursor->first, DNAME_KEY_PREFIX) != 0)
		return ERR_NOTFOUND;
	return overlay_node_of(&value, out) ? ERR_OK : ERR_DAMAGED;
}

void
overlay_cursor_close(struct overlay_cursor *cursor)
{
	if (!cursor)
		return;
	mdb_cursor_close(cursor->cursor);
	free(cursor);
}

/* ---- counts ---- */

/* They stand behind all names, and are few. */
static uint64_t
count_notes(struct overlay *overlay)
{
	uint8_t octets[sizeof note_prefix];
	MDB_val key = { sizeof octets, octets }, value;
	uint64_t count = 0;
	MDB_cursor *cursor;
	int rc;

	memcpy(octets, note_prefix, sizeof octets);
	if (overlay_cursor_begin(overlay, &cursor) != ERR_OK)
		return 0;
	for (rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE); rc == 0;
	     rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT))
		count++;
	mdb_cursor_close(cursor);
	return count;
}

uint64_t
overlay_count(struct overlay *overlay)
{
	uint64_t others = count_notes(overlay), keys;
	MDB_stat stat;
	MDB_txn *txn;

	if (overlay_chain_count(overlay, &keys) != ERR_OK ||
	    reading_txn(overlay, &txn) != 0 || mdb_stat(txn, overlay->dbi, &stat) != 0)
		return 0;
	return stat.ms_entries - others - keys;
}

/* ---- pages that are free ---- */

/* A list of pages as LMDB writes it: how many, then their numbers, the largest first. */
static bool
is_page_list(const MDB_val *value, size_t last_page)
{
	const uint8_t *bytes = value->mv_data;
	size_t count, page, before = last_page + 1;

	if (value->mv_size < sizeof count)
		return false;
	memcpy(&count, bytes, sizeof count);
	if (count > value->mv_size / sizeof page - 1)
		return false;
	for (size_t i = 1; i <= count; i++, before = page) {
		memcpy(&page, bytes + i * sizeof page, sizeof page);
		if (page >= before || page <= 1) /* 0 and 1 hold its heads */
			return false;
	}
	return true;
}

int
overlay_check_free(struct overlay *overlay)
{
	enum { FREE_PAGES = 0 }; /* LMDB's number of that tree */
	MDB_val key, value;
	MDB_cursor *cursor;
	MDB_envinfo info;
	bool is_sound = true;
	MDB_txn *txn;
	int rc = reading_txn(overlay, &txn);

	if (rc == 0)
		rc = mdb_env_info(overlay->env, &info);
	if (rc == 0)
		rc = mdb_cursor_open(txn, FREE_PAGES, &cursor);
	if (rc != 0)
		return lmdb_env_error(rc);
	while (is_sound && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0)
		is_sound = is_page_list(&value, info.me_last_pgno);
	mdb_cursor_close(cursor);
	return is_sound && rc == MDB_NOTFOUND ? ERR_OK : ERR_DAMAGED;
}
