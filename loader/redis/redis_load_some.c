/* A reading of a few zones, one after the other. */
#include <stdio.h>
#include <string.h>

#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_load_pool.h"
#include "shm/errcode.h"

struct reading {
	struct redis_load_pool pool; /* without threads */
	struct redis_load_worker worker;
	struct redis_link *link;
	struct redis_keys keys;
	char *reason;
};

static int
is_listed(struct reading *r, struct redis_text name, struct arena *arena, bool *out)
{
	char key[REDIS_KEY_MAX];
	size_t len = redis_keys_zones(&r->keys, key);
	const struct redis_reply *reply = redis_link_ask(
		r->link, arena, "SISMEMBER %b %b", key, len, name.bytes, name.len);

	if (!reply) {
		snprintf(r->reason, REDIS_REASON_MAX, "%s", redis_link_reason(r->link));
		return ERR_IO;
	}
	*out = redis_reply_number(reply) == 1;
	return ERR_OK;
}

static int
keep(const struct reading *r, const uint8_t *origin, size_t len)
{
	int code = builder_keep(r->pool.job->builder, origin, len);

	return code == ERR_NOTFOUND ? ERR_OK : code;
}

static int
read_zone(struct reading *r, struct redis_text name, struct arena *arena)
{
	const struct redis_wish wish = {
		.zone = name,
		.is_whole = true,
		.wants_config = true,
	};
	uint8_t origin[DNAME_MAX + NAME_PAD];
	struct redis_listed zone = { .name = name, .origin = origin };
	struct redis_raw raw;
	const char *why;
	bool listed;
	int code;

	zone.origin_len = (uint8_t)redis_zone_origin(name, origin, &why);
	if (zone.origin_len == 0)
		return ERR_OK;
	code = is_listed(r, name, arena, &listed);
	if (code == ERR_OK && !listed)
		return keep(r, origin, zone.origin_len);
	if (code == ERR_OK)
		code = redis_read_zone(r->link, &r->keys, &wish, arena, &raw, r->reason);
	if (code != ERR_OK)
		return code;
	/* what has vanished since is weighed by who follows it */
	if (raw.is_missing || raw.config.state == REDIS_VALUE_MISSING)
		return keep(r, origin, zone.origin_len);
	return redis_load_raw(&r->worker, &zone, &raw);
}

static int
read_all(struct reading *r, char *const *names, size_t count)
{
	int code = ERR_OK;

	for (size_t i = 0; i < count && code == ERR_OK; i++) {
		const struct redis_text name = { names[i], strlen(names[i]) };
		struct arena *arena = arena_new();

		code = arena ? read_zone(r, name, arena) : ERR_NOMEM;
		arena_free(arena);
	}
	return code == ERR_OK ? r->pool.error : code;
}

int
redis_load_some(struct redis_load_job *job, char *const *names, size_t count,
		char reason[REDIS_REASON_MAX])
{
	struct reading r = {
		.pool = { .job = job, .keys = &r.keys },
		.worker = { .pool = &r.pool },
		.reason = reason,
	};
	int code;

	snprintf(reason, REDIS_REASON_MAX, "%s", errcode_text(ERR_NOMEM));
	redis_keys_init(&r.keys, job->settings);
	pthread_mutex_init(&r.pool.lock, NULL);
	r.worker.reader = redis_zone_reader_new(job->settings);
	code = r.worker.reader ? redis_connect_wait(job->settings, &r.link, reason)
			       : ERR_NOMEM;
	if (code == ERR_OK)
		code = read_all(&r, names, count);
	redis_zone_reader_free(r.worker.reader);
	redis_link_free(r.worker.link);
	sign_session_free(r.worker.session);
	redis_link_free(r.link);
	pthread_mutex_destroy(&r.pool.lock);
	return code;
}
