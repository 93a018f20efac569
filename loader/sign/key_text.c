/* Reading and writing keys. */
#include "loader/sign/key_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "loader/sign/base64.h"
#include "shm/wire.h"

enum {
	WORD_MAX = DNAME_TEXT_MAX,
	TIME_DIGITS = 14, /* 20240131235959 */
	DNSKEY_PROTOCOL = 3,
	PRIVATE_LINE_MAX = BASE64_LEN(KEY_PART_MAX) + 64,
};

static const char *const part_names[2][KEY_PARTS] = {
	{ [KEY_PRIVATE] = "PrivateKey" },
	{ "PrivateExponent", "Modulus", "PublicExponent", "Prime1", "Prime2", "Exponent1",
	  "Exponent2", "Coefficient" },
};

static const char *const time_names[KEY_TIMES] = { "Created", "Publish", "Activate",
						   "Inactive", "Delete" };

static const struct {
	uint8_t number;
	const char *name;
} algorithms[] = {
	{ 8, "RSASHA256" },        { 10, "RSASHA512" }, { 13, "ECDSAP256SHA256" },
	{ 14, "ECDSAP384SHA384" }, { 15, "ED25519" },   { 16, "ED448" },
};

const char *
key_algorithm_name(uint8_t algorithm)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (algorithms[i].number == algorithm)
			return algorithms[i].name;
	return NULL;
}

static bool
is_rsa(uint8_t algorithm)
{
	return algorithm == 8 || algorithm == 10;
}

uint16_t
key_tag(const uint8_t *rdata, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? rdata[i] : (uint32_t)rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

/* ---- words ---- */

struct reading {
	const char *at, *end;
};

static bool
is_escaped_line_end(const struct reading *in)
{
	return in->end - in->at >= 2 && in->at[0] == '\\' && in->at[1] == 'n';
}

/* Past blanks, parentheses, comments and line ends; the record ends where no more comes. */
static void
skip_blanks(struct reading *in)
{
	while (in->at < in->end) {
		if (*in->at == ';')
			while (in->at < in->end && *in->at != '\n' &&
			       !is_escaped_line_end(in))
				in->at++;
		else if (is_escaped_line_end(in))
			in->at += 2;
		else if (isspace((unsigned char)*in->at) || *in->at == '(' ||
			 *in->at == ')')
			in->at++;
		else
			return;
	}
}

static bool
take_word(struct reading *in, char out[WORD_MAX])
{
	size_t len = 0;

	skip_blanks(in);
	while (in->at < in->end && !isspace((unsigned char)*in->at) &&
	       !is_escaped_line_end(in) && !strchr("();", *in->at)) {
		/* what is escaped ends no word, and begins no escape itself */
		bool is_escape = in->end - in->at > 1 && in->at[0] == '\\' &&
				 !isspace((unsigned char)in->at[1]);
		size_t step = is_escape ? 2 : 1;

		if (len + step >= WORD_MAX)
			return false;
		memcpy(out + len, in->at, step);
		len += step;
		in->at += step;
	}
	out[len] = '\0';
	return len > 0;
}

static bool
take_number(struct reading *in, unsigned long max, unsigned long *out)
{
	char word[WORD_MAX], *end;

	if (!take_word(in, word) || !isdigit((unsigned char)word[0]))
		return false;
	*out = strtoul(word, &end, 10);
	return *end == '\0' && *out <= max;
}

/* TTL and class may stand before the type, in either order. */
static bool
take_type(struct reading *in, struct key_public *out)
{
	char word[WORD_MAX], *end;

	for (unsigned i = 0; i < 3; i++) {
		unsigned long ttl;

		if (!take_word(in, word))
			return false;
		if (strcasecmp(word, "DNSKEY") == 0)
			return true;
		if (strcasecmp(word, "IN") == 0)
			continue;
		ttl = strtoul(word, &end, 10);
		if (!isdigit((unsigned char)word[0]) || *end != '\0' || ttl > INT32_MAX)
			return false;
		out->ttl = (uint32_t)ttl;
		out->has_ttl = true;
	}
	return false;
}

/* ---- the public half ---- */

static bool
take_key(struct reading *in, struct key_public *out)
{
	char word[WORD_MAX], text[BASE64_LEN(DNSKEY_RDATA_MAX) + 1];
	size_t len = 0, key_len;

	while (take_word(in, word)) {
		size_t word_len = strlen(word);

		if (len + word_len >= sizeof text)
			return false;
		memcpy(text + len, word, word_len);
		len += word_len;
	}
	if (!base64_decode(text, len, out->rdata + DNSKEY_KEY_AT,
			   DNSKEY_RDATA_MAX - DNSKEY_KEY_AT, &key_len) ||
	    key_len == 0)
		return false;
	out->rdata_len = (uint16_t)(DNSKEY_KEY_AT + key_len);
	return true;
}

bool
key_text_read_public(const char *text, size_t len, struct key_public *out,
		     const char **reason)
{
	struct reading in = { text, text + len };
	unsigned long flags, protocol, algorithm;
	char word[WORD_MAX];

	memset(out, 0, sizeof *out);
	*reason = "is no DNSKEY record";
	if (!take_word(&in, word))
		return false;
	out->owner_len = dname_from_text(word, out->owner);
	if (out->owner_len == 0 || !take_type(&in, out))
		return false;
	dname_lower(out->owner, out->owner_len);
	if (!take_number(&in, UINT16_MAX, &flags) ||
	    !take_number(&in, UINT8_MAX, &protocol) ||
	    !take_number(&in, UINT8_MAX, &algorithm))
		return false;
	*reason = "has a public key that is no base64, or too long";
	if (!take_key(&in, out))
		return false;
	*reason = "is no zone key: its flags lack 256, or its protocol is not 3";
	wire_put_u16(out->rdata, (uint16_t)flags);
	out->rdata[2] = (uint8_t)protocol;
	out->rdata[3] = (uint8_t)algorithm;
	return (flags & DNSKEY_ZONE) && protocol == DNSKEY_PROTOCOL;
}

size_t
key_text_write_public(const struct key_public *key, char *out, size_t room)
{
	char owner[DNAME_TEXT_MAX], text[BASE64_LEN(DNSKEY_RDATA_MAX) + 1], ttl[16] = "";
	int len;

	dname_to_text(key->owner, owner);
	base64_encode(key->rdata + DNSKEY_KEY_AT, key->rdata_len - DNSKEY_KEY_AT, text);
	if (key->has_ttl)
		snprintf(ttl, sizeof ttl, "%u ", (unsigned)key->ttl);
	len = snprintf(out, room, "%s %sIN DNSKEY %u %u %u %s\n", owner, ttl,
		       wire_get_u16(key->rdata), key->rdata[2], key->rdata[3], text);
	return len > 0 && (size_t)len < room ? (size_t)len : 0;
}

/* ---- the private half ---- */

/* A line without its end; returns false behind the last one. */
static bool
take_line(struct reading *in, const char **line, size_t *len)
{
	if (in->at == in->end)
		return false;
	*line = in->at;
	while (in->at < in->end && *in->at != '\n' && !is_escaped_line_end(in))
		in->at++;
	*len = (size_t)(in->at - *line);
	if (in->at < in->end)
		in->at += *in->at == '\n' ? 1 : 2;
	return true;
}

static bool
read_time(const char *value, size_t len, int64_t *out)
{
	char digits[TIME_DIGITS + 1];
	struct tm parts = { 0 };

	if (len < TIME_DIGITS)
		return false;
	memcpy(digits, value, TIME_DIGITS);
	digits[TIME_DIGITS] = '\0';
	if (strspn(digits, "0123456789") != TIME_DIGITS ||
	    sscanf(digits, "%4d%2d%2d%2d%2d%2d", &parts.tm_year, &parts.tm_mon,
		   &parts.tm_mday, &parts.tm_hour, &parts.tm_min, &parts.tm_sec) != 6)
		return false;
	parts.tm_year -= 1900;
	parts.tm_mon -= 1;
	*out = (int64_t)timegm(&parts);
	return *out > 0;
}

static bool
is_name(const char *name, size_t len, const char *wanted)
{
	return wanted && strlen(wanted) == len && strncasecmp(name, wanted, len) == 0;
}

static bool
read_field(const char *name, size_t name_len, const char *value, size_t len,
	   struct key_private *out)
{
	for (unsigned i = 0; i < KEY_TIMES; i++)
		if (is_name(name, name_len, time_names[i]))
			return read_time(value, len, &out->times[i]);
	for (unsigned i = 0; i < KEY_PARTS; i++) {
		size_t part_len;

		if (!is_name(name, name_len, part_names[0][i]) &&
		    !is_name(name, name_len, part_names[1][i]))
			continue;
		if (!base64_decode(value, len, out->parts[i], KEY_PART_MAX, &part_len))
			return false;
		out->part_len[i] = (uint16_t)part_len;
		return true;
	}
	if (is_name(name, name_len, "Algorithm")) {
		unsigned number = 0;

		for (size_t i = 0; i < len && isdigit((unsigned char)value[i]); i++)
			number = number * 10 % 1000 + (unsigned)(value[i] - '0');
		out->algorithm = number <= UINT8_MAX ? (uint8_t)number : 0;
		return out->algorithm != 0;
	}
	return true;
}

bool
key_text_read_private(const char *text, size_t len, struct key_private *out,
		      const char **reason)
{
	struct reading in = { text, text + len };
	const char *line;
	size_t line_len;

	memset(out, 0, sizeof *out);
	*reason = "is no private key in BIND's format";
	while (take_line(&in, &line, &line_len)) {
		const char *colon = memchr(line, ':', line_len), *value;
		size_t value_len;

		if (!colon)
			continue;
		value = colon + 1;
		value_len = line_len - (size_t)(value - line);
		while (value_len > 0 && isspace((unsigned char)*value)) {
			value++;
			value_len--;
		}
		if (!read_field(line, (size_t)(colon - line), value, value_len, out)) {
			*reason = "has a line that cannot be read";
			return false;
		}
	}
	return out->algorithm != 0 && out->part_len[KEY_PRIVATE] > 0;
}

struct writing {
	char *at, *end; /* NULL: it did not fit */
};

__attribute__((format(printf, 2, 3))) static void
put_line(struct writing *out, const char *format, ...)
{
	va_list arguments;
	int len;

	if (!out->at)
		return;
	va_start(arguments, format);
	len = vsnprintf(out->at, (size_t)(out->end - out->at), format, arguments);
	va_end(arguments);
	if (len < 0 || len >= out->end - out->at)
		out->at = NULL;
	else
		out->at += len;
}

static void
put_time(struct writing *out, const char *name, int64_t unix_s)
{
	time_t at = (time_t)unix_s;
	char digits[32];
	struct tm parts;

	if (unix_s == 0 || !gmtime_r(&at, &parts) ||
	    strftime(digits, sizeof digits, "%Y%m%d%H%M%S", &parts) == 0)
		return;
	put_line(out, "%s: %s\n", name, digits);
}

size_t
key_text_write_private(const struct key_private *key, char *out, size_t room)
{
	const char *const *names = part_names[is_rsa(key->algorithm)];
	struct writing writing = { out, out + room };
	char text[PRIVATE_LINE_MAX];
	static const uint8_t order[KEY_PARTS] = {
		KEY_MODULUS, KEY_PUBLIC_EXPONENT, KEY_PRIVATE,   KEY_PRIME1,
		KEY_PRIME2,  KEY_EXPONENT1,       KEY_EXPONENT2, KEY_COEFFICIENT,
	};
	const char *algorithm = key_algorithm_name(key->algorithm);

	put_line(&writing, "Private-key-format: v1.3\nAlgorithm: %u (%s)\n",
		 key->algorithm, algorithm ? algorithm : "?");
	for (unsigned i = 0; i < KEY_PARTS; i++) {
		if (!names[order[i]] || key->part_len[order[i]] == 0)
			continue;
		base64_encode(key->parts[order[i]], key->part_len[order[i]], text);
		put_line(&writing, "%s: %s\n", names[order[i]], text);
	}
	explicit_bzero(text, sizeof text);
	for (unsigned i = 0; i < KEY_TIMES; i++)
		put_time(&writing, time_names[i], key->times[i]);
	return writing.at ? (size_t)(writing.at - out) : 0;
}
