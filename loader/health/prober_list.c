/* From the watch list to targets, and to places on the board. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/health/prober.h"
#include "loader/health/status_link.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* ---- the board ---- */

/* What it told before this process began, or a target had to go, is gone on with. */
static void
take_place(struct prober *prober, struct target *target)
{
	target->slot = board_put(prober->board, target->key, (struct board_status){ 0 });
	if (target->slot) {
		struct board_status told = board_get(prober->board, target->key);

		target->status = told.status > target->up_count     ? target->up_count
				 : told.status < target->down_count ? target->down_count
								    : told.status;
		target->up_s = told.up_s;
	}
	if (target->status != 0)
		target->known_ms = clock_now_ms();
	target->is_denied = prober->settings->health.role == HEALTH_ROLE_PROBE &&
			    deny_list_holds(&prober->deny, target->spec);
	if (target->is_denied)
		target->status = 0;
	target_show(prober->board, target);
}

/* Places of targets that went while no prober ran.  Only memory that is in use is looked
 * at: the rest of the board stays unused. */
static void
sweep_board(struct prober *prober)
{
	size_t page_len = (size_t)sysconf(_SC_PAGESIZE);
	size_t pages = sizeof prober->board->slots / page_len;
	size_t per_page = page_len / sizeof(struct board_slot);
	unsigned char *in_use = calloc(pages, 1);

	if (!in_use ||
	    mincore(prober->board->slots, sizeof prober->board->slots, in_use) != 0) {
		free(in_use);
		return;
	}
	for (size_t i = 0; i < pages * per_page; i++) {
		struct board_slot *slot = &prober->board->slots[i];
		uint64_t key;

		if (!(in_use[i / per_page] & 1))
			continue;
		key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		if (key >= BOARD_KEY_MIN && !target_table_find(&prober->table, key))
			board_drop(prober->board, slot);
	}
	free(in_use);
}

/* ---- targets that come and go ---- */

static void
unlist(void *context, struct target *target)
{
	(void)context;
	target->is_listed = false;
}

static int
list_target(void *context, uint64_t key, const uint8_t *spec, size_t len)
{
	struct prober *prober = context;
	struct target *target = target_table_find(&prober->table, key);

	if (!target) {
		if (prober->table.count >= BOARD_TARGETS_MAX)
			return 0;
		target = target_table_add(&prober->table, key, spec, len);
		if (!target)
			return 0; /* none that can be probed */
		take_place(prober, target);
		if (prober->settings->health.role == HEALTH_ROLE_PROBE)
			prober_run_add(prober, target);
	}
	target->is_listed = true;
	return 0;
}

static void
drop_unlisted(void *context, struct target *target)
{
	struct prober *prober = context;

	if (target->is_listed)
		return;
	prober_run_drop(prober, target);
	if (target->slot)
		board_drop(prober->board, target->slot);
	target_table_drop(&prober->table, target);
}

static int
read_list(struct prober *prober)
{
	int rc = watch_read_begin(prober->reader);

	if (rc != ERR_OK)
		return rc;
	target_table_each(&prober->table, unlist, NULL);
	rc = watch_read_targets(prober->reader, list_target, prober);
	if (rc == ERR_OK && prober->link)
		rc = status_link_read_names(prober->link, prober->reader);
	watch_read_end(prober->reader);
	if (rc != ERR_OK)
		return rc;
	target_table_each(&prober->table, drop_unlisted, prober);
	if (!prober->has_list)
		sweep_board(prober);
	prober->has_list = true;
	return ERR_OK;
}

/* Sync may have started anew, and made another list. */
static bool
have_reader(struct prober *prober, uint32_t epoch)
{
	if (prober->reader && prober->list_epoch == epoch)
		return true;
	watch_reader_close(prober->reader);
	prober->reader = NULL;
	prober->list_epoch = epoch;
	return watch_reader_open(prober->settings->state_dir, &prober->reader) == ERR_OK;
}

void
prober_list_look(struct prober *prober)
{
	const struct region_watch *watch = &prober->heritage->region->watch;
	uint32_t epoch = atomic_load(&watch->epoch), seq = atomic_load(&watch->seq);

	/* one that is not filled yet says nothing of what is served */
	if (epoch == 0 || atomic_load(&watch->filled_epoch) != epoch)
		return;
	if (prober->has_list && prober->list_epoch == epoch && prober->list_seq == seq)
		return;
	if (!have_reader(prober, epoch))
		return;
	if (read_list(prober) == ERR_OK)
		prober->list_seq = seq;
	else
		prober->list_epoch = 0; /* try again */
}
