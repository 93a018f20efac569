/* Serving a change set: read as one, planned zone by zone, weighed by the shrink guard
 * part by part, committed in one transaction with the cursor. */
#include "loader/redis/follow_serve.h"

#include <stdlib.h>

#include "loader/redis/follow_away.h"
#include "loader/redis/follow_commit.h"
#include "loader/redis/follow_count.h"
#include "loader/redis/follow_hold.h"
#include "loader/redis/follow_list.h"
#include "loader/redis/follow_lose.h"
#include "loader/redis/follow_plan.h"
#include "loader/redis/follow_serving.h"
#include "loader/redis/follow_tell.h"
#include "loader/redis/follow_weigh.h"
#include "shm/errcode.h"

enum { TRIES_MAX = 32 };

/* Read the set, and the list of zones with it when that may have changed. */
static int
read_set(struct serving *s)
{
	bool grew = false;
	int rc = follow_group_read(s->f, &s->group);

	if (rc == ERR_OK && s->f->set.has_list)
		rc = follow_list_join(s->f, &s->group, &grew);
	s->again = grew;
	return rc;
}

static int
plan_all(struct serving *s)
{
	struct follow *f = s->f;
	int rc;

	s->planned = f->set.count;
	s->plans = calloc(s->planned + 1, sizeof *s->plans);
	s->parts = calloc(s->planned + 1, sizeof *s->parts);
	if (!s->plans || !s->parts)
		return ERR_NOMEM;
	rc = follow_away_defer(s);
	for (uint32_t i = 0; rc == ERR_OK && i < s->planned; i++) {
		if (serving_part(s, i)->is_deferred)
			continue;
		rc = follow_plan_zone(f, &s->group, i, &s->plans[i]);
		if (rc != ERR_OK)
			return rc;
		if (s->plans[i].needs_whole) {
			f->set.zones[i].is_whole = true;
			s->again = true;
		}
	}
	return rc;
}

static void
fini_plans(struct serving *s)
{
	for (size_t i = 0; s->plans && i < s->planned; i++)
		follow_plan_fini(&s->plans[i]);
	free(s->plans);
	free(s->parts);
	s->plans = NULL;
	s->parts = NULL;
}

static void
weigh(struct serving *s)
{
	if (s->f->held.count > 0)
		follow_weigh_join(s);
	if (s->again)
		return;
	follow_weigh_parts(s);
	if (s->is_accepted && !follow_hold_is_same(s)) {
		s->is_accepted = false; /* hold what it has become */
		s->has_changed = true;
	}
	if (s->defers_all || s->defers_shrinking)
		follow_weigh_defer(s);
	follow_weigh_decide(s);
}

/* Once; `again` says that more has to be read with it. */
static int
prepare(struct serving *s)
{
	int rc = read_set(s);

	if (rc == ERR_OK && !s->again)
		rc = plan_all(s);
	if (rc == ERR_OK && !s->again)
		weigh(s);
	return rc == ERR_OK && !s->again ? follow_away_send(s) : rc;
}

static int
renew_arena(struct follow *f)
{
	arena_free(f->arena);
	f->arena = arena_new();
	return f->arena ? ERR_OK : ERR_NOMEM;
}

/* What was read whole needs no other reading. */
static void
forget_marks(struct follow *f)
{
	for (uint32_t i = 0; i < f->set.count; i++) {
		struct redis_text name;

		if (!f->set.zones[i].is_whole || f->dirty.waiting == 0)
			continue;
		name.bytes =
			key_table_key(&f->set.texts, f->set.zones[i].text, &name.len);
		dirty_zones_drop(&f->dirty, name);
	}
	region_source_set(f->board, SOURCE_redis_waiting, f->dirty.waiting);
}

static int
serve(struct serving *s)
{
	struct follow *f = s->f;
	int rc = ERR_BUSY;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		rc = renew_arena(f);
		if (rc == ERR_OK)
			rc = prepare(s);
		if (rc == ERR_OK && !s->again)
			rc = follow_commit_set(s);
		if (rc == ERR_OK && s->again) {
			fini_plans(s);
			continue;
		}
		if (rc == ERR_OK) {
			follow_tell_served(s);
			follow_count_served(s);
			forget_marks(f);
		}
		fini_plans(s);
		return rc;
	}
	return rc == ERR_OK ? ERR_BUSY : rc; /* each time there was more to be read */
}

int
follow_serve_compare(struct follow *f, bool all)
{
	struct serving s = { .f = f,
			     .cause = CHANGE_DIGEST,
			     .defers_all = all,
			     .defers_shrinking = !all };
	int rc;

	f->is_comparing = all;
	rc = serve(&s);
	f->is_comparing = false;
	if (rc == ERR_NOMEM || rc == ERR_DAMAGED)
		follow_lose_store(f, rc);
	return rc;
}

int
follow_serve_set(struct follow *f, enum change_cause cause, bool is_gap)
{
	struct serving s = { .f = f,
			     .cause = cause,
			     .is_gap = is_gap,
			     .is_accepted = cause == CHANGE_ACCEPT };
	int rc = serve(&s);

	if (rc == ERR_NOMEM || rc == ERR_DAMAGED)
		follow_lose_store(f, rc);
	return rc == ERR_OK && s.has_changed ? ERR_EXISTS : rc;
}
