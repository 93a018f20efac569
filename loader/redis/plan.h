/* What is to be done to one zone of the store. */
#ifndef LOADER_REDIS_PLAN_H
#define LOADER_REDIS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "loader/redis/change_entry.h"
#include "loader/redis/held.h"
#include "loader/redis/redis_zone.h"
#include "loader/zone/zone_messages.h"
#include "loader/zone/zone_records.h"
#include "shm/dname.h"
#include "shm/node.h"

enum plan_action {
	PLAN_NOTHING,
	PLAN_EDIT,			/* some names */
	PLAN_PUT,			/* the zone is new or replaced */
	PLAN_ASIDE,			/* the same, too large to be signed here: what is served
					 * stays until it has been published */
	PLAN_DROP,
	PLAN_ERROR,			/* only its error changes, see `error` */
	PLAN_BREAK,			/* nothing good is known: SERVFAIL, and `error` */
};

struct plan_owner {
	uint8_t name[DNAME_MAX];
	uint8_t len;
	bool is_drop;
	size_t first, count;		/* in the plan's records */
};

struct plan {
	enum plan_action action;
	const char *listed_as;		/* in f->arena */
	bool is_served, is_ours;	/* a zone of this name; and it is from Redis */
	bool is_broken;
	bool has_old_error, has_conflict; /* an error is told of it, that of a conflict */
	bool needs_whole;		/* some labels are not enough: read it whole */
	bool has_apex;			/* the apex's own data change, too */
	size_t apex_first, apex_count;
	struct zone_facts facts;	/* served */
	struct redis_facts redis;	/* served */
	bool is_signed;			/* what is served, by us */
	bool signs;			/* what takes its place is to be */
	bool is_sign_due;		/* it is to be signed, and is not, or not so; or it is
					 * to be unsigned at last */
	bool was_tried;			/* that has failed */
	bool is_refused;		/* it fails now */
	uint64_t sign_mark;		/* of what it is to be signed with */
	struct signing_facts signing;	/* served */
	struct redis_zone_config config;
	bool config_is_new;
	uint64_t served, offered;	/* records, before and after */
	uint64_t added, removed;
	uint64_t digest;		/* of what is offered; 0 unlisted */
	enum held_reason reason;	/* when it is held */
	bool must_hold;			/* whatever it is worth */
	struct zone_records *records;	/* PUT: the zone; EDIT: the owners' */
	struct plan_owner *owners;	/* owned */
	size_t owner_count, owner_room;
	char error[ZONE_REASON_MAX];
	struct change_id change;	/* that brings it */
};

/* By how many records the zone gets smaller. */
static inline uint64_t
plan_shrinks_by(const struct plan *plan)
{
	return plan->served > plan->offered ? plan->served - plan->offered : 0;
}

/* What is there cannot be served: say so, and serve on what is. */
static inline void
plan_set_error(struct plan *plan, const char *text, size_t len)
{
	plan->action = plan->is_served ? PLAN_ERROR : PLAN_BREAK;
	snprintf(plan->error, sizeof plan->error, "%.*s", (int)len, text);
	plan->offered = plan->served;
}

static inline struct redis_change
plan_change(const struct plan *plan)
{
	return (struct redis_change){ .ms = plan->change.ms, .seq = plan->change.seq };
}

#endif
