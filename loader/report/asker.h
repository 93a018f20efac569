/* Asks the master, over the control socket, for what it alone can tell: one request at a
 * time, never waiting; what it told is kept for a while, so that many who look at the page
 * cost as much as one. */
#ifndef LOADER_REPORT_ASKER_H
#define LOADER_REPORT_ASKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ASKER_ANSWER_MAX = 4 << 20,
	ASKER_ARGS_MAX = 5,
};

struct answer {
	/* by the caller, before the first use */
	const char *args[ASKER_ARGS_MAX]; /* the command first; ended by NULL; borrowed */
	uint32_t fresh_ms; /* so long it is as good as a new one */
	uint32_t timeout_ms; /* the master has so long */
	/* the rest is ours */
	bool is_wanted, has_failed;
	unsigned status; /* exit status: 0 or 1 */
	char *text; /* one JSON object, or NULL */
	size_t len;
	uint64_t asked_ms, told_ms; /* when the request went out, and was settled */
};

struct asker;

/* path     the control socket, borrowed
 * answers  borrowed; asked for in their order
 * settled  called with `arg` whenever an answer has come, or failed */
__attribute__((nonnull(1, 2, 4), warn_unused_result)) struct asker *
asker_new(const char *path, struct answer *answers, size_t count,
	  void (*settled)(void *arg), void *arg);

/* Is there an answer that is fresh, or was asked for since `since_ms` (also one that
 * failed)?  If not, it will be asked for. */
__attribute__((nonnull)) bool asker_has(struct asker *asker, struct answer *answer,
					uint64_t since_ms);

/* To be polled, for *events; -1: nothing is under way. */
__attribute__((nonnull)) int asker_fd(const struct asker *asker, short *events);

/* Do what can be done now; due at least each 100 ms while something is under way. */
__attribute__((nonnull)) void asker_turn(struct asker *asker);

#endif
