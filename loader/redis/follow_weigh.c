/* What may be served of a set, part by part, and what stays. */
#include "loader/redis/follow_weigh.h"

#include "shm/clock.h"
#include "shm/errcode.h"

/* Zones of a held set that is weighed anew at each change. */
enum { HELD_PULLED_MAX = 64 };

/* The other zones of a held set that is not too large join what was read: then the whole
 * is weighed again. */
static void
pull_held(struct serving *s, uint32_t zone, const struct held_set *held)
{
	struct change_set *set = &s->f->set;

	if (held->zone_count > HELD_PULLED_MAX)
		return;
	for (uint32_t i = 0; i < held->zone_count; i++) {
		const struct held_zone *other = &held->zones[i];
		uint32_t number = change_set_find(set, other->name, other->name_len);
		char text[DNAME_TEXT_MAX];
		struct redis_text name = { text, 0 };

		if (number == CHANGE_NONE) {
			name.len = dname_to_text(other->name, text);
			if (change_set_add_zone(set, name) != ERR_OK)
				return;
			number = change_set_find(set, other->name, other->name_len);
		}
		if (number != CHANGE_NONE)
			change_set_join(set, zone, number);
	}
}

/* It was held for having left the list, and is listed again with all that it had: nothing
 * of the others of its set hangs on it. */
static bool
has_grown_back(const struct serving *s, uint32_t zone)
{
	const struct change_zone *at = &s->f->set.zones[zone];
	const struct plan *plan = &s->plans[zone];

	return at->is_whole && !plan->must_hold && plan->reason == HELD_SHRINKS &&
	       plan_shrinks_by(plan) == 0 &&
	       held_is_unlisted(&s->f->held, at->origin, at->origin_len);
}

void
follow_weigh_join(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < s->planned; i++) {
		const struct change_zone *zone = &f->set.zones[i];
		const struct held_set *held =
			held_find_zone(&f->held, zone->origin, zone->origin_len);

		if (!held)
			continue;
		if (!f->set.zones[i].is_whole) {
			/* what was held of its other names must not stay behind when it is
			 * served again */
			f->set.zones[i].is_whole = true;
			s->again = true;
			continue;
		}
		if (!has_grown_back(s, i))
			pull_held(s, i, held);
		s->again = s->again || f->set.count > s->planned;
	}
}

static bool
is_inside(const struct change_set *set, const struct held_set *held)
{
	for (uint32_t i = 0; i < held->zone_count; i++)
		if (change_set_find(set, held->zones[i].name, held->zones[i].name_len) ==
		    CHANGE_NONE)
			return false;
	return true;
}

/* All zones have found their parts: which of these are held already? */
static void
mark_held(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; f->held.count > 0 && i < f->set.count; i++) {
		const struct change_zone *zone = &f->set.zones[i];
		const struct held_set *held =
			held_find_zone(&f->held, zone->origin, zone->origin_len);
		struct part *part = serving_part(s, i);

		part->was_held =
			part->was_held ||
			(s->plans[i].reason == HELD_UNLISTED &&
			 held_is_unlisted(&f->held, zone->origin, zone->origin_len));
		part->is_held = part->is_held || (held && !has_grown_back(s, i) &&
						  !is_inside(&f->set, held));
	}
}

void
follow_weigh_parts(struct serving *s)
{
	struct follow *f = s->f;

	mark_held(s);
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = serving_part(s, i);

		part->removed += plan_shrinks_by(&s->plans[i]);
		part->must_hold = part->must_hold || s->plans[i].must_hold;
		part->is_partial = part->is_partial || !f->set.zones[i].is_whole;
	}
}

void
follow_weigh_defer(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = serving_part(s, i);

		part->is_deferred =
			part->is_deferred ||
			(s->defers_all ? serving_changes(s, i)
				       : f->set.entry_count == 0 &&
						 (part->removed > 0 || part->must_hold));
	}
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct redis_text name;

		if (!serving_part(s, i)->is_deferred || !serving_changes(s, i))
			continue;
		name.bytes =
			key_table_key(&f->set.texts, f->set.zones[i].text, &name.len);
		dirty_zones_mark(&f->round.differing, name, 0);
		f->round.missing += plan_shrinks_by(&s->plans[i]);
	}
}

void
follow_weigh_decide(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_ms = clock_now_ms(), sum = 0;

	for (uint32_t i = 0; s->is_gap && i < f->set.count; i++)
		sum += s->parts[i].removed; /* it has one cause, it counts as one */
	if (s->is_gap && sum < f->round.missing)
		sum = f->round.missing;
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct part *part = &s->parts[i];
		uint64_t removed = s->is_gap ? sum : sum + part->removed;

		if (change_set_part(&f->set, i) != i || s->is_accepted)
			continue;
		if (part->is_deferred) {
			part->stays = true;
			continue;
		}
		/* of a large set that is held, what has grown back is free */
		part->stays = part->must_hold || (part->is_held && part->removed > 0);
		if (!part->stays && part->removed > 0)
			part->stays = !shrink_guard_admits(&f->guard, now_ms, removed,
							   f->served,
							   s->is_gap || part->was_held);
		if (!part->stays && !s->is_gap)
			sum += part->removed;
		s->again = s->again || (part->stays && part->is_partial);
	}
	for (uint32_t i = 0; s->again && i < f->set.count; i++)
		if (serving_part(s, i)->stays)
			f->set.zones[i].is_whole = true;
}
