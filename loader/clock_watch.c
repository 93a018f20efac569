/* What is known of the time at the start, and doubts that come and go. */
#include "loader/clock_watch.h"

#include <limits.h>
#include <sys/stat.h>

#include "loader/sign/rrset_sign.h"
#include "loader/sign/sign_clock.h"
#include "loader/store/generations.h"
#include "loader/store/state_files.h"
#include "loader/store/state_paths.h"
#include "loader/store/store_walk.h"
#include "shm/clock.h"
#include "shm/log.h"
#include "shm/rrtype.h"

enum {
	DAY_S = 86400,
	ZONES_MAX = 1000, /* that are looked at: they are renewed one after the other */
};

/* What the newest generation tells: Unix times, 0 where it tells nothing. */
struct evidence {
	int64_t past_s; /* something was made then */
	int64_t last_end_s; /* of the signatures over SOAs that were made here */
};

static void
note_past(struct evidence *e, int64_t at_s)
{
	if (at_s > e->past_s)
		e->past_s = at_s;
}

static void
look_at_zone(struct evidence *e, const struct node *apex)
{
	struct sign_span span;
	struct block block;
	struct rrset soa;

	if (!node_find_block(apex, BLOCK_SIGNING, 0, &block) ||
	    !node_find_rrset(apex, RRTYPE_SOA, &soa))
		return;
	span = rrset_sign_span(&soa, clock_wall_s());
	if (span.last_end_s == 0)
		return;
	note_past(e, span.last_begin_s + SIGN_INCEPTION_AGO_S);
	if (span.last_end_s > e->last_end_s)
		e->last_end_s = span.last_end_s;
}

static void
look_at_zones(struct evidence *e, const char *dir)
{
	struct store_cursor *cursor = NULL;
	struct store_walk *walk;
	struct node apex;

	if (store_walk_open(dir, &walk) != 0)
		return;
	if (store_cursor_open(walk, CATALOGUE_ID, &cursor) == 0)
		for (unsigned i = 0;
		     i < ZONES_MAX && store_cursor_next(cursor, &apex) == 0; i++)
			look_at_zone(e, &apex);
	store_cursor_close(cursor);
	store_walk_close(walk);
}

/* Live changes were written when their file was. */
static void
look_at_newest(struct evidence *e, const struct sync *sync)
{
	struct generation_list list;
	char dir[PATH_MAX], overlay[PATH_MAX];
	struct stat status;

	if (generations_list(sync->state_dir, &list) != 0)
		return;
	if (list.count > 0) {
		const struct generation_manifest *newest =
			&list.entries[list.count - 1].manifest;

		note_past(e, newest->created_s);
		if (state_path_generation(sync->state_dir, newest->id, dir)) {
			look_at_zones(e, dir);
			if (state_path_print(overlay, "%s/" OVERLAY_DIR "/data.mdb",
					     dir) &&
			    stat(overlay, &status) == 0)
				note_past(e, status.st_mtim.tv_sec);
		}
	}
	generations_list_free(&list);
}

/* Have all signatures ended?  What was made last held for dnssec.refresh_days at least. */
static bool
is_all_over(const struct sync *sync, const struct evidence *e)
{
	int64_t held_s = (int64_t)sync->settings->dnssec.refresh_days * DAY_S;
	int64_t over_s = clock_wall_s() - REGION_CLOCK_MOVED_S;

	return e->last_end_s != 0 && e->last_end_s < over_s &&
	       e->past_s + held_s < over_s;
}

void
clock_watch_start(struct sync *sync)
{
	int64_t gap_s = state_read_gap(sync->state_dir);
	struct evidence e = { 0 };

	look_at_newest(&e, sync);
	region_clock_note_past(sync->region, e.past_s);
	sync->clock_gap_s = gap_s;
	if (gap_s == 0 && is_all_over(sync, &e))
		gap_s = e.past_s;
	if (gap_s != 0 && gap_s < clock_wall_s() &&
	    !atomic_load(&sync->region->clock.is_believed))
		region_clock_note_gap(sync->region, gap_s);
	clock_watch_look(sync);
}

void
clock_watch_look(struct sync *sync)
{
	bool is_unsure = region_clock_is_unsure(sync->region);
	int64_t gap_s = atomic_load(&sync->region->clock.gap_s);
	char why[REGION_CLOCK_TEXT_MAX];

	sign_clock_look(sync->region);
	if (is_unsure && !sync->is_clock_unsure) {
		region_signer_add(&sync->region->signer, SIGNER_FIGURE_clock_doubts, 1);
		if (region_clock_explain(sync->region, why))
			log_errorx("%s", why);
	}
	if (gap_s != sync->clock_gap_s)
		state_set_gap(sync->state_dir, gap_s);
	sync->clock_gap_s = gap_s;
	sync->is_clock_unsure = is_unsure;
}

void
clock_watch_believe(struct sync *sync)
{
	region_clock_note_gap(sync->region, 0);
	atomic_store(&sync->region->clock.is_believed, true);
	clock_watch_look(sync);
}
