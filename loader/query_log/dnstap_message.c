/* Protocol buffers, as far as one message of known shape needs them: each member is its
 * number and wire type, then a varint, four octets, or a length and octets. */
#include "loader/query_log/dnstap_message.h"

#include <netinet/in.h>
#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"

enum wire_type { WIRE_VARINT = 0, WIRE_OCTETS = 2, WIRE_FIXED32 = 5 };

/* Members of Dnstap, and of its Message. */
enum {
	DNSTAP_IDENTITY = 1,
	DNSTAP_VERSION = 2,
	DNSTAP_MESSAGE = 14,
	DNSTAP_TYPE = 15,

	MESSAGE_TYPE = 1,
	MESSAGE_FAMILY = 2,
	MESSAGE_PROTOCOL = 3,
	MESSAGE_QUERY_ADDRESS = 4,
	MESSAGE_QUERY_PORT = 6,
	MESSAGE_QUERY_TIME_S = 8,
	MESSAGE_QUERY_TIME_NS = 9,
	MESSAGE_QUERY_ZONE = 11,
	MESSAGE_RESPONSE_TIME_S = 12,
	MESSAGE_RESPONSE_TIME_NS = 13,
	MESSAGE_RESPONSE = 14,
};

enum {
	TYPE_MESSAGE = 1,
	TYPE_AUTH_RESPONSE = 2,
	FAMILY_INET = 1,
	FAMILY_INET6 = 2,
	PROTOCOL_UDP = 1,
	PROTOCOL_TCP = 2,
	HEADER_LEN = 12,
};

static uint8_t *
put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return at;
}

static uint8_t *
put_key(uint8_t *at, unsigned number, enum wire_type type)
{
	return put_varint(at, number << 3 | type);
}

static uint8_t *
put_number(uint8_t *at, unsigned number, uint64_t value)
{
	return put_varint(put_key(at, number, WIRE_VARINT), value);
}

static uint8_t *
put_octets(uint8_t *at, unsigned number, const void *octets, size_t len)
{
	at = put_varint(put_key(at, number, WIRE_OCTETS), len);
	memcpy(at, octets, len);
	return at + len;
}

static uint8_t *
put_time(uint8_t *at, unsigned number_s, unsigned number_ns, uint64_t ns)
{
	uint32_t rest = (uint32_t)(ns % 1000000000);

	at = put_number(at, number_s, ns / 1000000000);
	at = put_key(at, number_ns, WIRE_FIXED32);
	for (unsigned i = 0; i < 4; i++)
		*at++ = (uint8_t)(rest >> 8 * i);
	return at;
}

static uint8_t *
put_client(uint8_t *at, const struct query_record *record)
{
	if (record->flags & QUERY_RECORD_IPV6)
		at = put_octets(at, MESSAGE_QUERY_ADDRESS, record->client, 16);
	else
		at = put_octets(at, MESSAGE_QUERY_ADDRESS, record->client + 12, 4);
	return put_number(at, MESSAGE_QUERY_PORT, ntohs(record->port));
}

static uint8_t *
put_response(uint8_t *at, const struct query_record *record)
{
	uint8_t message[HEADER_LEN + DNAME_MAX + 4] = { 0 };
	const unsigned len = record->question_len;

	memcpy(message, record->header, sizeof record->header);
	wire_put_u16(message + 4, len > 0);
	memcpy(message + HEADER_LEN, record->question, len);
	return put_octets(at, MESSAGE_RESPONSE, message, HEADER_LEN + len);
}

static uint8_t *
put_message(uint8_t *at, const struct query_record *record, bool has_client)
{
	uint64_t received_ns = record->received_us * 1000;
	unsigned name_len = record->question_len ? record->question_len - 4u : 0;

	at = put_number(at, MESSAGE_TYPE, TYPE_AUTH_RESPONSE);
	at = put_number(at, MESSAGE_FAMILY,
			record->flags & QUERY_RECORD_IPV6 ? FAMILY_INET6 : FAMILY_INET);
	at = put_number(at, MESSAGE_PROTOCOL,
			record->flags & QUERY_RECORD_TCP ? PROTOCOL_TCP : PROTOCOL_UDP);
	if (has_client)
		at = put_client(at, record);
	at = put_time(at, MESSAGE_QUERY_TIME_S, MESSAGE_QUERY_TIME_NS, received_ns);
	if (record->zone_len > 0)
		at = put_octets(at, MESSAGE_QUERY_ZONE,
				record->question + name_len - record->zone_len,
				record->zone_len);
	at = put_time(at, MESSAGE_RESPONSE_TIME_S, MESSAGE_RESPONSE_TIME_NS,
		      received_ns + record->took_ns);
	return put_response(at, record);
}

size_t
dnstap_message_print(const struct query_record *record, const char *identity,
		     bool has_client, uint8_t out[DNSTAP_MESSAGE_MAX])
{
	static const char version[] = "martlet " MARTLET_VERSION;
	uint8_t message[DNSTAP_MESSAGE_MAX / 2], *at = out;
	size_t len = (size_t)(put_message(message, record, has_client) - message);

	if (identity[0])
		at = put_octets(at, DNSTAP_IDENTITY, identity, strnlen(identity, 255));
	at = put_octets(at, DNSTAP_VERSION, version, sizeof version - 1);
	at = put_octets(at, DNSTAP_MESSAGE, message, len);
	at = put_number(at, DNSTAP_TYPE, TYPE_MESSAGE);
	return (size_t)(at - out);
}
