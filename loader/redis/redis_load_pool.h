/* The threads of a first reading: raw zones in, rendered ones into the builder.  For
 * redis_load*.c only. */
#ifndef LOADER_REDIS_REDIS_LOAD_POOL_H
#define LOADER_REDIS_REDIS_LOAD_POOL_H

#include <pthread.h>
#include <stdatomic.h>

#include "loader/redis/redis_load.h"
#include "loader/redis/redis_scan.h"
#include "loader/redis/redis_zone.h"
#include "loader/sign/sign_session.h"

enum { REDIS_LOAD_BATCH = 64, REDIS_LOAD_THREADS_MAX = 64, REDIS_WARNINGS_LOGGED = 20 };

/* A zone that is listed. */
struct redis_listed {
	struct redis_text name;
	const uint8_t *origin;		/* NAME_PAD octets behind it are readable */
	uint8_t origin_len;
	bool is_ours;			/* the name is written as we would write it */
};

/* A zone that was read. */
struct redis_load_item {
	const struct redis_listed *zone;
	const struct redis_reply *list;	/* of EXEC */
	const struct redis_known_key *known; /* z42: what was asked for; known_count */
	size_t known_count;
	const char *reason;		/* why it could not be read; NULL: it was */
};

struct redis_batch {
	struct redis_batch *next;
	struct arena *arena;		/* holds all that the items point at but `zone` */
	struct redis_load_item items[REDIS_LOAD_BATCH];
	size_t count;
};

struct redis_load_pool {
	struct redis_load_job *job;
	const struct redis_keys *keys;
	size_t zone_count;
	atomic_size_t done;		/* zones */
	_Atomic uint64_t records;
	uint64_t told_ms;		/* when progress was told */
	pthread_t threads[REDIS_LOAD_THREADS_MAX];
	unsigned thread_count;

	pthread_mutex_t lock;		/* for all that follows, and for job->result */
	pthread_cond_t changed;
	struct redis_batch *first, *last; /* waiting */
	size_t bytes;			/* of waiting and running batches */
	unsigned running, warnings;
	bool is_complete;		/* nothing more comes */
	int error;			/* the first one that is no zone's */
};

/* Start the threads.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_load_pool_start(struct redis_load_pool *pool, struct redis_load_job *job,
			  const struct redis_keys *keys, size_t zone_count);

/* One of the threads. */
struct redis_load_worker {
	struct redis_load_pool *pool;
	struct redis_zone_reader *reader;
	struct redis_link *link;	/* for keys; NULL until one is asked for */
	struct sign_session *session;	/* the same */
};

/* Make records of what was read, have them signed, and hand them to the builder.
 * arena    of the replies
 * returns  0 whatever the zone is like; else the reading has failed. */
__attribute__((nonnull, warn_unused_result))
int redis_load_zone(struct redis_load_worker *worker, struct redis_load_item *item,
		    struct arena *arena);

/* The same of what was understood already. */
__attribute__((nonnull, warn_unused_result))
int redis_load_raw(struct redis_load_worker *worker, const struct redis_listed *zone,
		   const struct redis_raw *raw);

/* Keep the first error that is no zone's. */
__attribute__((nonnull))
void redis_load_note_failure(struct redis_load_pool *pool, int code);

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct redis_batch *redis_batch_new(void);
void redis_batch_free(struct redis_batch *batch);

/* Hand over a batch; waits while too much is under way. */
__attribute__((nonnull))
void redis_load_pool_push(struct redis_load_pool *pool, struct redis_batch *batch);

/* Nothing more comes: wait for the end.  returns the first error. */
__attribute__((nonnull, warn_unused_result))
int redis_load_pool_finish(struct redis_load_pool *pool);

#endif
