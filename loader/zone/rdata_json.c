/* Records of redins and z42, field by field. */
#include "loader/zone/rdata_json.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "loader/zone/name_text.h"
#include "loader/zone/rdata_shape.h"
#include "shm/rdata.h"
#include "shm/rrtype.h"
#include "shm/wire.h"

enum { STRING_MAX = 255, TAG_MAX = 15 };

/* The rdata in the making. */
struct rdata_out {
	struct json_fault *fault;
	uint8_t *octets; /* UINT16_MAX of them */
	size_t len;
	bool is_empty; /* there is to be no record */
};

static void
put_octet(struct rdata_out *out, const struct json_node *node, uint8_t octet)
{
	if (out->len == UINT16_MAX)
		json_reader_fail(out->fault, node,
				 "makes more than 65535 octets of data");
	else
		out->octets[out->len++] = octet;
}

static void
put_host(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	uint8_t name[DNAME_MAX];
	const char *reason;
	size_t len = name_text_parse(text.bytes, text.len, name, &reason);

	if (len == 0)
		json_reader_fail(out->fault, node, "\"%.60s\" %s", text.bytes, reason);
	for (size_t i = 0; i < len; i++)
		put_octet(out, node, name[i]);
}

/* Go's net.IP does not tell ::ffff:192.0.2.1 from 192.0.2.1, and redins serves it so. */
static bool
parse_v4(const char *text, uint8_t out[4])
{
	struct in6_addr mapped;

	if (inet_pton(AF_INET, text, out) == 1)
		return true;
	if (inet_pton(AF_INET6, text, &mapped) != 1 || !IN6_IS_ADDR_V4MAPPED(&mapped))
		return false;
	memcpy(out, mapped.s6_addr + 12, 4);
	return true;
}

static void
put_v4(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	uint8_t address[16];

	if (strlen(text.bytes) == text.len && parse_v4(text.bytes, address)) {
		for (size_t i = 0; i < 4; i++)
			put_octet(out, node, address[i]);
		return;
	}
	json_reader_fail(out->fault, node, "\"%.60s\" is no IPv4 address%s", text.bytes,
			 inet_pton(AF_INET6, text.bytes, address) == 1
				 ? ": IPv6 addresses stand under \"aaaa\""
				 : "");
}

static void
put_v6(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	uint8_t address[16];

	if (strlen(text.bytes) == text.len &&
	    inet_pton(AF_INET6, text.bytes, address) == 1) {
		for (size_t i = 0; i < 16; i++)
			put_octet(out, node, address[i]);
		return;
	}
	json_reader_fail(out->fault, node, "\"%.60s\" is no IPv6 address%s", text.bytes,
			 inet_pton(AF_INET, text.bytes, address) == 1
				 ? ": IPv4 addresses stand under \"a\""
				 : "");
}

static bool
is_digit(char octet)
{
	return octet >= '0' && octet <= '9';
}

/* One octet of a text as the Go library takes it: \DDD, and \X for any other X; a
 * backslash at the very end is nothing.
 * returns  how much of the text it took, more than `len` at that backslash; 0: \DDD is
 *          beyond 255. */
static size_t
take_octet(const char *text, size_t len, uint8_t *out)
{
	int value;

	*out = (uint8_t)text[0];
	if (text[0] != '\\')
		return 1;
	if (len == 1)
		return 2;
	*out = (uint8_t)text[1];
	if (len < 4 || !is_digit(text[1]) || !is_digit(text[2]) || !is_digit(text[3]))
		return 2;
	value = (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
	*out = (uint8_t)value;
	return value <= 255 ? 4 : 0;
}

/* Put the text without its escapes, in strings led by their length if `in_strings`. */
static void
put_unescaped(struct rdata_out *out, const struct json_node *node, struct json_text text,
	      bool in_strings)
{
	size_t at = 0, string = out->len;

	if (in_strings)
		put_octet(out, node, 0);
	while (at < text.len && !out->fault->found) {
		uint8_t octet;
		size_t used = take_octet(text.bytes + at, text.len - at, &octet);

		if (used == 0)
			json_reader_fail(out->fault, node, "\"%.4s\" is beyond \\255",
					 text.bytes + at);
		if (used == 0 || used > text.len - at)
			return;
		at += used;
		if (in_strings && out->octets[string] == STRING_MAX) {
			string = out->len;
			put_octet(out, node, 0);
		}
		put_octet(out, node, octet);
		if (in_strings && !out->fault->found)
			out->octets[string]++;
	}
}

/* RFC 8659, section 4.1.1: letters and digits. */
static bool
is_tag(struct json_text text)
{
	for (size_t i = 0; i < text.len; i++) {
		char lower = (char)(text.bytes[i] | 0x20);

		if (!is_digit(text.bytes[i]) && (lower < 'a' || lower > 'z'))
			return false;
	}
	return text.len >= 1 && text.len <= TAG_MAX;
}

static void
put_tag(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	if (!is_tag(text)) {
		json_reader_fail(out->fault, node, "must be 1 to 15 letters and digits");
		return;
	}
	put_octet(out, node, (uint8_t)text.len);
	for (size_t i = 0; i < text.len; i++)
		put_octet(out, node, (uint8_t)text.bytes[i]);
}

/* returns 0..15, or -1. */
static int
hex_value(char digit)
{
	char lower = (char)(digit | 0x20);

	if (is_digit(digit))
		return digit - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static void
put_hex(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	if (text.len == 0 || text.len % 2 != 0) {
		json_reader_fail(out->fault, node,
				 "must be hexadecimal digits, two for each octet");
		return;
	}
	for (size_t i = 0; i < text.len && !out->fault->found; i += 2) {
		int high = hex_value(text.bytes[i]), low = hex_value(text.bytes[i + 1]);

		if (high < 0 || low < 0)
			json_reader_fail(out->fault, node,
					 "\"%.2s\" is not hexadecimal digits",
					 text.bytes + i);
		else
			put_octet(out, node, (uint8_t)(high << 4 | low));
	}
}

static void
put_number(struct rdata_out *out, const struct json_node *node,
	   enum rdata_field_kind kind)
{
	uint32_t max = kind == FIELD_U8 ? UINT8_MAX : UINT16_MAX;
	uint32_t value = json_reader_number(out->fault, node, max, 0);

	if (kind == FIELD_U16)
		put_octet(out, node, (uint8_t)(value >> 8));
	put_octet(out, node, (uint8_t)value);
}

typedef void put_text(struct rdata_out *out, const struct json_node *node,
		      struct json_text text);

/* A text without which there is no record. */
static void
put_if_any(struct rdata_out *out, const struct json_node *node, put_text *put)
{
	struct json_text text = json_reader_text(out->fault, node);

	if (text.len == 0)
		out->is_empty = true;
	else
		put(out, node, text);
}

static void
put_strings(struct rdata_out *out, const struct json_node *node, struct json_text text)
{
	put_unescaped(out, node, text, true);
}

static void
put_field(struct rdata_out *out, const struct json_node *node, enum rdata_field_kind kind)
{
	switch (kind) {
	case FIELD_NONE:
		break;
	case FIELD_U8:
	case FIELD_U16:
		put_number(out, node, kind);
		break;
	case FIELD_HOST:
		put_if_any(out, node, put_host);
		break;
	case FIELD_V4:
		put_if_any(out, node, put_v4);
		break;
	case FIELD_V6:
		put_if_any(out, node, put_v6);
		break;
	case FIELD_TXT:
		put_if_any(out, node, put_strings);
		break;
	case FIELD_TAG:
		put_tag(out, node, json_reader_text(out->fault, node));
		break;
	case FIELD_OCTETS:
		put_unescaped(out, node, json_reader_text(out->fault, node), false);
		break;
	case FIELD_HEX:
		put_hex(out, node, json_reader_text(out->fault, node));
		break;
	}
}

size_t
rdata_json_make(struct json_fault *fault, uint16_t type, const struct json_node *record,
		uint8_t *octets)
{
	struct rdata_out out = { .fault = fault, .octets = octets };
	const struct rdata_field *field = rdata_shape_find(type)->fields;

	for (; field->kind != FIELD_NONE && !fault->found; field++) {
		struct json_node node = json_node_member(record, field->key);

		put_field(&out, &node, field->kind);
	}
	if (fault->found || out.is_empty)
		return 0;
	if (!rdata_is_valid(type, octets, out.len)) {
		json_reader_fail(fault, record, "is not the data that this type has%s",
				 type == RRTYPE_DS ? ": the digest is too short" : "");
		return 0;
	}
	return out.len;
}
