/* Following $ORIGIN lines, absolute and relative. */
#include "loader/zone/zone_origin.h"

#include <string.h>
#include <strings.h>

#define DIRECTIVE "$ORIGIN"
enum { DIRECTIVE_LEN = sizeof DIRECTIVE - 1 };

void
zone_origin_start(struct zone_origin *origin, const char *text, const uint8_t *name,
		  size_t len)
{
	origin->at = text;
	origin->len = len;
	memcpy(origin->name, name, len);
}

static bool
is_blank(char octet)
{
	return octet == ' ' || octet == '\t';
}

/* The one word behind the directive in [line, end); 0 when there is another or none. */
static size_t
find_argument(const char *line, const char *end, char out[DNAME_TEXT_MAX])
{
	const char *start;
	size_t len;

	for (line += DIRECTIVE_LEN; line < end && is_blank(*line);)
		line++;
	for (start = line; line < end && !is_blank(*line) && *line != ';';)
		line++;
	len = (size_t)(line - start);
	while (line < end && is_blank(*line))
		line++;
	if (len >= DNAME_TEXT_MAX || memchr(start, '\0', len) ||
	    memchr(start, '"', len) || memchr(start, '(', len) ||
	    (line < end && *line != ';'))
		return 0;
	memcpy(out, start, len);
	out[len] = '\0';
	return len;
}

/* Does the text of a name end in a dot that is no part of a label? */
static bool
is_absolute(const char *text, size_t len)
{
	size_t backslashes = 0;

	if (text[len - 1] != '.')
		return false;
	while (backslashes + 1 < len && text[len - 2 - backslashes] == '\\')
		backslashes++;
	return backslashes % 2 == 0;
}

/* Take the origin from the line [line, end).  returns false when it has none. */
static bool
take_line(struct zone_origin *origin, const char *line, const char *end)
{
	char text[DNAME_TEXT_MAX];
	uint8_t name[DNAME_MAX];
	size_t text_len, len;

	if (end - line <= DIRECTIVE_LEN ||
	    strncasecmp(line, DIRECTIVE, DIRECTIVE_LEN) != 0 ||
	    !is_blank(line[DIRECTIVE_LEN]))
		return false;
	text_len = find_argument(line, end, text);
	if (text_len == 0)
		return false;
	if (strcmp(text, "@") == 0)
		return true;
	len = dname_from_text(text, name);
	if (len > 0 && !is_absolute(text, text_len)) {
		if (len - 1 + origin->len > DNAME_MAX)
			return false;
		memcpy(name + len - 1, origin->name, origin->len);
		len += origin->len - 1;
	}
	if (len > 0) {
		memcpy(origin->name, name, len);
		origin->len = len;
	}
	return len > 0;
}

bool
zone_origin_follow(struct zone_origin *origin, const char *line_end)
{
	bool taken = false;

	while (origin->at < line_end) {
		const char *end =
			memchr(origin->at, '\n', (size_t)(line_end - origin->at));

		if (!end)
			end = line_end;
		taken = take_line(origin, origin->at, end);
		origin->at = end + 1;
	}
	return taken;
}
