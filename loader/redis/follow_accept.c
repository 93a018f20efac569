/* What is held, admitted by somebody. */
#include "loader/redis/follow.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/redis/follow_away.h"
#include "loader/redis/follow_serve.h"
#include "loader/redis/follow_state.h"
#include "shm/errcode.h"

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

static bool
is_away(const struct follow *f, const struct held_set *set)
{
	for (uint32_t i = 0; i < set->zone_count; i++)
		if (follow_away_has(f, set->zones[i].name, set->zones[i].name_len))
			return true;
	return false;
}

int
follow_accept(struct follow *f, uint64_t id, char reason[FOLLOW_REASON_MAX])
{
	const struct held_set *set = held_find(&f->held, id);
	int rc;

	if (!set) {
		snprintf(reason, FOLLOW_REASON_MAX,
			 "nothing is held as %" PRIu64
			 ": `martletctl held` lists what is",
			 id);
		return ERR_NOTFOUND;
	}
	if (f->phase != FOLLOW_READY || !f->live) {
		snprintf(reason, FOLLOW_REASON_MAX,
			 "Redis is not read at present, so what is held cannot be "
			 "compared");
		return ERR_BUSY;
	}
	if (is_away(f, set)) {
		snprintf(reason, FOLLOW_REASON_MAX,
			 "a zone of what is held is being signed: try it again when "
			 "`martletctl status` tells of none");
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
