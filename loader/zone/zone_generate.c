/* Expanding $GENERATE. */
#include "loader/zone/zone_generate.h"

#include <inttypes.h>
#include <stdio.h>

#include "loader/zone/zone_entry.h"

#define DIRECTIVE "$GENERATE"

static const char bad_modifier[] =
	"what follows $ in $GENERATE is not "
	"{offset,width,base}, the base one of d, o, x, X, n, N";

bool
zone_generate_is(const char *entry, const char *end)
{
	struct zone_words words;
	struct zone_word word;

	zone_words_start(&words, entry, end);
	return zone_words_next(&words, &word) && word.at == entry &&
	       zone_word_is(&word, DIRECTIVE);
}

/* ---- the directive ---- */

/* A number below 2^31 at *at, which moves behind it.  returns false when there is none. */
static bool
take_number(const char **at, const char *end, int64_t *out)
{
	const char *digit = *at;

	for (*out = 0; digit < end && *digit >= '0' && *digit <= '9'; digit++) {
		*out = *out * 10 + (*digit - '0');
		if (*out > INT32_MAX)
			return false;
	}
	if (digit == *at)
		return false;
	*at = digit;
	return true;
}

static bool
take_char(const char **at, const char *end, char wanted)
{
	if (*at == end || **at != wanted)
		return false;
	(*at)++;
	return true;
}

static bool
take_range(struct zone_generate *generate, const struct zone_word *word)
{
	const char *at = word->at, *end = at + word->len;

	generate->step = 1;
	if (!take_number(&at, end, &generate->next) || !take_char(&at, end, '-') ||
	    !take_number(&at, end, &generate->stop))
		return false;
	if (take_char(&at, end, '/') && !take_number(&at, end, &generate->step))
		return false;
	return at == end && generate->next <= generate->stop && generate->step > 0;
}

static bool
is_ttl_or_class(const struct zone_word *word)
{
	return (*word->at >= '0' && *word->at <= '9') || zone_word_is(word, "IN") ||
	       zone_word_is(word, "CLASS1");
}

/* Look at the words behind the owner.  returns false when there is no rdata. */
static bool
look_at_rdata(struct zone_generate *generate, struct zone_words words)
{
	struct zone_word word;
	unsigned count = 0;

	do {
		if (!zone_words_next(&words, &word))
			return false;
	} while (is_ttl_or_class(&word));
	for (; zone_words_next(&words, &word); count++)
		generate->is_rdata_quoted = count == 0 && word.is_quoted;
	return count > 0 && !words.is_broken;
}

const char *
zone_generate_start(struct zone_generate *generate, const char *entry, const char *end)
{
	struct zone_words words;
	struct zone_word word;

	*generate = (struct zone_generate){ .end = end };
	if (end - entry > GENERATE_LINE_MAX)
		return "the $GENERATE line is longer than 4096 octets";
	zone_words_start(&words, entry, end);
	if (!zone_words_next(&words, &word) || !zone_words_next(&words, &word) ||
	    !take_range(generate, &word))
		return "the range of $GENERATE must be start-stop or start-stop/step";
	generate->rest = words.at;
	if (!zone_words_next(&words, &word) || !look_at_rdata(generate, words))
		return "$GENERATE needs a range, an owner, a type and rdata";
	return NULL;
}

bool
zone_generate_is_done(const struct zone_generate *generate)
{
	return generate->next > generate->stop;
}

/* ---- numbers ---- */

struct modifier {
	int64_t offset, width;
	char base;
};

/* Read "{offset,width,base}" at *at, which moves behind it. */
static bool
take_modifier(const char **at, const char *end, struct modifier *out)
{
	bool negative;

	*out = (struct modifier){ .base = 'd' };
	(*at)++;
	negative = take_char(at, end, '-');
	if (!take_number(at, end, &out->offset))
		return false;
	if (negative)
		out->offset = -out->offset;
	if (take_char(at, end, ',')) {
		if (!take_number(at, end, &out->width) || out->width > GENERATE_WIDTH_MAX)
			return false;
		if (take_char(at, end, ',')) {
			if (*at == end || !memchr("doxXnN", **at, 6))
				return false;
			out->base = *(*at)++;
		}
	}
	return take_char(at, end, '}');
}

static void
put_nibbles(struct made_text *out, uint32_t number, int width, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		made_text_put_char(out, digits[number & 15]);
		number >>= 4;
		width--;
		if (width > 0 || number != 0) {
			made_text_put_char(out, '.');
			width--;
		}
	} while (width > 0 || number != 0);
}

static void
put_number(struct made_text *out, int64_t number, const struct modifier *modifier)
{
	char text[GENERATE_WIDTH_MAX + 16];
	int width = (int)modifier->width;

	switch (modifier->base) {
	case 'd':
		snprintf(text, sizeof text, "%0*" PRId64, width, number);
		break;
	case 'o':
		snprintf(text, sizeof text, "%0*" PRIo32, width, (uint32_t)number);
		break;
	case 'x':
		snprintf(text, sizeof text, "%0*" PRIx32, width, (uint32_t)number);
		break;
	case 'X':
		snprintf(text, sizeof text, "%0*" PRIX32, width, (uint32_t)number);
		break;
	default:
		put_nibbles(out, (uint32_t)number, width, modifier->base == 'N');
		return;
	}
	made_text_puts(out, text);
}

/* ---- records ---- */

/* Write what [at, end) becomes for `number`.  returns false at a bad modifier. */
static bool
put_expanded(struct made_text *out, const char *at, const char *end, int64_t number,
	     bool is_unquoted)
{
	struct modifier modifier;

	while (at < end) {
		modifier = (struct modifier){ .base = 'd' };
		if (*at == '\\' && at + 1 < end) {
			bool drop = is_unquoted && at[1] == '"';

			made_text_put(out, at + drop, drop ? 1 : 2);
			at += 2;
		} else if (*at != '$') {
			made_text_put_char(out, *at++);
		} else if (++at < end && *at == '$') {
			made_text_puts(out, "\\036");
			at++;
		} else if (at < end && *at == '{' &&
			   !take_modifier(&at, end, &modifier)) {
			return false;
		} else {
			put_number(out, number + modifier.offset, &modifier);
		}
	}
	return true;
}

const char *
zone_generate_next(struct zone_generate *generate, struct made_text *out)
{
	size_t before = out->len;
	struct zone_words words;
	struct zone_word word;

	zone_words_start(&words, generate->rest, generate->end);
	while (zone_words_next(&words, &word)) {
		bool bare = word.is_quoted && generate->is_rdata_quoted;

		if (out->len > before)
			made_text_put_char(out, ' ');
		if (!put_expanded(out, word.at + bare, word.at + word.len - bare,
				  generate->next, bare))
			return bad_modifier;
		if (out->len - before > GENERATE_LINE_MAX)
			return "$GENERATE makes a line longer than 4096 octets";
	}
	made_text_put_char(out, '\n');
	generate->next += generate->step;
	return NULL;
}
