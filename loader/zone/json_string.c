/* Strings of JSON, unescaped in place. */
#include "loader/zone/json_string.h"

#include <stdint.h>
#include <string.h>

#include "shm/utf8.h"

/* Where octets are read, and where what they say is written: never behind it. */
struct rewrite {
	char *in, *out;
};

/* Does the octet stand for itself, by itself?  The NUL behind the text does not. */
static bool
is_plain(char octet)
{
	return (unsigned char)octet >= ' ' && (unsigned char)octet < 0x80 &&
	       octet != '"' && octet != '\\';
}

static bool
take_hex(struct rewrite *r, uint32_t *code)
{
	*code = 0;
	for (unsigned i = 0; i < 4; i++, r->in++) {
		char lower = (char)(*r->in | 0x20);

		if (*r->in >= '0' && *r->in <= '9')
			*code = *code << 4 | (uint32_t)(*r->in - '0');
		else if (lower >= 'a' && lower <= 'f')
			*code = *code << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	return true;
}

static void
put_utf8(struct rewrite *r, uint32_t code)
{
	unsigned more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
	static const uint8_t leads[] = { 0, 0xc0, 0xe0, 0xf0 };

	*r->out++ = (char)(leads[more] | code >> 6 * more);
	while (more-- > 0)
		*r->out++ = (char)(0x80 | (code >> 6 * more & 0x3f));
}

/* Behind "\u". */
static bool
take_code(struct rewrite *r)
{
	uint32_t code, low;

	if (!take_hex(r, &code))
		return false;
	if (code >= 0xd800 && code < 0xdc00) {
		if (r->in[0] != '\\' || r->in[1] != 'u')
			return false;
		r->in += 2;
		if (!take_hex(r, &low) || low < 0xdc00 || low > 0xdfff)
			return false;
		code = 0x10000 + ((code & 0x3ff) << 10 | (low & 0x3ff));
	} else if (code >= 0xdc00 && code <= 0xdfff) {
		return false;
	}
	put_utf8(r, code);
	return true;
}

/* Behind a backslash. */
static bool
take_escape(struct rewrite *r)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	char letter = *r->in;
	const char *found = letter != '\0' ? strchr(letters, letter) : NULL;

	if (letter == '\0')
		return false;
	r->in++;
	if (letter == 'u')
		return take_code(r);
	if (!found)
		return false;
	*r->out++ = meant[found - letters];
	return true;
}

static bool
take_wide(struct rewrite *r)
{
	const unsigned char *text = (const unsigned char *)r->in;
	size_t len = text[0] < 0x80 ? 0 : utf8_len(text, strnlen(r->in, 4));

	memmove(r->out, r->in, len);
	r->in += len;
	r->out += len;
	return len > 0;
}

bool
json_string_take(char **at, struct json_text *out)
{
	struct rewrite r = { *at, *at };

	out->bytes = *at;
	while (is_plain(*r.in))
		r.in++;
	r.out = r.in;
	while (*r.in != '"') {
		bool is_good = true;

		if (is_plain(*r.in))
			*r.out++ = *r.in++;
		else if (*r.in != '\\')
			is_good = take_wide(&r);
		else
			is_good = (r.in++, take_escape(&r));
		if (!is_good)
			return false;
	}
	*r.out = '\0';
	out->len = (size_t)(r.out - out->bytes);
	*at = r.in + 1;
	return true;
}
