/* The resolver process: keeps the addresses of the names that are wanted in the resolved
 * store. */
#ifndef LOADER_RESOLVE_RESOLVER_H
#define LOADER_RESOLVE_RESOLVER_H

#include "loader/resolve/resolve_answer.h"
#include "loader/resolve/resolve_ask.h"
#include "loader/resolve/resolved_store.h"
#include "loader/resolve/servers.h"
#include "loader/resolve/wanted.h"
#include "loader/store/watch.h"
#include "shm/heritage.h"

enum {
	RESOLVER_WISH_MS = 86400000,	/* so long a name stays that a worker has wished for */
	RESOLVER_BACKOFF_NEW_MS = 500,	/* after the first failure, doubling: nothing is known, */
	RESOLVER_BACKOFF_MS = 5000,	/* or what is known is served */
	RESOLVER_BACKOFF_MAX_MS = 60000,
};

/* A look-up under way. */
struct flight {
	struct wanted_lookup *lookup;	/* NULL: its name is no longer wanted */
	uint64_t asked_ms;
	bool is_used;
	uint8_t server;
};

struct resolver {
	const struct settings *settings;
	struct region *region;
	int wish_fd, news_fd;		/* struct heritage */
	struct resolved_store *store;
	struct resolve_ask *ask;
	struct wanted_table wanted;
	struct servers servers;
	struct flight flights[RESOLVE_ASK_MAX];
	uint64_t tokens_ns;		/* time that was saved up for questions */
	uint64_t counted_ns;		/* up to when */
	uint64_t swept_ms;
	uint64_t random;
	uint64_t resolved_count, failing_count; /* names */
	int store_error;		/* that was told of; 0: none */
	uint32_t batch;			/* of changes, that is not committed */
	bool has_news;			/* in it: of a look-up that nothing was known of */
	bool has_put_off;		/* the watch list waits for what was wished for */
	struct {
		struct watch_reader *reader; /* NULL: there is no list as yet */
		uint32_t seq, epoch;	/* of the list that was read last */
		bool is_whole;		/* it is the one of this epoch */
		uint64_t generation;	/* and what was served then */
		uint32_t number;	/* of this reading */
		uint64_t next_ms;	/* not read before */
	} watch;
};

/* A number below `bound`, which is not 0: not for secrets. */
uint64_t resolver_draw(struct resolver *resolver, uint64_t bound);

/* How long to wait after so many failures in a row, one at least. */
__attribute__((const))
uint64_t resolver_backoff_ms(bool is_known, uint32_t failures);

/* Put what a look-up has found, or why it has failed, where workers see it, and settle when
 * the next one is due. */
__attribute__((nonnull))
void resolver_take_answer(struct resolver *resolver, struct wanted_lookup *lookup,
			  const struct resolve_answer *answer);
__attribute__((nonnull))
void resolver_take_failure(struct resolver *resolver, struct wanted_lookup *lookup,
			   const char *server, const char *reason);

/* Take over the names of the watch list, if it or what is served has changed. */
__attribute__((nonnull))
void resolver_watch(struct resolver *resolver);

/* Begin with what the store holds. */
__attribute__((nonnull))
void resolver_load(struct resolver *resolver);

/* A name is no longer wanted: forget it, here and there. */
__attribute__((nonnull))
void resolver_drop(struct resolver *resolver, struct wanted *wanted);

/* Its loop goes on: the master waits for no more than 10 s. */
__attribute__((nonnull))
void resolver_tell_turn(struct resolver *resolver);

/* Make changes of the store seen. */
__attribute__((nonnull))
void resolver_commit(struct resolver *resolver);

#endif
