/* Judging the change stream. */
#include "loader/redis/stream_gap.h"

#include <string.h>

static const struct change_id none;

enum stream_verdict
stream_gap_judge(const struct stream_place *place, const struct stream_facts *facts)
{
	int ahead;

	if (facts->is_wrong_type)
		return STREAM_WRONG_TYPE;
	if (!facts->exists)
		return place->was_seen ? STREAM_GONE : STREAM_GOOD;
	if (facts->tells_added && facts->added < place->added)
		return STREAM_RECREATED;
	if (change_id_compare(place->cursor, none) == 0)
		/* all of it is new; where that is told, nothing may have gone already */
		return facts->tells_added && facts->added != facts->length
			       ? STREAM_TRIMMED
			       : STREAM_GOOD;
	ahead = change_id_compare(facts->last, place->cursor);
	if (ahead < 0)
		return STREAM_STEPPED_BACK;
	if (change_id_compare(facts->max_deleted, place->cursor) > 0)
		return STREAM_TRIMMED;
	if (ahead == 0 || facts->has_cursor)
		return STREAM_GOOD;
	/* the cursor's own entry may go, as long as all that came behind it is there */
	if (facts->tells_added && place->added != 0 &&
	    facts->added - place->added <= facts->length)
		return STREAM_GOOD;
	return STREAM_TRIMMED;
}

const char *
stream_verdict_text(enum stream_verdict verdict)
{
	switch (verdict) {
	case STREAM_GOOD:
		return "is whole";
	case STREAM_GONE:
		return "has vanished: FLUSHALL, DEL, or a server without its data";
	case STREAM_TRIMMED:
		return "was trimmed behind the last entry read: trim by age (MINID), not "
		       "by "
		       "length";
	case STREAM_STEPPED_BACK:
		return "ends before the last entry read: a failover to an older replica, "
		       "or an "
		       "older dump";
	case STREAM_RECREATED:
		return "was made anew";
	case STREAM_WRONG_TYPE:
		return "is no stream: another type stands at its key; DEL it";
	}
	return "";
}

static void
read_field(const char *name, const struct redis_reply *value, struct stream_facts *out)
{
	long long number = redis_reply_number(value);

	if (strcmp(name, "length") == 0) {
		out->length = (uint64_t)number;
	} else if (strcmp(name, "last-generated-id") == 0) {
		out->exists = change_id_parse(redis_reply_text(value), &out->last);
	} else if (strcmp(name, "max-deleted-entry-id") == 0) {
		if (!change_id_parse(redis_reply_text(value), &out->max_deleted))
			out->max_deleted = none;
	} else if (strcmp(name, "entries-added") == 0) {
		out->tells_added = true;
		out->added = (uint64_t)number;
	}
}

void
stream_facts_read(const struct redis_reply *reply, struct stream_facts *out)
{
	const struct redis_reply *at;

	*out = (struct stream_facts){ .exists = false };
	if (redis_reply_kind(reply) == REDIS_ERROR) {
		out->is_wrong_type =
			strncmp(redis_reply_text(reply).bytes, "WRONGTYPE", 9) == 0;
		return;
	}
	for (at = redis_reply_first(reply); at; at = redis_reply_next(at)) {
		const struct redis_reply *value = redis_reply_next(at);

		if (!value)
			break;
		read_field(redis_reply_text(at).bytes, value, out);
		at = value;
	}
}
