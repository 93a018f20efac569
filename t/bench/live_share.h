/* Live changes for benchmarks: an overlay that says again what the generation says, of a
 * share of its names and of the apexes of their zones.  Answers stay what they were. */
#ifndef T_BENCH_LIVE_SHARE_H
#define T_BENCH_LIVE_SHARE_H

#include <stdlib.h>

#include "loader/store/overlay.h"
#include "loader/store/store_walk.h"
#include "t/live_store.h"

struct live_share {
	struct overlay *overlay;
	struct store_walk *walk;
	unsigned per_mille;
};

/* One change set for each zone of which a name is drawn.  returns 0 or an error code. */
static inline int
live_share_zone(const struct live_share *share, const struct node *apex)
{
	struct store_cursor *cursor = NULL;
	struct zone_facts facts;
	struct node node;
	bool is_touched = false;
	int rc = node_zone_facts(apex, &facts) ? overlay_begin(share->overlay)
					       : ERR_DAMAGED;

	if (rc == 0)
		rc = store_cursor_open(share->walk, facts.zone_id, &cursor);
	while (rc == 0 && (rc = store_cursor_next(cursor, &node)) == 0) {
		if ((unsigned)random() % 1000 >= share->per_mille)
			continue;
		is_touched = true;
		rc = overlay_put(share->overlay, node.bytes, node.head.node_len);
	}
	store_cursor_close(cursor);
	if (rc == ERR_NOTFOUND)
		rc = is_touched ? overlay_put(share->overlay, apex->bytes,
					      apex->head.node_len)
				: 0;
	if (rc == 0 && is_touched)
		return overlay_commit(share->overlay);
	overlay_abort(share->overlay);
	return rc;
}

static inline bool
live_share_all(const char *dir, const char *overlay_dir, unsigned per_mille)
{
	struct live_share share = { .per_mille = per_mille };
	struct store_cursor *cursor = NULL;
	struct generation gen;
	struct node apex;
	int rc = generation_open(dir, GENERATION_LAZY, &gen);

	if (rc == 0)
		rc = overlay_open(overlay_dir, &gen, gen.manifest.name_count, &share.overlay);
	if (rc == 0)
		rc = store_walk_open(dir, &share.walk);
	if (rc == 0)
		rc = store_cursor_open(share.walk, CATALOGUE_ID, &cursor);
	while (rc == 0 && (rc = store_cursor_next(cursor, &apex)) == 0)
		rc = live_share_zone(&share, &apex);
	store_cursor_close(cursor);
	store_walk_close(share.walk);
	overlay_close(share.overlay);
	return rc == ERR_NOTFOUND;
}

/* Commit them to the overlay of the generation at `dir`, in a process of its own. */
static inline void
live_share_commit(const char *dir, unsigned per_mille)
{
	char overlay_dir[4200];
	pid_t pid;
	int status;

	snprintf(overlay_dir, sizeof overlay_dir, "%s/overlay", dir);
	pid = fork();
	if (pid == 0)
		_exit(live_share_all(dir, overlay_dir, per_mille) ? 0 : 1);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bail_out("%s: no change is committed", dir);
}

#endif
