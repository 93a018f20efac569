/* Raw zones to the builder, by as many threads as there are CPUs. */
#include "loader/redis/redis_load_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/redis/redis_zone.h"
#include "loader/store/zone_state.h"
#include "loader/zone/threads.h"
#include "shm/clock.h"
#include "shm/errcode.h"
#include "shm/log.h"

enum {
	BYTES_MAX = 64 << 20, /* of batches under way, unless there is only one */
	TELL_EVERY_MS = 2000,
	WARNINGS_LOGGED = 20,
};

struct redis_batch *
redis_batch_new(void)
{
	struct redis_batch *batch = calloc(1, sizeof *batch);

	if (!batch)
		return NULL;
	batch->arena = arena_new();
	if (!batch->arena) {
		free(batch);
		return NULL;
	}
	return batch;
}

void
redis_batch_free(struct redis_batch *batch)
{
	if (!batch)
		return;
	arena_free(batch->arena);
	free(batch);
}

static void
note_failure(struct redis_load_pool *pool, int code)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->error == ERR_OK)
		pool->error = code;
	pthread_mutex_unlock(&pool->lock);
}

/* ---- one zone ---- */

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
		note_failure(pool, ERR_NOMEM);
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
		note_failure(pool, code);
}

/* The first warnings of all zones together. */
static void
log_messages(struct redis_load_pool *pool, const struct zone_messages *messages)
{
	char text[ZONE_REASON_MAX + 300];

	for (size_t i = 0; i < messages->kept_count; i++) {
		pthread_mutex_lock(&pool->lock);
		if (pool->warnings++ < WARNINGS_LOGGED) {
			zone_message_to_text(&messages->kept[i], text, sizeof text);
			log_warnx("%s", text);
		}
		pthread_mutex_unlock(&pool->lock);
	}
}

static int
add_zone(struct redis_load_pool *pool, struct redis_zone_reader *reader,
	 const struct redis_zone_job *zone_job)
{
	struct zone_messages messages = { .kept = NULL };
	struct zone_records *zone;
	int code = redis_zone_read(reader, zone_job, &zone, &messages);

	if (code == ERR_OK) {
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

/* Why the zone cannot be taken as it was read; NULL: it can. */
static const char *
refusal(const struct redis_raw *raw, const struct redis_zone_config *config)
{
	if (raw->zone_value.state == REDIS_VALUE_BAD)
		return raw->zone_value.text.bytes;
	return config->refusal[0] ? config->refusal : NULL;
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

static int
load_raw(struct redis_load_pool *pool, struct redis_zone_reader *reader,
	 const struct redis_listed *zone, const struct redis_raw *raw)
{
	struct redis_zone_config config;
	struct redis_zone_job job = {
		.raw = raw,
		.origin = zone->origin,
		.origin_len = zone->origin_len,
		.config = &config,
		.change = { .ms = pool->job->now_ms },
	};
	struct redis_facts facts = { .raw_digest = 0 };
	struct zone_facts served;
	struct node apex;
	uint32_t serial;
	int code = redis_zone_read_config(reader, raw->zone, &raw->config, zone->origin,
					  zone->origin_len, &config);

	if (code != ERR_OK)
		return code;
	if (raw->is_missing && raw->config.state == REDIS_VALUE_MISSING) {
		skip_unwritten(pool, zone);
		return ERR_OK;
	}
	if (refusal(raw, &config)) {
		refuse(pool, zone, refusal(raw, &config));
		return ERR_OK;
	}
	if (find_served(pool, zone, &apex) && node_zone_facts(&apex, &served) &&
	    node_copy_block(&apex, BLOCK_REDIS, &facts, sizeof facts)) {
		serial = served.serial;
		job.old_serial = &serial;
		job.old_digest = facts.raw_digest;
	}
	return add_zone(pool, reader, &job);
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

static int
load_item(struct redis_load_pool *pool, struct redis_zone_reader *reader,
	  struct redis_load_item *item, struct arena *arena)
{
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
	return code == ERR_OK ? load_raw(pool, reader, zone, &raw) : code;
}

/* ---- threads ---- */

static struct redis_batch *
pop(struct redis_load_pool *pool)
{
	struct redis_batch *batch;

	pthread_mutex_lock(&pool->lock);
	while (!pool->first && !pool->is_complete)
		pthread_cond_wait(&pool->changed, &pool->lock);
	batch = pool->first;
	if (batch) {
		pool->first = batch->next;
		if (!pool->first)
			pool->last = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	return batch;
}

static void
run_batch(struct redis_load_pool *pool, struct redis_zone_reader *reader,
	  struct redis_batch *batch)
{
	size_t bytes = arena_bytes(batch->arena);

	for (size_t i = 0; i < batch->count; i++) {
		int code = load_item(pool, reader, &batch->items[i], batch->arena);

		if (code != ERR_OK)
			note_failure(pool, code);
		atomic_fetch_add(&pool->done, 1);
	}
	redis_batch_free(batch);
	pthread_mutex_lock(&pool->lock);
	pool->bytes -= bytes < pool->bytes ? bytes : pool->bytes;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
}

static void *
run_thread(void *argument)
{
	struct redis_load_pool *pool = argument;
	struct redis_zone_reader *reader = redis_zone_reader_new(pool->job->settings);
	struct redis_batch *batch;

	if (!reader)
		note_failure(pool, ERR_NOMEM);
	while ((batch = pop(pool))) {
		if (reader)
			run_batch(pool, reader, batch);
		else
			redis_batch_free(batch);
	}
	redis_zone_reader_free(reader);
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int
redis_load_pool_start(struct redis_load_pool *pool, struct redis_load_job *job,
		      const struct redis_keys *keys, size_t zone_count)
{
	*pool = (struct redis_load_pool){
		.job = job,
		.keys = keys,
		.zone_count = zone_count,
		.told_ms = clock_now_ms(),
	};
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	pthread_mutex_lock(&pool->lock); /* none ends before it is counted */
	pool->thread_count =
		threads_start(pool->threads, REDIS_LOAD_THREADS_MAX, run_thread, pool);
	pool->running = pool->thread_count;
	pthread_mutex_unlock(&pool->lock);
	return pool->thread_count > 0 ? ERR_OK : ERR_NOMEM;
}

/* Tell of progress when it is time. */
static void
tell(struct redis_load_pool *pool)
{
	const struct redis_load_progress progress = {
		.zones_done = atomic_load(&pool->done),
		.zones_count = pool->zone_count,
		.records = atomic_load(&pool->records),
	};

	if (!pool->job->progress || clock_now_ms() - pool->told_ms < TELL_EVERY_MS)
		return;
	pool->told_ms = clock_now_ms();
	pool->job->progress(pool->job->context, &progress);
}

void
redis_load_pool_push(struct redis_load_pool *pool, struct redis_batch *batch)
{
	pthread_mutex_lock(&pool->lock);
	while (pool->bytes > BYTES_MAX && pool->running > 0)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pool->bytes += arena_bytes(batch->arena);
	if (pool->last)
		pool->last->next = batch;
	else
		pool->first = batch;
	pool->last = batch;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	tell(pool);
}

int
redis_load_pool_finish(struct redis_load_pool *pool)
{
	struct timespec until;

	pthread_mutex_lock(&pool->lock);
	pool->is_complete = true;
	pthread_cond_broadcast(&pool->changed);
	while (pool->running > 0) {
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += 1;
		if (pthread_cond_clockwait(&pool->changed, &pool->lock, CLOCK_MONOTONIC,
					   &until) == ETIMEDOUT) {
			pthread_mutex_unlock(&pool->lock);
			tell(pool);
			pthread_mutex_lock(&pool->lock);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pool->job->record_count = atomic_load(&pool->records);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	return pool->error;
}
