/* What is to be read of Redis as one: zones, whole or some labels of them.
 *
 * It is made from entries of the change stream, from zones that events named, or from
 * both.  Zones that one entry names belong together, and so do entries that name the same
 * zone: such a part is served as a whole or held as a whole. */
#ifndef LOADER_REDIS_CHANGE_SET_H
#define LOADER_REDIS_CHANGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/change_entry.h"
#include "loader/redis/key_table.h"
#include "loader/redis/redis_read.h"
#include "shm/dname.h"
#include "shm/name_hash.h"

enum {
	CHANGE_LABELS_MAX = 20000,	/* of one zone; with more it is read whole */
};
#define CHANGE_NONE UINT32_MAX

struct change_zone {
	uint8_t origin[DNAME_MAX + NAME_PAD];
	uint8_t origin_len;
	bool is_whole, has_config;
	bool is_from_event;		/* an event or a comparison named it, not the stream */
	uint32_t text;			/* in `texts`: the name as written */
	uint32_t first_label, last_label, label_count;
	uint32_t part;			/* a zone of the same part, itself at its root */
	bool is_put_whole;		/* its edit cannot be signed: it is to be replaced */
	bool is_as_written;		/* not listed as it is served: look for it as written */
	uint64_t since_us;		/* is_from_event: Unix time at which it was heard of */
	struct change_id id;		/* of the last entry that named it */
};

/* An entry, in short. */
struct change_ref {
	struct change_id id;
	uint32_t zone;			/* its first one, CHANGE_NONE: it names none */
	uint32_t zone_count;
};

/* All zero is an empty one. */
struct change_set {
	struct key_table origins;	/* numbered as `zones` */
	struct key_table texts;
	struct key_table labels;	/* space: zone */
	uint32_t *next_label;		/* by label: the next one of its zone */
	size_t next_room;
	struct change_zone *zones;
	size_t count, room;
	struct change_ref *entries;
	size_t entry_count, entry_room;
	bool has_list;			/* the list of zones is to be compared, too */
	struct change_id first, last;	/* of its entries */
};

__attribute__((nonnull))
void change_set_fini(struct change_set *set);

__attribute__((nonnull))
void change_set_clear(struct change_set *set);

/* Add all that an entry names.
 * bad      grows by what was not understood.
 * returns  0 or ERR_NOMEM, ERR_FULL: the set is of no use any more. */
__attribute__((nonnull(1, 5), warn_unused_result))
int change_set_add(struct change_set *set, const struct redis_text *words, size_t count,
		   struct change_id id, size_t *bad);

/* Add what an entry names, but not the entry.  returns as above. */
__attribute__((nonnull(1), warn_unused_result))
int change_set_add_names(struct change_set *set, const struct redis_text *words,
			 size_t count, struct change_id id);

/* Add a whole zone that an event or a comparison named; `name` as written.
 * returns 0; ERR_SYNTAX when it is no name; ERR_NOMEM, ERR_FULL. */
__attribute__((nonnull, warn_unused_result))
int change_set_add_zone(struct change_set *set, struct redis_text name);

/* Add what another set reads of its zone `zone`, as if an event had named it.
 * number   of it in `to`
 * returns  as change_set_add. */
__attribute__((nonnull, warn_unused_result))
int change_set_copy_zone(struct change_set *to, const struct change_set *from, uint32_t zone,
			 uint32_t *number);

/* How an entry that is not in the set relates to what the set reads. */
enum change_relation {
	CHANGE_APART,			/* it names nothing that the set reads */
	CHANGE_INSIDE,			/* the set reads all that it names */
	CHANGE_OVERLAPS,		/* it names some of it, and more */
};
__attribute__((nonnull(1), warn_unused_result))
enum change_relation change_set_relate(const struct change_set *set,
				       const struct redis_text *words, size_t count);

/* The number of a zone, CHANGE_NONE when it is not in the set. */
__attribute__((nonnull, warn_unused_result))
uint32_t change_set_find(const struct change_set *set, const uint8_t *origin, size_t len);

/* Read all named zones whole from now on: then no later entry about them overlaps. */
__attribute__((nonnull))
void change_set_widen(struct change_set *set);

/* The zones of one part have the same root. */
__attribute__((nonnull))
uint32_t change_set_part(struct change_set *set, uint32_t zone);

/* Make the parts of two zones one. */
__attribute__((nonnull))
void change_set_join(struct change_set *set, uint32_t a, uint32_t b);

/* What to read of a zone; names borrowed from the set until it is added to.
 * labels   room for zone.label_count
 * returns  the wish. */
__attribute__((nonnull(1)))
struct redis_wish change_set_wish(const struct change_set *set, uint32_t zone,
				  struct redis_text *labels);

#endif
