/* Writing and reading lists of keys. */
#define XXH_INLINE_ALL
#include "loader/sign/fleet_list.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "loader/sign/roll_text.h"
#include "shm/sha256.h"

enum {
	HEX_LEN = 2 * SHA256_LEN,
	NUMBER_BASE = 10,
};

static const char title[] = "martlet-keys 1";
static const char end_word[] = "end ";

/* ---- what it says ---- */

static bool
is_listed(const struct roll_key *key)
{
	return key->stage != ROLL_WANTED &&
	       (key->is_managed || key->stage != ROLL_REMOVED);
}

bool
fleet_list_has(const struct roll_zone *roll, uint8_t algorithm, uint16_t tag)
{
	for (uint32_t i = 0; i < roll->count; i++)
		if (roll->keys[i].algorithm == algorithm && roll->keys[i].tag == tag)
			return is_listed(&roll->keys[i]) &&
			       roll->keys[i].stage != ROLL_REMOVED;
	return false;
}

/* Intervals are the business of who rolls: when something was first served is not told. */
static void
take_view(const struct roll_zone *roll, struct roll_zone *out)
{
	*out = (struct roll_zone){
		.goal = roll->fleet.has_left ? ROLL_UNSIGNED : roll->goal,
		.is_by_command = roll->is_by_command,
		.ttl_ds_s = roll->ttl_ds_s,
	};
	for (uint32_t i = 0; i < roll->count; i++) {
		struct roll_key *key = &out->keys[out->count];

		if (!is_listed(&roll->keys[i]))
			continue;
		*key = roll->keys[i];
		key->is_managed = true;
		key->is_ds_told = false;
		key->since_s = 0;
		out->count++;
	}
}

uint64_t
fleet_list_mark(const struct roll_zone *roll)
{
	char text[ROLL_TEXT_MAX];
	struct roll_zone view;

	take_view(roll, &view);
	return XXH3_64bits(text, roll_text_write(&view, text)) | 1;
}

/* ---- writing ---- */

__attribute__((format(printf, 2, 3))) static void
put(struct fleet_text *out, const char *format, ...)
{
	size_t room = FLEET_LIST_MAX - out->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(out->text + out->len, room, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= room)
		out->is_full = true;
	else
		out->len += (size_t)len;
}

/* In one line: line ends as two characters. */
static void
put_lines(struct fleet_text *out, const char *word, const char *text, size_t len)
{
	while (len > 0 && text[len - 1] == '\n')
		len--;
	put(out, "%s ", word);
	for (size_t i = 0; i < len && !out->is_full; i++)
		if (text[i] == '\n')
			put(out, "\\n");
		else
			put(out, "%c", text[i]);
	put(out, "\n");
}

void
fleet_list_begin(struct fleet_text *out, const uint8_t *zone,
		 const struct fleet_head *head, const struct roll_zone *roll)
{
	char name[DNAME_TEXT_MAX], text[ROLL_TEXT_MAX];
	struct roll_zone view;

	out->len = 0;
	out->is_full = false;
	dname_to_text(zone, name);
	take_view(roll, &view);
	roll_text_write(&view, text);
	put(out, "%s\nzone %s\nnumber %" PRIu64 "\nwritten %" PRId64 "\nnode %s\n%s",
	    title, name, head->number, head->written_s, head->node, text);
}

void
fleet_list_add(struct fleet_text *out, const struct fleet_key *key)
{
	char *text = malloc(KEY_TEXT_MAX);
	struct key_private secret = key->secret;
	size_t len;

	memset(secret.times, 0, sizeof secret.times);
	if (text) {
		len = key_text_write_public(&key->public, text, KEY_TEXT_MAX);
		put_lines(out, "dnskey", text, len);
		len = key_text_write_private(&secret, text, KEY_TEXT_MAX);
		put_lines(out, "private", text, len);
		explicit_bzero(text, KEY_TEXT_MAX);
	} else {
		out->is_full = true;
	}
	explicit_bzero(&secret, sizeof secret);
	free(text);
}

static void
print_digest(const char *text, size_t len, char out[HEX_LEN + 1])
{
	uint8_t digest[SHA256_LEN];

	sha256(text, len, "", 0, digest);
	for (unsigned i = 0; i < SHA256_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

bool
fleet_list_end(struct fleet_text *out)
{
	char digest[HEX_LEN + 1];

	print_digest(out->text, out->len, digest);
	put(out, "%s%s\n", end_word, digest);
	return !out->is_full;
}

/* ---- reading ---- */

struct line {
	const char *at;
	size_t len;
};

/* The next line of [*at, end), which ends with a line end. */
static bool
take_line(const char **at, const char *end, struct line *out)
{
	const char *stop;

	if (*at >= end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	if (!stop)
		stop = end;
	*out = (struct line){ *at, (size_t)(stop - *at) };
	*at = stop + 1;
	return true;
}

/* Does the line begin with that word?  Then what stands behind it. */
static bool
is_word(const struct line *line, const char *word, struct line *rest)
{
	size_t len = strlen(word);

	if (line->len <= len || memcmp(line->at, word, len) != 0 || line->at[len] != ' ')
		return false;
	*rest = (struct line){ line->at + len + 1, line->len - len - 1 };
	return true;
}

static bool
read_number(const struct line *text, int64_t *out)
{
	char digits[24], *end;

	if (text->len == 0 || text->len >= sizeof digits)
		return false;
	memcpy(digits, text->at, text->len);
	digits[text->len] = '\0';
	*out = strtoll(digits, &end, NUMBER_BASE);
	return *end == '\0' && digits[0] >= '0' && digits[0] <= '9' && *out < INT64_MAX;
}

/* Is all there, and as it was written?  *len becomes that of the lines before the last. */
static const char *
check_whole(const char *text, size_t *len)
{
	char digest[HEX_LEN + 1];
	size_t tail = sizeof end_word - 1 + HEX_LEN, at;

	if (*len < sizeof title || memcmp(text, "martlet-keys ", 13) != 0)
		return "is no list of keys that martlet writes";
	if (memcmp(text, title, sizeof title - 1) != 0 || text[sizeof title - 1] != '\n')
		return "is a list of keys as a later version writes it";
	if (text[*len - 1] == '\n')
		(*len)--;
	if (*len <= tail)
		return "is cut off";
	at = *len - tail;
	if (text[at - 1] != '\n' || memcmp(text + at, end_word, sizeof end_word - 1) != 0)
		return "is cut off";
	print_digest(text, at, digest);
	if (memcmp(text + at + sizeof end_word - 1, digest, HEX_LEN) != 0)
		return "is damaged: its digest is another";
	*len = at;
	return NULL;
}

static bool
is_zone(const struct line *name, const uint8_t *zone)
{
	char text[DNAME_TEXT_MAX];
	size_t len = dname_to_text(zone, text);

	return name->len == len && memcmp(name->at, text, len) == 0;
}

/* One word, printable, as it is told to people. */
static bool
read_node(const struct line *text, char out[ROLL_NODE_MAX])
{
	if (text->len == 0 || text->len >= ROLL_NODE_MAX)
		return false;
	for (size_t i = 0; i < text->len; i++)
		if (text->at[i] <= ' ' || text->at[i] > '~')
			return false;
	memcpy(out, text->at, text->len);
	out[text->len] = '\0';
	return true;
}

const char *
fleet_list_read_head(const char *text, size_t len, const uint8_t *zone,
		     struct fleet_head *out)
{
	const char *reason = check_whole(text, &len), *at = text;
	int64_t number = 0, written_s = 0;
	bool has_zone = false, has_node = false, is_good = true;
	struct line line, rest;

	memset(out, 0, sizeof *out);
	if (reason)
		return reason;
	while (take_line(&at, text + len, &line)) {
		if (is_word(&line, "zone", &rest)) {
			if (!is_zone(&rest, zone))
				return "is the list of another zone";
			has_zone = true;
		} else if (is_word(&line, "number", &rest)) {
			is_good &= read_number(&rest, &number);
		} else if (is_word(&line, "written", &rest)) {
			is_good &= read_number(&rest, &written_s);
		} else if (is_word(&line, "node", &rest)) {
			has_node = read_node(&rest, out->node);
		}
	}
	out->number = (uint64_t)number;
	out->written_s = written_s;
	return is_good && has_zone && has_node && number > 0
		       ? NULL
		       : "does not say whose it is, and its number";
}

/* The lines about rolls, without the others. */
static const char *
read_roll(const char *text, size_t len, struct roll_zone *out)
{
	static const char *const words[] = { "goal", "key", "ttl-ds" };
	char lines[ROLL_TEXT_MAX];
	struct line line, rest;
	const char *at = text;
	size_t used = 0;

	while (take_line(&at, text + len, &line))
		for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
			if (!is_word(&line, words[i], &rest))
				continue;
			if (line.len + 1 >= sizeof lines - used)
				return "has too many keys";
			memcpy(lines + used, line.at, line.len);
			used += line.len;
			lines[used++] = '\n';
		}
	return roll_text_read(lines, used, out) ? NULL
						: "has a line that is none of ours";
}

static const char *
read_keys(const char *text, size_t len, const uint8_t *zone, struct fleet_list *out)
{
	bool has_public = false;
	const char *at = text, *reason;
	struct line line, rest;

	while (take_line(&at, text + len, &line)) {
		struct fleet_key *key = &out->keys[out->count];

		if (out->count == SIGN_KEYS_MAX)
			return "has too many keys";
		if (is_word(&line, "dnskey", &rest)) {
			if (!key_text_read_public(rest.at, rest.len, &key->public,
						  &reason))
				return reason;
			if (dname_compare(key->public.owner, zone) != 0)
				return "has a key of another zone";
			has_public = true;
		} else if (is_word(&line, "private", &rest)) {
			if (!has_public)
				return "has a private half without the public one";
			if (!key_text_read_private(rest.at, rest.len, &key->secret,
						   &reason))
				return reason;
			has_public = false;
			out->count++;
		}
	}
	return has_public ? "has a public half without the private one" : NULL;
}

static bool
has_halves(const struct fleet_list *list, const struct roll_key *key)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct key_public *public = &list->keys[i].public;

		if (public->rdata[3] == key->algorithm &&
		    key_tag(public->rdata, public->rdata_len) == key->tag)
			return true;
	}
	return false;
}

static const char *
check_keys(const struct fleet_list *list)
{
	bool has_active = list->roll.goal == ROLL_UNSIGNED;

	for (uint32_t i = 0; i < list->roll.count; i++) {
		const struct roll_key *key = &list->roll.keys[i];

		has_active |= key->stage == ROLL_ACTIVE;
		if (key->stage != ROLL_REMOVED && !has_halves(list, key))
			return "names a key and does not have it";
	}
	return has_active ? NULL : "has no active key";
}

const char *
fleet_list_read(const char *text, size_t len, const uint8_t *zone, struct fleet_list *out)
{
	const char *reason;

	memset(out, 0, sizeof *out);
	reason = fleet_list_read_head(text, len, zone, &out->head);
	if (!reason)
		reason = check_whole(text, &len);
	if (!reason)
		reason = read_roll(text, len, &out->roll);
	if (!reason)
		reason = read_keys(text, len, zone, out);
	return reason ? reason : check_keys(out);
}
