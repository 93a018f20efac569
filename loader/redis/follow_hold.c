/* What is held: into the store, for people to see, and admitted by them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/redis/follow_state.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum { TELL_S = 10 };

int
follow_hold_note(struct follow *f)
{
	void *bytes;
	size_t len;
	int rc = held_pack(&f->held, &bytes, &len);

	if (rc == ERR_OK) {
		rc = live_note(f->live, HELD_NOTE, bytes, len);
		free(bytes);
	}
	return rc;
}

void
follow_hold_show(struct follow *f)
{
	uint64_t zones = 0;

	region_source_set(f->board, SOURCE_redis_held, f->held.count);
	for (size_t i = 0; i < f->held.count; i++)
		zones += f->held.sets[i].zone_count;
	if (f->held.count == 0)
		region_source_set_text(f->board, SOURCE_TEXT_HELD, "%s", "");
	else
		region_source_set_text(
			f->board, SOURCE_TEXT_HELD,
			"changes to %" PRIu64 " zone%s are held: %s; see "
			"`martletctl held`",
			zones, zones == 1 ? "" : "s",
			held_reason_text(f->held.sets[f->held.count - 1].reason));
}

void
follow_hold_tell(struct follow *f, uint64_t id)
{
	const struct held_set *set = held_find(&f->held, id);
	int64_t now_s = clock_wall_s();
	char text[DNAME_TEXT_MAX] = "";

	if (!set || (set->since_ms / 1000 != now_s && now_s < f->held_told_s + TELL_S))
		return; /* one that others join, again and again */
	f->held_told_s = now_s;
	if (set->zone_count > 0)
		dname_to_text(set->zones[0].name, text);
	log_warnx("held as %" PRIu64 ": %s (%s%s, %" PRIu64 " of %" PRIu64
		  " records would stay); see `martletctl held`",
		  id, held_reason_text((enum held_reason)set->reason), text,
		  set->zone_count > 1 ? " and others" : "", set->offered, set->served);
}

/* The zones of a set, to be read whole as one part. */
static int
name_zones(struct follow *f, const struct held_set *set)
{
	change_set_clear(&f->set);
	for (uint32_t i = 0; i < set->zone_count; i++) {
		char text[DNAME_TEXT_MAX];
		struct redis_text name = { text,
					   dname_to_text(set->zones[i].name, text) };
		int rc = change_set_add_zone(&f->set, name);

		if (rc != ERR_OK)
			return rc;
		change_set_join(&f->set, 0, (uint32_t)f->set.count - 1);
	}
	return ERR_OK;
}

int
follow_accept(struct follow *f, uint64_t id, char reason[FOLLOW_REASON_MAX])
{
	const struct held_set *set = held_find(&f->held, id);
	int rc;

	if (!set) {
		snprintf(reason, FOLLOW_REASON_MAX, "nothing is held as %" PRIu64, id);
		return ERR_NOTFOUND;
	}
	if (f->phase != FOLLOW_READY || !f->live) {
		snprintf(reason, FOLLOW_REASON_MAX,
			 "Redis is not read at present, so what is held cannot be "
			 "compared");
		return ERR_BUSY;
	}
	f->accepting = id;
	rc = name_zones(f, set);
	if (rc == ERR_OK)
		rc = follow_serve_set(f, CHANGE_ACCEPT, false);
	f->accepting = 0;
	if (rc == ERR_OK)
		snprintf(reason, FOLLOW_REASON_MAX,
			 "what was held as %" PRIu64 " is served", id);
	else if (rc == ERR_EXISTS)
		snprintf(reason, FOLLOW_REASON_MAX,
			 "what is held as %" PRIu64
			 " has changed since: see `martletctl held`",
			 id);
	else
		snprintf(reason, FOLLOW_REASON_MAX, "what is held cannot be served: %s",
			 errcode_text(rc));
	if (rc == ERR_EXISTS)
		rc = ERR_BUSY;
	return rc;
}
