/* Live changes for tests: the overlay of one generation is made to say what another one
 * holds, so that both must answer alike. */
#ifndef T_LIVE_STORE_H
#define T_LIVE_STORE_H

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/store/overlay.h"
#include "loader/store/store_walk.h"
#include "shm/dname.h"
#include "shm/errcode.h"
#include "t/tap.h"

enum { LIVE_STORE_NAMES = 1000 };

static inline bool
live_store_same(const struct node *a, const struct node *b)
{
	return a->head.node_len == b->head.node_len &&
	       memcmp(a->bytes, b->bytes, a->head.node_len) == 0;
}

/* For every node under `zone_id` in the generation at `dir`: put it into the overlay when
 * `other` has none like it, or (`is_gone`) a tombstone when `other` has none at all. */
static inline bool
live_store_walk(struct overlay *overlay, const char *dir, uint32_t zone_id,
		const struct generation *other, bool is_gone)
{
	struct store_cursor *cursor = NULL;
	struct store_walk *walk;
	struct node node, found;
	int rc = store_walk_open(dir, &walk);

	if (rc == 0)
		rc = store_cursor_open(walk, zone_id, &cursor);
	while (rc == 0 && (rc = store_cursor_next(cursor, &node)) == 0) {
		uint8_t name[DNAME_MAX + NAME_PAD] = { 0 };
		size_t len = node.head.owner_len;
		bool exists;

		memcpy(name, node_owner(&node), len);
		exists = generation_find(other, zone_id, name, len, &found) == 0;
		if (is_gone && !exists)
			rc = overlay_delete(overlay, zone_id, name, len);
		else if (!is_gone && !(exists && live_store_same(&node, &found)))
			rc = overlay_put(overlay, node.bytes, node.head.node_len);
	}
	store_cursor_close(cursor);
	store_walk_close(walk);
	return rc == ERR_NOTFOUND;
}

static inline bool
live_store_commit(const char *base_dir, const char *wanted_dir, const char *overlay_dir)
{
	struct generation base, wanted;
	struct overlay *overlay;
	uint32_t ids;
	bool done;

	if (generation_open(base_dir, GENERATION_LAZY, &base) != 0 ||
	    overlay_open(overlay_dir, &base, LIVE_STORE_NAMES, &overlay) != 0)
		return false;
	if (!wanted_dir) {
		overlay_close(overlay);
		return true;
	}
	if (generation_open(wanted_dir, GENERATION_LAZY, &wanted) != 0 ||
	    overlay_begin(overlay) != 0)
		return false;
	ids = base.manifest.next_zone_id > wanted.manifest.next_zone_id
		      ? base.manifest.next_zone_id
		      : wanted.manifest.next_zone_id;
	done = true;
	for (uint32_t id = 0; id < ids && done; id++)
		done = live_store_walk(overlay, wanted_dir, id, &base, false) &&
		       live_store_walk(overlay, base_dir, id, &wanted, true);
	for (uint32_t id = ZONE_ID_FIRST | NSEC3_SPACE; id < (ids | NSEC3_SPACE) && done;
	     id++)
		done = live_store_walk(overlay, wanted_dir, id, &base, false) &&
		       live_store_walk(overlay, base_dir, id, &wanted, true);
	done = done && overlay_commit(overlay) == 0;
	overlay_close(overlay);
	generation_close(&base);
	generation_close(&wanted);
	return done;
}

/* Commit to the overlay of the generation at `base_dir` what makes it hold what the one
 * at `wanted_dir` holds, in one change set; NULL: only make the overlay.  In a process
 * of its own, since a reader of the overlay may not open it a second time. */
static inline void
live_store_change(const char *base_dir, const char *wanted_dir)
{
	char dir[4200];
	pid_t pid;
	int status;

	snprintf(dir, sizeof dir, "%s/overlay", base_dir);
	pid = fork();
	if (pid == 0)
		_exit(live_store_commit(base_dir, wanted_dir, dir) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bail_out("%s: no change is committed", dir);
}

#endif
