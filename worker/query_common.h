/* Decoding what nearly every query is: one question of class IN, and nothing else or one
 * OPT without options.  Inline, for the loop over a batch; query_decode does the rest. */
#ifndef WORKER_QUERY_COMMON_H
#define WORKER_QUERY_COMMON_H

#include <string.h>

#include "shm/dns.h"
#include "shm/wire.h"
#include "worker/query.h"

enum {
	OPT_FIXED_LEN = 10, /* type, class, TTL, RDLENGTH of an RR */
	QUESTION_TAIL_LEN = 4, /* type and class */
	LOWER_STEP = 16, /* octets that are lower-cased at once */
};

typedef uint8_t octets16 __attribute__((vector_size(LOWER_STEP)));

/* Lower-case the 16 octets at `from`: 0x20 is set in each that lies in 'A'..'Z'.  Length
 * octets (0..63) are never letters, so a whole name goes through. */
static inline void
copy_lowered16(uint8_t *to, const uint8_t *from)
{
	octets16 octets, is_upper;

	memcpy(&octets, from, sizeof octets);
	is_upper = (octets16)((octets - 'A') < 26);
	octets |= is_upper & 0x20;
	memcpy(to, &octets, sizeof octets);
}

/* Copy a name lower-cased.  Up to 31 octets behind it are read, from the packet's room,
 * and written, into the pad. */
static inline void
copy_lowered(uint8_t *to, const uint8_t *from, unsigned len)
{
	copy_lowered16(to, from);
	copy_lowered16(to + LOWER_STEP, from + LOWER_STEP);
	for (unsigned at = 2 * LOWER_STEP; at < len; at += LOWER_STEP)
		copy_lowered16(to + at, from + at);
}

/* Note where the labels of the question's name start.  The name must be whole within the
 * message, with type and class behind it.
 * returns its length, or 0 when it is malformed or compressed. */
static inline unsigned
take_question_labels(struct query *q)
{
	const uint8_t *name = q->packet + QUERY_HEADER_LEN;
	unsigned last = q->received_len - QUERY_HEADER_LEN - QUESTION_TAIL_LEN - 1;
	unsigned at = 0, labels = 0, seen = 0, label_len;

	/* where the root label may stand; length octets above 63 are found out at the end,
	 * since none of them leads any further than this */
	if (last > DNAME_MAX - 1)
		last = DNAME_MAX - 1;
	while ((label_len = name[at]) != 0) {
		q->label_start[labels++] = (uint8_t)at;
		seen |= label_len;
		at += label_len + 1;
		if (at > last)
			return 0;
	}
	if (seen > DNAME_LABEL_MAX)
		return 0;
	q->label_start[labels] = (uint8_t)at;
	q->label_count = (uint8_t)labels;
	return at + 1;
}

/* The largest response over UDP to a client that takes `client_size`. */
static inline uint16_t
query_udp_limit(unsigned client_size, uint16_t udp_size)
{
	if (client_size > udp_size)
		client_size = udp_size;
	return (uint16_t)(client_size > QUERY_UDP_MIN ? client_size : QUERY_UDP_MIN);
}

/* Is there an OPT at `opt`, version 0 and without options, its owner included? */
static inline bool
is_plain_opt(const uint8_t *opt)
{
	static const uint8_t head[8] = { 0, 0, TYPE_OPT },
			     head_mask[8] = { 255, 255, 255, 0, 0, 0, 255 };
	uint64_t octets, want, mask;

	memcpy(&octets, opt, sizeof octets);
	memcpy(&want, head, sizeof want);
	memcpy(&mask, head_mask, sizeof mask);
	return (octets & mask) == want && wire_get_u16(opt + OPT_FIXED_LEN - 1) == 0;
}

/* Not of the parent's side of a cut, and not standing for other types. */
static inline bool
is_common_type(uint16_t type)
{
	return type != TYPE_DS && type != TYPE_RRSIG && type != TYPE_ANY;
}

/* The section counts of a header as one number, for comparing. */
static inline uint64_t
section_counts(const uint8_t counts[8])
{
	uint64_t number;

	memcpy(&number, counts, sizeof number);
	return number;
}

/* returns false, with nothing decided, for all others. */
static inline bool
query_decode_common(struct query *q, uint16_t udp_size)
{
	static const uint8_t plain[8] = { 0, 1 },
			     with_opt[8] = { 0, 1, 0, 0, 0, 0, 0, 1 };
	const uint8_t *packet = q->packet, *tail;
	unsigned len, limit = QUERY_UDP_MIN, end;
	uint32_t flags = q->flags & (QUERY_TCP | QUERY_IPV6);

	if (q->received_len < QUERY_HEADER_LEN + 1 + QUESTION_TAIL_LEN ||
	    (packet[2] & (FLAG_QR | FLAG_OPCODE)))
		return false;
	len = take_question_labels(q);
	if (len == 0)
		return false;
	tail = packet + QUERY_HEADER_LEN + len;
	end = QUERY_HEADER_LEN + len + QUESTION_TAIL_LEN;
	if (section_counts(packet + 4) == section_counts(with_opt)) {
		const uint8_t *opt = tail + QUESTION_TAIL_LEN;

		if (q->received_len != end + 1 + OPT_FIXED_LEN || !is_plain_opt(opt))
			return false;
		flags |= QUERY_EDNS | ((opt[7] & 0x80) ? QUERY_DO : 0u);
		limit = query_udp_limit(wire_get_u16(opt + 3), udp_size);
	} else if (section_counts(packet + 4) != section_counts(plain) ||
		   q->received_len != end) {
		return false;
	}
	q->type = wire_get_u16(tail);
	q->class = wire_get_u16(tail + 2);
	if (q->class != CLASS_IN || q->type == TYPE_AXFR || q->type == TYPE_IXFR)
		return false;
	copy_lowered(q->name, packet + QUERY_HEADER_LEN, len);
	q->flags = flags;
	if (flags & QUERY_TCP)
		limit = QUERY_MESSAGE_MAX;
	q->limit = (uint16_t)(limit < q->room ? limit : q->room);
	q->question_end = (uint16_t)end;
	q->name_len = (uint8_t)len;
	q->place = (struct name_place){ QUERY_HEADER_LEN, (uint16_t)len, 0, 0 };
	q->is_common = is_common_type(q->type);
	q->verdict = QUERY_LOOKUP;
	q->rcode = RCODE_NOERROR;
	return true;
}

#endif
