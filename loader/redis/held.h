/* What the shrink guard holds: change sets that are known and not served until somebody
 * has said that they are meant (`martletctl held`, `accept ID`), or until the zones have
 * grown back.
 *
 * The whole list stands in one note of the overlay, HELD_NOTE, in the machine's byte
 * order; a clerk reads it there. */
#ifndef LOADER_REDIS_HELD_H
#define LOADER_REDIS_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"

#define HELD_NOTE "f:held"

enum {
	HELD_SETS_MAX = 100,		/* more are joined with the newest */
	HELD_VERSION = 1,
};

/* Why a zone is held; the worst of a set is the set's. */
enum held_reason {
	HELD_SHRINKS = 0,		/* too much would vanish within a minute */
	HELD_UNLISTED,			/* the same, by leaving the list of zones */
	HELD_CONFIG_GONE,		/* it is listed, its config has vanished */
	HELD_KEY_GONE,			/* it is listed, its key has vanished */
	HELD_EMPTY,			/* the list of zones is empty or gone */
	HELD_REASON_COUNT,
};

/* A zone of a set, as it is offered by Redis. */
struct held_zone {
	uint64_t digest;		/* raw digest of what would be served, 0 unlisted */
	uint64_t served, offered;	/* records now, and then */
	uint8_t reason;			/* enum held_reason */
	uint8_t name_len;
	const uint8_t *name;		/* wire form, lower-cased; in the set's pool */
};

struct held_set {
	uint64_t id;			/* 1.., never given twice in a store */
	int64_t since_ms;		/* Unix time at which its first part was held */
	uint64_t change_ms, change_seq;	/* of the last change that it holds */
	uint32_t reason;		/* enum held_reason */
	uint32_t zone_count;
	uint64_t served, offered;	/* sums over the zones */
	struct held_zone *zones;	/* owned, ascending by name octets and length */
	uint8_t *pool;			/* owned: the names */
};

/* All zero is an empty one. */
struct held_list {
	uint64_t last_id;
	size_t count;
	struct held_set sets[HELD_SETS_MAX];	/* ascending ids */
};

__attribute__((nonnull))
void held_fini(struct held_list *list);

/* Read what HELD_NOTE holds.  returns 0; ERR_DAMAGED, ERR_NEWER, ERR_NOMEM, with an
 * empty list. */
__attribute__((nonnull, warn_unused_result))
int held_unpack(struct held_list *list, const void *bytes, size_t len);

/* Write the note's value into *bytes, the caller's to free.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int held_pack(const struct held_list *list, void **bytes, size_t *len);

/* Hold zones under a new id.  Every set that has one of these zones is joined: its other
 * zones come along, and it is gone; for the same zone what is given here counts.
 * zones    in any order, each once, copied
 * returns  0 with *id; ERR_NOMEM: nothing is changed. */
__attribute__((nonnull, warn_unused_result))
int held_add(struct held_list *list, const struct held_zone *zones, size_t count,
	     int64_t now_ms, uint64_t change_ms, uint64_t change_seq, uint64_t *id);

/* The set of an id, NULL when there is none; borrowed until the list changes. */
__attribute__((nonnull))
struct held_set *held_find(struct held_list *list, uint64_t id);

/* The set that holds a zone, NULL: it is free. */
__attribute__((nonnull))
struct held_set *held_find_zone(struct held_list *list, const uint8_t *name, size_t len);

/* Is the zone held because it had left the list of zones? */
__attribute__((nonnull))
bool held_is_unlisted(struct held_list *list, const uint8_t *name, size_t len);

/* One zone has grown back, the rest of its set waits on, under a new id. */
__attribute__((nonnull))
void held_release(struct held_list *list, const uint8_t *name, size_t len);

/* Are these zones, in their order, exactly what the set holds, digest by digest? */
__attribute__((nonnull, warn_unused_result))
bool held_is_same(const struct held_set *set, const struct held_zone *zones, size_t count);

/* Sort as a set is sorted. */
__attribute__((nonnull))
void held_sort(struct held_zone *zones, size_t count);

/* For people: "too much would vanish within a minute". */
__attribute__((const, returns_nonnull))
const char *held_reason_text(enum held_reason reason);

#endif
