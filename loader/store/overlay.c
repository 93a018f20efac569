/* Writing live changes into LMDB, and their names into the filter. */
#include "loader/store/overlay.h"

#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/name_hash.h"
#include "shm/overlay_filter.h"

enum {
	MAP_GIB = 32,
	READERS_MAX = 1024,
	LARGE_SET =
		16 << 20, /* octets put; LMDB holds the pages of the largest for good */
};

struct overlay {
	char *dir;
	MDB_env *env; /* NULL: to be opened again, see env_renew */
	MDB_dbi dbi;
	MDB_txn *txn; /* the change set under way, else NULL */
	MDB_txn *reading; /* for look-ups outside of one; reset between them */
	const struct generation *gen;
	struct overlay_filter filter;
	uint64_t commit; /* number of the last commit */
	bool is_snapshot; /* `reading` stays open: one state for good */
	size_t set_bytes; /* put in the change set so far */
};

static const uint8_t note_prefix[4] = OVERLAY_NOTE_PREFIX;

/* The note that holds the number of the last commit. */
static const char commit_note[] = "commit";

static int
translate(int rc)
{
	switch (rc) {
	case MDB_SUCCESS:
		return ERR_OK;
	case MDB_NOTFOUND:
		return ERR_NOTFOUND;
	case MDB_MAP_FULL:
	case MDB_TXN_FULL:
		return ERR_FULL;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_PANIC:
		return ERR_DAMAGED;
	case MDB_VERSION_MISMATCH:
		return ERR_NEWER;
	}
	return rc > 0 ? errcode_from_errno(rc) : ERR_IO;
}

/* ---- opening ---- */

static int
open_env(struct overlay *o)
{
	MDB_txn *txn;
	int rc = mdb_env_create(&o->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(o->env, (size_t)MAP_GIB << 30);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(o->env, READERS_MAX);
	if (rc ==
	    0) /* data is synced, then seen: a power cut undoes the last commit at most */
		rc = mdb_env_open(o->env, o->dir, MDB_NOMETASYNC | MDB_NOTLS, 0640);
	if (rc == 0)
		rc = mdb_txn_begin(o->env, NULL, 0, &txn);
	if (rc != 0)
		return rc;
	rc = mdb_dbi_open(txn, NULL, 0, &o->dbi);
	if (rc != 0) {
		mdb_txn_abort(txn);
		return rc;
	}
	rc = mdb_txn_commit(txn);
	if (rc == 0)
		rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->reading);
	if (rc == 0)
		mdb_txn_reset(o->reading);
	return rc;
}

static void
env_close(struct overlay *o)
{
	if (o->reading)
		mdb_txn_abort(o->reading);
	if (o->env)
		mdb_env_close(o->env);
	o->reading = NULL;
	o->env = NULL;
}

/* LMDB keeps the pages that a change set took, to use them again: give those of a large
 * one back.  Nothing of the overlay is borrowed when this is called. */
static void
give_back_pages(struct overlay *o)
{
	size_t bytes = o->set_bytes;

	o->set_bytes = 0;
	if (bytes < LARGE_SET || o->is_snapshot)
		return;
	env_close(o);
	(void)malloc_trim(0);
}

static int
env_renew(struct overlay *o)
{
	int rc = o->env ? ERR_OK : translate(open_env(o));

	if (rc != ERR_OK)
		env_close(o);
	return rc;
}

static void
filter_add_node(struct overlay *o, const struct node *node)
{
	uint8_t name[DNAME_MAX + NAME_PAD];
	uint64_t hash;

	memcpy(name, node_owner(node), node->head.owner_len);
	hash = name_hash(&o->gen->head.seed, node->head.zone_id, name);
	overlay_filter_add(&o->filter, hash);
	if (node->head.zone_id == CATALOGUE_ID)
		atomic_fetch_or_explicit(
			&o->filter.head->apex_depths[node->head.label_count / 64],
			UINT64_C(1) << node->head.label_count % 64, memory_order_relaxed);
}

static int
visit_for_filter(void *context, const struct node *node)
{
	filter_add_node(context, node);
	return 0;
}

/* A filter that cannot be used is made anew; readers that still map the old one have
 * every bit of it, and no overlay is opened twice at a time. */
static int
open_filter(struct overlay *o, const char *dir, uint64_t names)
{
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof path, "%s/filter", dir) >= (int)sizeof path)
		return ERR_RANGE;
	if (overlay_filter_open(path, true, &o->filter) == ERR_OK)
		return ERR_OK;
	if (unlink(path) != 0 && errno != ENOENT)
		return errcode_from_errno(errno);
	rc = overlay_filter_create(path, names, &o->filter);
	if (rc != ERR_OK)
		return rc;
	return overlay_walk(o, visit_for_filter, o);
}

/* Go on counting where the note stands, or the filter: the note is behind when a power
 * cut has undone the last commit, the filter when it is new. */
static int
open_commit(struct overlay *o)
{
	uint64_t seq =
		atomic_load_explicit(&o->filter.head->commit_seq, memory_order_relaxed);
	int rc = overlay_read_note(o, commit_note, &o->commit, sizeof o->commit);

	if (rc != ERR_NOTFOUND && rc != sizeof o->commit)
		return rc < 0 ? rc : ERR_DAMAGED;
	if (o->commit < seq)
		o->commit = seq;
	atomic_store_explicit(&o->filter.head->commit_seq, o->commit,
			      memory_order_release);
	return ERR_OK;
}

int
overlay_open(const char *dir, const struct generation *gen, uint64_t names,
	     struct overlay **out)
{
	struct overlay *o = calloc(1, sizeof *o);
	int rc;

	if (!o)
		return ERR_NOMEM;
	o->gen = gen;
	o->dir = strdup(dir);
	if (!o->dir) {
		rc = ERR_NOMEM;
	} else if (mkdir(dir, 0750) != 0 && errno != EEXIST) {
		rc = errcode_from_errno(errno);
	} else {
		rc = translate(open_env(o));
		if (rc == ERR_OK)
			rc = open_filter(o, dir, names);
		if (rc == ERR_OK)
			rc = open_commit(o);
	}
	if (rc != ERR_OK) {
		overlay_close(o);
		return rc;
	}
	*out = o;
	return ERR_OK;
}

static int
open_snapshot_env(struct overlay *o, const char *dir)
{
	int rc = mdb_env_create(&o->env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(o->env, (size_t)MAP_GIB << 30);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(o->env, READERS_MAX);
	if (rc == 0)
		rc = mdb_env_open(o->env, dir, MDB_RDONLY | MDB_NOTLS, 0640);
	if (rc == 0)
		rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->reading);
	return rc == 0 ? mdb_dbi_open(o->reading, NULL, 0, &o->dbi) : rc;
}

int
overlay_open_snapshot(const char *dir, struct overlay **out)
{
	struct overlay *o = calloc(1, sizeof *o);
	int rc;

	if (!o)
		return ERR_NOMEM;
	o->is_snapshot = true;
	rc = translate(open_snapshot_env(o, dir));
	if (rc == ERR_OK) {
		rc = overlay_read_note(o, commit_note, &o->commit, sizeof o->commit);
		if (rc == sizeof o->commit || rc == ERR_NOTFOUND)
			rc = ERR_OK;
		else if (rc >= 0)
			rc = ERR_DAMAGED;
	}
	if (rc != ERR_OK) {
		overlay_close(o);
		return rc;
	}
	*out = o;
	return ERR_OK;
}

void
overlay_close(struct overlay *overlay)
{
	if (!overlay)
		return;
	overlay_abort(overlay);
	env_close(overlay);
	free(overlay->dir);
	overlay_filter_close(&overlay->filter);
	free(overlay);
}

/* ---- change sets ---- */

int
overlay_begin(struct overlay *overlay)
{
	int rc = env_renew(overlay);

	if (rc != ERR_OK)
		return rc;
	/* what was read last must not keep pages from being used again */
	mdb_txn_reset(overlay->reading);
	rc = mdb_txn_begin(overlay->env, NULL, 0, &overlay->txn);
	if (rc == MDB_PANIC) { /* an earlier commit failed in its last write */
		overlay->txn = NULL;
		env_close(overlay);
		rc = env_renew(overlay);
		if (rc != ERR_OK)
			return rc;
		rc = mdb_txn_begin(overlay->env, NULL, 0, &overlay->txn);
	}
	return translate(rc);
}

void
overlay_abort(struct overlay *overlay)
{
	if (overlay->txn)
		mdb_txn_abort(overlay->txn);
	overlay->txn = NULL;
	give_back_pages(overlay);
}

static int
put(struct overlay *o, MDB_val *key, const void *bytes, size_t len)
{
	MDB_val value = { len, NULL };
	int rc = mdb_put(o->txn, o->dbi, key, &value, MDB_RESERVE);

	if (rc == 0)
		memcpy(value.mv_data, bytes, len);
	return translate(rc);
}

int
overlay_put(struct overlay *overlay, const void *bytes, size_t len)
{
	uint8_t key_octets[DNAME_KEY_MAX];
	struct node node;
	MDB_val key, value;
	int rc;

	if (!node_open(bytes, len, &node) || node.head.node_len != len)
		return ERR_DAMAGED;
	key.mv_data = key_octets;
	key.mv_size = dname_key(node.head.zone_id, node_owner(&node), key_octets);
	overlay->set_bytes += len;
	filter_add_node(overlay, &node);
	value.mv_size = OVERLAY_VALUE_HEAD + len;
	rc = mdb_put(overlay->txn, overlay->dbi, &key, &value, MDB_RESERVE);
	if (rc == 0) {
		uint8_t *to = value.mv_data;
		uint64_t commit = overlay->commit + 1;

		memcpy(to, &commit, sizeof commit);
		memcpy(to + OVERLAY_VALUE_HEAD, bytes, len);
	}
	return translate(rc);
}

int
overlay_delete(struct overlay *overlay, uint32_t zone_id, const uint8_t *name,
	       size_t name_len)
{
	uint8_t bytes[sizeof(struct node_head) + DNAME_MAX];
	struct node_head head = {
		.node_len = (uint32_t)(sizeof head + name_len),
		.zone_id = zone_id,
		.flags = NODE_DELETED,
		.owner_len = (uint8_t)name_len,
		.label_count = (uint8_t)dname_label_count(name),
	};

	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, name, name_len);
	return overlay_put(overlay, bytes, head.node_len);
}

/* returns 0 with the note's key in `octets`, ERR_RANGE when its name is too long. */
static int
note_key(const char *name, uint8_t octets[DNAME_KEY_MAX], MDB_val *key)
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
overlay_note(struct overlay *overlay, const char *name, const void *value, size_t len)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key;
	int rc = note_key(name, octets, &key);

	return rc == ERR_OK ? put(overlay, &key, value, len) : rc;
}

int
overlay_drop_note(struct overlay *overlay, const char *name)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key;
	int rc = note_key(name, octets, &key);

	if (rc == ERR_OK)
		rc = translate(mdb_del(overlay->txn, overlay->dbi, &key, NULL));
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

/* LMDB calls it EIO when the device takes only a part of a write.  Why it took no more,
 * another one tells, behind all that LMDB uses. */
static int
commit_error(struct overlay *o, int rc)
{
	static const uint8_t zeros[1 << 16];
	struct stat stat;
	ssize_t written;
	int fd;

	if (rc != EIO || mdb_env_get_fd(o->env, &fd) != 0 || fstat(fd, &stat) != 0)
		return translate(rc);
	written = pwrite(fd, zeros, sizeof zeros, stat.st_size);
	if (written < 0)
		return errcode_from_errno(errno);
	return written < (ssize_t)sizeof zeros ? ERR_NOSPACE : ERR_IO;
}

int
overlay_commit(struct overlay *overlay)
{
	uint64_t commit = overlay->commit + 1;
	int rc = overlay_note(overlay, commit_note, &commit, sizeof commit);

	if (rc != ERR_OK) {
		overlay_abort(overlay);
		return rc;
	}
	rc = mdb_txn_commit(overlay->txn);
	overlay->txn = NULL;
	if (rc == 0) {
		overlay->commit = commit;
		atomic_store_explicit(&overlay->filter.head->commit_seq, commit,
				      memory_order_release);
	}
	rc = commit_error(overlay, rc);
	give_back_pages(overlay);
	return rc;
}

uint64_t
overlay_last_commit(const struct overlay *overlay)
{
	return overlay->commit;
}

void
overlay_count_on(struct overlay *overlay, uint64_t commit)
{
	if (overlay->commit < commit)
		overlay->commit = commit;
}

int
overlay_sync(struct overlay *overlay)
{
	int rc = env_renew(overlay);

	return rc == ERR_OK ? translate(mdb_env_sync(overlay->env, 1)) : rc;
}

/* ---- reading ---- */

/* The transaction to read in: the open change set, else the latest commit. */
static int
reading_txn(struct overlay *o, MDB_txn **out)
{
	int rc = 0;

	if (o->txn) {
		*out = o->txn;
		return 0;
	}
	if (!o->is_snapshot && !o->env && open_env(o) != 0) {
		env_close(o);
		return MDB_PANIC;
	}
	*out = o->reading;
	if (o->is_snapshot)
		return 0;
	mdb_txn_reset(o->reading);
	rc = mdb_txn_renew(o->reading);
	return rc;
}

static bool
value_open(const MDB_val *value, struct node *out)
{
	return value->mv_size >= OVERLAY_VALUE_HEAD &&
	       node_open((const uint8_t *)value->mv_data + OVERLAY_VALUE_HEAD,
			 value->mv_size - OVERLAY_VALUE_HEAD, out) &&
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
		return translate(rc);
	return value_open(&value, out) ? ERR_OK : ERR_DAMAGED;
}

int
overlay_read_note(struct overlay *overlay, const char *name, void *value, size_t room)
{
	uint8_t octets[DNAME_KEY_MAX];
	MDB_val key, got;
	MDB_txn *txn;
	int rc = note_key(name, octets, &key);

	if (rc != ERR_OK)
		return rc;
	rc = reading_txn(overlay, &txn);
	if (rc == 0)
		rc = mdb_get(txn, overlay->dbi, &key, &got);
	if (rc != 0)
		return translate(rc);
	memcpy(value, got.mv_data, got.mv_size < room ? got.mv_size : room);
	return (int)got.mv_size;
}

static bool
is_note(const MDB_val *key)
{
	return key->mv_size > sizeof note_prefix &&
	       memcmp(key->mv_data, note_prefix, sizeof note_prefix) == 0;
}

int
overlay_walk(struct overlay *overlay,
	     int (*visit)(void *context, const struct node *node), void *context)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	struct node node;
	MDB_txn *txn;
	int rc = reading_txn(overlay, &txn), stop = 0;

	if (rc == 0)
		rc = mdb_cursor_open(txn, overlay->dbi, &cursor);
	if (rc != 0)
		return translate(rc);
	while (stop == 0 && (rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) == 0) {
		if (is_note(&key))
			continue;
		stop = value_open(&value, &node) ? visit(context, &node) : ERR_DAMAGED;
	}
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? stop : translate(rc);
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
	MDB_txn *txn;
	int rc = reading_txn(overlay, &txn), stop = 0;

	if (rc == 0)
		rc = mdb_cursor_open(txn, overlay->dbi, &cursor);
	if (rc != 0)
		return translate(rc);
	memcpy(name, note_prefix, sizeof note_prefix);
	key = (MDB_val){ sizeof note_prefix, name };
	rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; stop == 0 && rc == 0;
	     rc = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		size_t len = key.mv_size - sizeof note_prefix;

		if (!is_note(&key) || len >= sizeof name)
			break;
		memcpy(name, (const char *)key.mv_data + sizeof note_prefix, len);
		name[len] = '\0';
		if (strcmp(name, commit_note) != 0)
			stop = visit(context, name, value.mv_data, value.mv_size);
	}
	mdb_cursor_close(cursor);
	return rc == 0 || rc == MDB_NOTFOUND ? stop : translate(rc);
}

/* ---- one zone id, in order ---- */

struct overlay_cursor {
	MDB_cursor *cursor;
	uint8_t prefix[4]; /* of the keys of the zone id */
	bool is_started;
};

int
overlay_cursor_open(struct overlay *overlay, uint32_t zone_id,
		    struct overlay_cursor **out)
{
	struct overlay_cursor *cursor = calloc(1, sizeof *cursor);
	uint8_t key[DNAME_KEY_MAX];
	MDB_txn *txn;
	int rc;

	if (!cursor)
		return ERR_NOMEM;
	/* the key of the root name is the zone id alone */
	dname_key(zone_id, (const uint8_t[]){ 0 }, key);
	memcpy(cursor->prefix, key, sizeof cursor->prefix);
	rc = reading_txn(overlay, &txn);
	if (rc == 0)
		rc = mdb_cursor_open(txn, overlay->dbi, &cursor->cursor);
	if (rc != 0) {
		free(cursor);
		return translate(rc);
	}
	*out = cursor;
	return ERR_OK;
}

int
overlay_cursor_next(struct overlay_cursor *cursor, struct node *out)
{
	MDB_val key = { sizeof cursor->prefix, cursor->prefix }, value;
	int rc = mdb_cursor_get(cursor->cursor, &key, &value,
				cursor->is_started ? MDB_NEXT : MDB_SET_RANGE);

	cursor->is_started = true;
	if (rc != 0)
		return translate(rc);
	if (key.mv_size < sizeof cursor->prefix)
		return ERR_DAMAGED;
	if (memcmp(key.mv_data, cursor->prefix, sizeof cursor->prefix) != 0)
		return ERR_NOTFOUND;
	return value_open(&value, out) ? ERR_OK : ERR_DAMAGED;
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
count_notes(struct overlay *overlay, MDB_txn *txn)
{
	uint8_t octets[sizeof note_prefix];
	MDB_val key = { sizeof octets, octets }, value;
	uint64_t count = 0;
	MDB_cursor *cursor;
	int rc;

	memcpy(octets, note_prefix, sizeof octets);
	if (mdb_cursor_open(txn, overlay->dbi, &cursor) != 0)
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
	MDB_stat stat;
	MDB_txn *txn;

	if (reading_txn(overlay, &txn) != 0 || mdb_stat(txn, overlay->dbi, &stat) != 0)
		return 0;
	return stat.ms_entries - count_notes(overlay, txn);
}

unsigned
overlay_sweep(struct overlay *overlay)
{
	int dead = 0;

	if (env_renew(overlay) != ERR_OK || mdb_reader_check(overlay->env, &dead) != 0 ||
	    dead < 0)
		return 0;
	return (unsigned)dead;
}
