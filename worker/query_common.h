/* Decoding what nearly every query is: one question of class IN, and nothing else or one
 * OPT without options, or with a cookie.  Inline, for the loop over a batch; worker/query.c
 * does the rest. */
#ifndef WORKER_QUERY_COMMON_H
#define WORKER_QUERY_COMMON_H

#include <endian.h>
#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/cookie.h"
#include "worker/query.h"

enum {
	OPT_FIXED_LEN = 10, /* type, class, TTL, RDLENGTH of an RR */
	QUESTION_TAIL_LEN = 4, /* type and class */
	LOWER_STEP = 16, /* octets that are lower-cased at once */
};

typedef uint8_t octets16 __attribute__((vector_size(LOWER_STEP)));
typedef int8_t signed16 __attribute__((vector_size(LOWER_STEP)));

/* Lower-case the 16 octets at `from`: 0x20 is set in each that lies in 'A'..'Z', which are
 * the 26 least numbers, signs counted, once 63 has moved 'A' to the least one.  Length
 * octets (0..63) are never letters, so a whole name goes through. */
static inline void
copy_lowered16(uint8_t *to, const uint8_t *from)
{
	octets16 octets, is_upper;

	memcpy(&octets, from, sizeof octets);
	is_upper = (octets16)(INT8_MIN + 26 > (signed16)(octets + 63));
	octets |= is_upper & 0x20;
	memcpy(to, &octets, sizeof octets);
}

/* Copy a name lower-cased.  Up to 31 octets behind it are read, from the packet's room,
 * and written, into the pad. */
static inline void
copy_lowered(uint8_t *to, const uint8_t *from, size_t len)
{
	copy_lowered16(to, from);
	copy_lowered16(to + LOWER_STEP, from + LOWER_STEP);
	for (size_t at = 2 * LOWER_STEP; at < len; at += LOWER_STEP)
		copy_lowered16(to + at, from + at);
}

/* Note where the labels of the question's name start, whatever the message's length: the
 * octets behind it are there, and a name that runs into them is found out by its length.
 * returns that length, or 0 when the name is malformed or compressed. */
static inline size_t
take_question_labels(struct query *q)
{
	const uint8_t *name = q->packet + QUERY_HEADER_LEN;
	uint8_t *start = q->label_start;
	unsigned label_len, seen = 0;
	size_t at = 0;

	/* length octets above 63 are found out at the end: none leads out of the room */
	while (*start = (uint8_t)at, (label_len = name[at]) != 0) {
		seen |= label_len;
		at += label_len + 1;
		if (at > DNAME_MAX - 1)
			return 0;
		start++;
	}
	if (seen > DNAME_LABEL_MAX)
		return 0;
	q->label_count = (uint8_t)(start - q->label_start);
	return at + 1;
}

/* Eight octets as one number, for comparing. */
static inline uint64_t
eight_octets(const uint8_t octets[8])
{
	uint64_t number;

	memcpy(&number, octets, sizeof number);
	return number;
}

/* Is there an OPT at `opt`, version 0 and without options, its owner included? */
static inline bool
is_plain_opt(const uint8_t *opt)
{
	static const uint8_t head[8] = { 0, 0, TYPE_OPT };
	static const uint8_t mask[8] = { 255, 255, 255, 0, 0, 0, 255 };

	return (eight_octets(opt) & eight_octets(mask)) == eight_octets(head) &&
	       wire_get_u16(opt + OPT_FIXED_LEN - 1) == 0;
}

/* What stands behind an OPT's flags, with nothing but a cookie of so many octets: RDLENGTH,
 * the option's code and length. */
#define COOKIE_ALONE(LEN) ((uint64_t)((LEN) + OPTION_HEAD_LEN) << 32 | COOKIE_OPTION << 16 | (LEN))

/* The same with nothing but a cookie (RFC 7873), `behind` the fixed part: of the client alone,
 * or of as many octets as ours have.  Notes where that is. */
__attribute__((noinline)) static bool
take_cookie_opt(struct query *q, const uint8_t *opt, uint32_t behind)
{
	static const uint8_t head[8] = { 0, 0, TYPE_OPT };
	static const uint8_t mask[8] = { 255, 255, 255, 0, 0, 0, 255 };
	const uint8_t *flags = opt + OPT_FIXED_LEN - 3;
	uint64_t want;

	if (behind == OPTION_HEAD_LEN + QUERY_COOKIE_LEN)
		want = htobe64(COOKIE_ALONE(QUERY_COOKIE_LEN));
	else if (behind == OPTION_HEAD_LEN + COOKIE_CLIENT_LEN)
		want = htobe64(COOKIE_ALONE(COOKIE_CLIENT_LEN));
	else
		return false;
	if ((eight_octets(flags) & htobe64(UINT64_MAX >> 16)) != want ||
	    (eight_octets(opt) & eight_octets(mask)) != eight_octets(head))
		return false;
	q->flags |= QUERY_COOKIE;
	q->cookie_at = (uint16_t)(flags + 8 - q->packet);
	q->cookie_len = (uint8_t)(behind - OPTION_HEAD_LEN);
	return true;
}

/* returns false, with nothing decided, for all others: for TCP and for clients that take
 * less than usual, too.  `place` is left unset. */
static inline bool
query_decode_common(struct query *q, uint16_t udp_size)
{
	static const uint8_t plain[8] = { 0, 1 },
			     with_opt[8] = { 0, 1, 0, 0, 0, 0, 0, 1 };
	const uint8_t *packet = q->packet, *tail;
	uint16_t limit = QUERY_UDP_MIN;
	size_t len;

	/* what is known is stored at once: registers are few */
	if ((q->flags & ~(uint32_t)QUERY_IPV6) || (packet[2] & (FLAG_QR | FLAG_OPCODE)))
		return false;
	len = take_question_labels(q);
	if (len == 0)
		return false;
	q->name_len = (uint8_t)len;
	copy_lowered(q->name, packet + QUERY_HEADER_LEN, len);
	tail = packet + QUERY_HEADER_LEN + len;
	len += QUERY_HEADER_LEN + QUESTION_TAIL_LEN;
	q->question_end = (uint16_t)len;
	if (eight_octets(packet + 4) == eight_octets(with_opt)) {
		const uint8_t *opt = tail + QUESTION_TAIL_LEN;

		uint32_t behind = q->received_len - (uint32_t)len - 1 - OPT_FIXED_LEN;

		if ((behind != 0 || !is_plain_opt(opt)) &&
		    !take_cookie_opt(q, opt, behind))
			return false;
		q->flags |= QUERY_EDNS | (opt[7] & 0x80u) / (0x80 / QUERY_DO);
		limit = wire_get_u16(opt + 3);
		if (limit < QUERY_UDP_MIN)
			return false;
		if (limit > udp_size)
			limit = udp_size;
	} else if (eight_octets(packet + 4) != eight_octets(plain) ||
		   q->received_len != len) {
		return false;
	}
	q->limit = limit;
	q->type = wire_get_u16(tail);
	if (wire_get_u16(tail + 2) != CLASS_IN || q->type == TYPE_AXFR ||
	    q->type == TYPE_IXFR || limit > q->room)
		return false;
	q->class = CLASS_IN;
	q->verdict = QUERY_LOOKUP;
	q->rcode = RCODE_NOERROR;
	q->common = QUERY_COMMON;
	return true;
}

/* Parse header, question and EDNS of `q->packet`; fills the private part, `state` excepted,
 * and `place`, see query_place_question.  `udp_size` is the configured largest response over
 * UDP. */
static inline void
query_decode(struct query *q, uint16_t udp_size)
{
	if (!query_decode_common(q, udp_size))
		query_decode_uncommon(q, udp_size);
}

#endif
