/* Reading and writing the states of rollovers. */
#include "loader/sign/roll_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_WORDS_MAX = 32, NUMBER_BASE = 10 };

static const char *const time_words[KEY_TIMES] = { "created", "publish", "activate",
						   "inactive", "delete" };
static const char *const goal_words[ROLL_GOALS] = { "keep", "leave", "unsigned" };
static const char *const part_words[ROLL_PARTS] = { "alone", "follows", "writes",
						    "yields" };

/* ---- writing ---- */

struct writing {
	char *at, *end;
};

__attribute__((format(printf, 2, 3))) static void
put(struct writing *out, const char *format, ...)
{
	va_list arguments;
	int len;

	va_start(arguments, format);
	len = vsnprintf(out->at, (size_t)(out->end - out->at), format, arguments);
	va_end(arguments);
	if (len > 0 && len < out->end - out->at)
		out->at += len;
}

static void
put_key(struct writing *out, const struct roll_key *key)
{
	put(out, "key %u %u %u %s %s %" PRId64, key->algorithm, key->tag, key->flags,
	    roll_role_name((enum roll_role)key->role),
	    roll_stage_name((enum roll_stage)key->stage), key->since_s);
	for (unsigned i = 0; i < KEY_TIMES; i++)
		if (key->times[i] != 0)
			put(out, " %s %" PRId64, time_words[i], key->times[i]);
	if (key->by_algorithm)
		put(out, " by-algorithm");
	if (key->is_ds_told)
		put(out, " ds-told");
	put(out, "\n");
}

static void
put_fleet(struct writing *out, const struct roll_fleet *fleet)
{
	put(out, "fleet %s %" PRIu64 " %" PRId64 " %016" PRIx64 " %s%s%s\n",
	    part_words[fleet->part], fleet->number, fleet->written_s, fleet->mark,
	    fleet->node, fleet->has_left ? " left" : "", fleet->is_lost ? " lost" : "");
}

size_t
roll_text_write(const struct roll_zone *zone, char out[ROLL_TEXT_MAX])
{
	struct writing writing = { out, out + ROLL_TEXT_MAX };

	put(&writing,
	    "; written by martletd, which reads it at every look at the keys\n");
	if (zone->goal != ROLL_KEEP)
		put(&writing, "goal %s %" PRId64 " %" PRId64 "%s\n",
		    goal_words[zone->goal], zone->goal_since_s, zone->ds_gone_s,
		    zone->is_by_command ? " by-command" : "");
	if (zone->wishes != 0)
		put(&writing, "wish%s%s\n", zone->wishes & ROLL_WISH_ZSK ? " zsk" : "",
		    zone->wishes & ROLL_WISH_KSK ? " ksk" : "");
	if (zone->algorithm != 0)
		put(&writing, "algorithm %u\n", zone->algorithm);
	if (zone->fleet.part != ROLL_ALONE)
		put_fleet(&writing, &zone->fleet);
	if (zone->ttl_ds_s != 0)
		put(&writing, "ttl-ds %" PRIu32 "\n", zone->ttl_ds_s);
	for (uint32_t i = 0; i < zone->count; i++)
		if (zone->keys[i].is_managed && zone->keys[i].stage != ROLL_WANTED)
			put_key(&writing, &zone->keys[i]);
	return (size_t)(writing.at - out);
}

/* ---- reading ---- */

struct line {
	unsigned count;
	char *words[LINE_WORDS_MAX];
};

static struct line
split(char *text)
{
	struct line line = { 0 };
	char *rest = NULL;

	for (char *word = strtok_r(text, " \t\r", &rest);
	     word && line.count < LINE_WORDS_MAX; word = strtok_r(NULL, " \t\r", &rest))
		line.words[line.count++] = word;
	return line;
}

static bool
take_number(const struct line *line, unsigned at, int64_t max, int64_t *out)
{
	char *end;

	if (at >= line->count)
		return false;
	*out = strtoll(line->words[at], &end, NUMBER_BASE);
	return *end == '\0' && *out >= 0 && *out <= max;
}

static bool
has_word(const struct line *line, const char *word)
{
	for (unsigned i = 1; i < line->count; i++)
		if (strcmp(line->words[i], word) == 0)
			return true;
	return false;
}

static bool
find_role(const char *word, uint8_t *out)
{
	for (unsigned i = 0; i < ROLL_ROLES; i++)
		if (strcmp(word, roll_role_name((enum roll_role)i)) == 0) {
			*out = (uint8_t)i;
			return true;
		}
	return false;
}

static bool
find_stage(const char *word, uint8_t *out)
{
	for (unsigned i = 0; i < ROLL_STAGES; i++)
		if (strcmp(word, roll_stage_name((enum roll_stage)i)) == 0) {
			*out = (uint8_t)i;
			return true;
		}
	return false;
}

static bool
read_key(const struct line *line, struct roll_zone *out)
{
	struct roll_key *key = &out->keys[out->count];
	int64_t algorithm, tag, flags;

	if (out->count == SIGN_KEYS_MAX || line->count < 7 ||
	    !take_number(line, 1, UINT8_MAX, &algorithm) ||
	    !take_number(line, 2, UINT16_MAX, &tag) ||
	    !take_number(line, 3, UINT16_MAX, &flags) ||
	    !find_role(line->words[4], &key->role) ||
	    !find_stage(line->words[5], &key->stage) ||
	    !take_number(line, 6, INT64_MAX, &key->since_s))
		return false;
	key->algorithm = (uint8_t)algorithm;
	key->tag = (uint16_t)tag;
	key->flags = (uint16_t)flags;
	key->is_managed = true;
	for (unsigned at = 7; at + 1 < line->count; at++)
		for (unsigned i = 0; i < KEY_TIMES; i++)
			if (strcmp(line->words[at], time_words[i]) == 0 &&
			    !take_number(line, at + 1, INT64_MAX, &key->times[i]))
				return false;
	key->by_algorithm = has_word(line, "by-algorithm");
	key->is_ds_told = has_word(line, "ds-told");
	out->count++;
	return true;
}

static bool
read_goal(const struct line *line, struct roll_zone *out)
{
	out->is_by_command = has_word(line, "by-command");
	for (unsigned i = 0; i < ROLL_GOALS && line->count >= 4; i++)
		if (strcmp(line->words[1], goal_words[i]) == 0) {
			out->goal = (uint8_t)i;
			return take_number(line, 2, INT64_MAX, &out->goal_since_s) &&
			       take_number(line, 3, INT64_MAX, &out->ds_gone_s);
		}
	return false;
}

static bool
read_fleet(const struct line *line, struct roll_fleet *out)
{
	int64_t number;
	char *end;

	if (line->count < 6 || strlen(line->words[5]) >= sizeof out->node ||
	    !take_number(line, 2, INT64_MAX, &number) ||
	    !take_number(line, 3, INT64_MAX, &out->written_s))
		return false;
	out->number = (uint64_t)number;
	out->mark = strtoull(line->words[4], &end, 16);
	strcpy(out->node, line->words[5]);
	out->has_left = has_word(line, "left");
	out->is_lost = has_word(line, "lost");
	for (unsigned i = 0; i < ROLL_PARTS; i++)
		if (strcmp(line->words[1], part_words[i]) == 0)
			out->part = (uint8_t)i;
	return *end == '\0' && out->part != ROLL_ALONE;
}

static bool
read_line(char *text, struct roll_zone *out)
{
	struct line line = split(text);
	int64_t number;

	if (line.count == 0)
		return true;
	if (strcmp(line.words[0], "key") == 0)
		return read_key(&line, out);
	if (strcmp(line.words[0], "goal") == 0)
		return read_goal(&line, out);
	if (strcmp(line.words[0], "fleet") == 0)
		return read_fleet(&line, &out->fleet);
	if (strcmp(line.words[0], "wish") == 0) {
		if (has_word(&line, "zsk"))
			out->wishes |= ROLL_WISH_ZSK;
		if (has_word(&line, "ksk"))
			out->wishes |= ROLL_WISH_KSK;
	} else if (strcmp(line.words[0], "algorithm") == 0) {
		if (!take_number(&line, 1, UINT8_MAX, &number))
			return false;
		out->algorithm = (uint8_t)number;
	} else if (strcmp(line.words[0], "ttl-ds") == 0) {
		if (!take_number(&line, 1, INT32_MAX, &number))
			return false;
		out->ttl_ds_s = (uint32_t)number;
	}
	return true;
}

bool
roll_text_read(const char *text, size_t len, struct roll_zone *out)
{
	char copy[ROLL_TEXT_MAX], *rest = NULL;
	bool is_good = len < sizeof copy && !memchr(text, '\0', len);

	memset(out, 0, sizeof *out);
	if (!is_good)
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (char *line = strtok_r(copy, "\n", &rest); line && is_good;
	     line = strtok_r(NULL, "\n", &rest))
		is_good = line[0] == ';' || read_line(line, out);
	if (!is_good)
		memset(out, 0, sizeof *out);
	return is_good;
}
