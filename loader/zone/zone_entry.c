/* Walking over words. */
#include "loader/zone/zone_entry.h"

#include <string.h>
#include <strings.h>

void
zone_words_start(struct zone_words *words, const char *entry, const char *end)
{
	*words = (struct zone_words){
		.at = entry,
		.end = end,
		.is_odd = entry < end && *entry == '(',
	};
}

static const char *
find_line_end(const char *at, const char *end)
{
	const char *found = memchr(at, '\n', (size_t)(end - at));

	return found ? found : end;
}

static bool
is_gap(char octet)
{
	return memchr(" \t\r\n;()", octet, 7) != NULL;
}

static void
note_parenthesis(struct zone_words *words)
{
	if (*words->at == '(') {
		words->is_odd = words->is_odd || words->depth > 0;
		words->depth++;
	} else if (words->depth > 0) {
		words->depth--;
	} else {
		words->is_broken = true;
	}
}

/* Pass over what separates words.  returns false at the end of the entry. */
static bool
skip_gap(struct zone_words *words)
{
	for (; words->at < words->end && is_gap(*words->at); words->at++) {
		if (*words->at == ';')
			words->at = find_line_end(words->at, words->end);
		if (words->at == words->end)
			break;
		if (*words->at == '\n' && words->depth == 0)
			return false;
		if (*words->at == '(' || *words->at == ')')
			note_parenthesis(words);
	}
	if (words->at == words->end && words->depth > 0)
		words->is_broken = true;
	return words->at < words->end;
}

/* The end of the word at `at`.  Quotes stand around it, or around the value behind the
 * '=' in it.  *open receives whether the last of them is missing. */
static const char *
word_end(const char *at, const char *end, bool *open)
{
	bool whole = *at == '"', quoted = whole;

	for (at += whole; at < end && *at != '\n'; at++) {
		if (*at == '\\' && at + 1 < end && at[1] != '\n') {
			at++;
		} else if (*at == '"' && quoted) {
			quoted = false;
			if (whole)
				return at + 1;
		} else if (*at == '"' && at[-1] == '=') {
			quoted = true;
		} else if (!quoted && is_gap(*at)) {
			break;
		}
	}
	*open = quoted;
	return at;
}

bool
zone_words_next(struct zone_words *words, struct zone_word *out)
{
	bool open = false;

	if (!skip_gap(words))
		return false;
	out->at = words->at;
	words->at = word_end(words->at, words->end, &open);
	words->is_broken = words->is_broken || open;
	out->len = (size_t)(words->at - out->at);
	out->is_quoted = *out->at == '"';
	out->has_gap = words->at == words->end || is_gap(*words->at);
	return true;
}

bool
zone_word_is(const struct zone_word *word, const char *text)
{
	return word->len == strlen(text) && strncasecmp(word->at, text, word->len) == 0;
}

const char *
zone_entry_find(const char *from, const char *end, const char *place, const char **behind)
{
	struct zone_words words;
	struct zone_word word;

	for (;;) {
		zone_words_start(&words, from, end);
		while (zone_words_next(&words, &word))
			;
		if (words.at >= place || words.at == end)
			break;
		from = words.at + 1;
	}
	*behind = words.at;
	return from;
}
