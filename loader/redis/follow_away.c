/* What is named of zones that are signed aside waits until they are published. */
#include "loader/redis/follow_away.h"

#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_serve.h"
#include "shm/clock.h"
#include "shm/errcode.h"

bool
follow_away_has(const struct follow *f, const uint8_t *origin, size_t len)
{
	uint32_t number;

	return key_table_find(&f->away, 0, origin, len, &number) == ERR_OK ||
	       change_set_find(&f->waiting, origin, len) != CHANGE_NONE;
}

/* Zones of one part stay one. */
static int
note_zone(struct serving *s, uint32_t zone, uint32_t *root)
{
	struct change_set *waiting = &s->f->waiting;
	uint32_t number;
	int rc = change_set_copy_zone(waiting, &s->f->set, zone, &number);

	if (rc != ERR_OK)
		return rc;
	if (waiting->zones[number].since_us == 0)
		waiting->zones[number].since_us = (uint64_t)clock_wall_us();
	if (*root == CHANGE_NONE)
		*root = number;
	else
		change_set_join(waiting, *root, number);
	return ERR_OK;
}

static int
note_parts(struct serving *s)
{
	struct change_set *set = &s->f->set;
	uint32_t *roots = arena_take_items(s->f->arena, set->count, sizeof *roots);
	int rc = roots ? ERR_OK : ERR_NOMEM;

	for (uint32_t i = 0; roots && i < set->count; i++)
		roots[i] = CHANGE_NONE;
	for (uint32_t i = 0; rc == ERR_OK && i < set->count; i++)
		if (serving_part(s, i)->is_deferred)
			rc = note_zone(s, i, &roots[change_set_part(set, i)]);
	return rc;
}

int
follow_away_defer(struct serving *s)
{
	struct follow *f = s->f;
	bool waits = false;

	if (f->away.count == 0 && f->waiting.count == 0)
		return ERR_OK;
	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct change_zone *zone = &f->set.zones[i];

		if (!follow_away_has(f, zone->origin, zone->origin_len))
			continue;
		serving_part(s, i)->is_deferred = true;
		waits = true;
	}
	return waits ? note_parts(s) : ERR_OK;
}

bool
follow_away_stops_round(const struct follow *f)
{
	return f->away.count > 0 && (f->round.is_strict || f->round.wants_strict);
}

bool
follow_away_is_due(const struct follow *f)
{
	return f->away.count == 0 && f->waiting.count > 0;
}

static void
swap_waiting(struct follow *f)
{
	struct change_set set = f->set;

	f->set = f->waiting;
	f->waiting = set;
}

void
follow_away_serve(struct follow *f)
{
	if (f->round.is_strict || f->round.wants_strict) {
		/* what it has compared already may have waited: it begins anew */
		change_set_clear(&f->waiting);
		follow_gap_compare(f, true);
		return;
	}
	change_set_clear(&f->set);
	swap_waiting(f);
	if (follow_serve_set(f, CHANGE_EVENT, false) != ERR_OK) {
		swap_waiting(f);
		return;
	}
	if (f->live && f->store_retry_ms == 0 && follow_notes_save(f) != ERR_OK)
		follow_gap_compare(f, true);
}
