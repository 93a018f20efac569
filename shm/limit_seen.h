/* Who was limited lately: a list of fixed size for each worker, which writes it; whoever
 * wants to know reads it.  It decides nothing.  Under an attack from many sources the list
 * shows those of them that are limited most. */
#ifndef SHM_LIMIT_SEEN_H
#define SHM_LIMIT_SEEN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/limit_config.h"

enum {
	LIMIT_SEEN_SETS = 64,		/* a power of two */
	LIMIT_SEEN_WAYS = 4,
	LIMIT_SEEN_S = 60,		/* who was not limited for so long, is forgotten */
};

/* Who, and why. */
struct limit_case {
	uint64_t hash;			/* never 0 in the list */
	uint8_t address[16];		/* IPv4 ones are mapped; no bits behind prefix_len */
	uint8_t prefix_len;
	uint8_t reason;			/* enum limit_reason */
	uint8_t name_len;		/* 0: none */
	uint8_t name[DNAME_MAX];	/* what it was about, in wire form, lower-cased */
};

struct limit_seen_entry {
	_Atomic uint32_t seq;		/* odd while `what` is written */
	_Atomic uint64_t since_ns, last_ns;	/* CLOCK_MONOTONIC; last 0: free */
	_Atomic uint64_t count;		/* since then */
	struct limit_case what;
};

struct limit_seen {
	struct limit_seen_entry entries[LIMIT_SEEN_SETS * LIMIT_SEEN_WAYS];
};

/* What a reader gets. */
struct limit_told {
	struct limit_case what;
	uint64_t since_ns, last_ns, count;
};

/* Worker: the one with `hash` was limited now.
 * returns NULL when it is counted, else the entry to be filled: see limit_seen_put. */
__attribute__((nonnull))
struct limit_seen_entry *limit_seen_count(struct limit_seen *seen, uint64_t hash,
					  uint64_t now_ns);

__attribute__((nonnull))
void limit_seen_put(struct limit_seen_entry *entry, const struct limit_case *what,
		    uint64_t now_ns);

/* Reader: entry `i`.  returns false when nobody is there who was limited lately. */
__attribute__((nonnull, warn_unused_result))
bool limit_seen_get(const struct limit_seen *seen, unsigned i, uint64_t now_ns,
		    struct limit_told *out);

#endif
