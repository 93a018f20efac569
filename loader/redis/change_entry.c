/* Reading entries of the change stream. */
#include "loader/redis/change_entry.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "loader/redis/redis_keys.h"

void
change_entry_open(struct change_entry *entry, const struct redis_text *words,
		  size_t count)
{
	*entry = (struct change_entry){ .words = words, .count = count };
}

static bool
is_word(struct redis_text text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.bytes, word, text.len) == 0;
}

static bool
is_name(struct redis_text text)
{
	return text.len > 0 && text.len <= REDIS_NAME_MAX &&
	       !memchr(text.bytes, '\0', text.len);
}

/* The zone that was open ends: was it named as a whole? */
static bool
close_zone(struct change_entry *entry, struct change_item *out)
{
	bool is_whole = entry->zone.bytes && entry->is_bare;

	*out = (struct change_item){ .kind = CHANGE_WHOLE, .zone = entry->zone };
	entry->zone.bytes = NULL;
	entry->is_bare = false;
	return is_whole;
}

/* returns whether `out` holds the whole zone that ends here. */
static bool
open_zone(struct change_entry *entry, struct redis_text name, struct change_item *out)
{
	bool is_whole = close_zone(entry, out);

	if (!is_name(name)) {
		entry->bad++;
		return is_whole;
	}
	entry->zone = name;
	entry->is_bare = true;
	return is_whole;
}

/* A label or the config of the open zone; without one it is nothing. */
static bool
part_of_zone(struct change_entry *entry, enum change_item_kind kind,
	     struct redis_text value, struct change_item *out)
{
	if (!entry->zone.bytes || (kind == CHANGE_LABEL && !is_name(value))) {
		entry->bad++;
		return false;
	}
	entry->is_bare = false;
	*out = (struct change_item){ .kind = kind, .zone = entry->zone, .label = value };
	return true;
}

bool
change_entry_next(struct change_entry *entry, struct change_item *out)
{
	while (entry->at + 1 < entry->count) {
		struct redis_text field = entry->words[entry->at];
		struct redis_text value = entry->words[entry->at + 1];

		entry->at += 2;
		if (is_word(field, "zone")) {
			if (open_zone(entry, value, out))
				return true;
		} else if (is_word(field, "label")) {
			if (part_of_zone(entry, CHANGE_LABEL, value, out))
				return true;
		} else if (is_word(field, "config")) {
			if (part_of_zone(entry, CHANGE_CONFIG, value, out))
				return true;
		} else if (is_word(field, "zones")) {
			entry->has_list = true;
		} else {
			entry->bad++;
		}
	}
	if (entry->at < entry->count) {
		entry->bad++;
		entry->at = entry->count;
	}
	if (close_zone(entry, out))
		return true;
	if (!entry->has_list) {
		out->kind = CHANGE_END;
		return false;
	}
	entry->has_list = false;
	*out = (struct change_item){ .kind = CHANGE_LIST };
	return true;
}

/* Decimal digits up to `end`; no sign, no space, nothing that overflows. */
static bool
parse_number(const char *at, const char *end, uint64_t *out)
{
	uint64_t value = 0;

	if (at == end)
		return false;
	for (; at < end; at++) {
		unsigned digit = (unsigned)(unsigned char)*at - '0';

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

bool
change_id_parse(struct redis_text text, struct change_id *out)
{
	const char *dash = memchr(text.bytes, '-', text.len),
		   *end = text.bytes + text.len;
	struct change_id id;

	if (!dash || !parse_number(text.bytes, dash, &id.ms) ||
	    !parse_number(dash + 1, end, &id.seq))
		return false;
	*out = id;
	return true;
}

void
change_id_print(struct change_id id, char out[CHANGE_ID_TEXT_MAX])
{
	snprintf(out, CHANGE_ID_TEXT_MAX, "%" PRIu64 "-%" PRIu64, id.ms, id.seq);
}

int
change_id_compare(struct change_id a, struct change_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	return a.seq < b.seq ? -1 : a.seq > b.seq;
}
