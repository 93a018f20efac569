/* A set on its way from the reading to the store. */
#ifndef LOADER_REDIS_FOLLOW_SERVING_H
#define LOADER_REDIS_FOLLOW_SERVING_H

#include "loader/redis/follow_group.h"
#include "loader/redis/follow_state.h"
#include "loader/redis/plan.h"

/* Zones that are served or held together. */
struct part {
	uint64_t removed;		/* net, over its zones */
	bool must_hold;
	bool is_held;			/* with zones that are held and not in the set */
	bool was_held;			/* as unlisted, and still is: no small loss frees it */
	bool is_partial;		/* some zone was not read whole */
	bool is_deferred;		/* of a comparison, to be served at its end; or it waits */
	bool waits;			/* for a zone that is signed aside */
	bool stays;			/* is not served now */
};

struct serving {
	struct follow *f;
	struct group group;
	struct plan *plans;		/* by zone */
	struct part *parts;		/* by the zone at the root of a part */
	enum change_cause cause;
	bool is_gap, is_accepted;	/* is_accepted: not weighed, but exactly what is held */
	bool has_changed;		/* it is not what was held */
	bool defers_all, defers_shrinking; /* what differs is told, not served */
	bool is_committed;
	bool again;			/* more has to be read first */
	size_t planned;			/* how many `plans` there are */
};

static inline struct part *
serving_part(const struct serving *s, uint32_t zone)
{
	return &s->parts[change_set_part(&s->f->set, zone)];
}

static inline bool
serving_changes(const struct serving *s, uint32_t zone)
{
	return s->plans[zone].action != PLAN_NOTHING;
}

#endif
