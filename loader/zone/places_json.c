/* From texts and numbers to places. */
#include "loader/zone/places_json.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { SUBNET_TEXT_MAX = INET6_ADDRSTRLEN + 4, V4_BITS_BEFORE = 96, REGION_MIN = 4 };

static char
upper(char octet)
{
	return octet >= 'a' && octet <= 'z' ? (char)(octet & 0xdf) : octet;
}

static bool
is_letter(char octet)
{
	return octet >= 'A' && octet <= 'Z';
}

/* Copy a text in upper case; 0 behind it.  returns false when it has more than `room`
 * octets. */
static bool
copy_upper(const struct json_text *text, char *out, size_t room)
{
	memset(out, 0, room);
	if (text->len > room)
		return false;
	for (size_t i = 0; i < text->len; i++)
		out[i] = upper(text->bytes[i]);
	return true;
}

static void
read_country(const struct steering_reader *reader, const struct json_node *node)
{
	struct json_text text = json_reader_text(reader->fault, node);
	char code[2];
	bool is_good = copy_upper(&text, code, sizeof code);

	if (text.len != 0 && (!is_good || !is_letter(code[0]) || !is_letter(code[1]))) {
		if (!steering_by_country(reader->steering))
			record_notes_warn(reader->notes, node,
					  "\"%.60s\" is no country; none is asked for",
					  text.bytes);
		else
			json_reader_fail(reader->fault, node,
					 "\"%.60s\" is no country: it needs two letters, "
					 "as \"DE\"",
					 text.bytes);
		return;
	}
	if (steering_by_country(reader->steering))
		steering_add_country(reader->steering, code);
}

static void
read_asn(const struct steering_reader *reader, const struct json_node *node)
{
	uint32_t asn = json_reader_number(reader->fault, node, UINT32_MAX, 0);

	if (steering_by_asn(reader->steering))
		steering_add_asn(reader->steering, asn);
}

static void
read_continent(const struct steering_reader *reader, const struct json_node *node)
{
	static const char codes[][3] = { "AF", "AN", "AS", "EU", "NA", "OC", "SA" };
	struct json_text text = json_reader_text(reader->fault, node);
	char code[2];
	bool is_good = copy_upper(&text, code, sizeof code) && text.len == 0;

	for (unsigned i = 0; i < sizeof codes / sizeof codes[0] && text.len == 2; i++)
		is_good |= memcmp(code, codes[i], sizeof code) == 0;
	if (!is_good)
		json_reader_fail(reader->fault, node,
				 "\"%.60s\" is no continent: they are AF, AN, AS, EU, "
				 "NA, OC, SA",
				 text.bytes);
	else
		steering_add_continent(reader->steering, code);
}

/* ISO 3166-2: a country, a hyphen, one to three letters or digits. */
static bool
is_region(const char code[6], size_t len)
{
	if (len < REGION_MIN || !is_letter(code[0]) || !is_letter(code[1]) ||
	    code[2] != '-')
		return false;
	for (size_t i = 3; i < len; i++)
		if (!is_letter(code[i]) && (code[i] < '0' || code[i] > '9'))
			return false;
	return true;
}

static void
read_region(const struct steering_reader *reader, const struct json_node *node)
{
	struct json_text text = json_reader_text(reader->fault, node);
	char code[6];
	bool is_good = copy_upper(&text, code, sizeof code);

	if (!is_good || (text.len > 0 && !is_region(code, text.len)))
		json_reader_fail(reader->fault, node,
				 "\"%.60s\" is no region: it needs a country and its "
				 "part, as \"US-CA\"",
				 text.bytes);
	else
		steering_add_region(reader->steering, code);
}

/* The length behind the slash, `most` without one.  returns false when it is none. */
static bool
read_len(const char *slash, unsigned most, unsigned *len)
{
	size_t digits = slash ? strspn(slash + 1, "0123456789") : 0;

	*len = most;
	if (!slash)
		return true;
	if (digits < 1 || digits > 3 || slash[1 + digits] != '\0')
		return false;
	*len = (unsigned)atoi(slash + 1);
	return *len <= most;
}

/* "192.0.2.0/24", "2001:db8::/32", or an address alone.  returns false when it is none. */
static bool
parse_subnet(const struct json_text *text, uint8_t network[16], unsigned *len)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char copy[SUBNET_TEXT_MAX], *slash;

	if (text->len >= sizeof copy || strlen(text->bytes) != text->len)
		return false;
	memcpy(copy, text->bytes, text->len + 1);
	slash = strchr(copy, '/');
	if (slash)
		*slash = '\0';
	memcpy(network, mapped, sizeof mapped);
	if (inet_pton(AF_INET, copy, network + sizeof mapped) == 1) {
		if (!read_len(slash, 32, len))
			return false;
		*len += V4_BITS_BEFORE;
		return true;
	}
	return inet_pton(AF_INET6, copy, network) == 1 && read_len(slash, 128, len);
}

/* Clear what stands behind the first `len` bits.  returns whether there was anything. */
static bool
mask(uint8_t network[16], unsigned len)
{
	bool any = false;

	for (unsigned i = len / 8; i < 16; i++) {
		unsigned kept = i == len / 8 ? len % 8 : 0;
		uint8_t left = (uint8_t)(network[i] & ~(0xffu >> kept));

		any |= left != network[i];
		network[i] = left;
	}
	return any;
}

static void
read_subnet(const struct steering_reader *reader, const struct json_node *node)
{
	struct json_text text = json_reader_text(reader->fault, node);
	uint8_t network[16];
	unsigned len;

	if (text.len == 0)
		return;
	if (!parse_subnet(&text, network, &len)) {
		json_reader_fail(reader->fault, node,
				 "\"%.60s\" is no network: it needs a form as "
				 "\"192.0.2.0/24\" or \"2001:db8::/32\"",
				 text.bytes);
		return;
	}
	if (mask(network, len))
		record_notes_warn(reader->notes, node,
				  "\"%.60s\" has bits behind its length: the network "
				  "without them is meant",
				  text.bytes);
	steering_add_subnet(reader->steering, network, (uint8_t)len);
}

static void
read_one_or_many(const struct steering_reader *reader, const struct json_node *record,
		 const char *key,
		 void (*read)(const struct steering_reader *reader,
			      const struct json_node *node))
{
	struct json_node node = json_node_member(record, key), item;
	const struct json_value *at = NULL;

	if (node.value && !json_node_is_list(&node)) {
		read(reader, &node);
		return;
	}
	while (json_node_next_item(&node, &at, &item))
		read(reader, &item);
}

void
places_json_read(const struct steering_reader *reader, const struct json_node *record)
{
	read_one_or_many(reader, record, "country", read_country);
	read_one_or_many(reader, record, "asn", read_asn);
	read_one_or_many(reader, record, "subnet", read_subnet);
	read_one_or_many(reader, record, "region", read_region);
	read_one_or_many(reader, record, "continent", read_continent);
}
