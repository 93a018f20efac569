/* Any replies to the commands that read a zone: no crash, no growth, and what comes out
 * is a zone that can be rendered, whose parts add up to its digest.
 *
 * The input is lines: the first one is "redins", "z42" or "known" (z42 by keys that are
 * known); then an item each: "+TEXT", "-ERROR", ":NUMBER", "_" (nil), "!" (a text that is
 * too long), "*" opens a list and "." closes it. */
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_reply.h"
#include "loader/redis/redis_zone.h"
#include "loader/zone/render.h"
#include "shm/errcode.h"
#include "shm/node.h"
#include "t/fuzz/target.h"

enum { DEPTH_MAX = 7, LABELS_MAX = 64, KNOWN = 8 };

static const uint8_t origin[DNAME_MAX + NAME_PAD] = "\1z\4test";
enum { ORIGIN_LEN = 8 };

static char none[] = "";
static struct settings settings = {
	.redis = { .prefix = none, .suffix = none, .max_ttl = 3600 },
};
static struct redis_zone_reader *readers[2]; /* by schema */
static struct renderer *renderer;

/* ---- replies ---- */

struct lines {
	const char *at, *end;
};

static struct redis_text
next_line(struct lines *lines)
{
	const char *start = lines->at;
	const char *end = memchr(start, '\n', (size_t)(lines->end - start));

	lines->at = end ? end + 1 : lines->end;
	return (struct redis_text){ start, (size_t)((end ? end : lines->end) - start) };
}

/* The items of EXEC's list. */
static const struct redis_reply *
make_replies(struct redis_builder *builder, struct lines *lines)
{
	struct redis_reply *lists[DEPTH_MAX + 1], *made;
	unsigned depth = 0;

	lists[0] = redis_reply_add_list(builder, NULL);
	while (lists[0] && lines->at < lines->end) {
		struct redis_text line = next_line(lines);
		struct redis_reply *list = lists[depth];
		char kind = line.len > 0 ? line.bytes[0] : '_';

		made = list;
		if (kind == '+' || kind == '-')
			made = redis_reply_add_text(
				builder, list, kind == '+' ? REDIS_TEXT : REDIS_ERROR,
				line.bytes + 1, line.len - 1);
		else if (kind == ':')
			made = redis_reply_add_number(
				builder, list, line.len > 1 ? line.bytes[1] - '0' : 0);
		else if (kind == '!')
			made = redis_reply_add_long(builder, list,
						    REDIS_TEXT_LEN_MAX + 1);
		else if (kind == '*' && depth < DEPTH_MAX)
			made = lists[++depth] = redis_reply_add_list(builder, list);
		else if (kind == '.' && depth > 0)
			depth--;
		else
			made = redis_reply_add_nil(builder, list);
		demand(made != NULL);
	}
	demand(lists[0] != NULL);
	return redis_reply_first(lists[0]);
}

/* ---- zones ---- */

/* No hash or set has a member twice. */
static bool
has_repeats(const struct redis_raw *raw)
{
	for (size_t i = 0; i < raw->count; i++)
		for (size_t j = 0; j < i; j++)
			if (redis_text_compare(raw->values[i].label,
					       raw->values[j].label) == 0 &&
			    raw->values[i].type == raw->values[j].type)
				return true;
	return false;
}

/* What names and config add to the digest is all of it. */
static void
check_digest(const struct zone_records *zone, const struct redis_raw *raw)
{
	uint64_t sum = zone->redis->config_hash;

	for (size_t i = 0; i < zone->count; i++) {
		struct provenance provenance;
		const uint8_t *bytes;
		enum zone_mark mark;
		uint16_t type;
		size_t len;

		demand(dname_is_subdomain(zone->records[i].owner,
					  zone->records[i].owner_len, origin,
					  ORIGIN_LEN));
		if (!zone_record_mark(&zone->records[i], &mark, &type, &bytes, &len) ||
		    mark != ZONE_MARK_PROVENANCE)
			continue;
		demand(len == sizeof provenance);
		memcpy(&provenance, bytes, sizeof provenance);
		sum += provenance.value_hash;
	}
	demand(sum == redis_raw_digest(raw) && sum == zone->redis->raw_digest);
}

static void
check_nodes(const struct zone_records *zone)
{
	const uint8_t *bytes = NULL;
	struct node_head head;
	struct node node;

	demand(render_start(renderer, zone, 1, NULL, NULL) == ERR_OK &&
	       render_apex(renderer, &bytes) == ERR_OK);
	while (bytes) {
		memcpy(&head, bytes, sizeof head);
		demand(node_open(bytes, head.node_len, &node) && !node_check(&node));
		demand(render_next(renderer, &bytes) == ERR_OK);
	}
}

static void
check_zone(struct redis_zone_reader *reader, const struct redis_raw *raw)
{
	struct zone_messages messages = { .kept = NULL };
	struct redis_zone_config config;
	const struct redis_zone_job job = {
		.raw = raw,
		.origin = origin,
		.origin_len = ORIGIN_LEN,
		.config = &config,
		.change = { 1000, 0 },
	};
	struct zone_records *zone;

	demand(redis_zone_read_config(reader, raw->zone, &raw->config, origin, ORIGIN_LEN,
				      &config) == ERR_OK);
	demand(redis_zone_read(reader, &job, &zone, &messages) == ERR_OK);
	if (!has_repeats(raw))
		check_digest(zone, raw);
	check_nodes(zone);
	zone_messages_fini(&messages);
	zone_records_free(zone);
}

/* ---- what was asked for ---- */

/* As a reading of z42 would: the labels are the members that came first. */
static size_t
labels_of(const struct redis_reply *members, struct redis_text labels[LABELS_MAX])
{
	size_t count = 0;

	members = members ? redis_reply_first(members) : NULL;
	for (; members && count < LABELS_MAX; members = redis_reply_next(members))
		labels[count++] = redis_reply_text(members);
	return count;
}

static int
understand(bool is_known, const struct redis_keys *keys, const struct redis_reply *first,
	   struct arena *arena, struct redis_raw *raw)
{
	static const struct redis_known_key known[KNOWN] = {
		{ { "@", 1 }, "ns" },    { { "a", 1 }, "a" },   { { "a", 1 }, "mx" },
		{ { "b", 1 }, "cname" }, { { "b", 1 }, "txt" }, { { "c", 1 }, "aname" },
		{ { "d", 1 }, "https" }, { { "e", 1 }, "a" },
	};
	struct redis_text labels[LABELS_MAX];
	struct redis_wish wish = {
		.zone = { "z.test.", 7 },
		.is_whole = true,
		.wants_config = true,
	};
	char reason[REDIS_REASON_MAX];

	if (is_known)
		return redis_read_get_known(&first, keys, wish.zone, known, KNOWN, arena,
					    raw, reason);
	if (keys->schema == REDIS_SCHEMA_Z42) {
		wish.labels = labels;
		wish.label_count = labels_of(first, labels);
	}
	return redis_read_get(&first, keys, &wish, arena, raw, reason);
}

static void
prepare(void)
{
	if (renderer)
		return;
	for (unsigned i = 0; i < 2; i++) {
		settings.redis.schema = (enum redis_schema)i;
		readers[i] = redis_zone_reader_new(&settings);
		demand(readers[i] != NULL);
	}
	demand(render_new(&renderer) == ERR_OK);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines lines = { (const char *)data, (const char *)data + size };
	struct redis_builder builder = { .arena = arena_new(), .bytes_max = 64 << 20 };
	const struct redis_reply *first;
	struct redis_keys keys;
	struct redis_text kind = next_line(&lines);
	bool is_z42 = kind.len > 0 && kind.bytes[0] != 'r';
	struct redis_raw raw;

	prepare();
	demand(builder.arena != NULL);
	settings.redis.schema = is_z42 ? REDIS_SCHEMA_Z42 : REDIS_SCHEMA_REDINS;
	redis_keys_init(&keys, &settings);
	first = make_replies(&builder, &lines);
	if (understand(kind.len > 0 && kind.bytes[0] == 'k', &keys, first, builder.arena,
		       &raw) == ERR_OK)
		check_zone(readers[is_z42], &raw);
	arena_free(builder.arena);
	return 0;
}
