/* See base64.h. */
#include "loader/sign/base64.h"

#include <ctype.h>
#include <string.h>

enum { BITS = 6, GROUP = 4 };

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int
value_of(char character)
{
	const char *at = character ? strchr(alphabet, character) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

bool
base64_decode(const char *text, size_t text_len, uint8_t *out, size_t room, size_t *len)
{
	unsigned bits = 0, held = 0, digits = 0, padding = 0;
	size_t filled = 0;

	for (size_t i = 0; i < text_len; i++) {
		int value;

		if (isspace((unsigned char)text[i]))
			continue;
		if (text[i] == '=') {
			padding++;
			continue;
		}
		value = value_of(text[i]);
		if (value < 0 || padding > 0)
			return false;
		digits++;
		bits = bits << BITS | (unsigned)value;
		held += BITS;
		if (held < 8)
			continue;
		if (filled == room)
			return false;
		held -= 8;
		out[filled++] = (uint8_t)(bits >> held);
	}
	*len = filled;
	return padding < 3 && (digits + padding) % GROUP == 0 &&
	       (bits & ((1u << held) - 1)) == 0;
}

void
base64_encode(const uint8_t *octets, size_t len, char *out)
{
	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)octets[i] << 16;

		if (i + 1 < len)
			bits |= (unsigned)octets[i + 1] << 8;
		if (i + 2 < len)
			bits |= octets[i + 2];
		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = i + 1 < len ? alphabet[bits >> 6 & 63] : '=';
		*out++ = i + 2 < len ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
}
