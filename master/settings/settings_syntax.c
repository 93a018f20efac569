/* The grammar of libconfig as four states; only a file that libconfig refuses is blamed. */
#include "master/settings/settings_syntax.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "master/alloc.h"

__attribute__((format(printf, 3, 4))) static void
blame(struct settings_syntax *syntax, struct settings_place place, const char *format,
      ...)
{
	va_list args;

	if (syntax->hint[0])
		return;
	va_start(args, format);
	vsnprintf(syntax->hint, sizeof syntax->hint, format, args);
	va_end(args);
	syntax->hint_path = alloc_text(place.path);
	syntax->hint_line = place.line;
}

static bool
is_in_group(const struct settings_syntax *syntax)
{
	return syntax->depth == 0 || syntax->depth > SETTINGS_OPEN_MAX ||
	       syntax->open[syntax->depth - 1].bracket == '{';
}

static bool
is_bool(const char *word, size_t len)
{
	return (len == 4 && strncasecmp(word, "true", len) == 0) ||
	       (len == 5 && strncasecmp(word, "false", len) == 0);
}

static bool
is_number(const char *word, size_t len)
{
	char *end;

	strtod(word, &end);
	while (*end == 'L')
		end++;
	return end == word + len;
}

/* Something that only stands behind a '=' has come right behind a name. */
static void
check_assignment(struct settings_syntax *syntax, struct settings_place place)
{
	if (syntax->state == WANTS_ASSIGNMENT)
		blame(syntax, place, "%s: a '=' is missing behind the name",
		      syntax->name);
}

/* A value stands where an option begins. */
static void
check_name(struct settings_syntax *syntax, struct settings_place place)
{
	if (syntax->state == WANTS_NAME)
		blame(syntax, place, "a value without a name: options are NAME = VALUE;");
}

static void
take_name(struct settings_syntax *syntax, const char *word, size_t len)
{
	snprintf(syntax->name, sizeof syntax->name, "%.*s",
		 len > SETTINGS_WORD_MAX ? SETTINGS_WORD_MAX : (int)len, word);
	syntax->state = WANTS_ASSIGNMENT;
}

void
settings_syntax_word(struct settings_syntax *syntax, struct settings_place place,
		     const char *word, size_t len)
{
	check_assignment(syntax, place);
	syntax->last = '\0';
	if (syntax->state == WANTS_NAME ||
	    (syntax->state == HAS_VALUE && is_in_group(syntax))) {
		take_name(syntax, word, len);
		return;
	}
	if (syntax->state == WANTS_VALUE && !is_bool(word, len) && !is_number(word, len))
		blame(syntax, place,
		      "%s: what follows is no number, true or false, and text stands in "
		      "quotes",
		      syntax->name);
	syntax->state = HAS_VALUE;
}

void
settings_syntax_text(struct settings_syntax *syntax, struct settings_place place,
		     unsigned last_line)
{
	check_assignment(syntax, place);
	check_name(syntax, place);
	syntax->last = '\0';
	if (last_line > place.line)
		blame(syntax, place, "the text that begins here has no closing quote");
	syntax->state = HAS_VALUE;
}

static void
open_bracket(struct settings_syntax *syntax, struct settings_place place, char bracket)
{
	check_assignment(syntax, place);
	check_name(syntax, place);
	if (syntax->depth < SETTINGS_OPEN_MAX) {
		syntax->open[syntax->depth].bracket = bracket;
		syntax->open[syntax->depth].place = place;
	}
	syntax->depth++;
	syntax->state = bracket == '{' ? WANTS_NAME : WANTS_VALUE;
}

static char
closing(char bracket)
{
	return bracket == '{' ? '}' : bracket == '(' ? ')' : ']';
}

static void
close_bracket(struct settings_syntax *syntax, struct settings_place place, char mark)
{
	check_assignment(syntax, place);
	if (syntax->last == ',' && mark != '}')
		blame(syntax, place, "the ',' in front of the '%c' is one too many",
		      mark);
	syntax->state = HAS_VALUE;
	if (syntax->depth == 0) {
		blame(syntax, place, "nothing is open that this '%c' could close", mark);
		return;
	}
	syntax->depth--;
	if (syntax->depth >= SETTINGS_OPEN_MAX ||
	    closing(syntax->open[syntax->depth].bracket) == mark)
		return;
	blame(syntax, place, "'%c' stands where the '%c' of line %u must be closed first",
	      mark, syntax->open[syntax->depth].bracket,
	      syntax->open[syntax->depth].place.line);
}

void
settings_syntax_mark(struct settings_syntax *syntax, struct settings_place place,
		     char mark)
{
	switch (mark) {
	case '{':
	case '(':
	case '[':
		open_bracket(syntax, place, mark);
		break;
	case '}':
	case ')':
	case ']':
		close_bracket(syntax, place, mark);
		break;
	case '=':
	case ':':
		if (syntax->state == WANTS_ASSIGNMENT)
			syntax->state = WANTS_VALUE;
		break;
	case ';':
	case ',':
		check_assignment(syntax, place);
		if (mark == ';' && !is_in_group(syntax))
			blame(syntax, place,
			      "in ( ) and [ ] a ',' stands between elements");
		if (syntax->state == WANTS_VALUE && is_in_group(syntax))
			blame(syntax, place, "%s: the value is missing", syntax->name);
		syntax->state = is_in_group(syntax) ? WANTS_NAME : WANTS_VALUE;
		break;
	default:
		if (syntax->state == WANTS_VALUE)
			blame(syntax, place, "%s: text stands in quotes", syntax->name);
	}
	syntax->last = mark;
}

void
settings_syntax_end(struct settings_syntax *syntax, size_t depth)
{
	size_t innermost = syntax->depth - 1;

	if (syntax->depth <= depth || syntax->depth > SETTINGS_OPEN_MAX)
		return;
	blame(syntax, syntax->open[innermost].place,
	      "the '%c' of this line is never closed: a '%c' is missing",
	      syntax->open[innermost].bracket, closing(syntax->open[innermost].bracket));
	syntax->depth = depth;
}

void
settings_syntax_fini(struct settings_syntax *syntax)
{
	free(syntax->hint_path);
	syntax->hint_path = NULL;
}
