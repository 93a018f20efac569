/* Entries of master files (RFC 1035, section 5.1) and their words: as much of the syntax as
 * is needed to find where they begin and end. */
#ifndef LOADER_ZONE_ZONE_ENTRY_H
#define LOADER_ZONE_ZONE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

/* A word, borrowed from the text; a quoted one with its quotes. */
struct zone_word {
	const char *at;
	size_t len;
	bool is_quoted;
	bool has_gap;			/* what follows is no part of it: blank, comment, end, ... */
};

/* A walk over the words of one entry. */
struct zone_words {
	const char *at, *end;		/* `at`: where the walk is; `end` of the whole text */
	unsigned depth;			/* of parentheses */
	bool is_odd;			/* parentheses in parentheses, or where an owner starts */
	bool is_broken;			/* an open quote or parenthesis, or one too many */
};

/* Start at the beginning of an entry. */
__attribute__((nonnull))
void zone_words_start(struct zone_words *words, const char *entry, const char *end);

/* The next word.  returns false at the end of the entry; `at` is then its line end, or the
 * text's end. */
__attribute__((nonnull))
bool zone_words_next(struct zone_words *words, struct zone_word *out);

/* Is it this word, in whatever case? */
__attribute__((nonnull, pure))
bool zone_word_is(const struct zone_word *word, const char *text);

/* Find the entry that `place` lies in: the walk starts at `from`, the beginning of an
 * earlier entry or of this one.
 * end      the end of the text.
 * behind   receives where the entry ends: its line end, or `end`.
 * returns  the entry's first octet. */
__attribute__((nonnull))
const char *zone_entry_find(const char *from, const char *end, const char *place,
			    const char **behind);

#endif
