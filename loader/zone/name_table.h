/* The names that stand in the rdata of one RRset so far, by their suffixes: where a
 * later name can point to, and which names were seen before. */
#ifndef LOADER_ZONE_NAME_TABLE_H
#define LOADER_ZONE_NAME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/dname.h"
#include "shm/name_hash.h"

struct name_entry {
	uint64_t hash;
	uint32_t name_at;		/* in `names` */
	uint16_t at;			/* offset in wire */
	uint8_t len;			/* octets of the suffix */
	bool pointable;			/* a pointer can name this place */
	bool is_target;			/* was added as one */
};

struct name_slot {
	uint32_t epoch;			/* other epochs: free */
	uint32_t entry;
};

struct name_table {
	struct hash_seed seed;
	uint32_t epoch;
	struct name_slot *slots;	/* slot_count, a power of two */
	size_t slot_count;
	struct name_entry *entries;
	size_t entry_count, entry_room;
	uint8_t *names;			/* lower-cased, each with NAME_PAD behind it */
	size_t names_len, names_room;
};

/* A name on its way into the table: lower-cased, and the hash of each suffix. */
struct name_key {
	const uint8_t *name;
	unsigned len, label_count;
	uint8_t label_at[DNAME_LABELS_MAX + 1];	/* of label 0, 1, ... */
	uint64_t hash[DNAME_LABELS_MAX + 1];	/* of the suffix from label i on */
};

/* returns 0, or ERR_IO when the kernel gives no random numbers. */
__attribute__((nonnull, warn_unused_result))
int name_table_init(struct name_table *table);

__attribute__((nonnull))
void name_table_fini(struct name_table *table);

/* Forget all names; memory is kept. */
__attribute__((nonnull))
void name_table_clear(struct name_table *table);

/* Prepare `name` (lower-cased, NAME_PAD octets readable behind it, borrowed by the
 * key) for the two calls below. */
__attribute__((nonnull))
void name_table_key(const struct name_table *table, const uint8_t *name, unsigned len,
		    struct name_key *out);

/* The entry of the suffix from label `label` on; NULL when there is none.  Borrowed
 * until the next name_table_add. */
__attribute__((nonnull, pure))
const struct name_entry *name_table_find(const struct name_table *table,
					 const struct name_key *key, unsigned label);

/* Add the suffixes from label 0 up to, not including, `label_end` (1..label_count)
 * that are not there yet; the name's first octet stands at `wire_at`, its labels in
 * one piece.  Places from `pointable_end` on are noted as seen only.  `is_target` marks
 * the entry of the whole name.  returns 0 or ERR_NOMEM. */
__attribute__((nonnull, warn_unused_result))
int name_table_add(struct name_table *table, const struct name_key *key, unsigned label_end,
		   unsigned wire_at, unsigned pointable_end, bool is_target);

#endif
