/* Record data to members, along the same shapes as reading. */
#include "loader/zone/rdata_json_write.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "loader/zone/rdata_shape.h"
#include "shm/dname.h"
#include "shm/wire.h"

enum { STRING_MAX = 255, TAG_MAX = 15 };

/* All strings are full but the last, which is not empty: so does the reader cut. */
static bool
are_full_strings(const uint8_t *rdata, size_t len)
{
	size_t at = 0;

	while (at < len && rdata[at] == STRING_MAX && at + 1 + STRING_MAX < len)
		at += 1 + STRING_MAX;
	return at < len && rdata[at] > 0 && at + 1 + rdata[at] == len;
}

static bool
is_tag(const uint8_t *tag, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t lower = tag[i] | 0x20;

		if ((tag[i] < '0' || tag[i] > '9') && (lower < 'a' || lower > 'z'))
			return false;
	}
	return len >= 1 && len <= TAG_MAX;
}

/* Octets that a field takes of what is left. */
static size_t
field_len(enum rdata_field_kind kind, const uint8_t *rdata, size_t left)
{
	switch (kind) {
	case FIELD_NONE:
		return 0;
	case FIELD_U8:
		return 1;
	case FIELD_U16:
		return 2;
	case FIELD_HOST:
		return dname_len(rdata, left);
	case FIELD_V4:
		return 4;
	case FIELD_V6:
		return 16;
	case FIELD_TAG:
		return left > 0 ? 1u + rdata[0] : 0;
	case FIELD_TXT:
	case FIELD_OCTETS:
	case FIELD_HEX:
		break;
	}
	return left;
}

static bool
does_field_fit(enum rdata_field_kind kind, const uint8_t *rdata, size_t len)
{
	switch (kind) {
	case FIELD_TXT:
		return are_full_strings(rdata, len);
	case FIELD_TAG:
		return is_tag(rdata + 1, len - 1);
	case FIELD_HEX:
	case FIELD_HOST:
		return len > 0;
	case FIELD_NONE:
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_V4:
	case FIELD_V6:
	case FIELD_OCTETS:
		break;
	}
	return true;
}

bool
rdata_json_fits(uint16_t type, const uint8_t *rdata, size_t len)
{
	const struct rdata_shape *shape = rdata_shape_find(type);
	size_t at = 0;

	if (!shape)
		return false;
	for (const struct rdata_field *field = shape->fields; field->kind != FIELD_NONE;
	     field++) {
		size_t used = field_len(field->kind, rdata + at, len - at);

		if (used > len - at || !does_field_fit(field->kind, rdata + at, used))
			return false;
		at += used;
	}
	return at == len;
}

/* Printable ASCII as it is, all else as zone files escape it.  returns the new end. */
static char *
put_octet(char *to, uint8_t octet)
{
	if (octet == '"' || octet == '\\')
		*to++ = '\\';
	if (octet < ' ' || octet >= 0x7f)
		return to + sprintf(to, "\\%03u", octet);
	*to++ = (char)octet;
	return to;
}

static size_t
put_octets(char *to, const uint8_t *octets, size_t len)
{
	char *end = to;

	for (size_t i = 0; i < len; i++)
		end = put_octet(end, octets[i]);
	return (size_t)(end - to);
}

/* The content of the strings, one behind the other. */
static size_t
put_strings(char *to, const uint8_t *rdata, size_t len)
{
	size_t out = 0;

	for (size_t at = 0; at < len; at += 1u + rdata[at])
		out += put_octets(to + out, rdata + at + 1, rdata[at]);
	return out;
}

static size_t
put_hex(char *to, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sprintf(to + 2 * i, "%02X", octets[i]);
	return 2 * len;
}

static size_t
put_address(char *to, int family, const uint8_t *octets)
{
	inet_ntop(family, octets, to, INET6_ADDRSTRLEN);
	return strlen(to);
}

/* A field's text.  returns its length. */
static size_t
print_field(enum rdata_field_kind kind, const uint8_t *rdata, size_t len, char *scratch)
{
	switch (kind) {
	case FIELD_HOST:
		return dname_to_text(rdata, scratch);
	case FIELD_V4:
		return put_address(scratch, AF_INET, rdata);
	case FIELD_V6:
		return put_address(scratch, AF_INET6, rdata);
	case FIELD_TXT:
		return put_strings(scratch, rdata, len);
	case FIELD_TAG:
		return put_octets(scratch, rdata + 1, len - 1);
	case FIELD_OCTETS:
		return put_octets(scratch, rdata, len);
	case FIELD_HEX:
		return put_hex(scratch, rdata, len);
	case FIELD_NONE:
	case FIELD_U8:
	case FIELD_U16:
		break;
	}
	return 0;
}

void
rdata_json_write(struct json_out *json, uint16_t type, const uint8_t *rdata, size_t len,
		 char *scratch)
{
	const struct rdata_field *field = rdata_shape_find(type)->fields;

	for (size_t at = 0; field->kind != FIELD_NONE; field++) {
		size_t used = field_len(field->kind, rdata + at, len - at);

		if (field->kind == FIELD_U8)
			json_out_uint(json, field->key, rdata[at]);
		else if (field->kind == FIELD_U16)
			json_out_uint(json, field->key, wire_get_u16(rdata + at));
		else
			json_out_text_len(
				json, field->key, scratch,
				print_field(field->kind, rdata + at, used, scratch));
		at += used;
	}
}
