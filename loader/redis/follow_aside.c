/* The queue of zones that are to be signed aside, and what becomes of its builds. */
#include "loader/redis/follow_aside.h"

#include <string.h>

#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_sign.h"
#include "shm/clock.h"
#include "shm/errcode.h"

static bool
is_in(const struct key_table *table, const uint8_t *origin, size_t len)
{
	uint32_t number;

	return key_table_find(table, 0, origin, len, &number) == ERR_OK;
}

bool
follow_aside_has(const struct follow *f, const uint8_t *origin, size_t len)
{
	return is_in(&f->queued, origin, len) || is_in(&f->away, origin, len);
}

/* ---- to be signed ---- */

static int
enqueue(struct follow *f, const uint8_t *origin, size_t len, struct redis_text name)
{
	uint32_t number;
	int rc = key_table_add(&f->queued, 0, origin, len, &number);

	if (rc != ERR_OK)
		return rc;
	dirty_zones_mark(&f->aside, name, (uint64_t)clock_wall_us());
	return f->aside.has_lost ? ERR_NOMEM : ERR_OK;
}

int
follow_aside_add(struct follow *f, const struct change_zone *zone,
		 const struct plan *plan)
{
	const struct redis_text name = { plan->listed_as, strlen(plan->listed_as) };
	int rc = enqueue(f, zone->origin, zone->origin_len, name);

	if (rc != ERR_OK)
		return rc;
	follow_sign_note_tried(f, zone, plan);
	region_signer_set_aside(f->signing, f->aside.waiting, plan->listed_as);
	return ERR_OK;
}

void
follow_aside_forget(struct follow *f)
{
	change_set_clear(&f->waiting);
	dirty_zones_clear(&f->aside);
	key_table_clear(&f->queued);
	key_table_clear(&f->tried);
	f->is_waiting_due = f->aside_failed = false;
	region_signer_set_aside(f->signing, 0, NULL);
}

bool
follow_wants_aside(const struct follow *f)
{
	return f->aside.waiting > 0 && f->phase == FOLLOW_READY && !f->round.is_strict &&
	       !f->round.wants_strict;
}

/* ---- being signed ---- */

static size_t
add_origin(struct key_table *table, struct redis_text name)
{
	uint8_t origin[DNAME_MAX + NAME_PAD];
	const char *reason;
	size_t len = redis_zone_origin(name, origin, &reason);
	uint32_t number;

	return len > 0 && key_table_add(table, 0, origin, len, &number) == ERR_OK;
}

/* Those that were not taken wait on. */
static void
note_queued(struct follow *f)
{
	struct redis_text name;

	key_table_clear(&f->queued);
	for (uint32_t i = 0; f->aside.waiting > 0 && i < f->aside.names.count; i++) {
		if (!f->aside.marks[i].is_waiting)
			continue;
		name.bytes = key_table_key(&f->aside.names, i, &name.len);
		add_origin(&f->queued, name);
	}
}

/* What was named of those that are away: the build reads all of it.  Only whether it is what
 * they are to be then, their configs tell. */
static void
narrow_waiting(struct follow *f)
{
	for (size_t i = 0; i < f->waiting.count; i++) {
		struct change_zone *zone = &f->waiting.zones[i];

		if (!is_in(&f->away, zone->origin, zone->origin_len))
			continue;
		zone->is_whole = false;
		zone->has_config = true;
	}
}

size_t
follow_take_aside(struct follow *f, char **names, size_t max)
{
	struct redis_text name;
	size_t count = 0;
	uint64_t since_us;

	while (count < max && dirty_zones_take(&f->aside, &name, &since_us)) {
		if (!add_origin(&f->away, name))
			continue;
		names[count] = strndup(name.bytes, name.len);
		count += names[count] != NULL;
	}
	f->aside_max = max;
	note_queued(f);
	narrow_waiting(f);
	f->aside_fate = ASIDE_BUILT;
	return count;
}

/* ---- signed, or not ---- */

void
follow_end_aside(struct follow *f)
{
	key_table_clear(&f->away);
	f->is_waiting_due = f->waiting.count > 0;
	region_signer_set_aside(f->signing, f->aside.waiting, NULL);
}

/* The zone is queued once more; or the build has left it as it was, and it is read again. */
static void
put_back(struct follow *f, struct change_zone *zone)
{
	struct redis_text name;

	zone->is_whole = true;
	if (f->aside_fate != ASIDE_PUT_OFF)
		return;
	name.bytes = key_table_key(&f->waiting.texts, zone->text, &name.len);
	/* without memory the zone is read again */
	(void)!enqueue(f, zone->origin, zone->origin_len, name);
}

void
follow_fail_aside(struct follow *f)
{
	for (size_t i = 0; i < f->waiting.count; i++)
		if (is_in(&f->away, f->waiting.zones[i].origin,
			  f->waiting.zones[i].origin_len))
			put_back(f, &f->waiting.zones[i]);
	key_table_clear(&f->tried);
	f->aside_failed = f->aside_fate == ASIDE_BUILT && f->waiting.count > 0;
	if (f->aside_fate == ASIDE_BROUGHT) /* with what is served no more */
		follow_gap_compare(f, true);
}
