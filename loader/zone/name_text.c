/* Names as they are written in Redis. */
#include "loader/zone/name_text.h"

#include <stdbool.h>
#include <string.h>

/* returns what is wrong with an octet of the text, or NULL. */
static const char *
bad_octets(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char octet = (unsigned char)text[i];

		if (octet >= 0x7f)
			return "is no name: characters beyond ASCII are written in the "
			       "xn-- form (IDNA)";
		if (octet <= ' ')
			return "is no name: it contains a space or control character";
	}
	return NULL;
}

size_t
name_text_parse(const char *text, size_t len, uint8_t out[DNAME_MAX], const char **reason)
{
	size_t name_len;

	*reason = bad_octets(text, len);
	if (*reason)
		return 0;
	name_len = dname_from_text(text, out);
	if (name_len == 0)
		*reason =
			"is no name: labels of 1 to 63 octets, 255 in all, separated by "
			"single dots";
	return name_len;
}

/* The first '@' that no backslash escapes, or NULL. */
static const char *
find_at(const char *text)
{
	for (; *text != '\0' && *text != '@'; text++)
		if (*text == '\\' && text[1] != '\0')
			text++;
	return *text == '@' ? text : NULL;
}

size_t
name_text_parse_mailbox(const char *text, size_t len, uint8_t out[DNAME_MAX],
			const char **reason)
{
	char name[2 * DNAME_TEXT_MAX];
	const char *at = find_at(text);
	size_t to = 0;

	if (!at || len >= DNAME_TEXT_MAX)
		return name_text_parse(text, len, out, reason);
	for (const char *from = text; from < at; from++) {
		if (*from == '.')
			name[to++] = '\\';
		else if (*from == '\\')
			name[to++] = *from++;
		name[to++] = *from;
	}
	len = to + (size_t)(text + len - at);
	name[to] = '.';
	memcpy(name + to + 1, at + 1, len - to);
	return name_text_parse(name, len, out, reason);
}

/* An even number of backslashes stands before the last dot. */
static bool
ends_in_dot(const char *text, size_t len)
{
	size_t dot = len - 1, at = dot;

	if (len == 0 || text[dot] != '.')
		return false;
	while (at > 0 && text[at - 1] == '\\')
		at--;
	return (dot - at) % 2 == 0;
}

size_t
name_text_parse_label(const char *text, size_t len, const uint8_t *origin,
		      size_t origin_len, uint8_t out[DNAME_MAX], const char **reason)
{
	uint8_t name[DNAME_MAX];
	size_t name_len = 1;

	if (ends_in_dot(text, len)) {
		*reason = "ends in a dot: labels are relative to their zone";
		return 0;
	}
	if (len != 1 || text[0] != '@')
		name_len = name_text_parse(text, len, name, reason);
	if (name_len == 0)
		return 0;
	if (name_len - 1 + origin_len > DNAME_MAX) {
		*reason = "makes a name that is longer than 255 octets";
		return 0;
	}
	memcpy(out, name, name_len - 1);
	memcpy(out + name_len - 1, origin, origin_len);
	dname_lower(out, name_len - 1 + origin_len);
	return name_len - 1 + origin_len;
}

/* The owner's text without the origin's; a label "@" is escaped in it. */
size_t
name_text_print_label(const uint8_t *owner, const uint8_t *origin,
		      char out[DNAME_TEXT_MAX])
{
	char zone[DNAME_TEXT_MAX];
	size_t zone_len = dname_to_text(origin, zone), len;

	if (dname_label_count(owner) == dname_label_count(origin)) {
		strcpy(out, "@");
		return 1;
	}
	len = dname_to_text(owner, out);
	len -= dname_label_count(origin) ? zone_len + 1 : 1;
	out[len] = '\0';
	return len;
}
