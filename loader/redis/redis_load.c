/* Everything that Redis holds, read in a pipeline: while some zones are on their way,
 * those that have come are made into records by other threads. */
#include "loader/redis/redis_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_load_pool.h"
#include "loader/redis/redis_zone.h"
#include "loader/store/live.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	WINDOW = 256, /* zones that are asked for before the first one has come */
	REPLIES_MAX = 16384, /* that are on their way; beyond, the next zone waits */
	BATCH_BYTES = 1 << 20,
	ZONE_COMMANDS = 2, /* between MULTI and EXEC; z42: GETs besides */
	NAMES_LOGGED = 20,
};

/* A reading under way. */
struct loading {
	struct redis_load_job *job;
	struct redis_link *link;
	struct redis_keys keys;
	struct arena *arena; /* names */
	struct redis_listed *zones;
	size_t count;
	struct redis_scan scan; /* z42 */
	struct redis_load_pool pool;
	struct redis_batch *batch; /* being filled */
	char *reason;
};

static int
fail(struct loading *loading, int code, const char *text)
{
	snprintf(loading->reason, REDIS_REASON_MAX, "%s", text);
	return code;
}

/* ---- the list of zones ---- */

/* Canonical order; of two spellings ours first. */
static int
compare_listed(const void *left, const void *right)
{
	const struct redis_listed *a = left, *b = right;
	int order = dname_compare(a->origin, b->origin);

	if (order != 0)
		return order;
	if (a->is_ours != b->is_ours)
		return a->is_ours ? -1 : 1;
	return strcmp(a->name.bytes, b->name.bytes);
}

static int
add_listed(struct loading *loading, struct redis_text name)
{
	struct redis_listed *zone = &loading->zones[loading->count];
	uint8_t origin[DNAME_MAX + NAME_PAD];
	char text[DNAME_TEXT_MAX];
	const char *reason;
	size_t len = redis_zone_origin(name, origin, &reason);

	if (len == 0) {
		log_warnx("Redis lists a zone that is none: \"%.100s\" %s", name.bytes,
			  reason);
		return ERR_OK;
	}
	zone->name = name;
	zone->origin = arena_copy(loading->arena, origin, len + NAME_PAD);
	if (!zone->origin)
		return ERR_NOMEM;
	zone->origin_len = (uint8_t)len;
	dname_to_text(origin, text);
	zone->is_ours = strcmp(text, name.bytes) == 0;
	loading->count++;
	return ERR_OK;
}

/* One of each: a zone that is listed in several spellings is read under the first. */
static void
drop_repeated(struct loading *loading)
{
	size_t to = 0, dropped = 0;

	for (size_t i = 0; i < loading->count; i++) {
		struct redis_listed *zone = &loading->zones[i];

		if (to == 0 ||
		    dname_compare(loading->zones[to - 1].origin, zone->origin) != 0)
			loading->zones[to++] = *zone;
		else if (dropped++ < NAMES_LOGGED)
			log_warnx("Redis lists zone %.100s twice: what stands under "
				  "\"%.100s\" is left out",
				  loading->zones[to - 1].name.bytes, zone->name.bytes);
	}
	loading->count = to;
}

static int
list_zones(struct loading *loading)
{
	struct redis_zones listed;
	int code = redis_read_zones(loading->link, &loading->keys, loading->arena,
				    &listed, loading->reason);

	if (code != ERR_OK)
		return code;
	loading->job->zone_count = listed.count;
	loading->zones = reallocarray(NULL, listed.count + 1, sizeof *loading->zones);
	for (size_t i = 0; loading->zones && i < listed.count && code == ERR_OK; i++)
		code = add_listed(loading, listed.names[i]);
	if (!loading->zones || code != ERR_OK)
		return fail(loading, ERR_NOMEM, errcode_text(ERR_NOMEM));
	if (loading->count > 0)
		qsort(loading->zones, loading->count, sizeof *loading->zones,
		      compare_listed);
	drop_repeated(loading);
	return ERR_OK;
}

/* ---- batches ---- */

/* The place for the next zone; NULL without memory. */
static struct redis_load_item *
next_item(struct loading *loading, const struct redis_listed *zone)
{
	struct redis_load_item *item;

	if (!loading->batch)
		loading->batch = redis_batch_new();
	if (!loading->batch)
		return NULL;
	item = &loading->batch->items[loading->batch->count];
	item->zone = zone;
	return item;
}

/* The item is filled. */
static void
finish_item(struct loading *loading, bool is_last)
{
	struct redis_batch *batch = loading->batch;

	batch->count++;
	if (batch->count < REDIS_LOAD_BATCH && !is_last &&
	    arena_bytes(batch->arena) < BATCH_BYTES)
		return;
	loading->batch = NULL;
	redis_load_pool_push(&loading->pool, batch);
}

static const char *
keep_reason(struct loading *loading, const char *reason)
{
	const char *copy = arena_copy(loading->batch->arena, reason, strlen(reason) + 1);

	return copy ? copy : errcode_text(ERR_NOMEM);
}

/* ---- zones ---- */

/* z42: the keys of the zone that were found. */
static size_t
known_of(const struct loading *loading, size_t at, const struct redis_known_key **known)
{
	const struct redis_scan *scan = &loading->scan;

	*known = scan->first ? scan->keys + scan->first[at] : NULL;
	return scan->first ? scan->first[at + 1] - scan->first[at] : 0;
}

/* Queue all that reads a zone; returns the number of replies that come, or an error. */
static int
send_zone(struct loading *loading, size_t at)
{
	const struct redis_wish wish = {
		.zone = loading->zones[at].name,
		.is_whole = true,
		.wants_config = true,
	};
	const struct redis_known_key *known;
	size_t count = known_of(loading, at, &known);
	int code = redis_link_send(loading->link, "MULTI");

	if (code == ERR_OK && loading->keys.schema == REDIS_SCHEMA_Z42)
		code = redis_read_put_known(loading->link, &loading->keys, wish.zone,
					    known, count);
	else if (code == ERR_OK)
		code = redis_read_put(loading->link, &loading->keys, &wish);
	if (code < 0 || redis_link_send(loading->link, "EXEC") != ERR_OK)
		return code < 0 ? code : ERR_NOMEM;
	return code + 2;
}

/* As many replies as send_zone has told. */
static int
reply_count(const struct loading *loading, size_t at)
{
	const struct redis_known_key *known;

	return (int)known_of(loading, at, &known) + ZONE_COMMANDS + 2;
}

/* Take the replies to send_zone: the last is the list, unless one before is an error. */
static int
receive_zone(struct loading *loading, size_t at, struct redis_load_item *item)
{
	char text[REDIS_REASON_MAX];
	int code;

	item->known_count = known_of(loading, at, &item->known);
	code = redis_link_receive_exec(loading->link, loading->batch->arena,
				       item->known_count + ZONE_COMMANDS, &item->list);
	if (code != ERR_FORMAT)
		return code;
	redis_link_explain(item->list, "reading a zone", text);
	return fail(loading, ERR_FORMAT, text);
}

/* The link was lost by a reply that is too large: that is this zone's fault alone. */
static int
connect_again(struct loading *loading, struct redis_load_item *item)
{
	if (!redis_link_was_flooded(loading->link))
		return fail(loading, ERR_IO, redis_link_reason(loading->link));
	item->reason = keep_reason(loading, redis_link_reason(loading->link));
	redis_link_free(loading->link);
	loading->link = NULL;
	return redis_connect_wait(loading->job->settings, &loading->link,
				  loading->reason);
}

/* Ask for zones from *sent on until enough are on their way. */
static int
send_ahead(struct loading *loading, size_t at, size_t *sent, size_t *waiting)
{
	while (*sent < loading->count && *sent - at < WINDOW && *waiting < REPLIES_MAX) {
		int count = send_zone(loading, *sent);

		if (count < 0)
			return fail(loading, count,
				    redis_link_is_open(loading->link)
					    ? errcode_text(count)
					    : redis_link_reason(loading->link));
		*waiting += (size_t)count;
		++*sent;
	}
	return ERR_OK;
}

static int
read_all(struct loading *loading)
{
	size_t sent = 0, waiting = 0;

	for (size_t at = 0; at < loading->count; at++) {
		struct redis_load_item *item = next_item(loading, &loading->zones[at]);
		int code = item ? send_ahead(loading, at, &sent, &waiting)
				: fail(loading, ERR_NOMEM, errcode_text(ERR_NOMEM));

		if (code != ERR_OK)
			return code;
		code = receive_zone(loading, at, item);
		waiting -= (size_t)reply_count(loading, at);
		if (code == ERR_IO) {
			code = connect_again(loading, item);
			sent = at + 1;
			waiting = 0;
		}
		if (code != ERR_OK)
			return code;
		finish_item(loading, at + 1 == loading->count);
	}
	return ERR_OK;
}

/* ---- z42: which keys there are ---- */

static int
compare_names(const void *left, const void *right)
{
	const struct redis_listed *a = left, *b = right;

	return redis_text_compare(a->name, b->name);
}

static int
scan_keys(struct loading *loading)
{
	struct redis_text *names = reallocarray(NULL, loading->count + 1, sizeof *names);
	int code = ERR_NOMEM;

	if (loading->count > 0)
		qsort(loading->zones, loading->count, sizeof *loading->zones,
		      compare_names);
	for (size_t i = 0; names && i < loading->count; i++)
		names[i] = loading->zones[i].name;
	if (names)
		code = redis_scan_run(&loading->scan, loading->link, &loading->keys,
				      names, loading->count, loading->reason);
	else
		fail(loading, code, errcode_text(code));
	free(names);
	return code;
}

/* ---- all ---- */

static int
look_for_redis(void *context, const struct node *apex)
{
	struct redis_facts facts;
	bool *found = context;

	*found = node_copy_block(apex, BLOCK_REDIS, &facts, sizeof facts);
	return *found;
}

/* Nothing at all is never taken for "delete all". */
static bool
base_has_redis_zones(const struct builder *builder)
{
	struct live *base = builder_base(builder);
	bool found = false;

	/* what cannot be read may hold one */
	return base && (live_walk_zones(base, look_for_redis, &found) < 0 || found);
}

static int
read_zones(struct loading *loading)
{
	int code = redis_load_pool_start(&loading->pool, loading->job, &loading->keys,
					 loading->count);
	int finished;

	if (code != ERR_OK)
		return fail(loading, code, errcode_text(code));
	code = read_all(loading);
	redis_batch_free(loading->batch);
	loading->batch = NULL;
	finished = redis_load_pool_finish(&loading->pool);
	if (code == ERR_OK && finished != ERR_OK)
		return fail(loading, finished, errcode_text(finished));
	return code;
}

int
redis_load_all(struct redis_load_job *job, char reason[REDIS_REASON_MAX])
{
	struct loading loading = {
		.job = job,
		.arena = arena_new(),
		.reason = reason,
	};
	int code =
		loading.arena ? ERR_OK : fail(&loading, ERR_NOMEM, "not enough memory");

	redis_keys_init(&loading.keys, job->settings);
	if (code == ERR_OK)
		code = redis_connect_wait(job->settings, &loading.link, reason);
	if (code == ERR_OK)
		code = list_zones(&loading);
	if (code == ERR_OK && loading.count == 0 && base_has_redis_zones(job->builder))
		code = fail(&loading, ERR_NOTFOUND,
			    "Redis lists no zones any more: what is served stays");
	if (code == ERR_OK && loading.keys.schema == REDIS_SCHEMA_Z42)
		code = scan_keys(&loading);
	if (code == ERR_OK)
		code = read_zones(&loading);
	redis_scan_fini(&loading.scan);
	redis_link_free(loading.link);
	arena_free(loading.arena);
	free(loading.zones);
	return code;
}
