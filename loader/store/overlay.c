/* An overlay opened and closed: environment, filter, and the number of the last commit. */
#include "loader/store/overlay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/store/overlay_private.h"
#include "shm/errcode.h"

/* ---- the filter ---- */

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
