/* An entry of the change stream: one atomic change set, as field and value pairs in order.
 *
 *	zone NAME	opens a zone: what follows is about it
 *	label NAME	a label of it changed or vanished, "@" is the apex
 *	config 1	its config changed
 *	zones 1		zones were added or removed: the whole list is compared, which costs
 *			its length; not needed for zones that the entry names
 *
 * A zone with nothing behind it means all of it.  Whether a named zone is listed is looked
 * at in any case.  Other fields are for later versions: counted, else ignored. */
#ifndef LOADER_REDIS_CHANGE_ENTRY_H
#define LOADER_REDIS_CHANGE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/redis/redis_link.h"

/* The id of an entry: milliseconds of Unix time and a count, both given by Redis. */
struct change_id {
	uint64_t ms, seq;
};

enum change_item_kind {
	CHANGE_END = 0,
	CHANGE_WHOLE,			/* all of `zone` */
	CHANGE_CONFIG,
	CHANGE_LABEL,
	CHANGE_LIST,			/* the list of zones */
};

struct change_item {
	enum change_item_kind kind;
	struct redis_text zone, label;	/* borrowed from the entry */
};

struct change_entry {
	const struct redis_text *words;	/* 2 * pairs, borrowed */
	size_t count, at;
	struct redis_text zone;		/* the one that is open; bytes NULL: none */
	bool is_bare;			/* nothing stood behind it so far */
	bool has_list;
	size_t bad;			/* pairs that were not understood, so far */
};

/* Begin to read an entry of `count` words. */
__attribute__((nonnull))
void change_entry_open(struct change_entry *entry, const struct redis_text *words,
		       size_t count);

/* The next item.  returns false at the end. */
__attribute__((nonnull))
bool change_entry_next(struct change_entry *entry, struct change_item *out);

/* "1763700000000-0", with nothing before or behind it.  returns false for other text. */
__attribute__((nonnull, warn_unused_result))
bool change_id_parse(struct redis_text text, struct change_id *out);

enum { CHANGE_ID_TEXT_MAX = 44 };

__attribute__((nonnull))
void change_id_print(struct change_id id, char out[CHANGE_ID_TEXT_MAX]);

/* Negative, 0 or positive. */
__attribute__((const))
int change_id_compare(struct change_id a, struct change_id b);

#endif
