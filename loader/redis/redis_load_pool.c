/* Raw zones to the builder, by as many threads as there are CPUs. */
#include "loader/redis/redis_load_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/zone/threads.h"
#include "shm/clock.h"
#include "shm/errcode.h"

enum {
	BYTES_MAX = 64 << 20, /* of batches under way, unless there is only one */
	TELL_EVERY_MS = 2000,
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

void
redis_load_note_failure(struct redis_load_pool *pool, int code)
{
	pthread_mutex_lock(&pool->lock);
	if (pool->error == ERR_OK)
		pool->error = code;
	pthread_mutex_unlock(&pool->lock);
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
run_batch(struct redis_load_worker *w, struct redis_batch *batch)
{
	struct redis_load_pool *pool = w->pool;
	size_t bytes = arena_bytes(batch->arena);

	for (size_t i = 0; i < batch->count; i++) {
		int code = redis_load_zone(w, &batch->items[i], batch->arena);

		if (code != ERR_OK)
			redis_load_note_failure(pool, code);
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
	struct redis_load_worker w = {
		.pool = pool,
		.reader = redis_zone_reader_new(pool->job->settings),
	};
	struct redis_batch *batch;

	if (!w.reader)
		redis_load_note_failure(pool, ERR_NOMEM);
	while ((batch = pop(pool))) {
		if (w.reader)
			run_batch(&w, batch);
		else
			redis_batch_free(batch);
	}
	redis_zone_reader_free(w.reader);
	redis_link_free(w.link);
	sign_session_free(w.session);
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
