/* Following Redis: changes there become changes of the live store, and nothing that Redis
 * does makes a good zone worse.
 *
 * One follower, driven by sync's poll loop; no threads, no signals.  It owns three
 * connections: one for commands (synchronous, each with redis.timeout_ms), one that waits
 * in XREAD and one that is subscribed (both only polled).  Without Redis it reconnects in
 * the background and what is served stays as it is.
 *
 *	            +--- lost ---+-------------------+-------------------+
 *	            v            |                   |                   |
 *	FOLLOW_CONNECTING -> FOLLOW_LOADING -> FOLLOW_RESYNCING -> FOLLOW_FOLLOWING
 *	                         (only when the store was never filled from Redis)
 *
 * Whatever must outlive the process stands in notes of the overlay, committed with the
 * data that it belongs to: f:cursor, f:server, f:held/... (loader/redis/held.h). */
#ifndef LOADER_REDIS_FOLLOW_H
#define LOADER_REDIS_FOLLOW_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/region.h"
#include "shm/settings.h"

/* The note of the place in the stream: it is there once Redis has been read. */
#define FOLLOW_CURSOR_NOTE "f:cursor"

enum {
	FOLLOW_FDS_MAX = 4,
	FOLLOW_REASON_MAX = 512,
};

struct follow;
struct live;

/* A follower that is not connected yet; `settings` (redis.enable is set) and `region` are
 * borrowed for its life.
 * signer_fd  of struct heritage; -1: nothing can be signed
 * returns    NULL without memory. */
__attribute__((nonnull, warn_unused_result))
struct follow *follow_new(const struct settings *settings, struct region *region,
			  int signer_fd);

/* NULL is allowed.  A forked build child only calls follow_close_fds. */
void follow_free(struct follow *follow);

/* In a child that shares the descriptors: close them without a word to the server. */
__attribute__((nonnull))
void follow_close_fds(struct follow *follow);

/* Where changes go from now on: borrowed until the next call.  Cursor and held sets are
 * read from its notes.  NULL: changes wait in Redis, zones that events name are marked;
 * for the time before there is a store, while another generation was chosen, and while
 * the overlay is too full to take more.
 * waiting   why it is NULL, for `status`; else ignored; may be NULL. */
__attribute__((nonnull(1)))
void follow_set_store(struct follow *follow, struct live *live, const char *waiting);

/* Before each poll: the descriptors to wait for.
 * timeout_ms  lowered to when follow_step wants to be called at the latest; -1 in: none.
 * returns     how many of `fds` were filled. */
__attribute__((nonnull, warn_unused_result))
unsigned follow_poll_fds(struct follow *follow, struct pollfd fds[FOLLOW_FDS_MAX],
			 int *timeout_ms);

/* After each poll, `fds` as they were filled and then polled; also when only the time is
 * up.  Takes a few ms at most unless Redis hangs (then one redis.timeout_ms). */
__attribute__((nonnull))
void follow_step(struct follow *follow, const struct pollfd *fds, unsigned count);

/* Is a first load wanted?  True once the place in the stream is noted and notifications
 * are subscribed, so that nothing that changes during the load is missed.  The caller
 * then has the whole data set read into a new generation (loader/redis/redis_load.h), besides
 * the files, opens it and calls follow_finish_load; or follow_fail_load. */
__attribute__((nonnull, warn_unused_result))
bool follow_wants_load(const struct follow *follow);

/* The generation `live` holds what a load that began after follow_wants_load has read:
 * writes the notes into it and applies all that changed since, so that it can be
 * published.  It is the store from now on.
 * returns 0; or an error with `reason` set: do not publish it (and no store is set). */
__attribute__((nonnull, warn_unused_result))
int follow_finish_load(struct follow *follow, struct live *live,
		       char reason[FOLLOW_REASON_MAX]);

/* The load failed: it will be wanted again after a while. */
__attribute__((nonnull))
void follow_fail_load(struct follow *follow);

/* Zones that are to be signed and are too large for that to be done here: the caller has
 * them read and signed into a new generation (loader/redis/redis_load.h), one build at a
 * time, and calls follow_finish_aside before that is published, and follow_end_aside.  What
 * is served of them stays until then; what changes of them waits, with all that changes as
 * one with it.
 * names    at most `max`, as listed; each owned by the caller
 * returns  how many there are; they wait no more. */
__attribute__((nonnull, warn_unused_result))
size_t follow_take_aside(struct follow *follow, char **names, size_t max);
__attribute__((nonnull, pure))
bool follow_wants_aside(const struct follow *follow);

/* `live`, which holds what was built, is to be published at once: it is the store from now
 * on, and what waited for these zones is served in it, so that both are seen as one.
 * returns 0; or an error with `reason` set: do not publish it, and give the store before it
 *         (follow_set_store); ERR_BUSY is none that somebody must see to. */
__attribute__((nonnull, warn_unused_result))
int follow_finish_aside(struct follow *follow, struct live *live,
			char reason[FOLLOW_REASON_MAX]);

/* The build has ended: those that were taken are not told of any more. */
__attribute__((nonnull))
void follow_end_aside(struct follow *follow);

/* Before that: it has failed, or was not published.  What waits is served without these
 * zones, which will be asked for again when they are compared next; after
 * follow_finish_aside has failed it waits on, and they are asked for again. */
__attribute__((nonnull))
void follow_fail_aside(struct follow *follow);

/* Keys have moved, or signatures end: compare the zones that are signed with what they should
 * be. */
__attribute__((nonnull))
void follow_look_at_signed(struct follow *follow);

/* Have keys come that others are rolled to, or has a zone's config wished it unsigned, or signed
 * again, since that was last forgotten?  Who rolls keys looks at them then. */
__attribute__((nonnull, pure))
bool follow_has_key_news(const struct follow *follow);
__attribute__((nonnull))
void follow_forget_key_news(struct follow *follow);

/* Compare everything with Redis, at once: for `reload`. */
__attribute__((nonnull))
void follow_resync(struct follow *follow);

/* `accept ID`: serve what is held under `id`, exactly as it was shown.
 * returns 0; ERR_NOTFOUND, ERR_BUSY when it has changed (it then has another id), or why
 *         it could not be read or written; always with `reason` set, for the peer. */
__attribute__((nonnull, warn_unused_result))
int follow_accept(struct follow *follow, uint64_t id, char reason[FOLLOW_REASON_MAX]);

#endif
