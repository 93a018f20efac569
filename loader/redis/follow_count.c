/* How much is served: for the shrink guard, and for `status`. */
#include "loader/redis/follow_count.h"

#include "shm/clock.h"
#include "shm/errcode.h"

void
follow_count_show(struct follow *f)
{
	struct live_totals totals;

	if (!f->live || live_count(f->live, &totals) != ERR_OK)
		return;
	atomic_store(&f->facts->zone_count, totals.zones);
	atomic_store(&f->facts->record_count, totals.records);
	atomic_store(&f->facts->broken_count, totals.broken);
	atomic_store(&f->facts->fault_count, totals.faults);
	region_source_set(f->board, SOURCE_redis_zones, totals.redis_zones);
	region_source_set(f->board, SOURCE_bad_rrsets, totals.faults);
}

void
follow_count_served(struct serving *s)
{
	struct follow *f = s->f;
	uint64_t now_ms = clock_now_ms();

	for (uint32_t i = 0; i < f->set.count; i++) {
		const struct plan *plan = &s->plans[i];

		if (serving_part(s, i)->stays || plan->action == PLAN_ASIDE)
			continue;
		f->served += plan->offered - plan->served;
		if (!s->is_accepted)
			shrink_guard_note(&f->guard, now_ms, f->set.zones[i].origin,
					  f->set.zones[i].origin_len, plan->served,
					  plan->offered);
		if (plan->action == PLAN_DROP)
			f->served_redis_zones--;
		else if (plan->action == PLAN_PUT && !plan->is_served)
			f->served_redis_zones++;
	}
	if (f->set.has_list) {
		f->list_offset = s->group.listed_count - f->served_redis_zones;
		f->list_is_known = true;
	}
	follow_count_show(f);
	if (live_overlay(f->live))
		region_source_set(f->board, SOURCE_overlay_records,
				  overlay_count(live_overlay(f->live)));
}
