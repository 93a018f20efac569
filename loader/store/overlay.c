/* An overlay's files: the LMDB environment and the filter, opened and closed. */
#include "loader/store/overlay.h"

#include <errno.h>
#include <limits.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/overlay_private.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "shm/lmdb_env.h"
#include "shm/name_hash.h"

/* ---- the environment ---- */

static int
open_writer(struct overlay *o)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(o->env, NULL, 0, &txn);

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

static int
open_snapshot(struct overlay *o)
{
	int rc = mdb_txn_begin(o->env, NULL, MDB_RDONLY, &o->reading);

	return rc == 0 ? mdb_dbi_open(o->reading, NULL, 0, &o->dbi) : rc;
}

int
overlay_renew(struct overlay *o)
{
	int rc;

	if (o->env)
		return ERR_OK;
	rc = lmdb_env_open(o->is_snapshot ? LMDB_ENV_OVERLAY_READER
					  : LMDB_ENV_OVERLAY_WRITER,
			   o->dir, 0, &o->env);
	if (rc == ERR_OK)
		rc = lmdb_env_error(o->is_snapshot ? open_snapshot(o) : open_writer(o));
	if (rc != ERR_OK)
		overlay_close_env(o);
	return rc;
}

void
overlay_close_env(struct overlay *o)
{
	if (o->reading)
		mdb_txn_abort(o->reading);
	if (o->env)
		mdb_env_close(o->env);
	o->reading = NULL;
	o->env = NULL;
}

/* ---- the filter ---- */

void
overlay_add_to_filter(struct overlay *o, const struct node *node)
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
	overlay_add_to_filter(context, node);
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

/* ---- the whole ---- */

/* The number in the note, 0 when there is none yet. */
static int
read_commit(struct overlay *o)
{
	int rc = overlay_read_note(o, OVERLAY_COMMIT_NOTE, &o->commit, sizeof o->commit);

	if (rc == sizeof o->commit || rc == ERR_NOTFOUND)
		return ERR_OK;
	return rc < 0 ? rc : ERR_DAMAGED;
}

/* Go on counting where the note stands, or the filter: the note is behind when a power
 * cut has undone the last commit, the filter when it is new. */
static int
open_commit(struct overlay *o)
{
	uint64_t seq =
		atomic_load_explicit(&o->filter.head->commit_seq, memory_order_relaxed);
	int rc = read_commit(o);

	if (rc != ERR_OK)
		return rc;
	if (o->commit < seq)
		o->commit = seq;
	atomic_store_explicit(&o->filter.head->commit_seq, o->commit,
			      memory_order_release);
	return ERR_OK;
}

static int
overlay_new(const char *dir, struct overlay **out)
{
	struct overlay *o = calloc(1, sizeof *o);

	if (!o)
		return ERR_NOMEM;
	o->dir = strdup(dir);
	if (!o->dir) {
		free(o);
		return ERR_NOMEM;
	}
	*out = o;
	return ERR_OK;
}

/* Hand `o` to the caller, or close it when `rc` says that it could not be opened. */
static int
opened(struct overlay *o, int rc, struct overlay **out)
{
	if (rc == ERR_OK)
		*out = o;
	else
		overlay_close(o);
	return rc;
}

int
overlay_open(const char *dir, const struct generation *gen, uint64_t names,
	     struct overlay **out)
{
	struct overlay *o;
	int rc = overlay_new(dir, &o);

	if (rc != ERR_OK)
		return rc;
	o->gen = gen;
	if (mkdir(dir, 0750) != 0 && errno != EEXIST)
		rc = errcode_from_errno(errno);
	if (rc == ERR_OK)
		rc = overlay_renew(o);
	if (rc == ERR_OK)
		rc = open_filter(o, dir, names);
	if (rc == ERR_OK)
		rc = open_commit(o);
	return opened(o, rc, out);
}

int
overlay_open_snapshot(const char *dir, struct overlay **out)
{
	struct overlay *o;
	int rc = overlay_new(dir, &o);

	if (rc != ERR_OK)
		return rc;
	o->is_snapshot = true;
	rc = overlay_renew(o);
	if (rc == ERR_OK)
		rc = read_commit(o);
	return opened(o, rc, out);
}

void
overlay_close(struct overlay *overlay)
{
	if (!overlay)
		return;
	overlay_abort(overlay);
	overlay_close_env(overlay);
	free(overlay->dir);
	overlay_filter_close(&overlay->filter);
	free(overlay);
}
