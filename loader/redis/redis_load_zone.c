/* One zone of a first reading: from what Redis says to the builder. */
#include "loader/redis/redis_load_pool.h"

#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_connect.h"
#include "loader/redis/redis_secrets.h"
#include "loader/store/zone_state.h"
#include "shm/errcode.h"
#include "shm/log.h"

/* What is served of the zone now, if anything. */
static bool
find_served(const struct redis_load_pool *pool, const struct redis_listed *zone,
	    struct node *apex)
{
	const struct redis_load_job *job = pool->job;

	if (job->served)
		return job->served(job->context, zone->origin, zone->origin_len, apex);
	return builder_find(job->builder, zone->origin, zone->origin_len, apex) == ERR_OK;
}

static void
note_error(struct redis_load_pool *pool, const struct redis_listed *zone,
	   const char *reason, bool is_stale)
{
	char path[] = "";
	struct zone_message message = {
		.severity = ZONE_ERROR,
		.path = path,
	};
	bool is_noted;

	message.reason = strdup(reason);
	pthread_mutex_lock(&pool->lock);
	is_noted = reload_result_add_error(pool->job->result, zone->origin, SIZE_MAX,
					   message.reason ? &message : NULL, is_stale);
	pool->job->result->changed++;
	pthread_mutex_unlock(&pool->lock);
	free(message.reason);
	if (!is_noted)
		redis_load_note_failure(pool, ERR_NOMEM);
}

/* A zone that is not loaded, for this reason: what the base has stays. */
static void
refuse(struct redis_load_pool *pool, const struct redis_listed *zone, const char *reason)
{
	const char *paths[1] = { zone->name.bytes };
	const struct zone_source source = {
		.kind = SOURCE_REDIS,
		.paths = paths,
		.path_count = 1,
	};
	struct zone_state state;
	struct node apex;
	int code =
		builder_find(pool->job->builder, zone->origin, zone->origin_len, &apex);

	if (code == ERR_OK && zone_state_read(&apex, &state)) {
		note_error(pool, zone, reason, !(state.facts.flags & ZONE_BROKEN));
		code = builder_keep_with_error(pool->job->builder, zone->origin,
					       zone->origin_len, &source, reason);
	} else {
		note_error(pool, zone, reason, false);
		code = builder_break(pool->job->builder, zone->origin, zone->origin_len,
				     &source, reason);
	}
	if (code != ERR_OK)
		redis_load_note_failure(pool, code);
}

/* The first warnings of all zones together. */
static void
log_messages(struct redis_load_pool *pool, const struct zone_messages *messages)
{
	char text[ZONE_REASON_MAX + 300];

	for (size_t i = 0; i < messages->kept_count; i++) {
		pthread_mutex_lock(&pool->lock);
		if (pool->warnings++ < REDIS_WARNINGS_LOGGED) {
			zone_message_to_text(&messages->kept[i], text, sizeof text);
			log_warnx("%s", text);
		}
		pthread_mutex_unlock(&pool->lock);
	}
}

/* ---- signing ---- */

/* Was the zone signed here, when it was read last? */
static bool
was_signed(const struct redis_load_worker *w, const struct redis_listed *zone,
	   struct signing_facts *out)
{
	struct node apex;

	return find_served(w->pool, zone, &apex) &&
	       node_copy_block(&apex, BLOCK_SIGNING, out, sizeof *out);
}

static int
pass_keys_once(struct redis_load_worker *w, const struct redis_listed *zone,
	       char reason[REDIS_REASON_MAX])
{
	const struct redis_load_job *job = w->pool->job;
	int code = ERR_OK;

	if (!w->link)
		code = redis_connect_wait(job->settings, &w->link, reason);
	if (code == ERR_OK && !w->session)
		w->session = sign_session_new(job->signer_fd, false);
	if (code != ERR_OK || !w->session)
		return code != ERR_OK ? code : ERR_NOMEM;
	code = redis_secrets_pass(w->link, w->pool->keys, zone->name, zone->origin,
				  zone->origin_len, w->session, reason);
	if (code == ERR_IO) {
		redis_link_free(w->link);
		w->link = NULL;
	}
	return code;
}

/* The zone's keys to the signer.  When that fails, those that it has are used. */
static int
pass_keys(struct redis_load_worker *w, const struct redis_listed *zone)
{
	char reason[REDIS_REASON_MAX] = "";
	int code;

	if (!w->pool->job->signer)
		return ERR_OK;
	code = pass_keys_once(w, zone, reason);
	if (code == ERR_IO)
		code = pass_keys_once(w, zone, reason);
	if (code == ERR_OK || code == ERR_NOMEM)
		return code;
	pthread_mutex_lock(&w->pool->lock);
	if (w->pool->warnings++ < REDIS_WARNINGS_LOGGED)
		log_warnx("the keys of %.200s in Redis: %s", zone->name.bytes, reason);
	pthread_mutex_unlock(&w->pool->lock);
	return ERR_OK;
}

/* returns 0; ERR_SYNTAX with a message when the zone cannot be signed; ERR_NOMEM. */
static int
sign(const struct redis_load_worker *w, struct zone_records *zone,
     struct zone_messages *messages)
{
	struct zone_signer *signer = w->pool->job->signer;
	int code;

	if (!signer) {
		zone_messages_add(messages, ZONE_ERROR, "", 0, "nobody can sign it here");
		return ERR_SYNTAX;
	}
	code = zone_signer_sign(signer, zone, messages);
	return code == ERR_OK || code == ERR_NOMEM ? code : ERR_SYNTAX;
}

/* The zone's records, signed if they are to be.  *out is NULL for a zone that was refused. */
static int
read_zone(struct redis_load_worker *w, const struct redis_listed *zone,
	  struct redis_zone_job *zone_job, struct redis_zone_config *config,
	  struct zone_records **out, struct zone_messages *messages)
{
	struct redis_load_pool *pool = w->pool;
	const struct zone_message *error;
	struct signing_facts signing;
	char text[ZONE_REASON_MAX];
	const char *why;
	int code = redis_zone_read(w->reader, zone_job, out, messages);

	bool is_signed = was_signed(w, zone, &signing);

	if (code != ERR_OK || !((*out)->signing_wish.is_wanted || is_signed))
		return code;
	code = sign(w, *out, messages);
	if (code != ERR_SYNTAX)
		return code;
	zone_records_free(*out);
	*out = NULL;
	error = zone_messages_first_error(messages);
	why = error ? error->reason : errcode_text(ERR_NOMEM);
	if (is_signed) {
		refuse(pool, zone, why);
		return ERR_OK;
	}
	if (!pool->job->settings->redis.unsigned_ok) {
		redis_zone_explain_unsigned(why, text);
		refuse(pool, zone, text);
		return ERR_OK;
	}
	redis_zone_leave_unsigned(config, zone->name.bytes, why);
	return redis_zone_read(w->reader, zone_job, out, messages);
}

static int
add_zone(struct redis_load_worker *w, const struct redis_listed *listed,
	 struct redis_zone_job *zone_job, struct redis_zone_config *config)
{
	struct zone_messages messages = { .kept = NULL };
	struct redis_load_pool *pool = w->pool;
	struct zone_records *zone = NULL;
	int code = read_zone(w, listed, zone_job, config, &zone, &messages);

	if (code == ERR_OK && zone) {
		atomic_fetch_add(&pool->records, zone->count);
		code = builder_add(pool->job->builder, zone, true);
		zone_records_free(zone);
		pthread_mutex_lock(&pool->lock);
		pool->job->result->changed++;
		pthread_mutex_unlock(&pool->lock);
	}
	log_messages(pool, &messages);
	zone_messages_fini(&messages);
	return code;
}

/* A zone that is listed, and of which nothing has been written yet: it is not served,
 * unless it was. */
static void
skip_unwritten(struct redis_load_pool *pool, const struct redis_listed *zone)
{
	struct node apex;

	if (builder_find(pool->job->builder, zone->origin, zone->origin_len, &apex) ==
	    ERR_OK)
		refuse(pool, zone, "it is listed, but its keys are not there");
	else
		log_warnx("Redis lists %.200s, of which it has nothing else: it is not "
			  "served",
			  zone->name.bytes);
}

int
redis_load_raw(struct redis_load_worker *w, const struct redis_listed *zone,
	       const struct redis_raw *raw)
{
	struct redis_load_pool *pool = w->pool;
	struct redis_zone_config config;
	struct redis_zone_job job = {
		.raw = raw,
		.origin = zone->origin,
		.origin_len = zone->origin_len,
		.config = &config,
		.change = { .ms = pool->job->now_ms },
	};
	struct redis_facts facts = { .raw_digest = 0 };
	struct signing_facts signing;
	struct zone_facts served;
	struct node apex;
	uint32_t serial;
	int code = redis_zone_read_config(w->reader, raw->zone, &raw->config,
					  zone->origin, zone->origin_len, &config);

	if (code != ERR_OK)
		return code;
	if (raw->is_missing && raw->config.state == REDIS_VALUE_MISSING) {
		skip_unwritten(pool, zone);
		return ERR_OK;
	}
	if (raw->zone_value.state == REDIS_VALUE_BAD) {
		refuse(pool, zone, raw->zone_value.text.bytes);
		return ERR_OK;
	}
	if (config.fault[0] != '\0' && was_signed(w, zone, &signing))
		redis_zone_sign_as_served(&config, &signing);
	if (config.config.dnssec)
		code = pass_keys(w, zone);
	if (code != ERR_OK)
		return code;
	if (find_served(pool, zone, &apex) && node_zone_facts(&apex, &served) &&
	    node_copy_block(&apex, BLOCK_REDIS, &facts, sizeof facts)) {
		serial = served.serial;
		job.old_serial = &serial;
		job.old_digest = facts.raw_digest;
	}
	return add_zone(w, zone, &job, &config);
}

static int
understand(const struct redis_load_pool *pool, const struct redis_load_item *item,
	   struct arena *arena, struct redis_raw *raw)
{
	const struct redis_wish wish = {
		.zone = item->zone->name,
		.is_whole = true,
		.wants_config = true,
	};
	const struct redis_reply *next = redis_reply_first(item->list);
	char reason[REDIS_REASON_MAX];

	if (pool->keys->schema == REDIS_SCHEMA_Z42)
		return redis_read_get_known(&next, pool->keys, wish.zone, item->known,
					    item->known_count, arena, raw, reason);
	return redis_read_get(&next, pool->keys, &wish, arena, raw, reason);
}

int
redis_load_zone(struct redis_load_worker *w, struct redis_load_item *item,
		struct arena *arena)
{
	struct redis_load_pool *pool = w->pool;
	const struct redis_listed *zone = item->zone;
	struct redis_raw raw;
	int code;

	if (pool->job->is_taken &&
	    pool->job->is_taken(pool->job->context, zone->origin, zone->origin_len)) {
		note_error(
			pool, zone,
			"both Redis and a zone file have this zone: take it out of one "
			"of them",
			true);
		return ERR_OK;
	}
	if (item->reason) {
		refuse(pool, zone, item->reason);
		return ERR_OK;
	}
	code = understand(pool, item, arena, &raw);
	return code == ERR_OK ? redis_load_raw(w, zone, &raw) : code;
}
