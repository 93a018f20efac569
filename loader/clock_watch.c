/* What is known of the time at the start, and doubts that come and go. */
#include "loader/clock_watch.h"

#include "loader/sign/sign_clock.h"
#include "loader/store/generations.h"
#include "shm/log.h"

void
clock_watch_start(struct sync *sync)
{
	struct generation_list list;

	if (generations_list(sync->state_dir, &list) == 0) {
		if (list.count > 0)
			region_clock_note_past(
				sync->region,
				list.entries[list.count - 1].manifest.created_s);
		generations_list_free(&list);
	}
	clock_watch_look(sync);
}

void
clock_watch_look(struct sync *sync)
{
	bool is_doubtful = region_clock_is_doubtful(sync->region);
	char why[REGION_CLOCK_TEXT_MAX];

	sign_clock_hold(is_doubtful);
	if (is_doubtful && !sync->is_clock_held) {
		region_signer_add(&sync->region->signer, SIGNER_FIGURE_clock_doubts, 1);
		if (region_clock_explain(sync->region, why))
			log_errorx("%s", why);
	}
	sync->is_clock_held = is_doubtful;
}

void
clock_watch_believe(struct sync *sync)
{
	atomic_store(&sync->region->clock.is_believed, true);
	clock_watch_look(sync);
}
