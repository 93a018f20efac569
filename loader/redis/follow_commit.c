/* What is served of a set, in one transaction with the cursor. */
#include "loader/redis/follow_commit.h"

#include "loader/redis/follow_apply.h"
#include "loader/redis/follow_hold.h"
#include "loader/redis/follow_notes.h"
#include "loader/redis/follow_sign.h"
#include "shm/errcode.h"

static int
apply_all(struct serving *s)
{
	struct follow *f = s->f;
	bool holds_all = false;
	int rc = ERR_OK;

	for (uint32_t i = 0; rc == ERR_OK && i < f->set.count; i++) {
		bool is_root = change_set_part(&f->set, i) == i;

		if (serving_part(s, i)->is_deferred)
			continue;
		if (!serving_part(s, i)->stays) {
			rc = follow_apply_plan(f, &f->set.zones[i], &s->plans[i]);
			if (s->plans[i].is_refused)
				follow_sign_note_tried(f, &f->set.zones[i], &s->plans[i]);
			follow_hold_release(s, i);
		} else if (s->is_gap) {
			holds_all = true; /* what a gap has hidden has one cause */
		} else if (is_root) {
			rc = follow_hold_part(s, i);
		}
	}
	return rc == ERR_OK && holds_all ? follow_hold_part(s, CHANGE_NONE) : rc;
}

/* Is there anything to be written? */
static bool
changes_something(const struct serving *s)
{
	const struct follow *f = s->f;

	if (f->set.entry_count > 0 || f->held_changed)
		return true;
	for (uint32_t i = 0; i < f->set.count; i++)
		if (!serving_part(s, i)->is_deferred &&
		    (serving_changes(s, i) || serving_part(s, i)->stays))
			return true;
	return false;
}

/* Nothing but that: zones which are held may have grown back. */
static int
release_all(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; f->held.count > 0 && i < f->set.count; i++)
		if (!serving_part(s, i)->is_deferred)
			follow_hold_release(s, i);
	return f->held_changed ? follow_notes_save(f) : ERR_OK;
}

/* The place behind what was read. */
static void
step_on(struct follow *f, const struct group *group, struct stream_place *before)
{
	*before = f->place;
	if (f->set.entry_count > 0)
		f->place.cursor = f->set.last;
	f->place.was_seen = f->place.was_seen || group->facts.exists;
	if (group->facts.tells_added && group->behind != SIZE_MAX)
		f->place.added = group->facts.added - group->behind;
	else if (f->set.entry_count > 0)
		f->place.added = 0;
}

/* An edit of a signed zone cannot be signed by itself: such zones are to be put as a whole.
 * returns whether there is one. */
static bool
put_edits_whole(struct serving *s)
{
	struct follow *f = s->f;

	for (uint32_t i = 0; i < f->set.count; i++) {
		struct change_zone *zone = &f->set.zones[i];

		if (s->plans[i].action != PLAN_EDIT || !s->plans[i].is_signed)
			continue;
		s->again |= !zone->is_put_whole;
		zone->is_put_whole = zone->is_whole = true;
	}
	return s->again;
}

static int
write_all(struct serving *s)
{
	struct follow *f = s->f;
	int rc = live_begin(f->live);

	if (rc == ERR_OK)
		rc = apply_all(s);
	if ((rc == ERR_FORMAT || rc == ERR_RANGE) && put_edits_whole(s)) {
		live_abort(f->live);
		return rc;
	}
	if (rc == ERR_OK)
		rc = follow_notes_put(f);
	return follow_notes_end(f, rc);
}

int
follow_commit_set(struct serving *s)
{
	struct stream_place before;
	int rc;

	step_on(s->f, &s->group, &before);
	s->is_committed = changes_something(s);
	rc = s->is_committed ? write_all(s) : release_all(s);
	if (rc == ERR_OK)
		return ERR_OK;
	s->f->place = before;
	return s->again ? ERR_OK : rc;
}
