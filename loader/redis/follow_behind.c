/* Entries that wait behind those that are read. */
#include "loader/redis/follow_behind.h"

#include "loader/redis/follow_gap.h"
#include "loader/redis/follow_lose.h"
#include "shm/errcode.h"

/* What may belong together, and how many entries may wait: with more, all is compared as
 * if entries were lost, which takes less time. */
enum { JOINED_ZONES_MAX = 8000, JOINED_LABELS_MAX = 50000, WAITING_MAX = 500000 };

/* ---- asking ---- */

static struct change_id
next_id(struct change_id id)
{
	id.ms += id.seq == UINT64_MAX;
	id.seq++;
	return id;
}

/* From which id on entries are not in the set. */
static struct change_id
behind(const struct follow *f)
{
	return next_id(f->set.entry_count > 0 ? f->set.last : f->place.cursor);
}

int
follow_behind_send(struct follow *f, size_t *count)
{
	struct redis_link *link = f->links[LINK_COMMAND];
	const char *key = f->settings->redis.stream;
	char from[CHANGE_ID_TEXT_MAX], cursor[CHANGE_ID_TEXT_MAX];
	int rc;

	if (key[0] == '\0')
		return ERR_OK;
	change_id_print(behind(f), from);
	change_id_print(f->place.cursor, cursor);
	rc = redis_link_send(link, "XINFO STREAM %s", key);
	if (rc == ERR_OK)
		rc = redis_link_send(link, "XRANGE %s %s %s COUNT 1", key, cursor,
				     cursor);
	if (rc == ERR_OK)
		rc = redis_link_send(link, "XRANGE %s %s + COUNT %d", key, from,
				     (int)FOLLOW_ENTRIES_MAX);
	*count += 3;
	return rc;
}

/* ---- looking ---- */

bool
follow_behind_entry(const struct redis_reply *reply, struct arena *arena,
		    struct change_id *id, const struct redis_text **words, size_t *count)
{
	const struct redis_reply *first = redis_reply_first(reply);
	const struct redis_reply *fields = first ? redis_reply_next(first) : NULL;
	struct redis_text *texts;

	if (!fields || !change_id_parse(redis_reply_text(first), id) ||
	    redis_reply_texts(fields, arena, &texts, count) != ERR_OK)
		return false;
	*words = texts;
	return true;
}

/* The first entries behind the set: which overlap, up to which one all must join? */
static int
join_near(struct follow *f, const struct redis_reply *entries, size_t *behind, bool *grew)
{
	size_t number = 0, join_count = 0, prefix = 0, bad = 0;
	const struct redis_reply *at;
	const struct redis_text *words;
	struct change_id id;
	size_t count;
	int rc = ERR_OK;

	for (at = redis_reply_first(entries); at; at = redis_reply_next(at)) {
		enum change_relation relation;

		number++;
		if (!follow_behind_entry(at, f->arena, &id, &words, &count))
			continue;
		relation = change_set_relate(&f->set, words, count);
		if (relation == CHANGE_OVERLAPS)
			join_count = number;
		else if (relation == CHANGE_INSIDE && prefix + 1 == number)
			prefix = number;
	}
	*grew = join_count > 0;
	*behind = SIZE_MAX;
	if (!*grew) /* what was read is as these entries left it, too */
		join_count = prefix;
	if (number < FOLLOW_ENTRIES_MAX)
		*behind = number - join_count;
	number = 0;
	for (at = redis_reply_first(entries); rc == ERR_OK && at && number < join_count;
	     at = redis_reply_next(at)) {
		number++;
		if (follow_behind_entry(at, f->arena, &id, &words, &count))
			rc = change_set_add(&f->set, words, count, id, &bad);
	}
	region_source_add(f->board, SOURCE_redis_entries, join_count);
	region_source_add(f->board, SOURCE_redis_bad_entries, bad);
	return rc;
}

/* Its names join, as if the set's own entries had named them; it stays where it is, and
 * is taken once more when its turn comes. */
static int
join_names(struct follow *f, const struct redis_text *words, size_t count,
	   struct change_id id)
{
	int rc = change_set_add_names(&f->set, words, count, id);

	if (rc != ERR_OK)
		return rc;
	if (f->set.count <= JOINED_ZONES_MAX && f->set.labels.count <= JOINED_LABELS_MAX)
		return ERR_OK;
	follow_gap_entries(f, "too many waiting entries of the change stream belong "
			      "together");
	return ERR_OLDER;
}

/* *last becomes the id of the last entry. */
static int
join_page(struct follow *f, const struct redis_reply *page, struct arena *arena,
	  struct change_id *last, bool *grew)
{
	int rc = ERR_OK;

	for (const struct redis_reply *at = redis_reply_first(page); rc == ERR_OK && at;
	     at = redis_reply_next(at)) {
		const struct redis_text *words;
		struct change_id id;
		size_t count;

		if (!follow_behind_entry(at, arena, &id, &words, &count))
			continue;
		*last = id;
		if (change_set_relate(&f->set, words, count) != CHANGE_OVERLAPS)
			continue;
		*grew = true;
		rc = join_names(f, words, count, id);
	}
	return rc;
}

/* A page of the entries from *last on, up to `end`.  returns 0, or ERR_NOTFOUND at the
 * end. */
static int
read_page(struct follow *f, struct arena *arena, struct change_id *last,
	  struct change_id end, bool *grew)
{
	char from[CHANGE_ID_TEXT_MAX], to[CHANGE_ID_TEXT_MAX];
	const struct redis_reply *page;
	int rc;

	change_id_print(next_id(*last), from);
	change_id_print(end, to);
	page = redis_link_ask(f->links[LINK_COMMAND], arena, "XRANGE %s %s %s COUNT %d",
			      f->settings->redis.stream, from, to,
			      (int)FOLLOW_ENTRIES_MAX);
	if (!page) {
		follow_lose_link(f, LINK_COMMAND);
		return ERR_CLOSED;
	}
	f->behind += redis_reply_count(page);
	if (f->behind > WAITING_MAX) {
		follow_gap_entries(f, "more than %d entries of the change stream wait",
				   (int)WAITING_MAX);
		return ERR_OLDER;
	}
	rc = join_page(f, page, arena, last, grew);
	return rc == ERR_OK && redis_reply_count(page) < FOLLOW_ENTRIES_MAX ? ERR_NOTFOUND
									    : rc;
}

/* More wait than one reply holds: what was read may be half of any of them.  They do not
 * change any more, so that they can be looked through outside of the reading, up to the
 * last one that there was then. */
static int
join_far(struct follow *f, const struct redis_reply *near, struct change_id end,
	 bool *grew)
{
	struct change_id last = { 0 };
	int rc = join_page(f, near, f->arena, &last, grew);

	while (rc == ERR_OK && change_id_compare(last, end) < 0) {
		struct change_id before = last;
		struct arena *arena = arena_new();

		rc = arena ? read_page(f, arena, &last, end, grew) : ERR_NOMEM;
		arena_free(arena);
		if (rc == ERR_OK && change_id_compare(last, before) <= 0)
			break; /* nothing that is an entry */
	}
	return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

int
follow_behind_take(struct follow *f, const struct redis_reply *next, struct group *out,
		   bool *grew)
{
	const struct redis_reply *cursor = next ? redis_reply_next(next) : NULL;
	const struct redis_reply *entries = cursor ? redis_reply_next(cursor) : NULL;
	enum stream_verdict verdict;
	int rc;

	*grew = false;
	out->behind = SIZE_MAX;
	if (!entries || f->is_comparing)
		return ERR_OK;
	stream_facts_read(next, &out->facts);
	out->facts.has_cursor = redis_reply_count(cursor) > 0;
	verdict = stream_gap_judge(&f->place, &out->facts);
	if (verdict == STREAM_WRONG_TYPE)
		return ERR_OK; /* the probe tells it, once a second */
	if (verdict != STREAM_GOOD) {
		follow_gap_entries(f, "the change stream %s",
				   stream_verdict_text(verdict));
		return ERR_OLDER;
	}
	rc = join_near(f, entries, &out->behind, grew);
	f->behind = redis_reply_count(entries);
	if (rc == ERR_OK && f->behind >= FOLLOW_ENTRIES_MAX)
		rc = join_far(f, entries, out->facts.last, grew);
	return rc;
}
