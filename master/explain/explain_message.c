/* From a question to octets, and from octets to text. */
#include "master/explain/explain_message.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "loader/zone/record_text.h"
#include "shm/dns.h"
#include "shm/errcode.h"
#include "shm/rcode.h"
#include "shm/wire.h"

enum {
	OPT_LEN = 11,
	OPT_AT_FLAGS = 7, /* of the record: behind owner, type, size, rcode, version */
	DO_BIT = 0x8000,
	SECTIONS = 3,
};

static uint8_t *
put_subnet(uint8_t *at, const struct query_subnet *subnet)
{
	unsigned octets = (subnet->source_len + 7u) / 8;

	wire_put_u16(at, OPTION_ECS);
	wire_put_u16(at + 2, (uint16_t)(4 + octets));
	wire_put_u16(at + 4, subnet->family);
	at[6] = subnet->source_len;
	at[7] = 0;
	memcpy(at + 8, subnet->address, octets);
	return at + 8 + octets;
}

uint32_t
explain_message_put(const struct explain_question *question, uint8_t *packet)
{
	uint8_t *at = packet, *opt;

	memset(at, 0, 12);
	at[5] = at[11] = 1; /* one question, one record: OPT */
	at += 12;
	memcpy(at, question->name, question->name_len);
	at += question->name_len;
	wire_put_u16(at, question->type);
	wire_put_u16(at + 2, CLASS_IN);
	opt = at + 4;
	memset(opt, 0, OPT_LEN);
	wire_put_u16(opt + 1, TYPE_OPT);
	wire_put_u16(opt + 3, EXPLAIN_UDP_SIZE);
	if (question->dnssec)
		wire_put_u16(opt + OPT_AT_FLAGS, DO_BIT);
	at = opt + OPT_LEN;
	if (question->client.has_subnet)
		at = put_subnet(at, &question->client.subnet);
	wire_put_u16(opt + 9, (uint16_t)(at - opt - OPT_LEN));
	return (uint32_t)(at - packet);
}

/* ---- the response ---- */

static void
print_rcode(struct json_out *json, unsigned rcode)
{
	char text[RCODE_TEXT_MAX];

	json_out_text(json, "rcode", rcode_text(rcode, text));
}

static void
print_flags(struct json_out *json, const uint8_t *packet)
{
	json_out_begin_array(json, "flags");
	json_out_text(json, NULL, "qr");
	if (packet[2] & FLAG_AA)
		json_out_text(json, NULL, "aa");
	if (packet[2] & FLAG_TC)
		json_out_text(json, NULL, "tc");
	json_out_end_array(json);
}

static const char *
extended_error_text(unsigned code)
{
	switch (code) {
	case EDE_NOT_AUTHORITATIVE:
		return "not authoritative";
	case EDE_NOT_SUPPORTED:
		return "not supported";
	case EDE_NO_REACHABLE_AUTHORITY:
		return "no reachable authority";
	case EDE_INVALID_DATA:
		return "invalid data";
	}
	return "other";
}

/* The options of the OPT record, which our own core has just written. */
static void
print_options(struct json_out *json, const uint8_t *at, unsigned len)
{
	int scope = -1;
	unsigned error = 0;

	while (len >= 4) {
		unsigned code = wire_get_u16(at), option_len = wire_get_u16(at + 2);

		if (option_len > len - 4)
			break;
		if (code == OPTION_ECS && option_len >= 4)
			scope = at[4 + 3];
		else if (code == OPTION_EXTENDED_ERROR && option_len >= 2)
			error = wire_get_u16(at + 4);
		at += 4 + option_len;
		len -= 4 + option_len;
	}
	if (scope >= 0)
		json_out_int(json, "ecs_scope", scope);
	else
		json_out_null(json, "ecs_scope");
	if (error)
		json_out_uint(json, "extended_error", error);
	else
		json_out_null(json, "extended_error");
	json_out_text(json, "extended_error_text",
		      error ? extended_error_text(error) : NULL);
}

/* The OPT record: the last one, with a root owner; NULL without. */
static const uint8_t *
find_opt(const uint8_t *packet, uint32_t len, unsigned *rdata_len)
{
	for (uint32_t back = OPT_LEN; back <= len - 12 && back <= 512; back++) {
		const uint8_t *at = packet + len - back;

		*rdata_len = back - OPT_LEN;
		if (at[0] == 0 && wire_get_u16(at + 1) == TYPE_OPT &&
		    wire_get_u16(at + 9) == *rdata_len)
			return at;
	}
	return NULL;
}

static int
print_section(struct json_out *json, const char *name, const uint8_t *packet,
	      uint32_t len, size_t *at, unsigned count)
{
	struct record_texts texts = { 0 };
	int result = record_texts_add_message(&texts, packet, len, at, count);

	json_out_begin_array(json, name);
	for (size_t i = 0; i < texts.count; i++)
		json_out_text(json, NULL, record_texts_get(&texts, i));
	json_out_end_array(json);
	record_texts_free(&texts);
	return result;
}

int
explain_message_print(const struct explain_answer *answer, struct json_out *json)
{
	static const char *const names[SECTIONS] = { "answer", "authority",
						     "additional" };
	const uint8_t *packet = answer->packet, *opt;
	uint32_t len = answer->q.response_len;
	size_t at = answer->q.question_end;
	unsigned rdata_len = 0, rcode = packet[3] & 15u;
	int result = 0;

	opt = find_opt(packet, len, &rdata_len);
	if (opt)
		rcode |= (unsigned)opt[5] << 4;
	print_rcode(json, rcode);
	print_flags(json, packet);
	json_out_uint(json, "size", len);
	print_options(json, opt ? opt + OPT_LEN : packet, rdata_len);
	for (unsigned i = 0; i < SECTIONS; i++) {
		unsigned count = wire_get_u16(packet + 6 + (size_t)2 * i);

		if (result == 0)
			result = print_section(json, names[i], packet, len, &at, count);
	}
	return result;
}
