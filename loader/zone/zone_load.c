/* Zones loaded by a pool of threads that take them off a shared counter. */
#include "loader/zone/zone_load.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "loader/zone/sidecar.h"
#include "loader/zone/threads.h"
#include "loader/zone/zone_check.h"
#include "loader/zone/zone_sort.h"
#include "shm/errcode.h"

enum { THREADS_MAX = 256, PROGRESS_EVERY_S = 2 };

struct pool {
	const struct zone_load_job *job;
	atomic_size_t next, done;
	_Atomic uint64_t bytes;
	pthread_mutex_t lock; /* for `running` and `ended` */
	pthread_cond_t ended; /* a thread has ended */
	unsigned running;
};

static int
sort_and_check(struct zone_records *zone, const char *path,
	       struct zone_messages *messages)
{
	int code = zone_sort(zone);

	if (code != ERR_OK)
		zone_messages_add(messages, ZONE_ERROR, path, 0, "%s",
				  errcode_text(code));
	else
		code = zone_check(zone, messages);
	return code;
}

int
zone_load(struct zone_text *text, const struct zone_list_entry *entry,
	  struct zone_records **out, struct zone_messages *messages)
{
	struct zone_records *zone;
	int code;

	if (entry->rival) {
		zone_messages_add(messages, ZONE_ERROR, entry->path, 0,
				  "the same zone comes from %s too", entry->rival);
		return ERR_EXISTS;
	}
	code = zone_text_load(text, entry->path, entry->origin, entry->origin_len, &zone,
			      messages);
	if (code != ERR_OK)
		return code;
	zone->signing_wish.is_wanted = entry->sign;
	if (!entry->is_alone)
		code = sidecar_merge(entry, zone, messages);
	if (code == ERR_OK)
		code = sort_and_check(zone, entry->path, messages);
	if (code == ERR_OK)
		*out = zone;
	else
		zone_records_free(zone);
	return code;
}

static void
load_one(struct pool *pool, struct zone_text *text, size_t index)
{
	const struct zone_load_job *job = pool->job;
	struct zone_messages messages = { 0 };
	struct zone_records *zone = NULL;

	if (zone_load(text, job->entries[index], &zone, &messages) != ERR_OK)
		zone = NULL;
	job->done(job->context, index, zone, &messages);
	zone_messages_fini(&messages);
	atomic_fetch_add_explicit(&pool->done, 1, memory_order_relaxed);
}

static void *
run_thread(void *argument)
{
	struct pool *pool = argument;
	struct zone_text *text = zone_text_new();
	size_t index;

	while (text &&
	       (index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed)) <
		       pool->job->count) {
		zone_text_count_into(text, &pool->bytes);
		load_one(pool, text, index);
	}
	zone_text_free(text);
	pthread_mutex_lock(&pool->lock);
	pool->running--;
	pthread_cond_signal(&pool->ended);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

static void
tell_progress(struct pool *pool)
{
	struct zone_load_progress progress = {
		.zones_done = atomic_load_explicit(&pool->done, memory_order_relaxed),
		.zones_count = pool->job->count,
		.bytes = atomic_load_explicit(&pool->bytes, memory_order_relaxed),
	};

	if (pool->job->progress)
		pool->job->progress(pool->job->context, &progress);
}

/* Wait until no thread runs, telling of progress meanwhile. */
static void
wait_for_threads(struct pool *pool)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PROGRESS_EVERY_S;
	pthread_mutex_lock(&pool->lock);
	while (pool->running > 0) {
		int code = pthread_cond_clockwait(&pool->ended, &pool->lock,
						  CLOCK_MONOTONIC, &until);

		if (code == ETIMEDOUT && pool->running > 0) {
			pthread_mutex_unlock(&pool->lock);
			tell_progress(pool);
			pthread_mutex_lock(&pool->lock);
			until.tv_sec += PROGRESS_EVERY_S;
		}
	}
	pthread_mutex_unlock(&pool->lock);
}

int
zone_load_all(const struct zone_load_job *job)
{
	struct pool pool = {
		.job = job,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	unsigned max = job->count < THREADS_MAX ? (unsigned)job->count : THREADS_MAX;
	pthread_t threads[THREADS_MAX];
	unsigned count;

	pthread_mutex_lock(&pool.lock); /* none ends before it is counted */
	pool.running = count = threads_start(threads, max, run_thread, &pool);
	pthread_mutex_unlock(&pool.lock);
	wait_for_threads(&pool);
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return pool.done == job->count ? ERR_OK : ERR_NOMEM;
}
