/* What is named of zones that are signed aside waits until they are published. */
#include "loader/redis/follow_away.h"

#include <stdlib.h>

#include "loader/redis/follow_aside.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_serve.h"
#include "shm/clock.h"
#include "shm/errcode.h"

/* Builds in a row that are put off because more was to be signed with what they have: somebody
 * who changes such zones all the time is not to keep them from being published. */
enum { PUT_OFFS_MAX = 4 };

bool
follow_away_has(const struct follow *f, const uint8_t *origin, size_t len)
{
	return follow_aside_has(f, origin, len) ||
	       change_set_find(&f->waiting, origin, len) != CHANGE_NONE;
}

/* ---- into what waits ---- */

/* Zones of one part stay one; *root is the first of them in `to`. */
static int
copy_zone(struct change_set *to, const struct change_set *from, uint32_t zone,
	  uint32_t *root)
{
	uint32_t number;
	int rc = change_set_copy_zone(to, from, zone, &number);

	if (rc != ERR_OK)
		return rc;
	if (to->zones[number].since_us == 0)
		to->zones[number].since_us = (uint64_t)clock_wall_us();
	if (*root == CHANGE_NONE)
		*root = number;
	else
		change_set_join(to, *root, number);
	return ERR_OK;
}

static uint32_t *
new_roots(struct arena *arena, size_t count)
{
	uint32_t *roots = arena_take_items(arena, count + 1, sizeof *roots);

	for (size_t i = 0; roots && i < count; i++)
		roots[i] = CHANGE_NONE;
	return roots;
}

/* Of entries that were lost nobody knows which zones they named as one. */
static bool
is_one(const struct serving *s)
{
	return s->is_gap && s->f->round.is_strict;
}

static int
note_parts(struct serving *s)
{
	struct change_set *set = &s->f->set;
	uint32_t *roots = new_roots(s->f->arena, set->count);
	int rc = roots ? ERR_OK : ERR_NOMEM;

	for (uint32_t i = 0; rc == ERR_OK && i < set->count; i++)
		if (serving_part(s, i)->waits)
			rc = copy_zone(&s->f->waiting, set, i,
				       &roots[is_one(s) ? 0 : change_set_part(set, i)]);
	return rc;
}

static void
put_off(struct serving *s, uint32_t zone)
{
	struct part *part = serving_part(s, zone);

	part->is_deferred = part->waits = part->stays = true;
}

int
follow_away_defer(struct serving *s)
{
	struct follow *f = s->f;
	bool waits = false;

	if (f->queued.count == 0 && f->away.count == 0 && f->waiting.count == 0)
		return ERR_OK;
	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct change_zone *zone = &f->set.zones[i];

		if (!follow_away_has(f, zone->origin, zone->origin_len))
			continue;
		put_off(s, i);
		waits = true;
	}
	return waits ? note_parts(s) : ERR_OK;
}

/* Queue what is to be signed aside.  *waits: something is one with it. */
static int
queue_zones(struct serving *s, bool *waits)
{
	struct follow *f = s->f;
	int rc = ERR_OK;

	for (uint32_t i = 0; rc == ERR_OK && i < f->set.count; i++) {
		const struct part *part = serving_part(s, i);

		if (s->plans[i].action != PLAN_ASIDE || (part->stays && !part->waits))
			continue;
		if (f->aside_failed) { /* it is asked for by who compares it next */
			s->plans[i].action = PLAN_NOTHING;
			continue;
		}
		rc = follow_aside_add(f, &f->set.zones[i], &s->plans[i]);
		if (s->is_accepted)
			continue;
		put_off(s, i);
		*waits = true;
	}
	return rc;
}

int
follow_away_send(struct serving *s)
{
	bool waits = false;
	int rc = queue_zones(s, &waits);

	if (rc != ERR_OK || !waits)
		return rc;
	for (uint32_t i = 0; is_one(s) && i < s->f->set.count; i++)
		if (serving_changes(s, i) && !serving_part(s, i)->stays)
			put_off(s, i);
	return note_parts(s);
}

/* ---- out of it ---- */

static bool
is_strict(const struct follow *f)
{
	return f->round.is_strict || f->round.wants_strict;
}

bool
follow_away_stops_round(const struct follow *f)
{
	return f->away.count > 0 && is_strict(f);
}

/* A comparison that serves what differs as one begins with all of it. */
bool
follow_away_is_due(const struct follow *f)
{
	return f->waiting.count > 0 && f->away.count == 0 && !is_strict(f) &&
	       (f->is_waiting_due || f->aside.waiting == 0);
}

/* Parts that need not wait any more become f->set, the others `rest`. */
static int
divide(struct follow *f, struct change_set *rest)
{
	struct change_set *all = &f->waiting;
	struct divided {
		bool must_wait;
		uint32_t root;
	} *parts = calloc(all->count + 1, sizeof *parts);
	int rc = parts ? ERR_OK : ERR_NOMEM;

	for (uint32_t i = 0; parts && i < all->count; i++) {
		parts[i].root = CHANGE_NONE;
		if (follow_aside_has(f, all->zones[i].origin, all->zones[i].origin_len))
			parts[change_set_part(all, i)].must_wait = true;
	}
	change_set_clear(&f->set);
	for (uint32_t i = 0; rc == ERR_OK && i < all->count; i++) {
		struct divided *part = &parts[change_set_part(all, i)];

		rc = copy_zone(part->must_wait ? rest : &f->set, all, i, &part->root);
	}
	free(parts);
	return rc;
}

/* What must wait on becomes f->waiting; *all is what it was. */
static int
serve_free(struct follow *f, struct change_set *all)
{
	struct change_set rest = { .count = 0 };
	int rc = divide(f, &rest);

	*all = f->waiting;
	f->waiting = rest;
	if (rc == ERR_OK && f->set.count > 0)
		rc = follow_serve_set(f, CHANGE_EVENT, false);
	return rc;
}

/* It was served; or all of it waits on. */
static void
conclude(struct follow *f, struct change_set *all, int rc)
{
	if (rc != ERR_OK) {
		change_set_fini(&f->waiting);
		f->waiting = *all;
		return;
	}
	change_set_fini(all);
	f->is_waiting_due = f->aside_failed = false;
	/* a note that still tells of a gap has too much compared after a restart */
	(void)!follow_notes_save(f);
}

void
follow_away_serve(struct follow *f)
{
	struct change_set all;
	int rc = serve_free(f, &all);

	conclude(f, &all, rc);
}

/* Does a zone of `away` wait on, with others?  Then these are as they were, and it is not. */
static bool
is_torn(struct follow *f, const struct key_table *away)
{
	struct change_set *set = &f->waiting;
	uint32_t number;

	for (uint32_t i = 0; i < set->count; i++) {
		if (key_table_find(away, 0, set->zones[i].origin,
				   set->zones[i].origin_len, &number) != ERR_OK)
			continue;
		for (uint32_t k = 0; k < set->count; k++)
			if (k != i && change_set_part(set, k) == change_set_part(set, i))
				return true;
	}
	return false;
}

int
follow_away_bring(struct follow *f)
{
	struct key_table away = f->away;
	struct change_set all;
	int rc;

	f->away = (struct key_table){ .count = 0 };
	rc = serve_free(f, &all);
	if (rc == ERR_OK && f->aside_put_offs < PUT_OFFS_MAX &&
	    f->aside.waiting + away.count <= f->aside_max && is_torn(f, &away))
		rc = ERR_BUSY;
	if (rc != ERR_OK)
		f->away = away;
	else
		key_table_fini(&away);
	conclude(f, &all, rc);
	return rc;
}
