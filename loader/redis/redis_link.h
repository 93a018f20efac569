/* One connection to a Redis server or Sentinel.  The socket is ours and not hiredis's, so
 * that every wait ends in time; replies and commands are redis_parser.h's.
 *
 * A link is made once and connected again and again:
 *
 *	redis_link_dial        begins to connect, without waiting
 *	redis_link_step        goes on when the descriptor was polled, or time is up
 *	redis_link_send        queues a command; many may be queued before the first reply
 *	redis_link_receive     waits for the next reply, redis.timeout_ms at most (and a
 *	                       millisecond for each KB that has come)
 *	redis_link_try         takes the next reply if it is there, for a link that is polled
 *	redis_link_drop        closes it
 *
 * What fails on the way drops the link and leaves a reason; every later call but dial
 * fails at once.  An error reply of the server is a reply, of kind REDIS_ERROR. */
#ifndef LOADER_REDIS_REDIS_LINK_H
#define LOADER_REDIS_REDIS_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/zone/arena.h"

enum {
	REDIS_REASON_MAX = 512,		/* octets, NUL included */
	REDIS_TEXT_LEN_MAX = 5 << 20,	/* of one text; of a longer one nothing is kept */
	REDIS_REPLY_BYTES_MAX = 1 << 30, /* in memory; a larger one breaks the link */
};

struct redis_link;
struct redis_reply;			/* lives in the arena that it was received into */

enum redis_kind {
	REDIS_NIL,			/* also of a list */
	REDIS_TEXT,			/* a status, too */
	REDIS_LONG,			/* a text longer than REDIS_TEXT_LEN_MAX: only its
					 * length is known */
	REDIS_NUMBER,
	REDIS_LIST,
	REDIS_ERROR,			/* "NOAUTH Authentication required." */
};

/* Any octets; NUL-terminated besides.  `bytes` is never NULL. */
struct redis_text {
	const char *bytes;
	size_t len;
};

/* ---- the connection ---- */

/* returns NULL when there is no memory. */
__attribute__((warn_unused_result))
struct redis_link *redis_link_new(unsigned timeout_ms);

/* NULL is allowed. */
void redis_link_free(struct redis_link *link);

/* Close the connection, if there is one; the reason stays. */
__attribute__((nonnull))
void redis_link_drop(struct redis_link *link);

/* Close what is open and begin to connect: "host:port", "[IPv6]:port" or the path of a
 * socket.  redis.timeout_ms holds for a host's lookup and connecting together.
 * returns 0 when it is under way or done, else an error code. */
__attribute__((nonnull, warn_unused_result))
int redis_link_dial(struct redis_link *link, const char *address);

/* Go on after a poll, while it is not connected.
 * returns 0 when connected; ERR_BUSY when it is under way; else the link is dropped. */
__attribute__((nonnull, warn_unused_result))
int redis_link_step(struct redis_link *link);

/* For poll: the descriptor (-1: none), and the events that it waits for. */
__attribute__((nonnull, pure))
int redis_link_fd(const struct redis_link *link);
__attribute__((nonnull, pure))
short redis_link_events(const struct redis_link *link);

/* Milliseconds until the dial is too late; -1: none is under way. */
__attribute__((nonnull))
int redis_link_due_ms(const struct redis_link *link);

__attribute__((nonnull, pure))
bool redis_link_is_open(const struct redis_link *link);

/* When octets came last, by clock_now_ms; 0: none yet. */
__attribute__((nonnull, pure))
uint64_t redis_link_heard_ms(const struct redis_link *link);

/* Why it was dropped, a sentence that names the address, and the remedy; "" at first. */
__attribute__((nonnull, returns_nonnull, pure))
const char *redis_link_reason(const struct redis_link *link);

/* Was it dropped because a reply was beyond the bounds above?  Whoever asks for the same
 * again will lose it again. */
__attribute__((nonnull, pure))
bool redis_link_was_flooded(const struct redis_link *link);

/* Drop it for a reason of the caller's: "REDIS AT ADDRESS: TEXT".  returns ERR_IO. */
__attribute__((nonnull, format(printf, 2, 3)))
int redis_link_fail(struct redis_link *link, const char *format, ...);

/* ---- commands and replies ---- */

/* Queue a command; nothing is sent before a reply is asked for.
 * format  hiredis's: %s a string, %b octets with their length as a size_t, %d, %lld, %llu;
 *         words are separated by single spaces.
 * returns 0; ERR_NOMEM; ERR_CLOSED when the link is not open. */
__attribute__((nonnull, warn_unused_result))
int redis_link_send(struct redis_link *link, const char *format, ...);
__attribute__((nonnull, warn_unused_result))
int redis_link_send_words(struct redis_link *link, size_t count,
			  const struct redis_text *words);
/* The password; `username` "" is the default user. */
__attribute__((nonnull, warn_unused_result))
int redis_link_send_auth(struct redis_link *link, const char *username, const char *password);

/* Wait for the reply to the oldest command without one.
 * returns the reply in `arena`; NULL when the link was dropped. */
__attribute__((nonnull, warn_unused_result))
const struct redis_reply *redis_link_receive(struct redis_link *link, struct arena *arena);

/* The same for one command that nothing is queued before. */
__attribute__((nonnull, warn_unused_result))
const struct redis_reply *redis_link_ask(struct redis_link *link, struct arena *arena,
					 const char *format, ...);

/* Wait for the replies to a MULTI, `count` commands and EXEC, which nothing is queued before.
 * out      what EXEC gave, a list; on ERR_FORMAT the reply that says why there is none: the
 *          first refusal tells more than EXEC's
 * returns  0; ERR_FORMAT; ERR_IO when the link was dropped. */
__attribute__((nonnull, warn_unused_result))
int redis_link_receive_exec(struct redis_link *link, struct arena *arena, size_t count,
			    const struct redis_reply **out);

/* Without waiting: send what is queued and take a reply that is there.
 * returns 0 with *out, ERR_BUSY when there is none yet; else the link is dropped. */
__attribute__((nonnull, warn_unused_result))
int redis_link_try(struct redis_link *link, struct arena *arena,
		   const struct redis_reply **out);

/* From now on what comes and goes is secret: it is cleared where it has been, but for the
 * replies themselves (arena_wipe).  With `false` no longer, and what is left of it is cleared. */
__attribute__((nonnull))
void redis_link_keep_secret(struct redis_link *link, bool is_secret);

/* A reply in one line for people, with what to do about it: of an error the error, of
 * anything else that it was not expected.  `command` is what was asked for ("HGETALL"). */
__attribute__((nonnull))
void redis_link_explain(const struct redis_reply *reply, const char *command,
			char out[REDIS_REASON_MAX]);

/* ---- looking at replies ---- */

__attribute__((nonnull, pure))
enum redis_kind redis_reply_kind(const struct redis_reply *reply);

/* A text or an error; "" of every other kind. */
__attribute__((nonnull))
struct redis_text redis_reply_text(const struct redis_reply *reply);

/* The texts of a list, in the arena.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int redis_reply_texts(const struct redis_reply *list, struct arena *arena,
		      struct redis_text **out, size_t *count);

/* The true length of a text, of a REDIS_LONG too. */
__attribute__((nonnull, pure))
size_t redis_reply_len(const struct redis_reply *reply);

/* 0 unless it is a number. */
__attribute__((nonnull))
long long redis_reply_number(const struct redis_reply *reply);

/* Items of a list, 0 of all else; the first one, and the one behind an item, or NULL. */
__attribute__((nonnull))
size_t redis_reply_count(const struct redis_reply *reply);
__attribute__((nonnull))
const struct redis_reply *redis_reply_first(const struct redis_reply *reply);
__attribute__((nonnull))
const struct redis_reply *redis_reply_next(const struct redis_reply *item);

/* Is it exactly this text ("OK", "QUEUED")? */
__attribute__((nonnull))
bool redis_reply_is(const struct redis_reply *reply, const char *text);

#endif
