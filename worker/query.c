/* Decoding a message: header, question, EDNS.  Everything here reads octets that a
 * stranger chose; each is checked against the message's end before it is read. */
#include "worker/query.h"

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/cookie.h"
#include "worker/query_common.h"
#include "worker/tsig.h"

/* Measure the name at `at` and note where its labels start.
 * returns its length, or 0 when it is malformed or compressed. */
static inline unsigned
take_labels(struct query *q, const uint8_t *at, const uint8_t *end)
{
	unsigned room = (unsigned)(end - at), len = 0, labels = 0, label_len;

	if (room > DNAME_MAX)
		room = DNAME_MAX;
	for (; len < room; len += label_len + 1) {
		label_len = at[len];
		q->label_start[labels] = (uint8_t)len;
		if (label_len == 0) {
			q->label_count = (uint8_t)labels;
			return len + 1;
		}
		if (label_len > DNAME_LABEL_MAX)
			return 0;
		labels++;
	}
	return 0;
}

void
query_index_labels(struct query *q)
{
	unsigned labels = 0, at = 0;

	for (; q->name[at] != 0; at += q->name[at] + 1u)
		q->label_start[labels++] = (uint8_t)at;
	q->label_start[labels] = (uint8_t)at;
	q->label_count = (uint8_t)labels;
}

static inline bool
decode_question(struct query *q)
{
	const uint8_t *at = q->packet + QUERY_HEADER_LEN,
		      *end = q->packet + q->received_len;
	unsigned len = take_labels(q, at, end);

	if (len == 0 || (unsigned)(end - at) < len + QUESTION_TAIL_LEN)
		return false;
	q->name_len = (uint8_t)len;
	copy_lowered(q->name, at, len);
	q->type = wire_get_u16(at + len);
	q->class = wire_get_u16(at + len + 2);
	q->question_end = (uint16_t)(QUERY_HEADER_LEN + len + 4);
	return true;
}

/* The largest response over UDP to a client that takes `client_size`. */
static inline uint16_t
query_udp_limit(unsigned client_size, uint16_t udp_size)
{
	if (client_size > udp_size)
		client_size = udp_size;
	return (uint16_t)(client_size > QUERY_UDP_MIN ? client_size : QUERY_UDP_MIN);
}

/* RFC 7871, section 6: so many octets as the prefix has, no bits behind it, no scope. */
static bool
decode_subnet(struct query_subnet *subnet, const uint8_t *at, unsigned len)
{
	static const uint8_t most[] = { 0, 32, 128 };
	unsigned family, source_len, octets;

	if (len < SUBNET_HEAD_LEN)
		return false;
	family = wire_get_u16(at);
	source_len = at[2];
	octets = (source_len + 7) / 8;
	if (family >= sizeof most || source_len > most[family] || at[3] != 0 ||
	    len != SUBNET_HEAD_LEN + octets)
		return false;
	if (source_len % 8 != 0 &&
	    (at[SUBNET_HEAD_LEN + octets - 1] & (0xff >> source_len % 8)) != 0)
		return false;
	memset(subnet, 0, sizeof *subnet);
	subnet->family = (uint8_t)family;
	subnet->source_len = (uint8_t)source_len;
	memcpy(subnet->address, at + SUBNET_HEAD_LEN, octets);
	return true;
}

static void
decode_cookie(struct query *q, const uint8_t *at, unsigned len)
{
	if (!cookie_is_well_formed(len)) {
		q->flags |= QUERY_COOKIE_BAD;
		return;
	}
	q->flags |= QUERY_COOKIE;
	q->cookie_at = (uint16_t)(at - q->packet);
	q->cookie_len = (uint8_t)len;
}

/* Options must tile the RDATA (RFC 6891, section 6.1.2); unknown ones are ignored. */
static bool
decode_options(struct query *q, const uint8_t *at, unsigned len)
{
	while (len >= OPTION_HEAD_LEN) {
		unsigned code = wire_get_u16(at), option_len = wire_get_u16(at + 2);

		if (option_len > len - OPTION_HEAD_LEN)
			return false;
		if (code == OPTION_NSID)
			q->flags |= QUERY_NSID;
		else if (code == OPTION_ECS && !(q->flags & (QUERY_ECS | QUERY_ECS_BAD)))
			q->flags |= decode_subnet(&q->subnet, at + OPTION_HEAD_LEN,
						  option_len)
					    ? QUERY_ECS
					    : QUERY_ECS_BAD;
		else if (code == COOKIE_OPTION &&
			 !(q->flags & (QUERY_COOKIE | QUERY_COOKIE_BAD)))
			decode_cookie(q, at + OPTION_HEAD_LEN, option_len);
		at += OPTION_HEAD_LEN + option_len;
		len -= OPTION_HEAD_LEN + option_len;
	}
	return len == 0;
}

/* The fixed part of an OPT record, `at` behind its root owner. */
static inline bool
decode_opt(struct query *q, const uint8_t *at, unsigned rdata_len, uint16_t udp_size)
{
	if (q->flags & QUERY_EDNS) /* a second one, RFC 6891, section 6.1.1 */
		return false;
	q->flags |= QUERY_EDNS;
	if (at[5] != 0)
		q->flags |= QUERY_BADVERS;
	if (at[6] & 0x80)
		q->flags |= QUERY_DO;
	if (!(q->flags & QUERY_TCP))
		q->limit = query_udp_limit(wire_get_u16(at + 2), udp_size);
	return rdata_len == 0 || decode_options(q, at + OPT_FIXED_LEN, rdata_len);
}

/* Skip the owner of a record, compressed or not; returns octets, 0 when malformed. */
static unsigned
owner_len(const uint8_t *at, const uint8_t *end)
{
	unsigned room = (unsigned)(end - at), len = 0;

	while (len < room && len < DNAME_MAX) {
		if (at[len] == 0)
			return len + 1;
		if (at[len] >= 0xc0)
			return room - len >= 2 ? len + 2 : 0;
		if (at[len] > DNAME_LABEL_MAX)
			return 0;
		len += at[len] + 1u;
	}
	return 0;
}

/* Walk `count` records from `at` on, the last `additional` of them of the additional
 * section, where alone an OPT may stand, and a TSIG as the very last (RFC 8945, section
 * 5.1).  returns false when they do not parse, or anything is left. */
static bool
decode_records(struct query *q, const uint8_t *at, unsigned count, unsigned additional,
	       uint16_t udp_size)
{
	const uint8_t *end = q->packet + q->received_len;

	for (; count > 0; count--) {
		unsigned len = owner_len(at, end), rdata_len, type;

		if (len == 0 || (unsigned)(end - at) < len + OPT_FIXED_LEN)
			return false;
		rdata_len = wire_get_u16(at + len + 8);
		if ((unsigned)(end - at) - len - OPT_FIXED_LEN < rdata_len)
			return false;
		type = wire_get_u16(at + len);
		if (type == TYPE_OPT && (count > additional || len != 1 ||
					 !decode_opt(q, at + 1, rdata_len, udp_size)))
			return false;
		if (type == TYPE_TSIG) {
			if (count > 1 || additional == 0 ||
			    !tsig_is_well_formed(at + len, rdata_len))
				return false;
			q->tsig_at = (uint16_t)(at - q->packet);
		}
		at += len + OPT_FIXED_LEN + rdata_len;
	}
	return at == end;
}

/* Walk `count` questions; only a single one is taken.
 * returns where they end, NULL when they do not parse. */
static const uint8_t *
decode_questions(struct query *q, unsigned count)
{
	const uint8_t *at = q->packet + QUERY_HEADER_LEN,
		      *end = q->packet + q->received_len;

	if (count == 1)
		return decode_question(q) ? q->packet + q->question_end : NULL;
	for (; count > 0; count--) {
		unsigned len = owner_len(at, end);

		if (len == 0 || (unsigned)(end - at) < len + QUESTION_TAIL_LEN)
			return NULL;
		at += len + QUESTION_TAIL_LEN;
	}
	return at;
}

static void
fail(struct query *q, enum dns_rcode rcode)
{
	q->verdict = QUERY_ERROR;
	q->rcode = (uint8_t)rcode;
}

/* Other opcodes are refused, whatever they carry. */
static void
decide_other_opcode(struct query *q, unsigned opcode)
{
	if (q->flags & QUERY_BADVERS)
		fail(q, RCODE_BADVERS);
	else if (q->tsig_at)
		fail(q, RCODE_NOTAUTH);
	else
		fail(q, opcode == OPCODE_NOTIFY ? RCODE_REFUSED : RCODE_NOTIMP);
}

static void
decide(struct query *q)
{
	if (q->flags & QUERY_BADVERS)
		fail(q, RCODE_BADVERS);
	else if (q->tsig_at)
		fail(q, RCODE_NOTAUTH);
	else if (q->class == CLASS_CH)
		q->verdict = QUERY_CHAOS;
	else if (q->class != CLASS_IN && q->class != CLASS_ANY)
		fail(q, RCODE_REFUSED);
	else if (q->type == TYPE_AXFR || q->type == TYPE_IXFR)
		fail(q, RCODE_REFUSED);
	else
		q->verdict = QUERY_LOOKUP;
	q->common =
		q->verdict == QUERY_LOOKUP && q->class == CLASS_IN &&
		!(q->flags & (QUERY_NSID | QUERY_ECS | QUERY_ECS_BAD | QUERY_COOKIE_BAD));
}

/* What parses is honoured even when the message as a whole is wrong: OPT in, OPT out
 * (RFC 6891, section 7). */
static void
decode_any(struct query *q, uint16_t udp_size)
{
	const uint8_t *header = q->packet, *records;
	unsigned questions = wire_get_u16(header + 4), answers = wire_get_u16(header + 6),
		 authority = wire_get_u16(header + 8),
		 additional = wire_get_u16(header + 10),
		 opcode = (header[2] & FLAG_OPCODE) >> 3;
	bool parses;

	q->question_end = QUERY_HEADER_LEN;
	q->tsig_at = 0;
	records = decode_questions(q, questions);
	parses = records && decode_records(q, records, answers + authority + additional,
					   additional, udp_size);
	if (opcode != OPCODE_QUERY)
		decide_other_opcode(q, opcode);
	else if (parses && questions == 0 && answers == 0 && (q->flags & QUERY_COOKIE) &&
		 !(q->flags & QUERY_BADVERS))
		fail(q, RCODE_NOERROR); /* who asks for a cookie only */
	else if (!parses || questions != 1 || answers != 0)
		fail(q, RCODE_FORMERR);
	else
		decide(q);
}

void
query_decode_uncommon(struct query *q, uint16_t udp_size)
{
	q->flags &= QUERY_TCP | QUERY_IPV6 | QUERY_CHARGED;
	q->rcode = RCODE_NOERROR;
	q->limit = (q->flags & QUERY_TCP) ? QUERY_MESSAGE_MAX : QUERY_UDP_MIN;
	q->verdict = QUERY_DROP;
	q->common = QUERY_UNCOMMON;
	if (q->received_len < QUERY_HEADER_LEN || (q->packet[2] & FLAG_QR))
		return;
	decode_any(q, udp_size);
	if (q->limit > q->room)
		q->limit = (uint16_t)q->room;
}
