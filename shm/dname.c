/* Domain names in wire form: measuring, comparing, text, store keys. */
#include "shm/dname.h"

#include <string.h>

size_t
dname_len(const uint8_t *in, size_t in_len)
{
	size_t at = 0;

	while (at < in_len && at < DNAME_MAX) {
		uint8_t label_len = in[at];

		if (label_len == 0)
			return at + 1;
		if (label_len > DNAME_LABEL_MAX)
			return 0;
		at += label_len + 1u;
	}
	return 0;
}

unsigned
dname_label_count(const uint8_t *name)
{
	unsigned count = 0;

	for (; *name != 0; name += *name + 1u)
		count++;
	return count;
}

void
dname_lower(uint8_t *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] >= 'A' && name[i] <= 'Z')
			name[i] |= 0x20;
}

const uint8_t *
dname_skip(const uint8_t *name, unsigned labels)
{
	while (labels-- > 0)
		name += *name + 1u;
	return name;
}

bool
dname_is_subdomain(const uint8_t *name, size_t name_len, const uint8_t *ancestor,
		   size_t ancestor_len)
{
	size_t at = 0;

	if (name_len < ancestor_len)
		return false;
	while (name_len - at > ancestor_len)
		at += name[at] + 1u;
	return name_len - at == ancestor_len &&
	       memcmp(name + at, ancestor, ancestor_len) == 0;
}

bool
dname_is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

/* Offsets of the labels, from the first on; returns their number. */
static unsigned
label_starts(const uint8_t *name, uint8_t starts[DNAME_LABELS_MAX])
{
	unsigned count = 0;

	for (unsigned at = 0; name[at] != 0 && count < DNAME_LABELS_MAX;
	     at += name[at] + 1u)
		starts[count++] = (uint8_t)at;
	return count;
}

static int
label_compare(const uint8_t *a, const uint8_t *b)
{
	unsigned shorter = a[0] < b[0] ? a[0] : b[0];
	int order = memcmp(a + 1, b + 1, shorter);

	return order ? order : (int)a[0] - (int)b[0];
}

int
dname_compare(const uint8_t *a, const uint8_t *b)
{
	uint8_t a_starts[DNAME_LABELS_MAX], b_starts[DNAME_LABELS_MAX];
	unsigned a_left = label_starts(a, a_starts), b_left = label_starts(b, b_starts);

	while (a_left > 0 && b_left > 0) {
		int order = label_compare(a + a_starts[--a_left], b + b_starts[--b_left]);

		if (order)
			return order;
	}
	return (a_left > 0) - (b_left > 0);
}

static bool
is_common(uint8_t octet)
{
	uint8_t lower = octet | 0x20;

	return (lower >= 'a' && lower <= 'z') || (octet >= '0' && octet <= '9') ||
	       octet == '-' || octet == '_';
}

static size_t
octet_to_text(uint8_t octet, char *out)
{
	if (is_common(octet)) {
		out[0] = (char)octet;
		return 1;
	}
	if (strchr(".;\\\"()@$", octet) && octet != 0) {
		out[0] = '\\';
		out[1] = (char)octet;
		return 2;
	}
	if (octet > 0x20 && octet < 0x7f) {
		out[0] = (char)octet;
		return 1;
	}
	out[0] = '\\';
	out[1] = (char)('0' + octet / 100);
	out[2] = (char)('0' + octet / 10 % 10);
	out[3] = (char)('0' + octet % 10);
	return 4;
}

size_t
dname_to_text(const uint8_t *name, char out[DNAME_TEXT_MAX])
{
	size_t len = 0;

	if (*name == 0)
		out[len++] = '.';
	for (; *name != 0; name += *name + 1u) {
		for (unsigned i = 1; i <= name[0]; i++)
			len += octet_to_text(name[i], out + len);
		out[len++] = '.';
	}
	out[len] = '\0';
	return len;
}

/* One octet of text, escapes resolved; returns characters used, 0 when malformed. */
static size_t
octet_from_text(const char *text, uint8_t *out)
{
	unsigned value = 0;

	if (text[0] != '\\') {
		*out = (uint8_t)text[0];
		return 1;
	}
	if (text[1] < '0' || text[1] > '9') {
		*out = (uint8_t)text[1];
		return text[1] ? 2 : 0;
	}
	for (unsigned i = 1; i <= 3; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	*out = (uint8_t)value;
	return value <= 255 ? 4 : 0;
}

/* One label up to an unescaped dot or the end; returns characters used, 0: malformed. */
static size_t
label_from_text(const char *text, uint8_t *out, size_t room)
{
	size_t used = 0;
	unsigned len = 0;

	while (text[used] != '\0' && text[used] != '.') {
		uint8_t octet;
		size_t step = octet_from_text(text + used, &octet);

		if (step == 0 || len == DNAME_LABEL_MAX || len + 2u > room)
			return 0;
		out[++len] = octet;
		used += step;
	}
	out[0] = (uint8_t)len;
	return len ? used : 0;
}

size_t
dname_from_text(const char *text, uint8_t out[DNAME_MAX])
{
	size_t at = 0;

	if (strcmp(text, ".") == 0)
		text++;
	else if (*text == '\0')
		return 0;
	while (*text != '\0') {
		size_t used = 0;

		if (at < DNAME_MAX - 2)
			used = label_from_text(text, out + at, DNAME_MAX - 1 - at);
		if (used == 0)
			return 0;
		at += out[at] + 1u;
		text += used;
		if (*text == '.')
			text++;
	}
	out[at] = 0;
	return at + 1;
}

void
dname_key_prefix(uint32_t zone_id, uint8_t out[DNAME_KEY_PREFIX])
{
	for (unsigned i = 0; i < DNAME_KEY_PREFIX; i++)
		out[i] = (uint8_t)(zone_id >> (24 - 8 * i));
}

size_t
dname_key(uint32_t zone_id, const uint8_t *name, uint8_t out[DNAME_KEY_MAX])
{
	uint8_t starts[DNAME_LABELS_MAX];
	unsigned left = label_starts(name, starts);
	size_t len = DNAME_KEY_PREFIX;

	dname_key_prefix(zone_id, out);
	while (left > 0) {
		const uint8_t *label = name + starts[--left];

		for (unsigned i = 1; i <= label[0]; i++) {
			if (label[i] <= 1)
				out[len++] = 1;
			out[len++] = label[i] <= 1 ? (uint8_t)(label[i] + 1) : label[i];
		}
		out[len++] = 0;
	}
	return len;
}
